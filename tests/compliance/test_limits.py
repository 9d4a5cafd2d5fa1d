"""Limits: set, lowered, raised, counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compliance.selectors_limits import get_terms, list_changes, list_limits, list_missing, list_uses
from compliance.services.limit_changes import (
    ChangeEnded,
    ChangeNotReady,
    cancel_change,
    confirm_change,
    work_due,
)
from compliance.services.limit_prompts import decline_prompt, remind_due
from compliance.services.limits import LoosensLimit, set_limit
from compliance.types_limits import ChangeState, LimitOutcome, SetBy, Wanted
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_all
from kernel.errors import FieldErrors
from kernel.money import Money
from tests.compliance.limits import (
    AT,
    JOB,
    SECOND,
    K,
    P,
    own,
    pay_in,
    pay_out,
    player,
    refusal,
    rules_of,
    wish,
)
from tests.factories import bet, make_game
from wallet.ports import PaymentAnswer, PaymentOrder, get_provider
from wallet.types import Outcome
from wallet.types_payments import DepositState

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _currencies(settings: Any) -> None:
    settings.PLAYER_CURRENCIES = ["EUR", "GBP", "SEK", "DKK", "USD"]


# --- what a deposit limit counts -----------------------------------------------------------------------------------


@pytest.mark.rule(13)
def test_a_withdrawal_never_frees_a_gross_limit() -> None:
    rules_of("GB", "2026-09-30")
    who = player("GB", "GBP")
    wish(who, K.DEPOSIT, P.DAY, "100.00")
    assert pay_in(who, "100.00") == DepositState.MADE
    pay_out(who, "100.00", AT + SECOND)
    data = refusal(who, "0.01", AT + 2 * SECOND)
    assert (data["reason"], data["kind"], data["period"], data["remaining"]) == (
        "limit_reached",
        "deposit",
        "day",
        "0.00",
    )
    midnight = datetime(2026, 10, 14, 23, 0, tzinfo=UTC)  # in London
    assert data["resets_at"] == midnight.isoformat()
    refusal(who, "0.01", midnight - SECOND)
    assert pay_in(who, "100.00", midnight) == DepositState.MADE


@pytest.mark.rule(13)
def test_gb_offers_fixed_frames_and_any_amount() -> None:
    rules_of("GB", "2026-09-30")
    who = player("GB", "GBP")
    for period in (P.DAY, P.WEEK, P.MONTH):
        assert wish(who, K.DEPOSIT, period, "123.45").limit
    for period in (P.ROLLING_24H, P.ROLLING_7D, P.ROLLING_30D):
        with pytest.raises(FieldErrors, match="period"):
            wish(who, K.DEPOSIT, period, "100.00")


@pytest.mark.rule(18)
def test_of_several_limits_the_lowest_holds() -> None:
    rules_of("GB", "2026-09-30")
    who = player("GB", "GBP")
    wish(who, K.DEPOSIT, P.DAY, "60.00")
    wish(who, K.DEPOSIT, P.WEEK, "100.00")
    wish(who, K.DEPOSIT, P.MONTH, "130.00")
    pay_in(who, "60.00")
    assert refusal(who, "0.01")["period"] == "day"
    thursday = AT + timedelta(days=1)
    pay_in(who, "40.00", thursday)
    assert refusal(who, "0.01", thursday)["period"] == "week"
    monday = AT + timedelta(days=5)
    pay_in(who, "30.00", monday)
    assert refusal(who, "0.01", monday)["period"] == "month"


def test_staff_and_regulator_stand_beside_the_player() -> None:
    who = player("AT", "EUR")
    clerk = Actor(ActorKind.STAFF, "7", frozenset({"compliance.set_limit"}))
    wish(who, K.DEPOSIT, P.ROLLING_24H, "100.00")

    def set_for(amount: str, by: SetBy) -> LimitOutcome:
        wanted = Wanted(K.DEPOSIT, P.ROLLING_24H, Money.parse(amount, "EUR"))
        return set_limit(player_id=who.id, wanted=wanted, set_by=by, reason="order", actor=clerk, at=AT)

    set_for("40.00", SetBy.REGULATOR)
    set_for("70.00", SetBy.STAFF)
    assert {(one.set_by, str(one.amount)) for one in list_limits(who.id, AT)} == {
        ("player", "100.00"),
        ("staff", "70.00"),
        ("regulator", "40.00"),
    }
    assert refusal(who, "40.01")["set_by"] == "regulator"
    assert pay_in(who, "40.00") == DepositState.MADE
    with pytest.raises(LoosensLimit):
        set_for("40.01", SetBy.REGULATOR)
    with pytest.raises(AccessDenied):
        set_limit(
            player_id=who.id,
            wanted=Wanted(K.STAKE, P.NONE, Money.parse("1.00", "EUR")),
            set_by=SetBy.STAFF,
            reason="x",
            actor=Actor(ActorKind.STAFF, "8"),
            at=AT,
        )


def test_a_rolling_limit_frees_what_is_as_old_as_its_period() -> None:
    who = player("AT", "EUR")
    wish(who, K.DEPOSIT, P.ROLLING_24H, "100.00")
    pay_in(who, "60.00")
    pay_in(who, "40.00", AT + timedelta(hours=1))
    day_later = AT + timedelta(hours=24)
    assert refusal(who, "0.01", day_later - SECOND)["resets_at"] == day_later.isoformat()
    assert pay_in(who, "60.00", day_later) == DepositState.MADE
    refusal(who, "0.01", day_later)


def test_what_fails_is_given_back_and_what_hangs_counts() -> None:
    who = player("AT", "EUR")
    wish(who, K.DEPOSIT, P.DAY, "100.00")
    assert pay_in(who, "100.00", token="tok_decline") == DepositState.FAILED
    assert pay_in(who, "100.00", token="tok_pending") == DepositState.PENDING
    refusal(who, "0.01")


# --- lower at once, raise later ------------------------------------------------------------------------------------


@pytest.mark.rule(16)
@pytest.mark.parametrize(("pack", "version", "currency"), [("GB", "2026-09-30", "GBP"), ("SE", "2026-05-01", "SEK")])
def test_a_lower_limit_holds_at_once(pack: str, version: str, currency: str) -> None:
    rules_of(pack, version)
    who = player(pack, currency)
    for period in (P.DAY, P.WEEK, P.MONTH):
        wish(who, K.DEPOSIT, period, "100.00")
    pay_in(who, "50.00")
    lowered = wish(who, K.DEPOSIT, P.DAY, "50.00", AT + SECOND)
    assert lowered.limit
    assert lowered.limit.active_from == AT + SECOND
    refusal(who, "0.01", AT + SECOND)


@pytest.mark.rule(16)
def test_a_deposit_under_way_is_given_up_when_the_limit_is_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The player lowers the limit while the provider has reserved the money, and before it takes it."""
    who = player("AT", "EUR")
    wish(who, K.DEPOSIT, P.DAY, "100.00")
    provider = get_provider("sandbox")
    authorise = provider.authorise

    def slowly(order: PaymentOrder) -> PaymentAnswer:
        answer = authorise(order)
        wish(who, K.DEPOSIT, P.DAY, "79.99", AT + SECOND)
        return answer

    monkeypatch.setattr(provider, "authorise", slowly)
    assert pay_in(who, "80.00", token="tok_authorise") == DepositState.CANCELLED
    monkeypatch.undo()
    assert pay_in(who, "79.99", AT + 2 * SECOND) == DepositState.MADE


