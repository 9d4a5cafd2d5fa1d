"""Seals: what is settled is signed outside the database, and nothing in it can be changed, left out or added unnoticed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from pytest_django import Settings

from events.services.proving import Proof
from events.services.sealing import SealedDay
from kernel.db import fetch_all, fetch_one
from kernel.sealing import SealingRefused, Signer, canonical, new_private_key
from pms.runtime.home import PROJECT
from tests.connections import Session
from tests.database import DATABASE, admin_url, databases
from tests.factories import bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from wallet.models import HouseCheckpoint
from wallet.models import Seal as SealRow
from wallet.selectors import sum_house
from wallet.services import sealing
from wallet.services.proofs import find_last_proof, prove
from wallet.services.sealing import list_days, open_store, rotate_key, seal_ledger, summarise
from wallet.types import AccountKind

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.breaks_ledger]

NOW = datetime(2026, 3, 14, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def store(db: None, settings: Settings, tmp_path: Path) -> Path:
    settings.SEALS_PATH = tmp_path
    settings.SEAL_PRIVATE_KEYS = [new_private_key()]
    make_game()
    return tmp_path / "ledger"


def play() -> None:
    player = make_player()
    fund(player.id, "100.00")
    bet(player.id, "30.00")
    bet(player.id, "20.00")


def seal(at: datetime = NOW) -> int:
    return len(list(seal_ledger(at=at)))


def damage(*statements: str) -> None:
    """As a superuser who switches triggers and constraints off."""
    with psycopg.connect(databases.with_database(admin_url(), DATABASE), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for statement in statements:
            superuser.execute(statement)


# Gives a purse's whole chain new hashes, by the ledger's own formula: what somebody does who knows it all but the key.
REWRITE = """
DO $$
DECLARE
    line record;
    last bytea;
BEGIN
    FOR line IN SELECT e.*, t.digest FROM wallet_entry e JOIN wallet_transfer t ON t.id = e.transfer_id
                ORDER BY e.account_id, e.sequence
    LOOP
        IF line.sequence IS NULL THEN
            UPDATE wallet_entry SET hash = sha256('\\x00'::bytea || line.digest || uuid_send(line.id)
                || uuid_send(line.account_id) || int8send(line.amount_minor)) WHERE id = line.id;
            CONTINUE;
        END IF;
        last := sha256('\\x00'::bytea || CASE line.sequence WHEN 1 THEN '' ELSE last END || line.digest || uuid_send(line.id)
            || uuid_send(line.account_id) || int8send(line.amount_minor) || int8send(line.balance_after_minor)
            || int8send(line.sequence));
        UPDATE wallet_entry SET hash = last WHERE id = line.id;
        UPDATE wallet_account SET last_hash = last, balance_minor = line.balance_after_minor, sequence = line.sequence
        WHERE id = line.account_id;
    END LOOP;
