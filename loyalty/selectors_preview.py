"""What a rule would change for players who stand somewhere now: before it is released."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from kernel.db import ROOT, fetch_all
from loyalty import rules
from loyalty.types_programme import ProgrammeRule

_PREVIEW = (ROOT / "loyalty/sql/preview.sql").read_text()


@dataclass(frozen=True, slots=True)
class Preview:
    """How players would move: ``moves`` counts them by (from, to), up at once with the first review. ``may_fall`` are those
    whose 30 days are below what would keep their level, by level: they fall one level a review, after their grace."""

    players: int
    moves: dict[tuple[str, str], int]
    falling: dict[str, int]

    @property
    def up(self) -> int:
        return sum(self.moves.values())

    @property
    def may_fall(self) -> int:
        return sum(self.falling.values())


def preview(*, programme: str, rule: ProgrammeRule, at: datetime) -> Preview:
    """One statement over the programme's standings."""
    day = at.date()
    levels = rule.levels
    rows = fetch_all(
        _PREVIEW,
        {
            "programme": programme,
            "codes": [level.code for level in levels],
            "entries": [level.entry_eur for level in levels],
            "keeps": [rules.keep_of(level) for level in levels],
            "places": list(range(len(levels))),
            "first_day": rules.window_start(day),
            "day": day,
        },
    )
    moves: Counter[tuple[str, str]] = Counter()
    falling: Counter[str] = Counter()
    for row in rows:
        if row["to_level"] != row["level"]:
            moves[row["level"], row["to_level"]] += row["players"]
        elif row["falls"]:
            falling[row["level"]] += row["players"]
    return Preview(sum(row["players"] for row in rows), dict(moves), dict(falling))