DELAYS = [
    # pack, version, currency, asked, in force: hours are absolute, also where the clocks change
    ("GB", "2026-09-30", "GBP", "2026-10-14T12:00", "2026-10-15T12:00"),
    ("GB", "2026-09-30", "GBP", "2026-10-24T12:00", "2026-10-25T12:00"),
    ("DK", "2025-07-01", "DKK", "2026-10-24T12:00", "2026-10-25T12:00"),
    ("DE", "2026-07-01", "EUR", "2026-10-20T12:00", "2026-10-27T12:00"),
    ("SE", "2026-05-01", "SEK", "2026-10-14T12:00", "2026-10-31T23:00"),
    ("SE", "2026-05-01", "SEK", "2026-10-30T23:00", "2026-11-02T23:00"),
]


@pytest.mark.rule(17)
@pytest.mark.parametrize(("pack", "version", "currency", "asked", "holds"), DELAYS)
def test_a_raise_waits_and_is_confirmed(pack: str, version: str, currency: str, asked: str, holds: str) -> None:
    rules_of(pack, version)
    who = player(pack, currency)
    asked_at, holds_at = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (asked, holds))
    wish(who, K.DEPOSIT, P.MONTH, "100.00", asked_at)
    change = wish(who, K.DEPOSIT, P.MONTH, "100.01", asked_at).change
    assert change
    assert change.eligible_at == holds_at
    with pytest.raises(ChangeNotReady):
        confirm_change(change_id=change.id, actor=own(who), at=holds_at - SECOND)
    assert work_due(actor=JOB, at=holds_at - SECOND) == 0
    assert work_due(actor=JOB, at=holds_at) == 1  # told that it may be confirmed
    assert work_due(actor=JOB, at=holds_at) == 0
    assert [str(one.amount) for one in list_limits(who.id, holds_at) if one.set_by == "player"] == ["100.00"]
    confirmed = confirm_change(change_id=change.id, actor=own(who), at=holds_at)
    assert confirmed.state == ChangeState.APPLIED
    assert confirm_change(change_id=change.id, actor=own(who), at=holds_at) == confirmed
    assert [str(one.amount) for one in list_limits(who.id, holds_at) if one.set_by == "player"] == ["100.01"]