END $$"""


def proof(**options: bool) -> Proof:
    return prove(at=NOW, **options)


def found(proof: Proof) -> set[str]:
    return {check for check, broken in proof.broken.items() if broken}


def test_everything_settled_is_sealed_and_proved() -> None:
    play()
    assert seal() == 1
    play()
    assert seal() == 1
    assert seal() == 0
    result = proof()
    assert (result.sound, result.seal, result.entries) == (True, 2, 12)
    assert SealRow.objects.count() == 2


def test_what_is_not_sealed_is_checked_by_the_rules_alone() -> None:
    play()
    seal()
    play()
    assert (proof().sound, proof().entries) == (True, 12)
    newest = "(SELECT id FROM wallet_entry ORDER BY id DESC LIMIT 1)"
    damage(f"UPDATE wallet_entry SET amount_minor = amount_minor - 1 WHERE id = {newest}")
    assert any("sum to zero" in check for check in found(proof()))


LAST = "(SELECT id FROM wallet_entry WHERE sequence = 3 ORDER BY id DESC LIMIT 1)"
LAST_TRANSFER = f"(SELECT transfer_id FROM wallet_entry WHERE id = {LAST})"


@pytest.mark.parametrize(
    ("statements", "check"),
    [
        ([f"UPDATE wallet_entry SET amount_minor = amount_minor - 1 WHERE id = {LAST}"], "sum to zero"),
        ([f"UPDATE wallet_entry SET balance_after_minor = 4711 WHERE id = {LAST}"], "follow each other"),
        ([f"DELETE FROM wallet_entry WHERE id = {LAST}"], "sum to zero"),
        (["UPDATE wallet_entry SET sequence = 5 - sequence WHERE sequence IN (2, 3)"], "follow each other"),
        (["UPDATE wallet_entry SET hash = sha256('x') WHERE sequence IS NULL AND amount_minor = 2000"], "of the house"),
        (["UPDATE wallet_transfer SET round = 'another' WHERE kind = 'bet'"], "follow each other"),
        (["UPDATE wallet_transfer SET occurred_at = occurred_at - interval '1 day'"], "follow each other"),
        (["UPDATE wallet_transfer SET occurred_at = occurred_at - interval '1 day'", REWRITE], "signed"),
        ([f"DELETE FROM wallet_transfer WHERE id = {LAST_TRANSFER}"], "belongs to a transfer"),
        # The sealed tail cut off cleanly: entries, transfer, balance and last hash go back together.
        (
            [f"CREATE TABLE gone AS SELECT {LAST_TRANSFER} AS id", "DELETE FROM wallet_entry WHERE transfer_id IN (TABLE gone)",
             "DELETE FROM wallet_transfer WHERE id IN (TABLE gone)", REWRITE],
            "signed",
        ),
        # A purse's history rewritten consistently: amounts, balances, digests, hashes, everything.
        (
            ["UPDATE wallet_entry SET amount_minor = sign(amount_minor) * 1999 WHERE abs(amount_minor) = 2000",
             "UPDATE wallet_entry SET balance_after_minor = balance_after_minor + 1 WHERE sequence = 3",
             "UPDATE wallet_transfer SET amount_minor = 1999 WHERE amount_minor = 2000", REWRITE],
            "signed",
        ),
        # Two bets of a purse in the other order, balances and hashes with them.
        (
            ["UPDATE wallet_entry SET sequence = 5 - sequence WHERE sequence IN (2, 3)",
             "UPDATE wallet_entry SET balance_after_minor = 8000 WHERE sequence = 2",
             "UPDATE wallet_entry SET balance_after_minor = 5000 WHERE sequence = 3", REWRITE],
            "signed",
        ),
        # A player's money as if it had never been.
        (
            ["DELETE FROM wallet_entry", "DELETE FROM wallet_transfer", "DELETE FROM wallet_transferkey",
             "DELETE FROM wallet_deposit", "DELETE FROM wallet_account WHERE player_id IS NOT NULL"],
            "signed",
        ),
        (["UPDATE wallet_entry SET xid = 1 WHERE sequence = 3"], "signed"),
        (["UPDATE wallet_housecheckpoint SET total_minor = total_minor + 1"], "checkpoint"),
        (["DELETE FROM wallet_account WHERE kind = 'real'"], "belongs to a transfer"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("since_last", [False, True])
def test_damage_below_a_seal_is_found(statements: list[str], check: str, since_last: bool) -> None:
    play()
    seal()
    damage(*statements)
    result = proof(since_last=since_last)
    assert any(check in name for name in found(result)), found(result)
    assert result.first_broken


def test_a_consistent_rewrite_breaks_no_rule_but_the_seal() -> None:
    play()
    seal()
    damage("UPDATE wallet_transfer SET actor = 'somebody else'", REWRITE)
    assert found(proof()) == {"every seal is in its chain, signed, and has the root of what is in the ledger"}


def test_the_first_broken_row_is_named() -> None:
    play()
    play()
    seal()
    entry = fetch_one("SELECT id FROM wallet_entry WHERE sequence = 2 ORDER BY id LIMIT 1")[0]
    damage("UPDATE wallet_entry SET balance_after_minor = 1 WHERE sequence = 2")
    assert proof().first_broken.startswith(f"{entry}: entry 2 of purse")
    with pytest.raises(CommandError, match=str(entry)):
        call_command("verify_ledger", stdout=StringIO())


def rewrite_line(store: Path, line_number: int, **changes: object) -> None:
    (file,) = store.glob("2*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[line_number - 1] |= changes
    file.write_text("".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines))


@pytest.mark.parametrize(
    "what", [{"root": "00" * 32}, {"leaves": 1}, {"previous": "00"}, {"key_id": "stranger"}, {"number": 7}]
)
def test_a_changed_seal_is_found(store: Path, what: dict[str, object]) -> None:
    for _ in range(3):
        play()
        seal()
    rewrite_line(store, 2, **what)
    result = proof()
    assert not result.sound
    assert any("seal" in example for examples in result.examples.values() for example in examples)


def test_a_seal_taken_out_or_garbled_or_the_stores_tail_cut_off_is_found(store: Path) -> None:
    for _ in range(3):
        play()
        seal()
    (file,) = store.glob("2*.jsonl")
    whole = file.read_text()
    lines = whole.splitlines(keepends=True)
    for text in (lines[0] + lines[2], lines[0] + "{}\n" + lines[2], lines[0] + "garbage\n", lines[0] + lines[1]):
        file.write_text(text)
        assert not proof(fresh=True).sound
    file.write_text(whole)
    assert proof(fresh=True).sound


def test_a_seal_of_another_key_is_not_believed(store: Path, settings: Settings) -> None:
    play()
    seal()
    damage(
        "UPDATE wallet_transfer SET actor = 'somebody else'",
        REWRITE,
        "DELETE FROM wallet_housecheckpoint",
        "DELETE FROM wallet_seal",
    )
    (file,) = store.glob("2*.jsonl")
    file.unlink()
    settings.SEAL_PRIVATE_KEYS = [new_private_key()]
    with pytest.raises(SealingRefused, match="not the newest published key"):
        seal()
    forged = json.loads((store / "keys.jsonl").read_text()) | {"key_id": Signer(settings.SEAL_PRIVATE_KEYS).key_id}
    with (store / "keys.jsonl").open("a") as keys:
        keys.write(json.dumps(forged) + "\n")
    with pytest.raises(SealingRefused, match="not the newest published key"):
        seal()


def test_a_transaction_that_commits_late_is_not_skipped() -> None:
    play()  # the house's accounts are open: whoever opens them first makes others wait
    seal()
    player = make_player()
    fund(player.id)
    late = Session()
    late.begin()
    late.do(lambda: bet(player.id, "10.00"))
    play()
    seal()
    sealed = SealRow.objects.get(number=2).entries
    assert sealed == 2, "the deposit alone: all that came after the open transaction waits for it"
    late.commit()
    late.close()
    seal()
    assert sum(SealRow.objects.values_list("entries", flat=True)) == fetch_one("SELECT count(*) FROM wallet_entry")[0]
    assert proof().sound


def test_keys_are_rotated_and_old_seals_stay_good(settings: Settings) -> None:
    play()
    seal()
    first = settings.SEAL_PRIVATE_KEYS[0]
    settings.SEAL_PRIVATE_KEYS = [first, new_private_key()]
    play()
    with pytest.raises(SealingRefused, match="rotating"):
        seal()
    key = rotate_key(at=NOW)
    assert seal() == 1
    assert [row.key_id for row in SealRow.objects.order_by("number")] == [key.endorsed_by, key.key_id]
    assert proof().sound


def test_a_new_key_needs_the_old_one_to_vouch_for_it(settings: Settings) -> None:
    play()
    seal()
    settings.SEAL_PRIVATE_KEYS = [new_private_key()]
    with pytest.raises(SealingRefused, match="must vouch"):
        rotate_key(at=NOW)


def test_a_crash_between_store_and_database_leaves_one_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    play()

    def crash(seal: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "_keep", crash)
        with pytest.raises(RuntimeError):
            seal()
    assert (open_store().last().number, SealRow.objects.count()) == (1, 0)  # type: ignore[union-attr]
    play()
    assert seal() == 1
    assert list(SealRow.objects.order_by("number").values_list("entries", flat=True)) == [6, 6]
    assert proof().sound


def test_a_line_that_a_crash_cut_short_is_no_seal(store: Path) -> None:
    play()
    seal()
    (file,) = store.glob("2*.jsonl")
    with file.open("a") as torn:
        torn.write('{"number": 2, "ro')
    play()
    assert seal() == 1
    assert [kept.number for kept in open_store().read()] == [1, 2]
    assert proof().sound


def test_a_store_that_lost_seals_is_not_sealed_over(store: Path) -> None:
    play()
    seal()
    (file,) = store.glob("2*.jsonl")
    file.unlink()
    play()
    with pytest.raises(SealingRefused, match="The database knows seal 1"):
        seal()


def test_the_first_that_is_broken_is_the_oldest_row_whichever_rule_it_breaks() -> None:
    play()
    play()
    seal()
    oldest, newest = (
        f"(SELECT id FROM wallet_entry WHERE sequence IS NOT NULL ORDER BY id {order} LIMIT 1)"
        for order in ("", "DESC")
    )
    # The rule that the newer row breaks is asked first.
    damage(
        f"UPDATE wallet_entry SET hash = sha256('x') WHERE id = {oldest}",
        f"UPDATE wallet_entry SET amount_minor = amount_minor - 1 WHERE id = {newest}",
    )
    first = fetch_one(f"SELECT {oldest}")[0]
    assert proof().first_broken.startswith(f"{first}: entry 1 of purse")


def test_a_seal_is_named_where_no_row_is_known(store: Path) -> None:
    play()
    seal()
    play()
    damage(
        "DELETE FROM wallet_entry WHERE xid < (SELECT xid_until FROM wallet_seal)",
        "DELETE FROM wallet_transfer WHERE xid < (SELECT xid_until FROM wallet_seal)",
    )
    assert proof().first_broken.startswith("seal 1 of")


def test_a_run_since_the_last_goes_on_where_the_last_sound_one_ended() -> None:
    play()
    seal()
    assert proof(since_last=True).entries == 6
    play()
    seal()
    second = proof(since_last=True)
    assert (second.sound, second.entries, second.seal) == (True, 6, 2)
    damage("UPDATE wallet_transfer SET actor = 'somebody else' WHERE kind = 'bet'", REWRITE)
    assert proof(since_last=True).sound, "nothing new was sealed: a full run finds it"
    assert not proof().sound
    assert not find_last_proof().sound  # type: ignore[union-attr]


def test_a_run_that_was_cut_short_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        play()
        seal()
    monkeypatch.setattr("events.services.proving.PORTION_ENTRIES", 1)

    class Killed(BaseException):
        pass

    def kill(at: Proof) -> None:
        if at.seal == 2:
            raise Killed

    with pytest.raises(Killed):
        prove(at=NOW, progress=kill)
    reached: list[int] = []
    result = prove(at=NOW + timedelta(hours=1), progress=lambda at: reached.append(at.seal))
    assert reached[0] == 3, "the first two are not done again"
    assert (result.sound, result.entries, result.started_at) == (True, 18, NOW.isoformat())
    assert proof().entries == 18


KILLED = """
    import os, signal
    import django
    django.setup()
    from django.core.management import call_command
    from events.services import proving

    proving.PORTION_ENTRIES = 1
    save = proving._save

    def save_and_die(store, *, running, last=None):
        save(store, running=running, last=last)
        if running and running.seal == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    proving._save = save_and_die
    call_command("verify_ledger")
