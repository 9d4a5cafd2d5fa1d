"""Limits: set, lowered, raised, counted; the rules of each jurisdiction with their boundary values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from compliance.models_cases import ReviewCase
from compliance.ports_limits import get_limit_file
from compliance.selectors_limits import get_terms, list_changes, list_limits, list_missing, list_uses, pack_limits
from compliance.services.approvals import approve
from compliance.services.deposit_counters import count_payout, return_payout
from compliance.services.limit_allowances import request_relief
from compliance.services.limit_changes import (
    ChangeEnded,
    ChangeNotReady,
    cancel_change,
    confirm_change,
    decide_contact,
    work_due,
)
from compliance.services.limit_file import person_of
from compliance.services.limit_prompts import decline_prompt, remind_due
from compliance.services.limits import LoosensLimit, set_limit
from compliance.types import ApprovalDetails
from compliance.types_limits import ChangeState, LimitKind, LimitOutcome, LimitPeriod, SetBy, Wanted
from events.services.log import holding
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind, system
from kernel.db import fetch_all
from kernel.errors import FieldErrors
from kernel.fx import record_rates
from kernel.ids import uuid7
from kernel.money import Money
from players.types import PlayerDetails
from tests.compliance.packs_in_force import make_up, put_in_force
from tests.factories import bet, make_game, make_player
from wallet.ports import PaymentAnswer, PaymentOrder, get_provider
from wallet.services.deposits import DepositRefused, request_deposit
from wallet.types import Outcome
from wallet.types_payments import DepositState

pytestmark = pytest.mark.usefixtures("db")

K, P = LimitKind, LimitPeriod
AT = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)  # a Wednesday
SECOND = timedelta(seconds=1)
JOB = system("test")
_keys = count(1)


@pytest.fixture(autouse=True)
def _currencies(settings: Any) -> None:
    settings.PLAYER_CURRENCIES = ["EUR", "GBP", "SEK", "DKK", "USD"]


def player(country: str, currency: str, birth: date = date(1980, 5, 1), **fields: Any) -> PlayerDetails:
    names = {"first_name": "Ada", "last_name": f"Example{next(_keys)}", **fields}
    return make_player(country=country, currency=currency, at=AT - timedelta(days=1), birth_date=birth, **names)


def own(who: PlayerDetails) -> Actor:
    return Actor(ActorKind.PLAYER, str(who.id))


def wish(
    who: PlayerDetails, kind: LimitKind, period: LimitPeriod, value: str | int | None, at: datetime = AT
) -> LimitOutcome:
    amount = Money.parse(value, who.currency) if isinstance(value, str) else None
    minutes = value if isinstance(value, int) else None
    return set_limit(player_id=who.id, wanted=Wanted(kind, period, amount, minutes), actor=own(who), at=at)


def pay_in(who: PlayerDetails, amount: str, at: datetime = AT, token: str = "tok_ok") -> DepositState:
    deposit = request_deposit(
        player_id=who.id,
        amount=Money.parse(amount, who.currency),
        provider="sandbox",
        instrument=token,
        source="test",
        idempotency_key=f"limits-{next(_keys)}",
        actor=own(who),
        at=at,
    )
    return deposit.state


def refusal(who: PlayerDetails, amount: str, at: datetime = AT) -> dict[str, Any]:
    with pytest.raises(DepositRefused) as refused:
        pay_in(who, amount, at)
    data = refused.value.data
    return {"reason": data["reason"], **data["details"]}


def pay_out(who: PlayerDetails, amount: str, at: datetime) -> UUID:
    """Money reaches the player, as limits count it."""
    payout_id = uuid7()
    with holding(who.id):
        count_payout(payout_id=payout_id, player_id=who.id, amount=Money.parse(amount, who.currency), at=at)
    return payout_id


def rules_of(pack: str, version: str) -> None:
    put_in_force(pack, version, "limits.", "registers.limit_file")


def german(**fields: Any) -> PlayerDetails:
    rules_of("DE", "2026-07-01")
    who = player("DE", "EUR", **fields)
    wish(who, K.DEPOSIT, P.MONTH, "1000.00")
    return who


def dutch(birth: date = date(1980, 5, 1), month: str = "") -> PlayerDetails:
    rules_of("NL", "2024-10-01")
    who = player("NL", "EUR", birth)
    if month:
        wish(who, K.DEPOSIT, P.MONTH, month)
    wish(who, K.LOGIN_TIME, P.DAY, 120)
    wish(who, K.BALANCE, P.NONE, "5000.00")
    return who


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


# --- single jurisdictions ------------------------------------------------------------------------------------------


@pytest.mark.rule(20)
@pytest.mark.parametrize(("amount", "cases"), [("10000.00", 0), ("10000.01", 1)])
def test_se_talks_to_players_with_high_limits(amount: str, cases: int) -> None:
    rules_of("SE", "2026-05-01")
    who = player("SE", "SEK")
    assert wish(who, K.DEPOSIT, P.MONTH, amount).limit
    assert ReviewCase.objects.filter(kind="limit_contact", player_id=who.id).count() == cases


@pytest.mark.rule(21)
def test_de_caps_deposits_of_a_month() -> None:
    who = german()
    with pytest.raises(FieldErrors, match=r"1000\.00"):
        wish(who, K.DEPOSIT, P.MONTH, "1000.01")
    assert pay_in(who, "1000.00") == DepositState.MADE
    data = refusal(who, "0.01")
    assert (data["reason"], data["kind"], data["period"]) == ("limit_reached", "deposit", "month")
    november = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    refusal(who, "0.01", november - SECOND)
    assert pay_in(who, "1000.00", november) == DepositState.MADE


@pytest.mark.rule(22)
@pytest.mark.parametrize(
    ("birth", "free", "above"),
    [
        (date(2002, 10, 14), "350.00", "350.01"),
        (date(2002, 10, 15), "150.00", "150.01"),
    ],  # 24 that day, or the day after
)
def test_nl_talks_first(birth: date, free: str, above: str) -> None:
    who = dutch(birth)
    waiting = wish(who, K.DEPOSIT, P.MONTH, above).change
    assert waiting
    assert waiting.state == ChangeState.CONTACT
    assert list_missing(who, AT) == [(K.DEPOSIT, P.MONTH)]
    with pytest.raises(ChangeNotReady):
        confirm_change(change_id=waiting.id, actor=own(who), at=AT)
    assert ReviewCase.objects.filter(kind="limit_contact", key=str(waiting.id)).count() == 1
    assert wish(who, K.DEPOSIT, P.MONTH, free).limit
    again = wish(who, K.DEPOSIT, P.MONTH, above).change
    assert again
    clerk = Actor(ActorKind.STAFF, "7", frozenset({"compliance.decide_limitchange"}))
    decided = decide_contact(change_id=again.id, allow=True, reason="can afford it", actor=clerk, at=AT)
    assert decided.state == ChangeState.WAITING
    later = AT + timedelta(hours=24)
    assert confirm_change(change_id=again.id, actor=own(who), at=later).state == ChangeState.APPLIED


@pytest.mark.rule(22)
def test_nl_fills_nothing_in() -> None:
    who = dutch()
    assert [one for one in list_limits(who.id, AT) if one.kind is K.DEPOSIT] == []
    assert get_terms(who, AT).defaults == {}


@pytest.mark.rule(23)
@pytest.mark.parametrize(
    ("birth", "cap", "month"), [(date(1980, 5, 1), "700.00", "5000.00"), (date(2002, 10, 15), "300.00", "5000.00")]
)
def test_nl_looks_at_net_deposits(birth: date, cap: str, month: str) -> None:
    who = dutch(birth)
    change = wish(who, K.DEPOSIT, P.MONTH, month).change
    assert change
    decide_contact(change_id=change.id, allow=True, reason="seen", actor=JOB, at=AT)
    assert pay_in(who, cap) == DepositState.MADE
    assert refusal(who, "0.01")["kind"] == "net_deposit"
    payout = pay_out(who, "100.00", AT + SECOND)
    assert refusal(who, "100.01", AT + 2 * SECOND)["remaining"] == "100.00"
    assert pay_in(who, "100.00", AT + 2 * SECOND) == DepositState.MADE
    with holding(who.id):
        return_payout(payout_id=payout, at=AT + 3 * SECOND)
    assert refusal(who, "0.01", AT + 3 * SECOND)["remaining"] == "0.00"


@pytest.mark.rule(21, 23)
@pytest.mark.parametrize(
    ("country", "kind", "cap", "most"), [("DE", K.DEPOSIT, "1000.00", "10000.00"), ("NL", K.NET_DEPOSIT, "700.00", "")]
)
def test_a_second_person_allows_more_room(country: str, kind: LimitKind, cap: str, most: str) -> None:
    who = german() if country == "DE" else dutch(month="350.00")
    asks = Actor(ActorKind.STAFF, "7", frozenset({"compliance.request_allowance"}))
    decides = Actor(ActorKind.STAFF, "8", frozenset({"compliance.approve_allowance"}))

    def ask(amount: str, key: str) -> ApprovalDetails:
        return request_relief(
            player_id=who.id,
            wanted=Wanted(kind, P.MONTH, Money.parse(amount, "EUR")),
            of=SetBy.PACK,
            reason="means seen",
            idempotency_key=key,
            actor=asks,
            at=AT,
        )

    if most:
        with pytest.raises(FieldErrors, match="10000"):
            ask("10000.01", "too much")
    approval = ask(most or "2000.00", "right")
    assert next(use.limit.measure for use in list_uses(who, AT) if use.limit.kind is kind) == int(cap.replace(".", ""))
    approve(approval_id=approval.id, seen_digest=approval.digest, comment="", actor=decides, at=AT)
    caps = {one.kind: one.measure for one in pack_limits(who, get_terms(who, AT), AT)}
    assert caps[kind] == int((most or "2000.00").replace(".", ""))
    if country == "DE":
        change = wish(who, K.DEPOSIT, P.MONTH, most).change
        assert change
        assert change.eligible_at == AT + timedelta(days=7), "more room is not yet a higher limit"


@pytest.mark.rule(24)
def test_es_caps_by_day_week_and_month() -> None:
    rules_of("ES", "2023-03-15")
    who = player("ES", "EUR")
    october = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)  # midnight in Madrid
    pay_in(who, "600.00", october - SECOND)
    assert refusal(who, "0.01", october - SECOND)["period"] == "day"
    paid, stopped_by = 0, set()
    for day in range(31):
        for amount in (600, 300):  # whatever still fits
            try:
                pay_in(who, f"{amount}.00", october + timedelta(days=day, hours=2))
                paid += amount
            except DepositRefused as refused:
                stopped_by.add(refused.data["details"]["period"])
    assert (paid, stopped_by) == (3000, {"day", "week", "month"})
    assert refusal(who, "0.01", datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC))["period"] == "month"
    assert pay_in(who, "600.00", datetime(2026, 10, 31, 23, 0, tzinfo=UTC)) == DepositState.MADE


@pytest.mark.rule(24)
def test_es_counts_what_was_paid_in_with_all_operators() -> None:
    who, start = spanish()
    paid_elsewhere(who, "650.00", start)
    data = refusal(who, "50.01", start)
    assert (data["scope"], data["period"]) == ("all_operators", "day")
    assert data["resets_at"] == (start + timedelta(days=1)).isoformat()
    assert pay_in(who, "50.00", start) == DepositState.MADE


@pytest.mark.rule(24)
def test_es_joint_weeks_and_four_weeks_that_begin_on_a_tuesday() -> None:
    who, start = spanish()
    for day, amount in enumerate(("700.00", "700.00", "349.99")):  # Tuesday to Thursday: 1,749.99
        paid_elsewhere(who, amount, start + timedelta(days=day))
    assert refusal(who, "0.02", start + timedelta(days=3))["period"] == "week"
    assert pay_in(who, "0.01", start + timedelta(days=3)) == DepositState.MADE
    for day, amount in ((7, "700.00"), (8, "700.00"), (14, "149.99")):  # 3,299.99 in all
        paid_elsewhere(who, amount, start + timedelta(days=day))
    four_weeks = start + timedelta(days=28)
    assert refusal(who, "0.02", four_weeks - SECOND)["period"] == "4w"
    assert pay_in(who, "0.01", four_weeks - SECOND) == DepositState.MADE
    assert pay_in(who, "600.00", four_weeks) == DepositState.MADE


def spanish() -> tuple[PlayerDetails, datetime]:
    """A player under the joint limits, and the Tuesday midnight in Madrid on which their first four weeks begin."""
    rules_of("ES", "2026-12-26")
    return player("ES", "EUR"), datetime(2026, 12, 28, 23, 0, tzinfo=UTC)


def paid_elsewhere(who: PlayerDetails, amount: str, at: datetime) -> None:
    other = replace(get_limit_file("DGOJ joint limits"), operator="elsewhere")  # type: ignore[type-var]
    answer = other.reserve(person=person_of(who), amount=Money.parse(amount, "EUR"), key=f"{next(_keys)}", at=at)
    assert answer.accepted


@pytest.mark.rule(25)
@pytest.mark.parametrize(
    ("birth", "minutes", "spend", "deposit"),
    [
        (date(2001, 10, 16), 120, "50.00", "50.00"),
        (date(2001, 10, 14), 180, "100.00", "200.00"),
    ],  # 25 in two days, today
)
def test_it_begins_with_limits_by_age(birth: date, minutes: int, spend: str, deposit: str) -> None:
    make_game()
    rules_of("IT", "2025-11-12")
    who = player("IT", "EUR", birth)
    found = {use.limit.kind: use.limit for use in list_uses(who, AT)}
    assert found[K.SESSION_TIME].minutes == minutes
    assert (str(found[K.LOSS].amount), str(found[K.DEPOSIT].amount)) == (spend, deposit)
    refusal(who, f"{deposit[:-1]}1")
    pay_in(who, deposit)
    morning = AT + timedelta(days=1)
    pay_in(who, deposit, morning)
    assert bet(who.id, spend, at=morning).outcome == Outcome.APPLIED
    assert bet(who.id, "0.01", at=morning).reason == "limit_reached"
    # Their own limit takes the default's place; above it is a raise as any other.
    assert wish(who, K.DEPOSIT, P.DAY, "20.00", morning).limit
    assert {use.limit.set_by for use in list_uses(who, morning) if use.limit.kind is K.DEPOSIT} == {"player"}


def test_a_balance_limit_is_set_by_the_player_and_stops_deposits_above_it() -> None:
    who = player("DE", "EUR")
    wish(who, K.BALANCE, P.NONE, "150.00")
    assert [str(one.amount) for one in list_limits(who.id, AT) if one.kind is K.BALANCE] == ["150.00"]
    pay_in(who, "100.00")
    data = refusal(who, "50.01")
    assert (data["kind"], data["remaining"]) == ("balance", "50.00")
    assert pay_in(who, "50.00") == DepositState.MADE
    assert wish(who, K.BALANCE, P.NONE, "300.00").change, "a higher threshold is a raise"


def test_a_pack_in_another_currency_needs_a_rate() -> None:
    make_up("ES", limits__deposit_caps={"day": "600.00 EUR"})
    who = player("ES", "USD")
    assert refusal(who, "10.00")["reason"] == "pack_incomplete"
    record_rates(rates={AT.date(): {"USD": Decimal("1.25")}}, source="test", at=AT)
    assert refusal(who, "750.01")["limit"] == "750.00"
    assert pay_in(who, "750.00") == DepositState.MADE


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
