"""Corrections by staff: posted within the threshold, approved above it, never below zero, never twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings

from compliance.selectors import get_approval
from compliance.services import approvals
from events.models import Event
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind, system
from kernel.db import fetch_one
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.money import Money
from players.services.accounts import change_status
from players.types import Status
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import get_balances, list_purses, list_transactions, sum_house
from wallet.selectors_adjustments import get_adjustment, list_adjustments
from wallet.services import adjustments
from wallet.services.purses import close_bonus_purse, open_bonus_purse
from wallet.types import AccountKind, PurseTerms
from wallet.types_adjustments import AdjustmentDetails, AdjustmentState

pytestmark = pytest.mark.usefixtures("db")

RIGHTS = frozenset(
    {
        "wallet.adjust_balance",
        "wallet.approve_adjustment",
        "wallet.write_off_balance",
        "wallet.approve_write_off",
    }
)
LATER = AT + timedelta(hours=1)


def staff(number: int, rights: frozenset[str] = RIGHTS) -> Actor:
    return Actor(ActorKind.STAFF, str(number), rights)


ASKER, DECIDER = staff(1), staff(2)


def adjust(
    player_id: UUID, amount: str, key: str = "k", *, currency: str = "EUR", **changes: object
) -> AdjustmentDetails:
    call: dict[str, object] = {
        "player_id": player_id,
        "amount": Money.parse(amount, currency),
        "reason": "goodwill",
        "evidence": "Ticket 12: the bonus round froze.",
        "actor": ASKER,
        "idempotency_key": key,
        "at": AT,
    }
    return adjustments.adjust(**{**call, **changes})  # type: ignore[arg-type]


def approve(adjustment: AdjustmentDetails, actor: Actor = DECIDER) -> None:
    assert adjustment.approval_id
    found = get_approval(adjustment.approval_id)
    approvals.approve(approval_id=found.id, seen_digest=found.digest, comment="", actor=actor, at=LATER)


def real(player_id: UUID) -> str:
    return str(get_balances(player_id).real)


def funded(amount: str = "100.00") -> UUID:
    player = make_player()
    fund(player.id, amount)
    return player.id


def adjusted_events() -> list[dict[str, object]]:
    return [row.payload for row in Event.objects.filter(type="wallet.balance-adjusted.v1").order_by("position")]


@pytest.mark.parametrize(("amount", "after"), [("25.00", "125.00"), ("-100.00", "0.00")])
def test_within_the_threshold_it_is_posted_at_once(amount: str, after: str) -> None:
    player_id = funded()
    done = adjust(player_id, amount)
    assert (done.state, done.approval_id) == ("posted", None)
    assert real(player_id) == after
    assert list_transactions(player_id)[0].id == done.transfer_id
    assert str(sum_house(AccountKind.ADJUSTMENTS)["EUR"]) == str(-Money.parse(amount, "EUR"))
    [event] = adjusted_events()
    assert (event["amount"], event["purse"], event["reason"]) == (amount, "real", "goodwill")


def test_above_the_threshold_it_waits_for_somebody_else() -> None:
    player_id = funded("200.00")
    waiting = adjust(player_id, "-150.00")
    assert waiting.state == "awaiting_approval"
    assert real(player_id) == "200.00"
    assert waiting.approval_id
    found = get_approval(waiting.approval_id)
    assert (found.before, found.after) == ({"real balance": "200.00 EUR"}, {"real balance": "50.00 EUR"})
    with pytest.raises(approvals.SelfApproval):
        approve(waiting, ASKER)
    approve(waiting)
    assert real(player_id) == "50.00"
    done = get_adjustment(waiting.id)
    assert (done.state, done.settled_at) == ("posted", LATER)
    assert get_approval(found.id).result == str(done.transfer_id)


def test_a_large_correction_cannot_be_split_into_small_ones() -> None:
    player_id = funded()
    assert adjust(player_id, "60.00", "a").state == "posted"
    assert adjust(player_id, "-40.00", "b").state == "posted"
    assert adjust(player_id, "0.01", "c").state == "awaiting_approval"
    assert adjust(player_id, "0.01", "d", actor=DECIDER).state == "posted"
    assert adjust(funded(), "0.01", "e").state == "posted"
    assert adjust(player_id, "100.00", "f", at=AT + timedelta(hours=24)).state == "posted"


def test_in_a_currency_without_threshold_every_correction_waits(settings: object) -> None:
    settings.ADJUSTMENT_APPROVAL_ABOVE = {"SEK": "1000"}  # type: ignore[attr-defined]
    assert adjust(funded(), "0.01").state == "awaiting_approval"


def test_a_rejected_or_expired_correction_moves_nothing() -> None:
    player_id = funded()
    rejected, expired = adjust(player_id, "500.00", "a"), adjust(player_id, "600.00", "b")
    assert rejected.approval_id
    approvals.reject(approval_id=rejected.approval_id, comment="No.", actor=DECIDER, at=LATER)
    assert approvals.expire_due(actor=system("job"), at=AT + timedelta(days=3)) == 1
    assert get_adjustment(rejected.id).state == "rejected"
    assert get_adjustment(expired.id).state == "expired"
    assert real(player_id) == "100.00"
    assert adjusted_events() == []


def test_no_balance_falls_below_zero_now_or_when_it_is_approved() -> None:
    make_game()
    player_id = funded("200.00")
    with pytest.raises(adjustments.BalanceTooLow):
        adjust(player_id, "-200.01")
    waiting = adjust(player_id, "-200.00")
    bet(player_id, "0.01")
    with pytest.raises(adjustments.BalanceTooLow):
        approve(waiting)
    assert get_adjustment(waiting.id).state == "awaiting_approval"
    assert real(player_id) == "199.99"


def test_the_same_key_has_one_effect_and_other_content_is_a_conflict() -> None:
    player_id = funded()
    first = adjust(player_id, "1.00")
    assert adjust(player_id, "1.00") == first
    assert real(player_id) == "101.00"
    with pytest.raises(IdempotencyConflict):
        adjust(player_id, "2.00")
    assert adjust(player_id, "1.00", actor=DECIDER).id != first.id
    assert (
        in_parallel([lambda: adjust(player_id, "3.00", "p").id] * 20, 10).count(adjust(player_id, "3.00", "p").id) == 20
    )
    assert real(player_id) == "105.00"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "0.00"}, "amount"),
        ({"amount": "1.00", "currency": "SEK"}, "amount"),
        ({"reason": "because"}, "reason"),
        ({"evidence": "  "}, "evidence"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(FieldErrors) as error:
        adjust(funded(), **{"amount": "1.00", **change})  # type: ignore[arg-type]
    assert set(error.value.errors) == {field}


def test_it_takes_the_right() -> None:
    player_id = funded()
    with pytest.raises(AccessDenied):
        adjust(player_id, "1.00", actor=staff(1, RIGHTS - {"wallet.adjust_balance"}))
    waiting = adjust(player_id, "500.00")
    with pytest.raises(AccessDenied):
        approve(waiting, staff(3, RIGHTS - {"wallet.approve_adjustment"}))


def test_a_bonus_purse_is_corrected_while_it_is_open() -> None:
    player_id, other = funded(), funded()
    purse_id, _ = open_bonus_purse(
        player_id=player_id, amount=Money(1000, "EUR"), terms=PurseTerms(), source="t", idempotency_key="g",
        actor=ACTOR, at=AT,
    )  # fmt: skip
    assert adjust(player_id, "-4.00", purse_id=purse_id).state == "posted"
    assert str(get_balances(player_id).bonus) == "6.00"
    assert adjusted_events()[0]["purse"] == "bonus"
    with pytest.raises(adjustments.PurseClosed):
        adjust(other, "1.00", "other", purse_id=purse_id)
    waiting = adjust(player_id, "500.00", "later", purse_id=purse_id)
    close_bonus_purse(
        player_id=player_id, purse_id=purse_id, release=False, currency="EUR", source="t", idempotency_key="c",
        actor=ACTOR, at=AT,
    )  # fmt: skip
    with pytest.raises(adjustments.PurseClosed):
        approve(waiting)
    with pytest.raises(adjustments.PurseClosed):
        adjust(make_player().id, "1.00", "none")


def test_what_is_posted_is_what_was_approved_whatever_became_of_the_row() -> None:
    from wallet.models_adjustments import Adjustment

    player_id = funded()
    waiting = adjust(player_id, "150.00")
    Adjustment.objects.filter(id=waiting.id).update(amount_minor=99_999_00, reason="dispute")
    approve(waiting)
    assert real(player_id) == "250.00"
    assert str(get_adjustment(waiting.id).amount) == "150.00"


def test_two_approvers_at_once_post_once() -> None:
    player_id = funded()
    waiting = adjust(player_id, "150.00")

    def decide(number: int) -> str:
        try:
            approve(waiting, staff(number))
        except DomainError as error:
            return error.code
        return "posted"

    answers = Counter(in_parallel([lambda n=n: decide(n) for n in range(2, 12)], 10))
    assert answers == {"posted": 1, "already_decided": 9}
    assert real(player_id) == "250.00"


def test_bets_racing_a_debit_never_overdraw() -> None:
    make_game()
    player_id = funded("150.00")
    waiting = adjust(player_id, "-101.00")

    def decide() -> str:
        try:
            approve(waiting)
        except adjustments.BalanceTooLow:
            return "too low"
        return "posted"

    works = [decide, *[lambda: str(bet(player_id, "10.00").outcome)] * 10]
    answers = in_parallel(works, 11)
    assert fetch_one("SELECT min(balance_after_minor) FROM wallet_entry")[0] >= 0
    spent = 10 * answers.count("applied") + (101 if "posted" in answers else 0)
    assert real(player_id) == f"{150 - spent}.00"


def close(player_id: UUID) -> None:
    change_status(player_id=player_id, to=Status.CLOSED, reason="left", actor=ACTOR, at=AT)


def write_off(player_id: UUID, key: str = "k") -> AdjustmentDetails:
    return adjustments.write_off(
        player_id=player_id, reason="untraceable", evidence="Three letters came back.", actor=ASKER,
        idempotency_key=key, at=AT,
    )  # fmt: skip


def test_the_rest_of_a_closed_account_is_written_off_by_two_people() -> None:
    player_id = funded("7.50")
    with pytest.raises(adjustments.NothingToWriteOff):
        write_off(player_id)
    close(player_id)
    waiting = write_off(player_id)
    assert (waiting.state, str(waiting.amount)) == ("awaiting_approval", "-7.50")
    assert write_off(player_id) == waiting
    approve(waiting)
    assert real(player_id) == "0.00"
    assert str(sum_house(AccountKind.WRITE_OFFS)["EUR"]) == "7.50"
    assert list_transactions(player_id)[0].kind == "write_off"
    with pytest.raises(adjustments.NothingToWriteOff):
        write_off(player_id, "again")


def test_a_player_without_money_has_nothing_to_write_off() -> None:
    player = make_player()
    close(player.id)
    with pytest.raises(adjustments.NothingToWriteOff):
        write_off(player.id)
    assert list_purses(player.id) == []
    assert list_adjustments(player.id) == []


def test_one_taken_back_by_its_asker_moves_nothing_and_leaves_the_queue() -> None:
    player_id = funded()
    found = adjust(player_id, "5000.00")
    assert found.approval_id
    approvals.take_back(approval_id=found.approval_id, comment="Wrong player.", actor=ASKER, at=LATER)
    assert get_adjustment(found.id).state is AdjustmentState.WITHDRAWN
    with pytest.raises(approvals.AlreadyDecided):
        approve(found)
    assert real(player_id) == "100.00"


def test_a_write_off_is_not_carried_out_once_the_account_is_open_again() -> None:
    player_id = funded("30.00")
    change_status(player_id=player_id, to=Status.CLOSED, reason="Asked", actor=ASKER, at=AT)
    found = adjustments.write_off(
        player_id=player_id,
        reason=settings.WRITE_OFF_REASONS[0],
        evidence="No answer.",
        actor=ASKER,
        idempotency_key="w",
        at=AT,
    )
    change_status(player_id=player_id, to=Status.ACTIVE, reason="Came back", actor=ASKER, at=LATER)
    with pytest.raises(adjustments.NothingToWriteOff):
        approve(found)
    assert real(player_id) == "30.00"
