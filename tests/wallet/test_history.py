"""A player's history: every filter finds what it should, page by page, and a page costs the same however long it is."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from compliance.services.play_gate import ensure
from kernel import clock
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_one
from kernel.ids import uuid7_unix_ms
from kernel.money import Money
from tests import database
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet import selectors_history
from wallet.selectors import get_balances, list_ledger, list_transactions
from wallet.selectors_history import get_balances_at, list_history, list_rounds
from wallet.services.bets import credit_win, play, roll_back_bet
from wallet.services.exports import export_history, export_period
from wallet.types import AccountKind, GameCategory, HistoryFilter, TransferKind

pytestmark = pytest.mark.usefixtures("module_db")

FEW, MANY = 1_500, 25_000


@pytest.fixture(scope="module", autouse=True)
def history(module_db: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        make_game()
        make_game("crash", GameCategory.CRASH)
        yield


def analyse() -> None:
    with psycopg.connect(database.owner_url(), autocommit=True) as owner:
        owner.execute("ANALYZE")
    connection.close()


def long_history(plays: int) -> UUID:
    """A deposit, that many plays that all win, a deposit: 4 entries a play."""
    player = make_player()
    fund(player.id, "1000.00")
    ensure(player_ids=[player.id], at=clock.now())  # the function is called below without the service that does it
    # In short transactions: one that updates a purse many times crawls over its own dead rows. And the tables are
    # analysed early on, as autovacuum does it elsewhere: a session plans by what it has seen first.
    for first in range(1, plays + 1, 20):
        fetch_one(
            """SELECT count(wallet_bet(%s, 'long', gen_random_uuid()::text, 'fruits', 'round-' || n, 'EUR', 100, 100, now(),
                                       'system:test', '')) FROM generate_series(%s, %s) n""",
            [player.id, first, min(first + 19, plays)],
        )
        if first in (101, 1001, 10001):
            analyse()
    fund(player.id, "5.00")
    return player.id


@pytest.fixture(scope="module")
def short(history: None) -> UUID:
    return long_history(FEW)


@pytest.fixture(scope="module")
def long(history: None) -> UUID:
    return long_history(MANY)


@pytest.fixture(scope="module")
def mixed(history: None) -> UUID:
    """Some of everything."""
    player = make_player()
    fund(player.id, "100.00")
    common: dict[str, Any] = {"player_id": player.id, "source": "test", "actor": ACTOR, "at": AT}
    for number in range(6):
        play(
            **common, idempotency_key=f"m{number}", game="crash" if number % 3 == 0 else "fruits",
            round_id=f"r{number // 2}", stake=Money(200, "EUR"), win=Money(100 * (number % 2), "EUR"),
        )  # fmt: skip
    bet(player.id, "3.00", key="late")
    credit_win(**common, idempotency_key="late-win", bet_key="late", amount=Money(900, "EUR"))
    bet(player.id, "4.00", key="gone")
    roll_back_bet(**common, idempotency_key="gone-back", bet_key="gone", currency="EUR")
    fund(player.id, "1.00")
    return player.id


def walk(player_id: UUID, limit: int, wanted: HistoryFilter, reader: Callable[..., Any] = list_history) -> list[Any]:
    """Every page to the end."""
    found, before = [], None
    for _ in range(1_000):
        page = reader(player_id, wanted=wanted, before=before, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        before = page.next
        if before is None:
            return found
    raise AssertionError("the history has no end")


FILTERS: list[tuple[HistoryFilter, Callable[[Any], bool]]] = [
    (HistoryFilter(), lambda row: True),
    (HistoryFilter(kinds=(TransferKind.DEPOSIT,)), lambda row: row.kind == "deposit"),
    (
        HistoryFilter(kinds=(TransferKind.DEPOSIT, TransferKind.ROLLBACK)),
        lambda row: row.kind in ("deposit", "rollback"),
    ),
    (HistoryFilter(kinds=(TransferKind.WIN,)), lambda row: row.kind == "win"),
    (HistoryFilter(kinds=(TransferKind.BET, TransferKind.DEPOSIT)), lambda row: row.kind in ("bet", "deposit")),
    (HistoryFilter(game="crash"), lambda row: row.game == "crash"),
    (HistoryFilter(round="r1"), lambda row: row.round == "r1"),
    (HistoryFilter(round="r1", kinds=(TransferKind.WIN,)), lambda row: (row.round, row.kind) == ("r1", "win")),
    (HistoryFilter(round="r1", game="crash"), lambda row: (row.round, row.game) == ("r1", "crash")),
    (HistoryFilter(purse=AccountKind.REAL), lambda row: row.amount.amount_minor != 0),
    (HistoryFilter(purse=AccountKind.BONUS), lambda row: False),
    (HistoryFilter(round="unknown"), lambda row: False),
]


@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize(("wanted", "fits"), FILTERS, ids=[f"filter-{number}" for number in range(len(FILTERS))])
def test_every_filter_finds_the_same_in_pages_of_any_size(
    mixed: UUID, wanted: HistoryFilter, fits: Callable[[Any], bool], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors_history, "SCAN", 4)  # many windows, few rows in each
    everything = list_transactions(mixed, limit=1000)
    assert walk(mixed, limit, wanted) == [row for row in everything if fits(row)]


def test_periods_are_of_recording_and_half_open(mixed: UUID) -> None:
    everything = list_transactions(mixed, limit=1000)
    edge = everything[5].recorded_at
    later, earlier = walk(mixed, 3, HistoryFilter(since=edge)), walk(mixed, 3, HistoryFilter(until=edge))
    assert later + earlier == everything
    assert later
    assert min(row.recorded_at for row in later) == edge
    assert walk(mixed, 3, HistoryFilter(kinds=(TransferKind.DEPOSIT,), until=edge)) == [everything[-1]]
    assert walk(mixed, 50, HistoryFilter(since=edge + timedelta(days=1))) == []


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_rounds_hold_their_bets_and_what_became_of_them(
    mixed: UUID, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors_history, "SCAN", 5)
    rounds = walk(mixed, limit, HistoryFilter(), list_rounds)
    assert [(r.game, r.round, r.bets, r.rolled_back, str(r.staked), str(r.won)) for r in rounds] == [
        ("fruits", "round-gone", 1, 1, "0.00", "0.00"),
        ("fruits", "round-late", 1, 0, "3.00", "9.00"),
        ("fruits", "r2", 2, 0, "4.00", "1.00"),
        ("crash", "r1", 1, 0, "2.00", "1.00"),
        ("fruits", "r1", 1, 0, "2.00", "0.00"),
        ("fruits", "r0", 1, 0, "2.00", "1.00"),
        ("crash", "r0", 1, 0, "2.00", "0.00"),
    ]
    assert [r.round for r in walk(mixed, limit, HistoryFilter(game="crash"), list_rounds)] == ["r1", "r0"]


def test_the_balance_at_every_moment_is_what_the_entries_say(mixed: UUID) -> None:
    lines = list(reversed(list_ledger(mixed, limit=1000)))
    for line in lines:
        moment = uuid7_unix_ms(line.id)
        before = sum(other.amount.amount_minor for other in lines if uuid7_unix_ms(other.id) < moment)
        assert get_balances_at(mixed, datetime.fromtimestamp(moment / 1000, UTC)).real == Money(before, "EUR")
    assert len(lines) > 10
    assert get_balances_at(mixed, clock.now() + timedelta(seconds=1)) == get_balances(mixed)


def blocks_read(read: Callable[[], Any]) -> int:
    """Pages of tables and indexes that the statements touch."""
    with CaptureQueriesContext(connection) as captured:
        read()
    blocks = 0
    for query in captured.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query["sql"])
            plan = cursor.fetchone()[0]
        plan = plan if isinstance(plan, list) else json.loads(plan)
        blocks += plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    return blocks


READS: dict[str, Callable[[UUID], Any]] = {
    "newest": lambda player: list_history(player, wanted=HistoryFilter()),
    "rare kind": lambda player: list_history(player, wanted=HistoryFilter(kinds=(TransferKind.DEPOSIT,))),
    "kind that is not there": lambda player: list_history(
        player, wanted=HistoryFilter(kinds=(TransferKind.ROLLBACK, TransferKind.ADJUSTMENT))
    ),
    "round": lambda player: list_history(player, wanted=HistoryFilter(round="round-7")),
    "game that was never played": lambda player: list_history(player, wanted=HistoryFilter(game="crash")),
    "purse never used": lambda player: list_history(player, wanted=HistoryFilter(purse=AccountKind.BONUS)),
    "rounds": lambda player: list_rounds(player, wanted=HistoryFilter()),
    "balance at a moment": lambda player: get_balances_at(player, clock.now()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", READS)
def test_a_page_costs_the_same_however_long_the_history_is(short: UUID, long: UUID, name: str) -> None:
    analyse()
    few = blocks_read(lambda: READS[name](short))
    many = blocks_read(lambda: READS[name](long))
    assert many <= 1.5 * few + 60, f"{few} pages with 6,000 entries, {many} with 100,000"


@pytest.mark.slow
def test_a_page_deep_down_costs_what_the_first_costs(long: UUID) -> None:
    middle = fetch_one(
        "SELECT id FROM wallet_transfer WHERE player_id = %s ORDER BY id OFFSET %s LIMIT 1", [long, MANY]
    )[0]
    first = blocks_read(lambda: list_history(long, wanted=HistoryFilter()))
    deep = blocks_read(lambda: list_history(long, wanted=HistoryFilter(), before=middle))
    assert deep <= 1.2 * first + 20


def rows_of(chunks: Iterator[bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(chunks).decode())))


def test_a_players_file_holds_the_whole_history_oldest_first(mixed: UUID, short: UUID) -> None:
    rows = rows_of(export_history(player_id=mixed, since=None, until=None))
    everything = list(reversed(list_transactions(mixed, limit=1000)))
    assert [row["id"] for row in rows] == [str(row.id) for row in everything]
    assert [(row["kind"], row["amount"], row["real_after"]) for row in rows] == [
        (row.kind, str(row.amount), "" if row.real_after is None else str(row.real_after)) for row in everything
    ]
    assert rows[0]["recorded_at"] == everything[0].recorded_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert rows[0]["occurred_at"] == "2026-03-14T15:09:26.000000Z"
    edge = everything[4].recorded_at
    part = rows_of(export_history(player_id=mixed, since=edge, until=None))
    assert part == [row for row in rows if row["recorded_at"] >= part[0]["recorded_at"]]
    assert len(rows_of(export_history(player_id=short, since=None, until=None))) == 2 * FEW + 2


def test_what_a_spreadsheet_would_run_is_defused(history: None) -> None:
    player = make_player()
    fund(player.id)
    bet(player.id, "1.00", key='=HYPERLINK("http://evil")')
    assert rows_of(export_history(player_id=player.id, since=None, until=None))[1]["reference"].startswith("'=")


def test_a_file_that_is_not_read_to_its_end_leaves_no_connection_behind(short: UUID) -> None:
    def others() -> int:
        count: int = fetch_one("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")[0]
        return count

    before = others()
    chunks = export_history(player_id=short, since=None, until=None)
    next(chunks)
    assert others() == before + 1
    chunks.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while others() > before and time.monotonic() < deadline:  # the server notices a moment later
        time.sleep(0.01)
    assert others() == before


def test_all_transfers_of_a_period_are_exported_by_whoever_may(short: UUID, tmp_path: Any) -> None:
    now = clock.now()
    call_command("export_transfers", (now - timedelta(days=1)).isoformat(), f"{now + timedelta(days=1):%Y-%m-%d}",
                 str(tmp_path / "all.csv"))  # fmt: skip
    rows = rows_of(iter([(tmp_path / "all.csv").read_bytes()]))
    count, total = fetch_one("SELECT count(*), sum(amount_minor) FROM wallet_transfer")
    assert (len(rows), sum(Decimal(row["amount"]) for row in rows)) == (count, Decimal(total) / 100)
    with pytest.raises(AccessDenied):
        next(export_period(since=now, until=now, actor=Actor(ActorKind.STAFF, "1"), at=now))
