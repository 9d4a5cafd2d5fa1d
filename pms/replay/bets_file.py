"""The file of bets: reads it line by line, and names every line that is not a bet. Knows nothing of the database.

Columns are found by the header's names: bet_id, round_id, player, stake, cashed_out, placed_at; others are not read.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import IO

from kernel.money import MAX_AMOUNT_MINOR, Money

CURRENCY = "EUR"
COLUMNS = ("bet_id", "round_id", "player", "stake", "cashed_out", "placed_at")
MAX_LINE_BYTES = 64 * 1024
MAX_ID_LENGTH = 100
YEARS = range(2000, 2100)

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?")


class NotABetsFile(ValueError):
    """The file as a whole is not a file of bets; the message says why."""


class BadRow(ValueError):
    """One line is not a bet; the message says why."""


@dataclass(frozen=True, slots=True)
class Bet:
    """One bet of the file. ``win`` is zero for a lost one."""

    line: int
    bet_id: str
    round_id: str
    player: str
    stake: Money
    win: Money
    placed_at: datetime


def read_bets(path: Path, reject: Callable[[int, str], None]) -> Iterator[Bet]:
    """The file's bets in its order; ``reject(line, reason)`` is called for every line that is none.

    Memory does not grow with the file: ids seen are kept in a temporary file. Raises: NotABetsFile, OSError.
    """
    with path.open("rb") as file, _SeenIds() as seen:
        lines = _lines(file)
        columns, width = _read_header(next(lines, (1, b""))[1])
        spellings: dict[str, str] = {}
        for number, raw in lines:
            if raw == b"":
                continue
            try:
                bet = _read_row(number, _split(raw), columns, width)
                spelling = spellings.setdefault(bet.player.casefold(), bet.player)
                if spelling != bet.player:
                    raise BadRow(f"player {bet.player!r} differs from {spelling!r} only in upper and lower case")
                first = seen.line_of(bet.bet_id, number)
                if first != number:
                    raise BadRow(f"bet_id {bet.bet_id!r} was used on line {first}")
            except BadRow as problem:
                reject(number, str(problem))
            else:
                yield bet


def count_lines(path: Path) -> int | None:
    """Lines after the header, to show progress; None where the file can be read only once (a pipe)."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        count = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        return max(count - 1, 0)


def win_of(stake: Money, multiplier: Decimal) -> Money:
    """Stake × multiplier, rounded down to the minor unit: never pays what was not won."""
    return Money(int((stake.amount_minor * multiplier).to_integral_value(ROUND_DOWN)), stake.currency)


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Numbered lines without their ends; one that is too long is cut there and its rest skipped."""
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        while not raw.endswith(b"\n") and len(raw) > MAX_LINE_BYTES:
            rest = file.readline(MAX_LINE_BYTES)
            if not rest or rest.endswith(b"\n"):
                break
        yield number, raw.rstrip(b"\r\n")


def _read_header(raw: bytes) -> tuple[list[int], int]:
    """Where each of COLUMNS stands, and how many columns a row has. Raises: NotABetsFile."""
    try:
        names = _split(raw.removeprefix(b"\xef\xbb\xbf"))
    except BadRow as problem:
        raise NotABetsFile(f"The first line is not a header: {problem}.") from None
    if not any(names):
        raise NotABetsFile("The file is empty, or its first line is; the first line names the columns.")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise NotABetsFile(f"The first line names no column {', '.join(missing)}; it must name {', '.join(COLUMNS)}.")
    if len(set(names)) < len(names):
        raise NotABetsFile("The first line names a column twice.")
    return [names.index(name) for name in COLUMNS], len(names)


def _split(raw: bytes) -> list[str]:
    """One line's fields. A quote that is not closed spoils its own line, not the rest of the file."""
    if len(raw) > MAX_LINE_BYTES:
        raise BadRow(f"longer than {MAX_LINE_BYTES} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadRow("not UTF-8 text") from None
    if not text.isprintable():
        raise BadRow("holds control characters")
    try:
        return next(csv.reader(io.StringIO(text), strict=True), [])
    except csv.Error as problem:
        raise BadRow(f"not CSV: {problem}") from None


def _read_row(line: int, fields: list[str], columns: list[int], width: int) -> Bet:
    if len(fields) != width:
        raise BadRow(f"{len(fields)} columns instead of {width}")
    bet_id, round_id, player, stake_text, cashed_out, placed_at = (fields[column] for column in columns)
    for name, text in {"bet_id": bet_id, "round_id": round_id, "player": player}.items():
        if not 0 < len(text) <= MAX_ID_LENGTH or text != text.strip():
            raise BadRow(f"{name} is empty, longer than {MAX_ID_LENGTH} characters, or padded with blanks")
    stake = _stake(stake_text)
    win = win_of(stake, _number("cashed_out", cashed_out)) if cashed_out else Money.zero(CURRENCY)
    if win.amount_minor > MAX_AMOUNT_MINOR:
        raise BadRow(f"stake × cashed_out is beyond {MAX_AMOUNT_MINOR} cents")
    return Bet(line, bet_id, round_id, player, stake, win, _moment(placed_at))


def _stake(text: str) -> Money:
    minor = _number("stake", text).scaleb(2)
    if minor != minor.to_integral_value():
        raise BadRow(f"stake {text!r:.40} has fractions of a cent")
    if not 0 < minor <= MAX_AMOUNT_MINOR:
        raise BadRow(f"stake {text!r:.40} is not between one cent and {MAX_AMOUNT_MINOR} cents")
    return Money(int(minor), CURRENCY)


def _number(name: str, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise BadRow(f"{name} {text!r:.40} is not a number of zero or more")
    return Decimal(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRow(f"placed_at {text!r:.40} is not a time such as 2021-10-31T15:38:43Z") from None
    if moment.tzinfo is None:
        raise BadRow(f"placed_at {text!r:.40} has no time zone; end it with Z for UTC")
    if moment.year not in YEARS:
        raise BadRow(f"placed_at {text!r:.40} is not between {YEARS[0]} and {YEARS[-1]}")
    return moment.astimezone(UTC)


class _SeenIds:
    """On which line a bet's id was used first: a temporary database on disk, gone when closed."""

    def __enter__(self) -> _SeenIds:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._database.execute("BEGIN")
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def line_of(self, bet_id: str, line: int) -> int:
        """The line that used the id first: ``line`` itself when it is new."""
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", [bet_id, line])
        if added.rowcount:
            return line
        first: int = self._database.execute("SELECT line FROM seen WHERE id = ?", [bet_id]).fetchone()[0]
        return first
