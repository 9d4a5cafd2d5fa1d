"""Providers' files, as they really come."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kernel.money import InvalidAmount
from wallet.rules_reports import Columns, UnreadableReport, decode, parse_amount, read_lines

COLUMNS = Columns("Id", "Betrag", "Zeit", fixed_currency="EUR", decimal_comma=True, time_format="%d.%m.%Y %H:%M")


@pytest.mark.parametrize(
    ("text", "comma", "expected"),
    [
        ("12.34", False, "12.34"),
        ("1,234.56", False, "1234.56"),
        ("1 234.56", False, "1234.56"),
        ("-1,234,567", False, "-1234567.00"),
        ("12,34", True, "12.34"),
        ("1.234,56", True, "1234.56"),
        ("1\u00a0234,5", True, "1234.50"),
        ("1.234", True, "1234.00"),
        ("+7", True, "7.00"),
    ],
)
def test_amounts_are_read_exactly(text: str, comma: bool, expected: str) -> None:
    assert str(parse_amount(text, "EUR", decimal_comma=comma)) == expected


@pytest.mark.parametrize(
    ("text", "comma"),
    [
        ("12,34", False),
        ("12.34", True),
        ("1,23,4", False),
        ("", False),
        ("1e5", False),
        ("1.005", False),
        ("1,005", True),
    ],
)
def test_what_is_doubtful_is_refused(text: str, comma: bool) -> None:
    with pytest.raises(InvalidAmount):
        parse_amount(text, "EUR", decimal_comma=comma)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_detected(encoding: str) -> None:
    assert decode("Id;Größe €".encode(encoding)) == "Id;Größe €"


def test_an_encoding_that_does_not_fit_is_named() -> None:
    for encoding in ("utf-8", "no-such"):
        with pytest.raises(UnreadableReport, match=encoding):
            decode(b"\xff\xfe\xfa", encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected(delimiter: str) -> None:
    text = f"Id{delimiter}Betrag{delimiter}Zeit\na{delimiter}5{delimiter}01.02.2026 10:00\n"
    [line] = read_lines(text, COLUMNS)
    assert (line.reference, str(line.amount), line.error) == ("a", "5.00", "")
    assert line.happened_at == datetime(2026, 2, 1, 10, tzinfo=UTC)


def test_bad_lines_are_named_and_the_rest_goes_on() -> None:
    text = (
        'Id;Betrag;Zeit\n"a\nb";1,00;01.02.2026 10:00\nc;x;01.02.2026 10:00\nd;1,00;gestern\ne;1,00\n'
        "f;1,00;01.02.2026 10:00;mehr\ng;2,00;01.02.2026 11:00\n"
    )
    lines = list(read_lines(text, COLUMNS))
    assert [(line.number, bool(line.error)) for line in lines] == [
        (3, False), (4, True), (5, True), (6, True), (7, True), (8, False),
    ]  # fmt: skip
    assert "decimal string" in lines[1].error
    assert "gestern" in lines[2].error
    assert "fewer fields" in lines[3].error
    assert "more fields" in lines[4].error


def test_a_missing_column_is_named_with_what_there_is() -> None:
    with pytest.raises(UnreadableReport, match="lacks Betrag, Zeit; it holds Id, Amount"):
        list(read_lines("Id;Amount\n1;2\n", COLUMNS))
    with pytest.raises(UnreadableReport):
        list(read_lines("", COLUMNS))
