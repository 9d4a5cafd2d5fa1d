"""A server, a player who holds 100.00 EUR, and an aggregator of each protocol with an open session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from kernel import clock
from players.types import PlayerDetails
from tests.factories import ACTOR, AT, fund, make_game, make_player
from tests.wallet.adapters.aggregators import KINDS, SECRET, public_pem
from wallet.adapters.dispatch import forget_integrations
from wallet.services.game_sessions import issue_session
from wallet.services.integrations import add_key, create_integration, map_games
from wallet.types_adapters import AdapterProtocol

_numbers = count(1)


@pytest.fixture(autouse=True)
def _no_cache() -> Iterator[None]:
    forget_integrations()
    yield
    forget_integrations()


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game("fruits")
    make_game("bells")
    someone = make_player()
    fund(someone.id, "100.00")
    return someone


@pytest.fixture
def connect(db: None, player: PlayerDetails, live_server: Any) -> Callable[..., Any]:
    """Make an integration of this protocol, and the aggregator behind it with a session of the player."""

    def make(protocol: str, code: str = "", **settings: Any) -> Any:
        code = code or protocol
        at = clock.now()
        create_integration(
            code=code, name=code.title(), protocol=AdapterProtocol(protocol), actor=ACTOR, at=at, **settings
        )
        key = public_pem() if protocol == "hub88" else SECRET
        add_key(integration=code, name="first", key=key, actor=ACTOR, at=at)
        map_games(integration=code, games={"their-fruits": "fruits", "their-bells": "bells"}, actor=ACTOR, at=AT)
        return KINDS[protocol](base=live_server.url, player=str(player.id), token=issue(player, code, at=at), code=code)

    return make


@pytest.fixture(params=list(KINDS))
def aggregator(request: pytest.FixtureRequest, connect: Callable[..., Any]) -> Any:
    """Each protocol in turn."""
    return connect(request.param)


def issue(player: PlayerDetails, integration: str, *, game: str = "fruits", at: datetime, ttl: int = 3600) -> str:
    """A session's token."""
    _, token = issue_session(
        player_id=player.id,
        integration=integration,
        game=game,
        ttl_seconds=ttl,
        source="test",
        idempotency_key=f"session-{next(_numbers)}",
        actor=ACTOR,
        at=at,
    )
    return token