def test_a_raise_that_nobody_confirms_is_gone() -> None:
    who = player("AT", "EUR")
    wish(who, K.LOSS, P.WEEK, "10.00")
    change = wish(who, K.LOSS, P.WEEK, None).change
    assert change
    with pytest.raises(ChangeEnded):
        confirm_change(change_id=change.id, actor=own(who), at=change.expires_at)
    assert work_due(actor=JOB, at=change.expires_at) == 1
    assert list_changes(who.id)[0].state == ChangeState.EXPIRED
    assert list_limits(who.id, change.expires_at)


def test_a_lower_limit_ends_the_raise_that_waits() -> None:
    who = player("AT", "EUR")
    wish(who, K.DEPOSIT, P.DAY, "100.00")
    first = wish(who, K.DEPOSIT, P.DAY, "200.00").change
    again = wish(who, K.DEPOSIT, P.DAY, "200.00", AT + timedelta(hours=5)).change
    assert first
    assert again
    assert (again.id, again.eligible_at) == (first.id, first.eligible_at), "asked for again it is the same"
    other = wish(who, K.DEPOSIT, P.DAY, "300.00", AT + timedelta(hours=6)).change
    assert other
    assert other.eligible_at == AT + timedelta(hours=30), "another wish waits anew"
    wish(who, K.DEPOSIT, P.DAY, "90.00", AT + timedelta(hours=7))
    assert {one.state for one in list_changes(who.id)} == {ChangeState.CANCELLED}
    with pytest.raises(ChangeEnded):
        confirm_change(change_id=other.id, actor=own(who), at=AT + timedelta(days=3))
    third = wish(who, K.DEPOSIT, P.DAY, None, AT + timedelta(hours=8)).change
    assert third
    cancelled = cancel_change(change_id=third.id, actor=own(who), at=AT + timedelta(hours=9))
    assert cancelled.state == ChangeState.CANCELLED


# --- before play ---------------------------------------------------------------------------------------------------


NEEDED = [
    ("SE", "2026-05-01", "SEK", [(K.DEPOSIT, P.DAY, "900.00"), (K.DEPOSIT, P.WEEK, "900.00"), (K.DEPOSIT, P.MONTH, "900.00")]),
    ("DE", "2026-07-01", "EUR", [(K.DEPOSIT, P.MONTH, "500.00")]),
    ("NL", "2024-10-01", "EUR", [(K.DEPOSIT, P.MONTH, "300.00"), (K.LOGIN_TIME, P.WEEK, 600), (K.BALANCE, P.NONE, "900.00")]),
]  # fmt: skip


