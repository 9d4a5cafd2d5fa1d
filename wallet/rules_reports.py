"""How a provider's CSV is read: its encoding, its delimiter, its amounts and times. Bad lines are named, not fatal."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from kernel.currencies import UnknownCurrency
from kernel.money import InvalidAmount, Money

DELIMITERS = ",;\t|"
MAX_REFERENCE = 200

_GROUPED = {
    False: re.compile(r"[+-]?\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?"),
    True: re.compile(r"[+-]?\d{1,3}(?:[.' ]\d{3})+(?:,\d+)?"),
}


class UnreadableReport(ValueError):
    """The file as a whole cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what. An empty ``currency`` column: all amounts are in ``fixed_currency``."""

    reference: str
    amount: str
    time: str
    currency: str = ""
    fixed_currency: str = ""
    time_format: str = ""
    decimal_comma: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is understood; ``error`` says what is wrong with it."""

    number: int
    reference: str = ""
    amount: Money | None = None
    happened_at: datetime | None = None
    error: str = ""


def decode(content: bytes, encoding: str = "") -> str:
    """The file as text: by its byte order mark, else UTF-8, else Windows-1252. Raises: UnreadableReport."""
    if not encoding:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        else:
            try:
                return content.decode("utf-8-sig")
            except UnicodeDecodeError:
                encoding = "cp1252"
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableReport(f"The file is not {encoding}: {error}"[:300]) from None


def detect_delimiter(text: str) -> str:
    """The delimiter that the heading holds most often."""
    heading = text.split("\n", 1)[0]
    return max(DELIMITERS, key=heading.count)


def parse_amount(text: str, currency: str, *, decimal_comma: bool) -> Money:
    """An amount as providers write it, thousands apart or not. Raises: InvalidAmount, UnknownCurrency."""
    plain = text.strip().replace("\u00a0", " ").replace("\u202f", " ")
    if _GROUPED[decimal_comma].fullmatch(plain):
        plain = re.sub(r"[.' ]" if decimal_comma else r"[,' ]", "", plain)
    if decimal_comma:
        if "." in plain:
            raise InvalidAmount(f"{text!r:.40} has a point where a decimal comma is expected.")
        plain = plain.replace(",", ".")
    return Money.parse(plain, currency)


def read_lines(text: str, columns: Columns, delimiter: str = "") -> Iterator[Line]:
    """The report line by line. Raises: UnreadableReport when a column is missing."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter or detect_delimiter(text))
    wanted = [name for name in (columns.reference, columns.amount, columns.time, columns.currency) if name]
    missing = [name for name in wanted if name not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "nothing"
        raise UnreadableReport(f"The heading lacks {', '.join(missing)}; it holds {found}."[:300])
    try:
        for row in reader:
            yield _line(reader.line_num, row, columns)
    except csv.Error as error:
        raise UnreadableReport(f"Line {reader.line_num}: {error}") from None


def _line(number: int, row: dict[str, str | None], columns: Columns) -> Line:
    reference = (row[columns.reference] or "").strip()[:MAX_REFERENCE]
    if None in row.values():
        return Line(number, reference, error="It has fewer fields than the heading.")
    if None in row:
        return Line(number, reference, error="It has more fields than the heading.")
    currency = (row[columns.currency] or "").strip() if columns.currency else columns.fixed_currency
    try:
        amount = parse_amount(row[columns.amount] or "", currency, decimal_comma=columns.decimal_comma)
    except (InvalidAmount, UnknownCurrency) as error:
        return Line(number, reference, error=str(error)[:200])
    try:
        happened_at = _moment((row[columns.time] or "").strip(), columns.time_format)
    except ValueError:
        return Line(number, reference, amount, error=f"{row[columns.time]!r:.60} is not a time as the mapping says.")
    return Line(number, reference, amount, happened_at)


def _moment(text: str, time_format: str) -> datetime:
    at = datetime.strptime(text, time_format) if time_format else datetime.fromisoformat(text)  # noqa: DTZ007
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
