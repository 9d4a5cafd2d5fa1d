"""A player who plays everywhere at once excludes themself: the next bet is refused, whichever way it comes.

Over REST, in batches, as a reserve, through an aggregator, in tournaments and free rounds; the tokens are worth nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from compliance.services.exclusion_ends import end_due
from compliance.services.exclusions import exclude
from compliance.types_exclusion import ExclusionKind
from kernel import clock
from kernel.actors import Actor, ActorKind, system
from kernel.money import Money
from players.selectors import find_player_by_login
from players.types import PlayerDetails
from tests.factories import ACTOR, fund, make_game, make_player
from tests.identity.calls import registered
from tests.rest.conftest import Api
from tests.stories.faces import balance, heard
from tests.wallet.adapters.aggregators import SECRET, Igsp
from wallet.adapters.dispatch import forget_integrations
from wallet.services import bets, holds, tournaments
from wallet.services.integrations import add_key, create_integration, map_games
from wallet.types import Outcome
from wallet.types_adapters import AdapterProtocol

pytestmark = pytest.mark.usefixtures("db")

ONE = Money.parse("0.10", "EUR")


@pytest.fixture
def player(db: None) -> Iterator[PlayerDetails]:
    make_game()
    at = clock.now()
    create_integration(code="igsp", name="Games Ltd", protocol=AdapterProtocol.IGSP, actor=ACTOR, at=at)
    add_key(integration="igsp", name="first", key=SECRET, actor=ACTOR, at=at)
    map_games(integration="igsp", games={"their-fruits": "fruits"}, actor=ACTOR, at=at)
    someone = make_player()
    fund(someone.id, "500.00")
    forget_integrations()
    yield someone
    forget_integrations()


def stop(player_id: UUID) -> None:
    exclude(
        player_id=player_id,
        kind=ExclusionKind.PANIC,
        idempotency_key="panic",
        actor=Actor(ActorKind.PLAYER, str(player_id)),
        at=clock.now(),
    )


def test_every_way_to_bet_is_shut(api: Api, player: PlayerDetails, live_server: Any) -> None:
    opened = api.post("wallet/game-sessions", {"player_id": str(player.id), "integration": "igsp", "game": "fruits"})
    game = Igsp(base=live_server.url, player=str(player.id), token=opened.json()["token"])
    common = {"player_id": str(player.id), "game": "fruits", "currency": "EUR"}

    def everywhere(number: int) -> dict[str, str]:
        """What each way says to its next bet."""
        at = clock.now()
        item = {"key": f"item{number}", **common, "round": f"i{number}", "stake": "1.00"}
        answers = {
            "bet": api.post("wallet/bets", {**common, "round": f"b{number}", "stake": "1.00"}).json(),
            "play": api.post("wallet/plays", {**common, "round": f"p{number}", "stake": "1.00", "win": "0.00"}).json(),
            "reserve": api.post("wallet/holds", {**common, "round": f"r{number}", "amount": "1.00"}).json(),
            "batch": api.post("wallet/bets:batch", {"items": [item]}, headers={"Idempotency-Key": None}).json()[
                "items"
            ][0],
        }
        said = {way: answer.get("reason") or answer["outcome"] for way, answer in answers.items()}
        said["aggregator"] = game.bet(f"g{number}", "1.00").error or "applied"
        joined = tournaments.buy_in(
            player_id=player.id, source="test", idempotency_key=f"t{number}", tournament=f"t{number}",
            amount=Money.parse("1.00", "EUR"), actor=ACTOR, at=at,
        )  # fmt: skip
        said["tournament"] = joined.reason or joined.outcome
        return said

    assert set(everywhere(1).values()) == {"applied"}
    stop(player.id)
    said = everywhere(2)
    assert said.pop("aggregator") != "applied"
    assert set(said.values()) == {"cooling_off"}
    refused = api.post("wallet/deposits", {"player_id": str(player.id), "amount": "10.00", "currency": "EUR",
                                           "provider": "sandbox", "instrument": "tok_ok"})  # fmt: skip
    assert refused.status_code == 403
    body = {"player_id": str(player.id), "integration": "igsp", "game": "fruits"}
    assert api.post("wallet/game-sessions", body).status_code == 403
    assert game.win("w1", "g1", "5.00").ok, "a win of a bet that stood is paid"
    assert "player-excluded" in heard(player.id, "player-")


def test_nobody_slips_through_while_many_play_at_once(player: PlayerDetails) -> None:
    """Bets of several threads, by several ways, go on while the exclusion is written: none that begins after it is taken."""
    excluded, threads = threading.Event(), []
    taken_before: list[str] = []
    taken_after: list[str] = []

    def bet(key: str) -> Outcome:
        return bets.place_bet(
            player_id=player.id, source="race", idempotency_key=key, game="fruits", round_id=key, stake=ONE,
            actor=ACTOR, at=clock.now(),
        ).outcome  # fmt: skip

    def reserve(key: str) -> Outcome:
        return holds.reserve(
            player_id=player.id, source="race", idempotency_key=key, game="fruits", round_id=key, amount=ONE,
            actor=ACTOR, at=clock.now(),
        ).outcome  # fmt: skip

    def go_on(name: str, way: Callable[[str], Outcome]) -> None:
        rest = 10  # so many tries after it is known to be written
        for number in range(10_000):
            was_excluded = excluded.is_set()
            if way(f"{name}-{number}") is Outcome.APPLIED:
                (taken_after if was_excluded else taken_before).append(f"{name}-{number}")
            rest -= was_excluded
            if not rest:
                break
        connections.close_all()

    for name, way in (("a", bet), ("b", bet), ("c", reserve), ("d", reserve)):
        threads.append(threading.Thread(target=go_on, args=(name, way)))
        threads[-1].start()
    while len(taken_before) < 20:
        excluded.wait(0.01)
    stop(player.id)
    excluded.set()
    for thread in threads:
        thread.join(60)
    assert taken_after == []
    assert len(taken_before) >= 20


def test_in_the_app_one_press_then_a_day_without_then_play_again(api: Api) -> None:
    make_game()
    program, data = registered()
    player = find_player_by_login(data["username"])
    assert player
    fund(player.id, "50.00")
    assert program.api("POST", "me/exclusions/panic").status_code == 201
    assert program.api("GET", "me/balance").status_code == 401
    at = clock.now()

    def bet(key: str, at: Any) -> str:
        posting = bets.place_bet(
            player_id=player.id, source="test", idempotency_key=key, game="fruits", round_id=key, stake=ONE,
            actor=ACTOR, at=at,
        )  # fmt: skip
        return posting.reason or posting.outcome

    assert bet("b1", at) == "cooling_off"
    day_later = at + timedelta(hours=24)
    assert bet("b2", day_later) == "applied"
    assert end_due(actor=system("test"), at=day_later) == 1
    assert balance(api, player.id) == "49.90"
