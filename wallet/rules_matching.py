"""Which line of a provider's report is which movement of ours. Plain Python: a page of the desk's arithmetic."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from wallet.types_reconciliation import RowState

DEPOSIT, PAYOUT, CHARGEBACK, RETURN, FEE = "deposit", "payout", "chargeback", "return", "fee"
COVERED = (DEPOSIT, PAYOUT, CHARGEBACK, RETURN)
INWARDS, OUTWARDS = frozenset({DEPOSIT, RETURN}), frozenset({PAYOUT, CHARGEBACK})
# What a line's kind may be among ours; a kind that is not named is itself alone, none is any.
_MEANS = {"in": INWARDS, "out": OUTWARDS}


@dataclass(frozen=True, slots=True)
class Theirs:
    """One readable line of a report. ``kind`` is one of ``COVERED``, "in", "out", or "" where all are alike."""

    id: UUID
    line: int
    reference: str
    amount_minor: int
    currency: str
    happened_at: datetime
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Ours:
    """One movement of ours, with the names by which a provider may know it."""

    id: UUID
    references: tuple[str, ...]
    player_id: UUID
    amount_minor: int
    currency: str
    happened_at: datetime
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """What became of one line. ``ours`` is set unless nothing of ours answers to it."""

    row_id: UUID
    state: RowState
    reason: str
    ours: Ours | None = None


def kind_by_sign(negative: bool, covers: Iterable[str]) -> str:
    """The kind of a line that does not name one: by its sign, where the report holds both directions."""
    covered = set(covers)
    if not (covered & INWARDS and covered & OUTWARDS):
        return ""
    return "out" if negative else "in"


@dataclass(slots=True)
class Matching:
    """Lines against movements. Each of ours answers once; amounts may differ by ``tolerance_minor``."""

    ours: Sequence[Ours]
    window: timedelta
    tolerance_minor: int = 0
    used: set[UUID] = field(default_factory=set)

    def run(self, theirs: Sequence[Theirs]) -> list[Match]:
        """By id first: exact amounts before doubtful ones. What has no known id: by amount and time."""
        by_name: dict[str, list[Ours]] = defaultdict(list)
        for own in self.ours:
            for name in own.references:
                by_name[name].append(own)
        found: dict[UUID, Match] = {}
        named = [row for row in theirs if row.reference and row.reference in by_name]
        for row in named:
            if best := self._nearest(row, [own for own in by_name[row.reference] if self._same(row, own)]):
                found[row.id] = self._take(row, best, "")
        for row in named:
            if row.id not in found:
                found[row.id] = self._doubtful(row, by_name[row.reference])
        left = [row for row in theirs if row.id not in found]
        found |= self._by_amount(left)
        found |= self._by_near_amount([row for row in left if row.id not in found])
        unknown = "not in our books"
        return [found.get(row.id) or Match(row.id, RowState.UNMATCHED, unknown) for row in theirs]

    def missing(self, since: datetime, until: datetime) -> list[Ours]:
        """Ours of the period that no line answered to, the oldest first."""
        free = [own for own in self.ours if own.id not in self.used and since <= own.happened_at <= until]
        return sorted(free, key=lambda own: own.happened_at)

    def _doubtful(self, row: Theirs, known: Sequence[Ours]) -> Match:
        """Known by its id, and yet not the same."""
        free = [own for own in known if own.id not in self.used]
        fitting = [own for own in free if _fits(row, own)]
        if best := self._nearest(row, fitting or free):
            if not fitting:
                return self._take(row, best, f"ours is a {best.kind}", differing=True)
            if best.currency != row.currency:
                return self._take(row, best, "other currency", differing=True)
            near = abs(best.amount_minor - row.amount_minor) <= self.tolerance_minor
            return self._take(row, best, "within tolerance" if near else "other amount", differing=not near)
        return Match(row.id, RowState.DIFFERING, "listed more than once", known[0])

    def _by_amount(self, rows: Sequence[Theirs]) -> dict[UUID, Match]:
        """The same amount within the window: both in order of time, so that as many as possible find each other."""
        found: dict[UUID, Match] = {}
        waiting: dict[tuple[int, str, str], deque[Ours]] = defaultdict(deque)
        for own in sorted(self.ours, key=lambda own: own.happened_at):
            if own.id not in self.used:
                for kind in {own.kind, "", *(name for name, kinds in _MEANS.items() if own.kind in kinds)}:
                    waiting[own.amount_minor, own.currency, kind].append(own)
        for row in sorted(rows, key=lambda row: (row.happened_at, row.line)):
            queue = waiting[row.amount_minor, row.currency, row.kind]
            while queue and (queue[0].id in self.used or queue[0].happened_at < row.happened_at - self.window):
                queue.popleft()
            if queue and queue[0].happened_at <= row.happened_at + self.window:
                found[row.id] = self._take(row, queue.popleft(), "by amount and time")
        return found

    def _by_near_amount(self, rows: Sequence[Theirs]) -> dict[UUID, Match]:
        if not self.tolerance_minor or not rows:
            return {}
        found: dict[UUID, Match] = {}
        free = sorted((own for own in self.ours if own.id not in self.used), key=lambda own: own.amount_minor)
        amounts = [own.amount_minor for own in free]
        for row in rows:
            first = bisect_left(amounts, row.amount_minor - self.tolerance_minor)
            last = bisect_left(amounts, row.amount_minor + self.tolerance_minor + 1)
            near = [own for own in free[first:last] if own.currency == row.currency and _fits(row, own)]
            best = self._nearest(row, near)
            if best and abs(best.happened_at - row.happened_at) <= self.window:
                found[row.id] = self._take(row, best, "by amount and time, within tolerance")
        return found

    def _same(self, row: Theirs, own: Ours) -> bool:
        return _fits(row, own) and (own.amount_minor, own.currency) == (row.amount_minor, row.currency)

    def _nearest(self, row: Theirs, candidates: Iterable[Ours]) -> Ours | None:
        free = [own for own in candidates if own.id not in self.used]
        return min(free, key=lambda own: abs(own.happened_at - row.happened_at), default=None)

    def _take(self, row: Theirs, own: Ours, reason: str, *, differing: bool = False) -> Match:
        self.used.add(own.id)
        return Match(row.id, RowState.DIFFERING if differing else RowState.MATCHED, reason, own)


def _fits(row: Theirs, own: Ours) -> bool:
    return not row.kind or own.kind in _MEANS.get(row.kind, (row.kind,))
