"""The rule of an offer: who gets what, when, and what has to be done for it.

These are the fields of the file that an offer is exported to, of the API and of the form. Amounts are decimal strings in
major units, one for each currency in which the offer is made.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

Amounts = dict[str, Decimal]


class TriggerKind(StrEnum):
    REGISTRATION = "registration"
    DEPOSIT = "deposit"
    CODE = "code"
    BIRTHDAY = "birthday"
    TURNOVER = "turnover"
    LEVEL = "level"
    VIP = "vip"
    SCHEDULE = "schedule"
    SEGMENT = "segment"
    INACTIVITY = "inactivity"
    REFERRAL = "referral"
    MANUAL = "manual"  # by staff, by the API, or for a list of players


class AwardKind(StrEnum):
    DEPOSIT_MATCH = "deposit_match"
    FIXED = "fixed"
    FREE_SPINS = "free_spins"
    CASHBACK = "cashback"
    POINTS_REDEMPTION = "points_redemption"  # what loyalty points are worth


class WageringOf(StrEnum):
    BONUS = "bonus"
    BONUS_AND_DEPOSIT = "bonus_and_deposit"


class Counts(StrEnum):
    ALL = "all"  # every stake, whatever pays for it
    BONUS = "bonus"  # what the bonus's own purse pays


class Stacking(StrEnum):
    EXCLUSIVE = "exclusive"  # not beside another bonus that is wagered
    QUEUE = "queue"  # begins when the other one has ended


class OnWithdrawal(StrEnum):
    FORFEIT = "forfeit"  # the player may withdraw, and loses the bonus
    REFUSE = "refuse"  # withdrawals wait until the bonus has ended or was given up
    KEEP = "keep"


class Claim(StrEnum):
    AUTOMATIC = "automatic"
    PLAYER = "player"  # offered; the player takes it


class TriggerRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an occasion is.

    ``nth`` is the deposit's number (0: each one), ``amount_eur`` the turnover reached, ``label`` and ``value`` a level
    ("gold") or a segment's label ("crm.segment-name"), ``days`` how long nobody has played, ``weekday`` (0: Monday; -1:
    every day) and ``hour`` (UTC) a schedule's.
    """

    kind: TriggerKind
    nth: int = 0
    amount_eur: Decimal = Decimal(0)
    label: str = ""
    value: str = ""
    days: int = 0
    weekday: int = -1
    hour: int = 0


class EligibilityRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who may have it. ``jurisdictions`` are residences ("DE", "CA-ON"; none: all); ``labels`` name values of labels,
    one of which the player must have ("loyalty.level": ["gold"]). The caps count this offer's grants; 0 is none."""

    jurisdictions: list[str] = []
    labels: dict[str, list[str]] = {}
    confirmed_only: bool = False
    per_player: int = 1
    per_household: int = 0
    per_device: int = 0


class AwardRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is given. ``percent`` of a deposit or of the net loss of ``window_days``, at most ``cap``; a fixed ``amount``;
    ``spins`` of ``spin_value`` on ``games`` (none: all), whose wins are ``spin_wins``: bonus or real."""

    kind: AwardKind
    percent: Decimal = Decimal(0)
    percent_by_level: dict[str, Decimal] = {}
    cap: Amounts = {}
    min_deposit: Amounts = {}
    amount: Amounts = {}
    spins: int = 0
    spin_value: Amounts = {}
    games: list[str] = []
    spin_wins: str = "bonus"
    spin_days: int = 7
    window_days: int = 7
    scale_with_level: bool = False


class WageringRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What has to be staked before it is real money: ``multiple`` times ``of`` (0: it is real money at once).

    ``contribution`` is the per cent of a stake that counts, by category; ``game_contribution`` by game, and goes first.
    What is named in neither counts in full. A stake above ``max_stake`` and one on ``excluded_games`` break the terms:
    they never count, and end the bonus where ``breach_forfeits``.
    """

    multiple: Decimal = Decimal(0)
    of: WageringOf = WageringOf.BONUS
    counts: Counts = Counts.ALL
    contribution: dict[str, Decimal] = {}
    game_contribution: dict[str, Decimal] = {}
    excluded_games: list[str] = []
    game_categories: list[str] = []
    max_stake: Amounts = {}
    max_conversion: Amounts = {}
    breach_forfeits: bool = False
    days: int = 30


class BudgetRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When issuing stops by itself. Amounts in EUR, free spins at their value; None: no such limit.

    ``grants_per_hour`` is the brake on an audience that grows faster than anybody meant.
    """

    total_eur: Decimal | None = None
    per_day_eur: Decimal | None = None
    grants_per_hour: int | None = None


class OfferRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An offer, whole. ``pays_in`` is the product that it is for, ``earned_by`` the one that leads to it."""

    trigger: TriggerRule
    award: AwardRule
    eligibility: EligibilityRule = EligibilityRule()
    wagering: WageringRule = WageringRule()
    budget: BudgetRule = BudgetRule()
    stacking: Stacking = Stacking.EXCLUSIVE
    on_withdrawal: OnWithdrawal = OnWithdrawal.FORFEIT
    claim: Claim = Claim.AUTOMATIC
    claim_days: int = 7
    earned_by: str = "casino"
    pays_in: str = "casino"
    public: bool = False
    titles: dict[str, str] = {}
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def currencies(self) -> frozenset[str]:
        """In which the offer is made: those that its award names."""
        award = self.award
        named = award.amount or award.cap or award.min_deposit or award.spin_value
        return frozenset(named)


def decode_rule(content: bytes | str) -> OfferRule:
    """A rule from JSON. Raises: msgspec.ValidationError, msgspec.DecodeError."""
    return msgspec.json.decode(content, type=OfferRule)


def encode_rule(rule: OfferRule) -> bytes:
    """The same rule gives the same bytes."""
    return msgspec.json.encode(rule, order="sorted")
