"""How a provider's CSV is read: its encoding, its delimiter, its amounts and times. Bad lines are named, not fatal."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kernel.currencies import UnknownCurrency
from kernel.money import InvalidAmount, Money
from kernel.pan import mask_pans
from wallet.rules_matching import FEE, OUTWARDS, kind_by_sign

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
    """Which column holds what. An empty ``currency`` column: all amounts are in ``fixed_currency``.

    ``kinds`` says what the words of the ``kind`` column mean; without that column an amount's sign tells it, where the
    report ``covers`` both directions. ``net`` amounts are without the fee.
    """

    reference: str
    amount: str
    time: str
    currency: str = ""
    fixed_currency: str = ""
    time_format: str = ""
    decimal_comma: bool = False
    kind: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    covers: tuple[str, ...] = ()
    fee: str = ""
    net: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is understood; ``amount`` is positive and with the fee. ``error`` says what is wrong with it."""

    number: int
    reference: str = ""
    amount: Money | None = None
    happened_at: datetime | None = None
    error: str = ""
    kind: str = ""
    fee: Money | None = None


def decode(content: bytes, encoding: str = "") -> str:
    """The file as text: by its byte order mark, else UTF-8, else Windows-1252. Raises: UnreadableReport."""
    if not encoding:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        else:
            try:
                return _whole(content.decode("utf-8-sig"))
            except UnicodeDecodeError:
                encoding = "cp1252"
    try:
        return _whole(content.decode(encoding))
    except (UnicodeError, LookupError) as error:
        raise UnreadableReport(f"The file is not {encoding}: {error}"[:300]) from None


def mask_file(content: bytes, encoding: str = "") -> bytes:
    """The file without card numbers; as it came where it holds none, or cannot be read."""
    try:
        text = decode(content, encoding)
    except UnreadableReport:
        return content
    masked = mask_pans(text)
    return content if masked == text else masked.encode(encoding or "utf-8-sig", errors="replace")


def _whole(text: str) -> str:
    """Raises: UnreadableReport, for what no text file holds."""
    if "\x00" in text:
        raise UnreadableReport("The file holds zero bytes: it is no CSV, or in another encoding, such as utf-16.")
    return text


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
    named = (columns.reference, columns.amount, columns.time, columns.currency, columns.kind, columns.fee)
    wanted = [name for name in named if name]
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
        paid = (row[columns.fee] or "").strip() if columns.fee else ""
        fee = _unsigned(parse_amount(paid, currency, decimal_comma=columns.decimal_comma)) if paid else None
    except (InvalidAmount, UnknownCurrency) as error:
        return Line(number, reference, error=str(error)[:200])
    kind = _kind(row, amount, columns)
    if kind is None:
        return Line(number, reference, error=f"{row[columns.kind]!r:.60} is no kind that the mapping knows.")
    if columns.net and fee:
        outwards = kind in OUTWARDS or kind == "out"
        amount = fee - _unsigned(amount) if outwards else fee + amount
    try:
        happened_at = _moment((row[columns.time] or "").strip(), columns.time_format)
    except (ValueError, OverflowError):
        return Line(
            number, reference, _unsigned(amount), error=f"{row[columns.time]!r:.60} is not a time as the mapping says."
        )
    if kind == FEE:
        return Line(number, reference, None, happened_at, kind=kind, fee=_unsigned(amount))
    return Line(number, reference, _unsigned(amount), happened_at, kind=kind, fee=fee)


def _unsigned(amount: Money) -> Money:
    return Money(abs(amount.amount_minor), amount.currency)


def _kind(row: Mapping[str, str | None], amount: Money, columns: Columns) -> str | None:
    """What the line is about; None when its word is not known."""
    if columns.kind:
        word = (row[columns.kind] or "").strip().casefold()
        return {name.casefold(): kind for name, kind in columns.kinds.items()}.get(word)
    return kind_by_sign(amount.amount_minor < 0, columns.covers)


def _moment(text: str, time_format: str) -> datetime:
    at = datetime.strptime(text, time_format) if time_format else datetime.fromisoformat(text)  # noqa: DTZ007
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
