"""Reading a file of bets: what is a bet, and what is named as none."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from kernel.money import Money
from pms.replay.bets_file import MAX_LINE_BYTES, Bet, NotABetsFile, count_lines, read_bets, win_of
from pms.replay.playing import plan_deposit

HEADER = "bet_id,round_id,player,stake,cashed_out,busted_at,profit,placed_at"
GOOD = "1,r1,anna,10.50,2,3.1,,2021-10-31T15:38:43Z"


def read(tmp_path: Path, content: str | bytes) -> tuple[list[Bet], list[tuple[int, str]]]:
    path = tmp_path / "bets.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rejected: list[tuple[int, str]] = []
    bets = list(read_bets(path, lambda line, reason: rejected.append((line, reason))))
    return bets, rejected


def test_a_row_is_read_as_it_stands(tmp_path: Path) -> None:
    bets, rejected = read(tmp_path, f"{HEADER}\n{GOOD}\n")
    assert rejected == []
    at = datetime(2021, 10, 31, 15, 38, 43, tzinfo=UTC)
    assert bets == [Bet(2, "1", "r1", "anna", Money(1050, "EUR"), Money(2100, "EUR"), at)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,r,anna,10,2,3,2021-10-31T15:38:43Z", "7 columns instead of 8"),
        ("1,r,anna,ten,2,3,,2021-10-31T15:38:43Z", "stake 'ten' is not a number"),
        ("1,r,anna,-5,2,3,,2021-10-31T15:38:43Z", "stake '-5' is not a number of zero or more"),
        ("1,r,anna,NaN,2,3,,2021-10-31T15:38:43Z", "stake 'NaN' is not a number"),
        ("1,r,anna,Infinity,2,3,,2021-10-31T15:38:43Z", "stake 'Infinity' is not a number"),
        ("1,r,anna,０５,2,3,,2021-10-31T15:38:43Z", "is not a number"),
        ("1,r,anna,,2,3,,2021-10-31T15:38:43Z", "stake '' is not a number"),
        ("1,r,anna,0,2,3,,2021-10-31T15:38:43Z", "not between one cent"),
        ("1,r,anna,1E+99,2,3,,2021-10-31T15:38:43Z", "not between one cent"),
        ("1,r,anna,0.005,2,3,,2021-10-31T15:38:43Z", "fractions of a cent"),
        ("1,r,anna,10,-2,3,,2021-10-31T15:38:43Z", "cashed_out '-2' is not a number"),
        ("1,r,anna,10,1E+90,3,,2021-10-31T15:38:43Z", "stake × cashed_out is beyond"),
        ("1,r,anna,10,2,3,,yesterday", "placed_at 'yesterday' is not a time"),
        ("1,r,anna,10,2,3,,2021-10-31T15:38:43", "has no time zone"),
        ("1,r,anna,10,2,3,,9999-12-31T23:59:59-10:00", "is not between 2000 and 2099"),
        (",r,anna,10,2,3,,2021-10-31T15:38:43Z", "bet_id is empty"),
        ("1,r,,10,2,3,,2021-10-31T15:38:43Z", "player is empty"),
        ("1,r,an\x00na,10,2,3,,2021-10-31T15:38:43Z", "control characters"),
        ('1,"r,anna,10,2,3,,2021-10-31T15:38:43Z', "not CSV"),
        ("1," + "r" * MAX_LINE_BYTES, "longer than"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_on(tmp_path: Path, row: str, reason: str) -> None:
    good = GOOD.replace("1,r1", "good,r1")
    bets, rejected = read(tmp_path, f"{HEADER}\n{row}\n{good}\n")
    assert [bet.line for bet in bets] == [3]
    assert [line for line, _ in rejected] == [2]
    assert reason in rejected[0][1]


def test_undecodable_bytes_spoil_one_line(tmp_path: Path) -> None:
    bets, rejected = read(tmp_path, f"{HEADER}\n".encode() + b"\xff\xfe\n" + GOOD.encode())
    assert (len(bets), rejected) == (1, [(2, "not UTF-8 text")])


def test_an_id_counts_once_and_a_login_has_one_spelling(tmp_path: Path) -> None:
    again = GOOD.replace("10.50", "99")
    bets, rejected = read(tmp_path, "\n".join([HEADER, GOOD, again, GOOD.replace("1,r1,anna", "2,r1,Anna")]))
    assert [bet.stake.amount_minor for bet in bets] == [1050]
    assert rejected[0] == (3, "bet_id '1' was used on line 2")
    assert "only in upper and lower case" in rejected[1][1]


def test_byte_order_mark_line_ends_column_order_and_exponents_do_not_matter(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfplayer,placed_at,stake,cashed_out,round_id,bet_id\r\nanna,2021-10-31T16:38:43+01:00,1E+2,,r,9\r\n\r\n"
    bets, rejected = read(tmp_path, content)
    assert rejected == []
    assert [(bet.stake.amount_minor, bet.win.amount_minor, bet.placed_at.hour) for bet in bets] == [(10000, 0, 15)]


@pytest.mark.parametrize("content", [b"", b"\n", b"a,b,c\n1,2,3\n", b"\x7fELF\x02\x01\x01\x00", GOOD.encode()])
def test_what_is_no_file_of_bets_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotABetsFile):
        read(tmp_path, content)


def test_a_win_is_rounded_down_to_the_cent() -> None:
    assert win_of(Money(333, "EUR"), Decimal("1.999")) == Money(665, "EUR")
    assert win_of(Money(100_000_000, "EUR"), Decimal("1.01")) == Money(101_000_000, "EUR")


@pytest.mark.parametrize(
    ("balance", "stake", "deposit"), [(0, 1, 5000), (0, 5000, 5000), (0, 5001, 10000), (700, 700, 0), (699, 700, 5000)]
)
def test_the_deposit_is_the_shortfall_rounded_up_to_fifty_euro(balance: int, stake: int, deposit: int) -> None:
    assert plan_deposit(balance, stake) == deposit


def test_lines_are_counted_for_progress(tmp_path: Path) -> None:
    path = tmp_path / "bets.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n{GOOD}\n")
    assert count_lines(path) == 2