"""


def test_a_verification_killed_half_way_goes_on_and_shows_how_far_it_is(store: Path, settings: Settings) -> None:
    for _ in range(4):
        play()
        seal()
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED)],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": url, "SEALS_PATH": str(settings.SEALS_PATH)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "… seal 1 of 4, 6 entries" in killed.stdout
    damage("UPDATE wallet_transfer SET actor = 'somebody else' WHERE kind = 'bet'", REWRITE)
    out = StringIO()
    with pytest.raises(CommandError, match="seal 3"):
        call_command("verify_ledger", stdout=out)
    assert "… seal 4 of 4, 24 entries" in out.getvalue()
    assert "seal 1 of" not in out.getvalue(), "what was checked before is not checked again"
    with pytest.raises(CommandError, match="seal 1"):
        call_command("verify_ledger", "--fresh", stdout=out)


def test_sums_of_the_house_go_on_from_checkpoints() -> None:
    play()
    before = sum_house(AccountKind.GAMING)["EUR"]
    seal()
    assert sum_house(AccountKind.GAMING)["EUR"] == before
    assert HouseCheckpoint.objects.get(account__kind="gaming").total_minor == before.amount_minor
    play()
    assert sum_house(AccountKind.GAMING)["EUR"].amount_minor == 2 * before.amount_minor
    seal()
    assert sum_house(AccountKind.GAMING)["EUR"].amount_minor == 2 * before.amount_minor


def test_many_seals_at_once_after_a_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.services.sealing.MOST_TRANSACTIONS", 1)
    play()
    assert seal() == 3
    assert proof().sound


def test_a_ledger_that_moved_to_another_cluster_is_sealed_on() -> None:
    play()
    seal()
    play()  # restored, not sealed yet, and its transaction ids are above those of the new cluster
    damage(
        "UPDATE wallet_entry SET xid = xid + 1000000", "UPDATE wallet_transfer SET xid = xid + 1000000",
        "DELETE FROM wallet_housecheckpoint", "DELETE FROM wallet_seal",
    )  # fmt: skip
    for file in open_store().folder.iterdir():
        file.unlink()
    damage("INSERT INTO events_epoch (number, system_identifier, started_at) SELECT 2, 1, clock_timestamp()")
    play()
    assert seal() == 2
    assert list(SealRow.objects.order_by("number").values_list("epoch", "entries")) == [(1, 12), (2, 6)]
    assert proof().sound
    assert sum_house(AccountKind.GAMING)["EUR"].amount_minor == 15_000


def test_a_days_summary_is_signed_and_readable(store: Path) -> None:
    play()
    seal()
    seal(NOW + timedelta(days=1))
    assert (store / f"{NOW.date()}.summary.json").exists()
    kept = json.loads((store / f"{NOW.date()}.summary.json").read_text())
    content = {name: kept[name] for name in kept if name not in ("key_id", "signature")}
    assert content == summarise(NOW.date())
    assert content["totals"]["gaming EUR"] == {"entries": 2, "amount_minor": 5000}
    assert open_store().keys()[kept["key_id"]].signed(canonical(content), kept["signature"])


def test_days_are_shown_while_their_files_are_what_was_signed(store: Path) -> None:
    assert list_days() == []
    play()
    seal()
    play()
    seal(NOW + timedelta(days=1))
    seal(NOW + timedelta(days=1))
    play()
    seal(NOW + timedelta(days=2))
    assert [line.summary and line.summary["seals"] for line in list_days()] == [[2, 2], [1, 1]]
    page = reverse("admin:wallet_seal_changelist")
    shown = text_of(staff_client("auditor").get(page))
    assert f"<td>{NOW.date()}</td>" in shown
    assert "is not what was signed" not in shown
    file = store / f"{NOW.date()}.summary.json"
    good = json.loads(file.read_text())
    another_day = (store / f"{NOW.date() + timedelta(days=1)}.summary.json").read_text()
    for changed in (
        json.dumps(good | {"entries": 7}),
        json.dumps(good | {"key_id": "x"}),
        another_day,
        "{",
        "[]",
        "\xff",
    ):
        file.write_text(changed, "latin-1")
        assert list_days()[1] == SealedDay(NOW.date(), None, list_days()[1].key_id), changed
    assert "is not what was signed" in text_of(staff_client("auditor").get(page))


def test_the_commands_say_what_they_did() -> None:
    play()
    out = StringIO()
    call_command("seal_ledger", stdout=out)
    call_command("verify_ledger", "--since-last", stdout=out)
    text = out.getvalue()
    assert "Seal 1: 9 rows" in text
    assert "BROKEN" not in text
    assert "6 entries up to seal 1" in text


def test_seals_cannot_be_changed_by_the_application() -> None:
    play()
    seal()
    for statement in ("DELETE FROM wallet_seal", "UPDATE wallet_housecheckpoint SET total_minor = 0"):
        with pytest.raises(Exception, match=r"permission denied|append-only"):
            fetch_all(f"{statement} RETURNING 1")
