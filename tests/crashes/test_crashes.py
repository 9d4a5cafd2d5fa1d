"""SIGKILL under load: whatever dies, what was promised stands once, and the books, points, totals and seals agree.

A seed drives who plays what and who dies when; it is said at the start and with a failure. Give it again by
PMS_CRASH_SEED; PMS_CRASH_KILLS says how often each part dies (2), PMS_CRASH_STORM how many deaths the storm has (6).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random, SystemRandom
from uuid import UUID

import pytest
from pytest_django.plugin import DjangoDbBlocker

from analytics.selectors import list_days
from events.ports import list_consumers
from events.selectors import get_lag, list_dead_letters
from kernel import clock
from kernel.scopes import SCOPES
from loyalty.selectors import get_standing
from pms.identity import ensure_client
from tests.crashes import audit
from tests.crashes.clients import Call, Client
from tests.crashes.system import System, running, wait_for
from tests.factories import ACTOR, make_game, make_player
from tests.wallet.adapters.aggregators import Hub88, public_pem
from tests.wallet.payments import instrument
from wallet.models_payments import ApprovalRule
from wallet.selectors import get_withdrawal
from wallet.services.game_sessions import issue_session
from wallet.services.integrations import add_key, create_integration, map_games
from wallet.services.payment_sending import send_due
from wallet.services.proofs import prove
from wallet.services.sealing import open_store, seal_ledger
from wallet.services.verification import verify
from wallet.types_adapters import AdapterProtocol
from wallet.types_payments import WithdrawalState

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("PMS_CRASH_SEED") or SystemRandom().randrange(10**9))
KILLS = int(os.environ.get("PMS_CRASH_KILLS") or 2)
STORM = int(os.environ.get("PMS_CRASH_STORM") or 6)
CLIENTS = 8
SECRET = "a secret of the tests"


@dataclass
class Casino:
    """The system with clients on it, and the random numbers that drive the test."""

    system: System
    clients: list[Client]
    random: Random
    since: datetime
    died: list[str] = field(default_factory=list)

    @property
    def seed(self) -> str:
        return f"PMS_CRASH_SEED={SEED}, died so far: {' '.join(self.died)}"


@pytest.fixture(scope="module", autouse=True)
def _seed_is_said(request: pytest.FixtureRequest) -> None:
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nPMS_CRASH_SEED={SEED}", file=sys.stderr, flush=True)  # noqa: T201


@pytest.fixture(scope="module")
def casino(django_db_blocker: DjangoDbBlocker) -> Iterator[Casino]:
    random = Random(SEED)
    with running() as system, django_db_blocker.unblock():
        with system.here():
            make_game()
            ensure_client(client_id="casino", secret=SECRET, name="Casino", scopes=SCOPES)
            create_integration(code="hub", name="Hub", protocol=AdapterProtocol.HUB88, actor=ACTOR, at=clock.now())
            add_key(integration="hub", name="first", key=public_pem(), actor=ACTOR, at=clock.now())
            map_games(integration="hub", games={"their-fruits": "fruits"}, actor=ACTOR, at=clock.now())
            ApprovalRule.objects.update(up_to_minor=500, max_score=100)
            made = [_player(system) for _ in range(CLIENTS)]
        system.start_processes()
        token = _token(system)
        clients = [
            Client(system.url, token, player_id, Random(random.random()), instrument_id, aggregator)
            for player_id, instrument_id, aggregator in made
        ]
        yield Casino(system, clients, random, clock.now())


def _player(system: System) -> tuple[UUID, str, Hub88]:
    """A player who has an instrument to be paid to, and a session at the aggregator. No money yet."""
    at = clock.now()
    player = make_player(at=at)
    _, token = issue_session(
        player_id=player.id, integration="hub", game="fruits", ttl_seconds=86_400, source="test",
        idempotency_key=str(player.id), actor=ACTOR, at=at,
    )  # fmt: skip
    hub = Hub88(base=system.url, player=str(player.id), token=token, code="hub")
    return player.id, str(instrument(player.id, at=at).id), hub


def _token(system: System) -> str:
    form = {"grant_type": "client_credentials", "client_id": "casino", "client_secret": SECRET}
    request = urllib.request.Request(  # noqa: S310  (our own server)
        f"{system.url}/identity/o/api/token", urllib.parse.urlencode(form).encode()
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return str(json.load(answer)["access_token"])


def play_while(casino: Casino, deaths: list[str]) -> None:
    """Everybody plays; one part after another dies, the next when the last is back. The play stops with the last death."""
    stop = threading.Event()
    threads = [threading.Thread(target=client.play, args=[stop]) for client in casino.clients]
    for thread in threads:
        thread.start()
    try:
        for number, victim in enumerate(deaths, 1):
            played, more = _count(casino)[0], casino.random.randrange(60, 240)  # by calls: machines differ in speed
            wait_for(lambda p=played + more: _count(casino)[0] >= p, f"nobody plays; {casino.seed}")  # type: ignore[misc]
            back = casino.system.killed(victim)
            casino.died.append(victim)
            if number == len(deaths):  # what is under way now is given up without an answer
                time.sleep(casino.random.uniform(0.0, 0.3))
                stop.set()
            wait_for(back, f"{victim} is not back; {casino.seed}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def check(casino: Casino) -> None:
    """All that must hold, before and after what was given up is sent again."""
    system, clients = casino.system, casino.clients
    wait_for(lambda: system.program("web").ready(), f"no web server; {casino.seed}")  # type: ignore[misc]
    with system.here():
        assert audit.compare(clients, audit.read_books(clients)) == [], f"before the retries; {casino.seed}"
    for client in clients:
        client.finish()
    assert [fault for client in clients for fault in client.wrong] == [], casino.seed
    with system.here():
        assert audit.compare(clients, audit.read_books(clients)) == [], f"after the retries; {casino.seed}"
        assert [audit.real_of(client) for client in clients] == [audit.read_real(client) for client in clients], (
            casino.seed
        )
        assert [finding for finding in verify() if finding.broken] == [], casino.seed
        check_consumers(casino)
        list(seal_ledger(at=clock.now()))
        proof = prove(at=clock.now(), fresh=True)
        assert (proof.sound, proof.first_broken) == (True, ""), casino.seed
        assert proof.seal >= 1


def check_consumers(casino: Casino) -> None:
    """They catch up by themselves; turnover, points and the day's totals are what the answers add up to."""
    names = [consumer.name for consumer in list_consumers()]
    wait_for(lambda: all(get_lag(name, clock.now()).events_behind == 0 for name in names), f"lag; {casino.seed}")
    assert list_dead_letters() == [], casino.seed
    for client in casino.clients:
        turnover = Decimal(audit.turnover_of(client)) / 100
        standing = get_standing(client.player_id, clock.now())
        assert (standing.turnover_eur, standing.points) == (turnover, int(turnover)), casino.seed
    days = list_days(casino.since.date(), clock.now().date())
    found = [sum(getattr(day, figure).amount_minor for day in days) for figure in ("stakes_real", "wins_real")]
    assert found == [sum(map(of, casino.clients)) for of in (audit.turnover_of, audit.wins_of)], casino.seed