@pytest.mark.rule(19)
@pytest.mark.parametrize(("pack", "version", "currency", "limits"), NEEDED)
def test_no_limits_no_play(pack: str, version: str, currency: str, limits: list[Any]) -> None:
    make_game()
    who = player(pack, currency)
    pay_in(who, "10.00")
    rules_of(pack, version)

    def stake() -> str | None:
        return bet(who.id, "1.00", currency=currency, at=AT).reason

    for kind, period, value in limits:
        assert stake() == "limits_required"
        assert refusal(who, "10.00")["reason"] == "limits_required"
        wish(who, kind, period, value)
    assert list_missing(who, AT) == []
    assert pay_in(who, "10.00") == DepositState.MADE
    assert bet(who.id, "1.00", currency=currency, at=AT).outcome == Outcome.APPLIED


@pytest.mark.rule(14)
def test_gb_asks_before_the_first_deposit_and_takes_an_active_no() -> None:
    rules_of("GB", "2026-09-30")
    silent, refuses, sets = (player("GB", "GBP") for _ in range(3))
    assert refusal(silent, "10.00")["reason"] == "limit_prompt_due"
    decline_prompt(player_id=refuses.id, point="first_deposit", actor=own(refuses), at=AT)
    decline_prompt(player_id=refuses.id, point="first_deposit", actor=own(refuses), at=AT + SECOND)
    assert pay_in(refuses, "10.00") == DepositState.MADE
    wish(sets, K.DEPOSIT, P.WEEK, "50.00")
    assert pay_in(sets, "10.00") == DepositState.MADE
    assert get_terms(silent, AT).links_at == ("home", "deposit")
    with pytest.raises(FieldErrors):
        decline_prompt(player_id=silent.id, point="never", actor=own(silent), at=AT)


@pytest.mark.rule(15)
def test_gb_reminds_every_six_months_and_asks_again_after_twelve() -> None:
    rules_of("GB", "2026-09-30")
    who, limited, elsewhere = player("GB", "GBP"), player("GB", "GBP"), player("AT", "EUR")
    wish(limited, K.LOSS, P.MONTH, "50.00")
    registered = AT - timedelta(days=1)
    assert remind_due(at=datetime(2027, 4, 13, 11, 59, 59, tzinfo=UTC)) == 0
    assert remind_due(at=datetime(2027, 4, 13, 12, 0, tzinfo=UTC)) == 2
    assert remind_due(at=datetime(2027, 4, 14, 12, 0, tzinfo=UTC)) == 0
    assert remind_due(at=datetime(2027, 10, 13, 11, 59, 59, tzinfo=UTC)) == 0
    assert remind_due(at=registered.replace(year=2027)) == 3  # both their activity, and one has no limit yet
    told = fetch_all(
        "SELECT player_id, payload->>'reminder' AS what FROM events_event WHERE type = 'compliance.limit-review-due.v1'"
    )
    assert {row["what"] for row in told if row["player_id"] == limited.id} == {"activity"}
    assert sorted(row["what"] for row in told if row["player_id"] == who.id) == ["activity", "activity", "no_limit"]
    assert elsewhere.id not in {row["player_id"] for row in told}


# --- looking back --------------------------------------------------------------------------------------------------


def test_limits_as_of_any_moment() -> None:
    who = player("AT", "EUR")
    wish(who, K.DEPOSIT, P.DAY, "100.00", AT)
    pay_in(who, "80.00", AT + timedelta(minutes=5))
    change = wish(who, K.DEPOSIT, P.DAY, "200.00", AT + timedelta(minutes=10)).change
    assert change
    wish(who, K.DEPOSIT, P.DAY, "90.00", AT + timedelta(minutes=20))

    def seen(minutes: int) -> tuple[list[tuple[str, int | None]], int]:
        at = AT + timedelta(minutes=minutes)
        return [(str(use.limit.amount), use.used) for use in list_uses(who, at)], len(list_changes(who.id, at=at))

    assert seen(-1) == ([], 0)
    assert seen(0) == ([("100.00", 0)], 0)
    assert seen(4) == ([("100.00", 0)], 0)
    assert seen(5) == ([("100.00", 8000)], 0)
    assert seen(10) == ([("100.00", 8000)], 1)
    assert seen(19) == ([("100.00", 8000)], 1)
    assert seen(20) == ([("90.00", 8000)], 0)
    assert seen(60 * 24) == ([("90.00", 0)], 0)
