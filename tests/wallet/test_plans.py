"""How the posting functions are planned: a plan per session, and never a scan of a whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.db import fetch_all, fetch_one
from kernel.money import Money
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import get_balances
from wallet.selectors_history import list_history
from wallet.selectors_holds import list_holds
from wallet.services.bets import credit_win, roll_back_bet
from wallet.types import HistoryFilter, Outcome, TransferKind

pytestmark = pytest.mark.usefixtures("db")


def test_every_posting_function_keeps_its_plans() -> None:
    functions = fetch_all("SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND starts_with(proname, 'wallet_')")
    assert {"wallet_bet", "wallet_win", "wallet_rollback", "wallet_reserve", "wallet_shift"} <= {
        row["proname"] for row in functions
    }
    for row in functions:
        assert {"plan_cache_mode=force_generic_plan", "enable_seqscan=off"} <= set(row["proconfig"]), row["proname"]


def test_a_session_that_begins_on_empty_tables_reads_none_of_them_whole() -> None:
    make_game()
    players = [make_player() for _ in range(3)]
    for player in players:
        fund(player.id, "100.00")
    scanned = _scans()
    for number in range(30):
        for player in players:
            key = f"{player.id}-{number}"
            common = {"player_id": player.id, "source": "test", "bet_key": key, "actor": ACTOR, "at": AT}
            assert bet(player.id, "1.00", key=key).outcome is Outcome.APPLIED
            won = credit_win(**common, idempotency_key=f"{key}-won", amount=Money(150, "EUR"))  # type: ignore[arg-type]
            assert won.outcome is Outcome.APPLIED
            assert roll_back_bet(**common, idempotency_key=f"{key}-back").outcome is Outcome.APPLIED  # type: ignore[arg-type]
    assert _scans() == scanned


def test_the_house_has_its_accounts_before_the_first_bet() -> None:
    kinds = {
        row["kind"] for row in fetch_all("SELECT kind FROM wallet_account WHERE player_id IS NULL AND currency = 'EUR'")
    }
    assert {"gaming", "payments", "bonus_cost", "chargebacks", "adjustments", "write_offs", "fees"} <= kinds


READS: dict[str, Callable[[UUID], Any]] = {
    "balance": get_balances,
    "history": lambda player: list_history(player, wanted=HistoryFilter()).items,
    "a rare kind": lambda player: list_history(player, wanted=HistoryFilter(kinds=(TransferKind.DEPOSIT,))).items,
    "holds": lambda player: list_holds(player) == [],
}


@pytest.mark.parametrize("name", READS)
def test_a_read_is_one_statement_that_goes_by_index_and_skips_months(name: str) -> None:
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    for number in range(60):
        bet(player.id, "1.00", key=f"k{number}")
    with CaptureQueriesContext(connection) as captured:
        assert READS[name](player.id)
    (query,) = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")  # as planned on tables too large to be read whole
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
        nodes = [node for node in _nodes(cursor.fetchone()[0][0]["Plan"]) if node["Actual Loops"]]
        cursor.execute("RESET enable_seqscan")
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}, nodes
    months = [
        node for node in nodes if node.get("Relation Name", "").startswith(("wallet_transfer_2", "wallet_entry_2"))
    ]
    if name == "balance":
        assert not months
    last_month = f"{clock.now().replace(day=1) - timedelta(days=1):%Y_%m}"
    assert f"wallet_entry_{last_month}" not in {node["Relation Name"] for node in months}
    # Each month of transfers is looked into at most once, however many rows the page has.
    assert all(node["Actual Loops"] == 1 for node in months if node["Relation Name"].startswith("wallet_transfer"))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _scans() -> dict[str, int]:
    """How often each of the wallet's tables was read whole."""
    fetch_one("SELECT pg_stat_force_next_flush()")
    rows = fetch_all("SELECT relname, seq_scan FROM pg_stat_user_tables WHERE starts_with(relname, 'wallet_')")
    return {row["relname"]: row["seq_scan"] for row in rows}
