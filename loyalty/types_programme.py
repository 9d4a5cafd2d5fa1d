"""The rule of a loyalty programme: what turnover earns, the levels, what points are worth and when they lapse.

These are the fields of the file that a programme is exported to, of the API and of the form. Amounts of money are decimal
strings in major units, of EUR where no currency is named.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

EXCLUSIVE = "exclusive"  # of coefficients: exclusive games, of whatever category


class LevelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One level. ``entry_eur`` is the cumulative turnover that enters it, ``keep_eur`` that of 30 days which keeps it
    (None: a twelfth of the entry). ``multiplier`` scales points, ``cashback`` is a fraction (0.02 is 2 %).
    """

    code: str
    name: str
    entry_eur: Decimal
    keep_eur: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    cashback: Decimal = Decimal(0)
    privileges: list[str] = []


class ItemRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What points buy: ``points`` a step, worth ``value`` in each currency (free spins: none), given by the bonus
    ``offer``. From ``min_steps`` to ``max_steps`` at once; for the ``levels`` named (none: all). ``approve_from_points``:
    from so many points on, staff confirm it (None: never)."""

    code: str
    name: str
    offer: str
    points: int
    value: dict[str, Decimal] = {}
    min_steps: int = 1
    max_steps: int = 100
    levels: list[str] = []
    approve_from_points: int | None = None


class ProgrammeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A programme, whole. ``markets`` are residences ("DE", "CA-ON"); none: everybody whom no other programme names.

    Points of a bet = turnover in EUR × ``points_per_eur`` × coefficient (of the game, else of ``exclusive`` for an exclusive
    game, else of the category, else 1) × the level's multiplier × campaigns'. ``deposit_points_per_eur`` are earned by
    deposits, without multipliers. ``count_bonus_stakes``: stakes from bonus purses count as turnover too.
    ``expiry_months`` without activity end all points, after warnings ``warn_days`` before. ``hold_hours`` is how long points
    wait for staff to confirm a redemption.
    """

    levels: list[LevelRule]
    markets: list[str] = []
    points_per_eur: Decimal = Decimal(1)
    deposit_points_per_eur: Decimal = Decimal(0)
    coefficients: dict[str, Decimal] = {}
    games: dict[str, Decimal] = {}
    count_bonus_stakes: bool = False
    grace_days: int = 30
    expiry_months: int = 12
    warn_days: list[int] = msgspec.field(default_factory=lambda: [30, 7])
    items: list[ItemRule] = []
    hold_hours: int = 72


def decode_programme(content: bytes | str) -> ProgrammeRule:
    """A rule from JSON. Raises: msgspec.ValidationError, msgspec.DecodeError."""
    return msgspec.json.decode(content, type=ProgrammeRule)


def encode_programme(rule: ProgrammeRule) -> bytes:
    """The same rule gives the same bytes."""
    return msgspec.json.encode(rule, order="sorted")
