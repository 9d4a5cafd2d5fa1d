"""Verification cases of players at high risk take four eyes: one person asks for the decision, another carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from compliance.selectors import list_approvals
from compliance.selectors_kyc import get_case
from compliance.services.approvals import request_approval
from compliance.services.kyc import REVIEW, SECOND, decide_case, needs_second_person
from compliance.types import ApprovalDetails, ApprovalState
from compliance.types_kyc import CaseDetails, CaseState
from kernel.actors import Actor
from players.selectors import get_player

KIND = "compliance.kyc_case"
_EFFECTS = {
    CaseState.CONFIRMED: "The player is verified. What the case locked is free again.",
    CaseState.REJECTED_FINAL: "The player is refused for good. What the case locked goes back to where it came from.",
    CaseState.CANCELLED: "The case ends and proves nothing. What it locked is free again.",
}


def settle_case(
    *, case_id: UUID, to: CaseState, reason: str, idempotency_key: str, actor: Actor, at: datetime
) -> ApprovalDetails | None:
    """Decide a case at once, or ask a second person where the player is at high risk (then what waits for them).

    Raises: as ``services.kyc.decide_case``, and IdempotencyConflict.
    """
    case = get_case(case_id)
    if not needs_second_person(get_player(case.player_id).risk_level, case):
        decide_case(case_id=case_id, to=to, reason=reason, actor=actor, at=at)
        return None
    waiting = find_waiting(case)
    if waiting:
        return waiting
    return request_approval(
        kind=KIND,
        player_id=case.player_id,
        subject=f"Verification: {to.replace('_', ' ')}",
        content={"case_id": str(case_id), "to": to.value, "reason": reason},
        before={"state": case.state.value, **{step.kind.value: step.state.value for step in case.steps}},
        after={"state": to.value},
        comment=reason,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


def find_waiting(case: CaseDetails) -> ApprovalDetails | None:
    """The request to a second person that is open about this case."""
    open_ = list_approvals(state=ApprovalState.REQUESTED, kind=KIND, player_id=case.player_id)
    return next((row for row in open_ if row.content["case_id"] == str(case.id)), None)


class KycApproval:
    """How the second person's yes is carried out; registered at start-up."""

    kind = KIND
    title = "Verification at high risk"
    request_permission = REVIEW
    decide_permission = SECOND
    expires_after = timedelta(days=3)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        case, to = get_case(UUID(approval.content["case_id"])), CaseState(approval.content["to"])
        if case.finished:
            return [f"It cannot be carried out any more: the case is {case.state.replace('_', ' ')}."]
        steps = ", ".join(f"{step.kind.replace('_', ' ')} {step.state.replace('_', ' ')}" for step in case.steps)
        return [_EFFECTS[to], f"Its steps: {steps}."]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        content = approval.content
        case = decide_case(
            case_id=UUID(content["case_id"]),
            to=CaseState(content["to"]),
            reason=content["reason"],
            asked_by=approval.requested_by,
            actor=actor,
            at=at,
        )
        return str(case.id)

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """The case waits in the queue as before."""
