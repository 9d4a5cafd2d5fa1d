"""An operator rotates the key that seals the ledger, as the handbook says, and proves the whole of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import reverse
from pytest_django import Settings

from kernel import clock
from tests.factories import bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from tests.stories.faces import page
from tests.wallet.test_sealing import REWRITE, damage

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.breaks_ledger]


@pytest.fixture
def manage(db: None, settings: Settings, tmp_path: Path) -> Callable[..., str]:
    settings.SEALS_PATH = tmp_path

    def run(*command: str) -> str:
        out = StringIO()
        call_command(*command, stdout=out)
        return out.getvalue()

    settings.SEAL_PRIVATE_KEYS = [run("seal_ledger", "--new-key").strip()]
    make_game()
    return run


def play() -> None:
    player = make_player()
    fund(player.id, "100.00")
    bet(player.id, "30.00")


def test_rotated_by_the_book(manage: Callable[..., str], settings: Settings, tmp_path: Path) -> None:
    play()
    assert "Seal 1" in manage("seal_ledger")
    # A new key is made and appended; until it is published, nothing is sealed by it.
    settings.SEAL_PRIVATE_KEYS = [*settings.SEAL_PRIVATE_KEYS, manage("seal_ledger", "--new-key").strip()]
    play()
    with pytest.raises(CommandError, match="rotating"):
        manage("seal_ledger")
    said = manage("seal_ledger", "--rotate")
    assert "seals from now on, endorsed by" in said
    assert manage("seal_ledger", "--rotate") == said, "said twice, done once"
    assert "Seal 2" in manage("seal_ledger")
    # The old private key may go: its public half stays beside the seals, and vouches for the new one.
    settings.SEAL_PRIVATE_KEYS = settings.SEAL_PRIVATE_KEYS[1:]
    play()
    assert "Seal 3" in manage("seal_ledger")
    for run in (["verify_ledger"], ["verify_ledger", "--since-last"], ["verify_ledger", "--fresh"]):
        out = manage(*run)
        assert "BROKEN" not in out
        assert "up to seal 3" in out
    first, second = (json.loads(line)["key_id"] for line in (tmp_path / "ledger/keys.jsonl").read_text().splitlines())
    auditor = staff_client("auditor")
    seals = text_of(auditor.get(reverse("admin:wallet_seal_changelist")))
    assert seals.count(second) >= 2
    assert first in seals
    assert first in page(auditor, "wallet_seal", "1")
    assert second in page(auditor, "wallet_seal", "3")

    # Of what the old key has sealed nothing can be changed either.
    damage("UPDATE wallet_transfer SET actor = 'somebody else' WHERE kind = 'deposit'", REWRITE)
    with pytest.raises(CommandError, match="the rows are not those that were sealed"):
        manage("verify_ledger")
    assert "The ledger is broken" in text_of(auditor.get(reverse("admin:wallet_seal_changelist")))


def test_the_day_that_is_over_has_a_signed_page_for_people(manage: Callable[..., str], tmp_path: Path) -> None:
    play()
    manage("seal_ledger")
    today = clock.now()
    assert json.loads(manage("seal_ledger", "--summary", today.date().isoformat()))["transfers"] == 2
    with time_machine.travel(today + timedelta(days=1)):
        manage("seal_ledger")
    kept = json.loads((tmp_path / f"ledger/{today.date()}.summary.json").read_text())
    assert kept["seals"] == [1, 1]
    assert kept["totals"]["gaming EUR"] == {"entries": 1, "amount_minor": 3000}
    assert kept["signature"]
