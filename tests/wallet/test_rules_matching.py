"""Matching in general: whatever is ours and told truly is found, once; a written file reads as what was written."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kernel.money import Money
from wallet.rules_matching import COVERED, INWARDS, Matching, Ours, Theirs
from wallet.rules_reports import Columns, decode, read_lines
from wallet.types_reconciliation import RowState

AT = datetime(2026, 3, 14, tzinfo=UTC)
WINDOW = timedelta(hours=1)

movements = st.lists(
    st.tuples(st.sampled_from(COVERED), st.integers(1, 5), st.sampled_from(("EUR", "SEK")), st.integers(0, 10_000)),
    max_size=30,
).map(
    lambda rows: [
        Ours(UUID(int=n), (f"ref{n}",), UUID(int=0), amount, currency, AT + timedelta(seconds=at), kind)
        for n, (kind, amount, currency, at) in enumerate(rows)
    ]
)


def told(own: Ours, line: int, *, named: bool, kind: str) -> Theirs:
    name = own.references[0] if named else ""
    return Theirs(UUID(int=1000 + line), line, name, own.amount_minor, own.currency, own.happened_at, kind)


@given(movements, st.data())
def test_what_is_told_by_name_is_found_and_what_is_left_out_is_missing(ours: list[Ours], data: st.DataObject) -> None:
    listed = data.draw(st.permutations(ours))[: data.draw(st.integers(0, len(ours)))]
    rows = [
        told(own, line, named=True, kind=data.draw(st.sampled_from((own.kind, "")))) for line, own in enumerate(listed)
    ]
    stranger = Theirs(UUID(int=5000), 99, "stranger", 77, "EUR", AT, "")
    matching = Matching(ours, WINDOW)
    found = matching.run([*rows, stranger])
    assert [match.ours for match in found[:-1]] == listed
    assert Counter(match.state for match in found) == Counter([*[RowState.MATCHED] * len(rows), RowState.UNMATCHED])
    assert {own.id for own in matching.missing(AT, AT + timedelta(days=1))} == {own.id for own in ours} - {
        own.id for own in listed
    }


@given(movements, st.data())
def test_what_is_told_without_names_is_found_as_often_as_it_is_ours(ours: list[Ours], data: st.DataObject) -> None:
    rows = [
        told(own, line, named=False, kind="in" if own.kind in INWARDS else "out")
        for line, own in enumerate(data.draw(st.permutations(ours)))
    ]
    found = Matching(ours, WINDOW).run(rows)
    assert {match.state for match in found} <= {RowState.MATCHED}
    taken = Counter(match.ours.id for match in found if match.ours)
    assert set(taken.values()) <= {1}
    assert len(taken) == len(ours)
    again = [replace(row, id=UUID(int=9000 + row.line), line=500 + row.line) for row in rows]
    states = Counter(match.state for match in Matching(ours, WINDOW).run([*rows, *again]))
    assert states == Counter([RowState.MATCHED, RowState.UNMATCHED] * len(ours))


@given(movements, st.integers(0, 3), st.integers(-5, 5))
def test_the_tolerance_is_the_border_between_the_same_and_another_amount(
    ours: list[Ours], tolerance: int, off: int
) -> None:
    rows = [
        Theirs(UUID(int=1000 + n), n, own.references[0], own.amount_minor + off, own.currency, own.happened_at)
        for n, own in enumerate(ours)
    ]
    states = {match.state for match in Matching(ours, WINDOW, tolerance).run(rows)}
    assert states <= {RowState.MATCHED if abs(off) <= tolerance else RowState.DIFFERING}


lines = st.lists(
    st.tuples(
        st.text(st.characters(codec="cp1252", exclude_categories=("Cc", "Zs")), min_size=1, max_size=20),
        st.integers(1, 10**12),
        st.integers(0, 10**8),
    ),
    min_size=1,
    max_size=20,
)


@given(lines, st.sampled_from(",;\t|"), st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252")), st.booleans())
def test_a_written_file_reads_as_what_was_written(
    rows: list[tuple[str, int, int]], delimiter: str, encoding: str, comma: bool
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow(("id", "amount", "time"))
    for name, minor, seconds in rows:
        amount = str(Money(minor, "EUR"))
        writer.writerow(
            (name, amount.replace(".", ",") if comma else amount, (AT + timedelta(seconds=seconds)).isoformat())
        )
    columns = Columns("id", "amount", "time", fixed_currency="EUR", decimal_comma=comma)
    named = encoding if encoding == "cp1252" else ""
    read = list(read_lines(decode(written.getvalue().encode(encoding), named), columns, delimiter))
    assert [(row.reference, row.amount, row.happened_at, row.error) for row in read] == [
        (name.strip(), Money(minor, "EUR"), AT + timedelta(seconds=seconds), "") for name, minor, seconds in rows
    ]