@pytest.mark.parametrize("victim", ["web", "postgres", "valkey", "consumers", "worker"])
def test_a_part_dies_under_load(casino: Casino, victim: str) -> None:
    played, failed = _count(casino)
    play_while(casino, [victim] * KILLS)
    check(casino)
    now_played, now_failed = _count(casino)
    assert now_played - played >= 60 * KILLS
    if victim in ("web", "postgres"):
        assert now_failed > failed, "nobody noticed: nothing was under way when it died"
    else:
        assert now_failed == failed, f"players noticed; {casino.seed}"


def test_a_storm_of_deaths(casino: Casino) -> None:
    parts = ["web", "postgres", "valkey", "consumers", "worker"]
    play_while(casino, casino.random.choices(parts, k=STORM))
    check(casino)


def test_what_is_scheduled_goes_on(casino: Casino) -> None:
    """After all that: beat and worker pay what is approved, and seal by the minute."""
    system, client = casino.system, casino.clients[0]
    asked = Call("withdrawal", "last", 100)
    client.calls += [Call("deposit", "before the last", 1_000), asked]
    client.finish()
    with system.here():
        sealed = open_store().last()
        wait_for(lambda: get_withdrawal(UUID(asked.id)).state is WithdrawalState.PAID, f"not paid; {casino.seed}", 30)
        wait_for(lambda: open_store().last() != sealed, f"no new seal; {casino.seed}", 75)
        # What a death has left on its way is asked about again within the hour.
        send_due(actor=ACTOR, at=clock.now() + timedelta(hours=2))
        assert audit.count_unsettled([client.player_id for client in casino.clients]) == 0, casino.seed
    check(casino)


def _count(casino: Casino) -> tuple[int, int]:
    """Calls made, and tries that were not answered."""
    return sum(len(client.calls) for client in casino.clients), sum(len(client.errors) for client in casino.clients)
