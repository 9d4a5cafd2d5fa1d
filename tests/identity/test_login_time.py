"""A limit on the time logged in: at its end the player is out, places no bet, and comes back when the period is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from compliance.selectors_limits import list_login_times
from compliance.services.play_sessions import end_spent_logins
from kernel import clock
from players.selectors_identity import get_time_logged_in, list_sessions
from players.services import sessions
from players.types_identity import EndReason, Origin
from tests.compliance.packs_in_force import make_up
from tests.factories import AT, make_game, make_player
from tests.stories.newcomers import Newcomer

pytestmark = pytest.mark.usefixtures("db")

MORNING = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 3, 23, 0, tzinfo=UTC)  # in Amsterdam


@pytest.fixture
def anna(token_for: Callable[..., str]) -> Newcomer:
    make_game()
    make_up("NL", timezone="Europe/Amsterdam", registration__fields=["first_name", "last_name", "birth_date"])
    with time_machine.travel(MORNING, tick=False) as hand:
        newcomer = Newcomer(hand, token_for, country="NL", currency="EUR")
        newcomer.deposit("20.00")
        newcomer.done("PUT", "limits", {"kind": "login_time", "period": "day", "minutes": 60})
        yield newcomer


def test_an_hour_a_day(anna: Newcomer) -> None:
    anna.wait(minutes=59)
    assert anna.bet("1.00") == "applied"
    (limit,) = [one for one in anna.read("limits")["limits"] if one["limit"]["kind"] == "login_time"]
    assert (limit["used"], limit["remaining"]) == ("59", "1")
    anna._pass({"minutes": 1})
    assert anna.bet("1.00") == "login_time_reached"
    assert end_spent_logins(at=clock.now()) == 1
    assert anna.send("GET", "profile").status_code == 401
    assert list_sessions(anna.id)[0].end_reason == EndReason.TIME_LIMIT  # type: ignore[arg-type]

    refused = anna.program.login("email", anna.data["email"])
    (error,) = refused.json()["errors"]
    assert refused.status_code == 403
    assert (error["code"], error["resets_at"]) == ("login_time_reached", MIDNIGHT.isoformat())
    anna.hand.move_to(MIDNIGHT - timedelta(seconds=1))
    assert anna.program.login("email", anna.data["email"]).status_code == 403
    anna.hand.move_to(MIDNIGHT)
    anna.come_back(seconds=0)
    assert anna.bet("1.00") == "applied"


def test_a_request_ends_it_before_the_job_does(anna: Newcomer) -> None:
    anna.wait(minutes=59, seconds=29)
    assert anna.send("GET", "profile").status_code == 200
    anna._pass({"seconds": 31})
    assert anna.program.renew().status_code == 400
    assert end_spent_logins(at=clock.now()) == 0


def test_time_logged_out_does_not_count(anna: Newcomer) -> None:
    anna.wait(minutes=40)
    anna.program.auth("DELETE", "auth/session")
    anna.come_back(hours=3)
    anna.wait(minutes=19)
    assert anna.bet("1.00") == "applied"
    anna._pass({"minutes": 1})
    assert anna.bet("1.00") == "login_time_reached"


def test_a_lower_limit_than_the_time_that_is_used_ends_it_at_once(anna: Newcomer) -> None:
    anna.wait(minutes=20)
    anna.done("PUT", "limits", {"kind": "login_time", "period": "week", "minutes": 20})
    assert anna.bet("1.00") == "login_time_reached"
    assert end_spent_logins(at=clock.now()) == 1
    assert [(one.limit.period, one.left) for one in list_login_times(anna.id, clock.now())] == [  # type: ignore[arg-type]
        ("week", timedelta(0)),
        ("day", timedelta(minutes=40)),
    ]


def test_sessions_beside_each_other_count_once() -> None:
    who = make_player()
    hour = timedelta(hours=1)
    for begins, ends in ((0, 2), (1, 3), (5, 6)):
        opened = sessions.start(
            player_id=who.id,
            origin=Origin("192.0.2.1", "test", ""),
            methods="password",
            store_key="k",
            refresh_id=who.id,
            at=AT + begins * hour,
        )
        sessions.end(player_id=who.id, session_ids=[opened.session_id], reason=EndReason.LOGOUT, at=AT + ends * hour)
    assert get_time_logged_in(who.id, AT, AT + 9 * hour) == 4 * hour
    assert get_time_logged_in(who.id, AT + 2 * hour, AT + 9 * hour) == 2 * hour
    assert get_time_logged_in(who.id, AT, AT + hour / 2) == hour / 2
    assert get_time_logged_in(who.id, AT + 3 * hour, AT + 4 * hour) == timedelta(0)
