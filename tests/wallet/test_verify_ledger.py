"""verify_ledger finds what a hand in the database has done, and names it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from pytest_django import Settings

from tests.database import admin_url
from tests.factories import bet, fund, make_game, make_player
from tests.wallet.test_services_adjustments import adjust
from tests.wallet.test_services_bets import bonus
from wallet.services.verification import check_end, verify
from wallet.tasks import verify_ledger

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.breaks_ledger]


@pytest.fixture(autouse=True)
def play(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.SEALS_PATH = tmp_path
    make_game()
    for _ in range(2):
        player = make_player()
        fund(player.id, "100.00")
        bonus(player, "10.00", key=str(player.id))
        bet(player.id, "105.00")
        adjust(player.id, "1.00", key=str(player.id))


def damage(statement: str) -> None:
    """As a superuser who switches the triggers off."""
    from tests.database import DATABASE, databases

    with psycopg.connect(databases.with_database(admin_url(), DATABASE), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("ALTER TABLE wallet_account DROP CONSTRAINT IF EXISTS wallet_account_never_below_zero")
        superuser.execute(statement)


def broken() -> set[str]:
    return {finding.check for finding in verify() if finding.broken}


def test_a_sound_ledger_passes(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_ledger")
    assert "BROKEN" not in capsys.readouterr().out


BETS = "(SELECT id FROM wallet_transfer WHERE kind = 'bet')"
ONE_PURSE_ENTRY = "(SELECT id FROM wallet_entry WHERE sequence = 1 ORDER BY id LIMIT 1)"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE wallet_account SET balance_minor = balance_minor + 1 WHERE kind = 'real'", {"holds what its last"}),
        (f"UPDATE wallet_entry SET amount_minor = 1 WHERE id = {ONE_PURSE_ENTRY}", {"sum to zero", "follow each other"}),
        (f"DELETE FROM wallet_entry WHERE id = {ONE_PURSE_ENTRY}", {"sum to zero", "follow each other"}),
        ("DELETE FROM wallet_transfer WHERE kind = 'bet'", {"belongs to a transfer", "follow each other"}),
        (f"DELETE FROM wallet_entry WHERE transfer_id IN {BETS}", {"has entries", "holds what its last"}),
        ("UPDATE wallet_deposit SET amount_minor = 1", {"deposit that was made"}),
        ("DELETE FROM wallet_transferkey WHERE source = 'pms:deposits'", {"deposit that was made"}),
        ("UPDATE wallet_transfer SET player_id = gen_random_uuid() WHERE kind = 'bet'", {"the transfer's player's"}),
        ("UPDATE wallet_transfer SET currency = 'USD' WHERE kind = 'bet'", {"account of its currency"}),
        ("UPDATE wallet_entry SET sequence = 7 WHERE sequence = 2", {"follow each other"}),
        ("DELETE FROM wallet_transferkey WHERE source = 'test'", {"what its key has led to"}),
        ("UPDATE wallet_transferkey SET outcome = 'refused' WHERE source = 'test'", {"what its key has led to"}),
        ("UPDATE wallet_transferkey SET transfer_id = (SELECT min(transfer_id::text)::uuid FROM wallet_transferkey)",
         {"what its key has led to"}),
        ("DELETE FROM wallet_entry WHERE transfer_id IN (SELECT id FROM wallet_transfer WHERE kind = 'adjustment')",
         {"has entries"}),
    ],
)  # fmt: skip
def test_damage_is_found(statement: str, found: set[str]) -> None:
    damage(statement)
    names = broken()
    assert names, "nothing was found"
    assert all(any(part in name for name in names) for part in found), names
    with pytest.raises(CommandError, match="break the ledger's rules"):
        call_command("verify_ledger")


def test_what_is_broken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    damage("UPDATE wallet_account SET balance_minor = 4711 WHERE kind = 'real'")
    with pytest.raises(CommandError):
        call_command("verify_ledger")
    assert "holds 4711 after 3 entries, its last entry says 100 after 3" in capsys.readouterr().out


def test_a_bet_that_came_twice_because_its_key_was_gone_is_found() -> None:
    player = make_player()
    fund(player.id, "100.00")
    bet(player.id, "4.00", key="once")
    damage("DELETE FROM wallet_transferkey WHERE key = 'once'")
    assert bet(player.id, "4.00", key="once").outcome == "applied"
    assert broken() == {"every transfer is what its key has led to"}


def test_what_is_new_is_proved_without_reading_all_payments() -> None:
    damage("UPDATE wallet_deposit SET amount_minor = 1")
    names = [{finding.check for finding in check_end(whole=whole)} for whole in (False, True)]
    assert names[0] < names[1]
    assert sum(finding.broken for finding in check_end(whole=False)) == 0
    assert sum(finding.broken for finding in check_end(whole=True)) == 2


def test_the_job_says_aloud_what_is_broken(caplog: pytest.LogCaptureFixture) -> None:
    assert verify_ledger(since_last=False)
    assert not caplog.records
    damage("UPDATE wallet_account SET balance_minor = 4711 WHERE kind = 'real'")
    assert not verify_ledger(since_last=False)
    assert "2 rows break the ledger's rules" in caplog.text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallet_account SET balance_minor = 1",
        "INSERT INTO wallet_entry SELECT * FROM wallet_entry",
        "UPDATE wallet_entry SET amount_minor = 1",
        "DELETE FROM wallet_transfer",
        "TRUNCATE wallet_entry",
        "DELETE FROM wallet_transferkey",
        "ALTER TABLE wallet_entry DISABLE TRIGGER ALL",
        "SELECT wallet_enter(gen_random_uuid(), (SELECT id FROM wallet_account LIMIT 1), 5)",
    ],
)
def test_the_application_itself_cannot_do_any_of_this(statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), connection.cursor() as cursor:
        cursor.execute(statement)
