"""What a permission decision costs: about an action alone, about a player seen before, and about a new one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from uuid import UUID

from benchmarks.table import Row
from kernel import clock
from kernel.access import allowed, remembering
from kernel.actors import Actor, ActorKind, system
from players.selectors import list_players
from players.selectors_access import get_staff_actor
from players.services.portfolios import put_into_portfolio
from players.services.staff import ensure_staff
from pms.roles import ensure_roles

PERSONAL = "players.view_personal_data"


def staff(role: str) -> Actor:
    """Somebody with this one role, made when needed."""
    ensure_roles()
    login = f"bench.{role.replace('_', '.')}"
    staff_id = ensure_staff(
        login=login, email=f"{login}@example.com", password=secrets.token_urlsafe(12), roles=[role], at=clock.now()
    )
    return get_staff_actor(staff_id)


def a_second(do: Callable[[], object], seconds: float) -> float:
    """How often a second it is done."""
    started, done = time.perf_counter(), 0
    while time.perf_counter() < started + seconds:
        for _ in range(50):
            do()
        done += 50
    return done / (time.perf_counter() - started)


def rows(seconds: float) -> Iterator[Row]:
    """Decisions a second in one process. A VIP manager's ask the most policies."""
    players = [player.id for player in list_players(limit=100)]
    manager, client = staff("vip_manager"), Actor(ActorKind.CLIENT, "bench", frozenset({"wallet:write"}))
    for player_id in players:
        put_into_portfolio(player_id=player_id, staff_id=int(manager.id), actor=system("bench"), at=clock.now())
    part = seconds / 5
    yield Row("decision: a service client's scope", a_second(lambda: allowed(client, "wallet:write"), part))
    with remembering():
        yield Row("decision: an action alone, no query", a_second(lambda: allowed(manager, PERSONAL), part))
        yield Row(
            "decision: a player seen before in the request, no query",
            a_second(lambda: allowed(manager, PERSONAL, players[0]), part),
        )
    yield Row("decision: a player not seen before, 4 queries", a_second(lambda: _anew(manager, players[0]), part))
    yield Row("reading somebody's roles, 2 queries", a_second(lambda: get_staff_actor(int(manager.id)), part))


def _anew(actor: Actor, player_id: UUID) -> None:
    with remembering():
        allowed(actor, PERSONAL, player_id)
