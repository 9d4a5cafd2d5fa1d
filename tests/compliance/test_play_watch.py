"""Warnings of limits that play uses up, and stakes that call for due diligence: looked at a moment after the bets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from compliance.selectors_kyc import find_unfinished_case
from compliance.services.limits import set_limit
from compliance.services.play_watch import watch_play
from compliance.types_limits import LimitKind, LimitPeriod, Wanted
from events.models import Event
from kernel.actors import system
from kernel.money import Money
from players.services import sessions
from players.types import PlayerDetails
from players.types_identity import Origin
from tests.compliance.packs_in_force import make_up
from tests.factories import bet, fund, make_game, make_player
from wallet.services.bets import play

pytestmark = pytest.mark.usefixtures("db")

K, P = LimitKind, LimitPeriod
AT = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)
JOB = system("test")
_keys = count(1)


def player(*limits: tuple[LimitKind, LimitPeriod, str | int], **rules: object) -> PlayerDetails:
    make_game()
    make_up("NL", timezone="Europe/Amsterdam", **rules)
    who = make_player(country="NL", at=AT - timedelta(days=30))
    fund(who.id, "5000.00", at=AT)
    for kind, period, value in limits:
        amount = Money.parse(value, "EUR") if isinstance(value, str) else None
        minutes = value if isinstance(value, int) else None
        set_limit(player_id=who.id, wanted=Wanted(kind, period, amount, minutes), actor=JOB, at=AT)
    return who


def stakes(who: PlayerDetails, amounts: Iterable[str], at: datetime = AT) -> None:
    for amount in amounts:
        assert bet(who.id, amount, at=at).transfer_id


def warned(at: datetime = AT) -> list[tuple[str, str, int]]:
    """What this run of the job tells."""
    before = Event.objects.filter(type="compliance.limit-nearly-reached.v1").count()
    count = watch_play(actor=JOB, at=at)
    events = Event.objects.filter(type="compliance.limit-nearly-reached.v1").order_by("id")[before:]
    assert len(events) == count
    return [(event.payload["kind"], event.payload["period"], event.payload["percent"]) for event in events]


HALF = {"limits__warn_at_percent": [50, 100]}


def test_losses_and_stakes_are_warned_of_at_half_and_at_the_whole() -> None:
    who = player((K.LOSS, P.DAY, "100.00"), (K.WAGERING, P.WEEK, "40.00"), **HALF)
    stakes(who, ["19.99"])
    assert warned() == []
    stakes(who, ["0.01"])
    assert warned() == [("wagering", "week", 50)]
    assert warned() == [], "once"
    stakes(who, ["20.00"])
    assert warned() == [("wagering", "week", 100)]
    tomorrow = AT + timedelta(days=1)
    assert bet(who.id, "1.00", at=tomorrow).reason == "limit_reached"
    monday = datetime(2026, 10, 18, 22, 0, tzinfo=UTC)
    stakes(who, ["20.00"], monday)
    assert warned(monday) == [("wagering", "week", 50)], "a new week, a new warning"


def test_a_lower_limit_is_warned_of_anew() -> None:
    who = player((K.LOSS, P.DAY, "100.00"), **HALF)
    stakes(who, ["60.00"])
    assert warned() == [("loss", "day", 50)]
    wanted = Wanted(K.LOSS, P.DAY, Money.parse("80.00", "EUR"))
    set_limit(player_id=who.id, wanted=wanted, actor=JOB, at=AT)
    assert warned() == [("loss", "day", 50)]


def test_time_of_play() -> None:
    who = player((K.SESSION_TIME, P.DAY, 60), **HALF)
    for minutes in range(0, 31, 10):
        stakes(who, ["1.00"], AT + timedelta(minutes=minutes))
        expected = [("session_time", "day", 50)] if minutes == 30 else []
        assert warned(AT + timedelta(minutes=minutes)) == expected


def test_time_logged_in_without_any_play() -> None:
    who = player((K.LOGIN_TIME, P.DAY, 60), **HALF)
    origin = Origin("192.0.2.1", "test", "")
    sessions.start(player_id=who.id, origin=origin, methods="password", store_key="k", refresh_id=who.id, at=AT)
    assert warned(AT + timedelta(minutes=29)) == []
    assert warned(AT + timedelta(minutes=30)) == [("login_time", "day", 50)]
    assert warned(AT + timedelta(minutes=31)) == []


def test_where_no_pack_asks_for_it_nobody_is_warned() -> None:
    who = player((K.LOSS, P.DAY, "100.00"))
    stakes(who, ["100.00"])
    assert warned() == []


@pytest.mark.rule(7)
@pytest.mark.parametrize(("basis", "last", "due"), [("transactions", "0.99", False), ("transactions", "1.00", True),
                                                    ("deposits", "1.00", False)])  # fmt: skip
def test_linked_stakes_of_2000_euro_call_for_due_diligence(basis: str, last: str, due: bool) -> None:
    aml = {"aml__cdd_threshold": "2000.00 EUR", "aml__cdd_basis": basis, "aml__cdd_linked": True}
    make_game()
    make_up("NL", **aml)
    who = make_player(country="NL", at=AT - timedelta(days=30))
    fund(who.id, "1000.00", at=AT)
    for stake in ("500.00", "500.00", "500.00", "499.00", last):  # what was won is staked again
        money = Money.parse(stake, "EUR")
        played = play(
            player_id=who.id,
            source="test",
            idempotency_key=f"play-{next(_keys)}",
            game="fruits",
            round_id=f"round-{next(_keys)}",
            stake=money,
            win=money,
            actor=JOB,
            at=AT,
        )
        assert played.transfer_id
    for minutes in (1, 2):
        watch_play(actor=JOB, at=AT + timedelta(minutes=minutes))
    assert (find_unfinished_case(who.id) is not None) is due
