"""`manage.py replay_bets`: what it says, what it refuses, what another run meets."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from players.selectors import find_player_by_login
from tests.casino.test_bets_file import GOOD, HEADER
from tests.factories import make_player
from wallet.selectors import get_balances

pytestmark = pytest.mark.usefixtures("db")


def run(path: Path, *arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("replay_bets", str(path), *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def write(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "bets.csv"
    path.write_text("\n".join([HEADER, *rows]))
    return path


def test_bad_lines_are_listed_and_counted_and_the_good_ones_played(tmp_path: Path) -> None:
    out, err = run(write(tmp_path, GOOD, "nonsense"), "--rejects", str(tmp_path / "rejects.csv"))
    assert "line 3: 1 columns instead of 8" in err
    assert (tmp_path / "rejects.csv").read_text().splitlines() == ["line,reason", "3,1 columns instead of 8"]
    assert figures(out)["lines rejected"] == "1"
    player = find_player_by_login("anna")
    assert player
    assert str(get_balances(player.id).real) == "60.50"  # 50 deposited, 10.50 staked, 21 won


def test_a_bet_played_before_with_other_content_is_a_conflict(tmp_path: Path) -> None:
    run(write(tmp_path, GOOD))
    out, err = run(write(tmp_path, GOOD.replace(",2,3.1", ",3,3.1")))
    assert figures(out)["bets conflict"] == "1"
    assert "line 2: conflict" in err


def test_a_login_that_somebody_else_has_rejects_that_players_bets_only(tmp_path: Path) -> None:
    make_player(login="anna")
    out, err = run(write(tmp_path, GOOD, GOOD.replace("1,r1", "2,r1"), GOOD.replace("1,r1,anna", "3,r1,bert")))
    assert (figures(out)["lines rejected"], figures(out)["bets applied"]) == ("2", "1")
    assert "line 2: player 'anna' cannot be registered: login: This login is taken" in err


def test_time_going_back_is_played_in_the_files_order_and_said(tmp_path: Path) -> None:
    out, _ = run(write(tmp_path, GOOD, GOOD.replace("1,r1", "2,r1").replace("2021", "2020")))
    assert figures(out)["lines going back in time"].startswith("1 ")
    assert figures(out)["bets applied"] == "2"


def test_what_is_no_file_of_bets_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bets.csv"
    path.write_bytes(b"")
    with pytest.raises(CommandError, match="empty"):
        run(path)
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "nowhere.csv")


def figures(out: str) -> dict[str, str]:
    return {line[:26].strip(): line[26:].strip() for line in out.splitlines()}
