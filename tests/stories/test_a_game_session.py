"""A player opens a game: the front end gets a session, the aggregator plays on it over HTTP until it ends.

issued → expired | revoked: no more bets, but wins and rollbacks of its bets still go through.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from kernel import clock
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.factories import ACTOR, fund, make_game, make_player
from tests.rest.conftest import Api, problem
from tests.staff import staff_client, text_of
from tests.stories.faces import balance, heard, history
from tests.wallet.adapters.aggregators import Igsp
from wallet.adapters.dispatch import forget_integrations
from wallet.services.integrations import add_key, create_integration, map_games
from wallet.types_adapters import AdapterProtocol

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None) -> Iterator[PlayerDetails]:
    from tests.wallet.adapters.aggregators import SECRET

    make_game()
    at = clock.now()
    create_integration(code="igsp", name="Games Ltd", protocol=AdapterProtocol.IGSP, actor=ACTOR, at=at)
    add_key(integration="igsp", name="first", key=SECRET, actor=ACTOR, at=at)
    map_games(integration="igsp", games={"their-fruits": "fruits"}, actor=ACTOR, at=at)
    someone = make_player()
    fund(someone.id, "100.00")
    forget_integrations()
    yield someone
    forget_integrations()


def launch(api: Api, player: PlayerDetails, live_server: Any) -> tuple[str, Igsp]:
    """The session's address, and the aggregator that was given its token."""
    body = {"player_id": str(player.id), "integration": "igsp", "game": "fruits", "ttl_seconds": 600}
    answer = api.post("wallet/game-sessions", body)
    assert answer.status_code == 201
    return answer["Location"], Igsp(base=live_server.url, player=str(player.id), token=answer.json()["token"])


def test_played_and_revoked_in_the_middle_of_a_round(api: Api, player: PlayerDetails, live_server: Any) -> None:
    session, game = launch(api, player, live_server)
    assert game.bet("b1", "10.00").balance == "90.00"
    assert game.bet("b1", "10.00").balance == "90.00"  # the answer was lost on its way
    assert game.bet("b2", "5.00").balance == "85.00"
    assert api.post(f"{session}/revoke").json()["revoked_at"]
    assert game.bet("b3", "1.00").error == "session_expired"
    assert game.win("w1", "b1", "30.00").balance == "115.00"
    assert game.undo("u2", "b2").balance == "120.00"
    assert game.bet("b1", "10.00").ok, "a bet that was answered keeps its answer"
    assert balance(api, player.id) == "120.00"
    assert history(api, player.id)[1:] == [
        ("bet", "-10.00", "90.00"), ("bet", "-5.00", "85.00"), ("win", "30.00", "115.00"), ("rollback", "5.00", "120.00"),
    ]  # fmt: skip
    assert heard(player.id, "bet-", "win-") == ["bet-placed", "bet-placed", "win-credited", "bet-rolled-back"]
    staff = staff_client("administrator")
    sessions = text_of(staff.get(reverse("admin:wallet_gamesession_changelist")))
    assert "Revoked" in sessions
    assert game.token not in sessions
    log = text_of(staff.get(reverse("admin:wallet_adapterrequest_changelist")))
    for outcome in ("Applied", "Replayed", "Session expired"):
        assert outcome in log, outcome


def test_it_expires_by_itself(api: Api, player: PlayerDetails, live_server: Any) -> None:
    _, game = launch(api, player, live_server)
    assert game.bet("b1", "10.00").ok
    with time_machine.travel(clock.now() + timedelta(seconds=601)):
        assert game.bet("b2", "10.00").error == "session_expired"
        assert game.win("w1", "b1", "20.00").balance == "110.00"


def test_a_player_who_is_blocked_plays_no_more_and_opens_nothing(
    api: Api, player: PlayerDetails, live_server: Any
) -> None:
    _, game = launch(api, player, live_server)
    game.bet("b1", "10.00")
    impose(
        player_id=player.id, kind=RestrictionKind.SELF_EXCLUDED, reason="asked", source="player", actor=ACTOR,
        at=clock.now(),
    )  # fmt: skip
    refused = game.bet("b2", "10.00")
    assert not refused.ok
    assert game.win("w1", "b1", "20.00").balance == "110.00"
    body = {"player_id": str(player.id), "integration": "igsp", "game": "fruits"}
    problem(api.post("wallet/game-sessions", body), 403, "game_session_refused")
