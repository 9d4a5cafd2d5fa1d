"""Large payouts take four eyes: what the second person approves is carried out as it was shown, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from compliance.types import ApprovalDetails
from kernel.actors import Actor
from kernel.money import Money, total
from wallet.models_payments import Withdrawal
from wallet.selectors import get_withdrawal, list_instruments
from wallet.services.withdrawal_claims import lock
from wallet.services.withdrawal_decisions import APPROVAL_KIND, Split, let_through
from wallet.types_payments import WithdrawalState

APPROVE, APPROVE_LARGE = "wallet.approve_withdrawal", "wallet.approve_large_withdrawal"


class WithdrawalApproval:
    """How an approved payout is carried out; registered at start-up."""

    kind = APPROVAL_KIND
    title = "Large payout"
    request_permission = APPROVE
    decide_permission = APPROVE_LARGE
    expires_after = timedelta(days=3)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        withdrawal = get_withdrawal(UUID(approval.content["withdrawal_id"]))
        if withdrawal.state is not WithdrawalState.IN_REVIEW:
            return [f"It cannot be carried out any more: the withdrawal is {withdrawal.state.replace('_', ' ')}."]
        labels = {row.id: row.label for row in list_instruments(withdrawal.player_id)}
        parts = _parts(approval)
        lines = [f"{part} {part.currency} are paid to {labels[instrument_id]}." for instrument_id, part in parts]
        rest = withdrawal.amount - total((part for _, part in parts), withdrawal.amount.currency)
        if rest.amount_minor:
            lines.append(f"{rest} {rest.currency} go back to the player's real money at once.")
        lines.append(f"The withdrawal's risk score is {withdrawal.score} of 100.")
        return [*lines, "It is sent after the cooling period of the player's country, and can't be called back then."]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        withdrawal = lock(UUID(approval.content["withdrawal_id"]))
        withdrawal.decision_reason = approval.content["reason"]
        let_through(withdrawal, _parts(approval), actor, at)
        return str(withdrawal.id)

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Back to the inbox, for somebody to decide anew."""
        Withdrawal.objects.filter(approval_id=approval.id).update(approval_id=None)


def _parts(approval: ApprovalDetails) -> Split:
    currency = approval.content["currency"]
    return [(UUID(id_), Money.parse(amount, currency)) for id_, amount in approval.content["parts"]]
