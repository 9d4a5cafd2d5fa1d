"""Large payouts take four eyes, bound to what was shown."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from compliance.ports import get_handler
from compliance.selectors import count_open, get_approval
from compliance.services import approvals
from compliance.types import ApprovalState
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, make_player
from tests.wallet.payments import eur, held, pay_in, real, told, withdraw
from wallet.models_payments import ApprovalRule
from wallet.selectors import get_withdrawal, list_instruments, list_payouts
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_claims import claim_next, claim_withdrawal
from wallet.services.withdrawal_decisions import AwaitsSecondPerson, approve_withdrawal, reject_withdrawal
from wallet.services.withdrawals import cancel_withdrawal
from wallet.types_payments import WithdrawalDetails, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

RIGHTS = frozenset({"wallet.approve_withdrawal", "wallet.approve_large_withdrawal"})
LATER = AT + timedelta(hours=1)


def staff(number: int, rights: frozenset[str] = RIGHTS) -> Actor:
    return Actor(ActorKind.STAFF, str(number), rights)


FIRST, SECOND = staff(1), staff(2)


def waiting(amount: str = "6000.00") -> WithdrawalDetails:
    player = make_player()
    pay_in(player.id, "20000.00")
    return withdraw(player.id, amount)


def approve(withdrawal_id: UUID, actor: Actor = FIRST, amount: str = "") -> WithdrawalDetails:
    return approve_withdrawal(withdrawal_id=withdrawal_id, amount=eur(amount) if amount else None, actor=actor, at=AT)


def confirm(withdrawal_id: UUID, actor: Actor = SECOND, digest: str = "") -> None:
    approval_id = get_withdrawal(withdrawal_id).approval_id
    assert approval_id
    seen = digest or get_approval(approval_id).digest
    approvals.approve(approval_id=approval_id, seen_digest=seen, comment="", actor=actor, at=LATER)


def test_above_the_threshold_the_second_person_pays_it() -> None:
    found = waiting()
    asked = approve(found.id, amount="5500.00")
    assert (asked.state, held(found.player_id)) == (WithdrawalState.IN_REVIEW, "6000.00")
    approval = get_approval(asked.approval_id)  # type: ignore[arg-type]
    assert approval.after["back to the player"] == "500.00 EUR"
    assert "5500.00 EUR" in approval.after.values()
    confirm(found.id)
    assert get_withdrawal(found.id).state is WithdrawalState.APPROVED
    assert (real(found.player_id), held(found.player_id)) == ("14500.00", "5500.00")
    send_due(actor=ACTOR, at=LATER)
    assert [str(payout.paid) for payout in list_payouts(found.id)] == ["5500.00"]
    assert "withdrawal-paid" in told(found.player_id)


def test_up_to_the_threshold_one_person_is_enough_but_not_again_and_again() -> None:
    first = waiting("3000.00")
    second = withdraw(first.player_id, "2000.00", key="2")
    third = withdraw(first.player_id, "0.01", key="3")
    assert [approve(row.id).approval_id for row in (first, second)] == [None, None]
    assert approve(third.id).approval_id is not None
    other = withdraw(first.player_id, "1.00", key="4")
    assert approve(other.id, SECOND).approval_id is None


def test_nobody_confirms_what_they_approved_and_nobody_without_the_right() -> None:
    found = waiting()
    approve(found.id)
    for actor, error in ((FIRST, approvals.SelfApproval), (staff(3, frozenset()), AccessDenied), (ACTOR, AccessDenied)):
        with pytest.raises(error):
            confirm(found.id, actor)
    with pytest.raises(approvals.ContentChanged):
        confirm(found.id, digest="00" * 32)
    assert get_withdrawal(found.id).state is WithdrawalState.IN_REVIEW


def test_while_it_waits_nobody_is_given_it_or_approves_it_again() -> None:
    found = waiting()
    claim_withdrawal(withdrawal_id=found.id, actor=FIRST, at=AT)
    approve(found.id)
    assert claim_next(actor=SECOND, at=AT) is None
    with pytest.raises(AwaitsSecondPerson):
        approve(found.id, SECOND)


def test_declined_it_is_back_in_the_inbox() -> None:
    found = waiting()
    asked = approve(found.id)
    approvals.reject(approval_id=asked.approval_id, comment="Ask for papers.", actor=SECOND, at=LATER)  # type: ignore[arg-type]
    assert get_withdrawal(found.id).approval_id is None
    assert claim_next(actor=SECOND, at=AT) == found.id
    assert approve(found.id, SECOND).approval_id not in (None, asked.approval_id)


def test_taken_back_by_the_first_person_it_is_back_in_the_inbox() -> None:
    found = waiting()
    asked = approve(found.id)
    approvals.take_back(approval_id=asked.approval_id, comment="Too soon.", actor=FIRST, at=LATER)  # type: ignore[arg-type]
    assert get_withdrawal(found.id).approval_id is None
    assert claim_next(actor=SECOND, at=AT) == found.id


@pytest.mark.parametrize("end", ["reject", "cancel"])
def test_what_ended_meanwhile_is_not_paid_and_leaves_no_request(end: str) -> None:
    found = waiting()
    asked = approve(found.id)
    if end == "reject":
        reject_withdrawal(withdrawal_id=found.id, reason="Stolen card.", actor=SECOND, at=AT)
    else:
        cancel_withdrawal(withdrawal_id=found.id, actor=ACTOR, at=AT)
    approval = get_approval(asked.approval_id)  # type: ignore[arg-type]
    assert approval.state is ApprovalState.WITHDRAWN
    assert approval.decided_by == str(SECOND if end == "reject" else ACTOR)
    assert count_open(kinds=[approval.kind], at=LATER) == 0
    assert "compliance.withdraw_approval" in {row.action for row in list_audit(AuditQuery(player_id=found.player_id))}
    effects = get_handler("wallet.withdrawal").effects(approval, LATER)
    assert effects[0].startswith("It cannot be carried out any more")
    with pytest.raises(approvals.AlreadyDecided):
        confirm(found.id)
    assert real(found.player_id) == "20000.00"


def test_no_rule_lets_a_large_one_through() -> None:
    ApprovalRule.objects.filter(level="", currency="EUR").update(up_to_minor=1_000_000, max_score=100, active=True)
    assert waiting("5000.01").state is WithdrawalState.IN_REVIEW
    assert waiting("5000.00").state is WithdrawalState.APPROVED


def test_ten_who_confirm_and_cancel_at_once_pay_once() -> None:
    found = waiting()
    approve(found.id)

    def confirmed(number: int) -> str:
        try:
            confirm(found.id, staff(number))
        except DomainError as error:
            return error.code
        return "paid"

    answers = Counter(in_parallel([lambda n=n: confirmed(n) for n in range(2, 12)], 10))
    assert answers["paid"] == 1
    assert set(answers) == {"paid", "already_decided"}
    assert sum(payout.amount.amount_minor for payout in list_payouts(found.id)) == 600_000
    assert str(list_instruments(found.player_id)[0].owed_back) == "14000.00"
