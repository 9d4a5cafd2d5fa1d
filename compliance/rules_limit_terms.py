"""What a jurisdiction pack asks of one player's limits, in the player's own terms: caps by age, delays, thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from compliance.rules_limits import DEFAULT_RAISE_DELAY, for_age
from compliance.types_limits import LimitKind, LimitPeriod
from kernel.money import Money

if TYPE_CHECKING:
    from compliance.types_packs import EffectivePack

K, P = LimitKind, LimitPeriod
Key = tuple[LimitKind, LimitPeriod]


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """``caps`` hold without any limit of the player's; an allowance may lift them, up to ``caps_at_most``.

    ``contact_before``: a limit above it waits until somebody talked to the player; ``contact_after``: it holds, and
    somebody talks to them. ``defaults`` are a new player's own limits. Minor units of the player's currency, or minutes.
    """

    pack: str
    zone: str
    demands: tuple[tuple[LimitKind, LimitPeriod | None], ...] = ()
    periods: tuple[LimitPeriod, ...] = ()  # that deposit limits are offered for; none named: all
    net: bool = False  # a deposit limit counts deposits less payouts
    raise_delay: timedelta = DEFAULT_RAISE_DELAY
    not_before_period_end: bool = False
    needs_confirmation: bool = True
    caps: Mapping[Key, int] = field(default_factory=dict)
    caps_at_most: Mapping[Key, int] = field(default_factory=dict)
    contact_before: Mapping[Key, int] = field(default_factory=dict)
    contact_after: Mapping[Key, int] = field(default_factory=dict)
    defaults: Mapping[Key, int] = field(default_factory=dict)
    warn_percents: tuple[int, ...] = ()
    prompt_at: tuple[str, ...] = ()
    links_at: tuple[str, ...] = ()
    activity_months: int | None = None
    no_limit_months: int | None = None
    central: str = ""  # the register that counts deposits over all operators
    central_must_answer: bool = True
    central_counts_failed: bool = False
    four_weeks_from: date = date(2018, 1, 1)


def terms_of(pack: EffectivePack, age: int | None, minor: Callable[[Money], int]) -> LimitTerms:
    """The pack's demands on the limits of a player of this age (None: unknown, so the youngest band's).

    ``minor`` says how much an amount of the pack is in minor units of the player's currency.
    """
    bands = pack.numbers("age.bands")
    caps: dict[Key, int] = {}
    at_most: dict[Key, int] = {}
    before: dict[Key, int] = {}
    after: dict[Key, int] = {}

    def by_age(key: str) -> int | None:
        value = for_age(pack.amounts(key), bands, age)
        return None if value is None else minor(value)

    def over(key: str) -> LimitPeriod:
        return P(pack.text(key) or P.MONTH)

    for name in ("limits.deposit_caps", "limits.joint_deposit_caps"):
        for period, amount in pack.amounts(name).items():
            key = (K.DEPOSIT, P(period))
            caps[key] = min(minor(amount), caps.get(key, minor(amount)))
    if joint := pack.amount("limits.cross_operator_deposit_cap"):
        key = (K.DEPOSIT, over("limits.cross_operator_period"))
        caps[key] = min(minor(joint), caps.get(key, minor(joint)))
        if highest := pack.amount("limits.cross_operator_raise_max"):
            at_most[key] = minor(highest)
    if (net := by_age("limits.net_deposit_cap")) is not None:
        caps[K.NET_DEPOSIT, over("limits.net_deposit_period")] = net
    if (talk := by_age("limits.deposit_contact_above")) is not None:
        table = before if pack.text("limits.deposit_contact") == "before" else after
        table[K.DEPOSIT, over("limits.deposit_contact_period")] = talk
    defaults = {
        (K.DEPOSIT, P.DAY): by_age("limits.default_deposit_day"),
        (K.LOSS, P.DAY): by_age("limits.default_loss_day"),
        (K.SESSION_TIME, P.DAY): for_age(pack.numbers("limits.default_session_minutes"), bands, age),
    }
    delay = pack.integer("limits.increase_delay_hours")
    return LimitTerms(
        pack=pack.label,
        zone=pack.timezone,
        demands=_demands(pack.texts("limits.mandatory"), before),
        periods=tuple(P(period) for period in pack.texts("limits.periods")),
        net=pack.text("limits.deposit_basis") == "net",
        raise_delay=DEFAULT_RAISE_DELAY if delay is None else timedelta(hours=delay),
        not_before_period_end=pack.flag("limits.increase_not_before_period_end"),
        needs_confirmation=pack.flag("limits.increase_needs_confirmation", absent=True),
        caps=caps,
        caps_at_most=at_most,
        contact_before=before,
        contact_after=after,
        defaults={key: value for key, value in defaults.items() if value is not None},
        warn_percents=pack.integers("limits.warn_at_percent"),
        prompt_at=pack.texts("limits.prompt_at"),
        links_at=pack.texts("limits.links_at"),
        activity_months=pack.integer("limits.activity_reminder_months"),
        no_limit_months=pack.integer("limits.no_limit_review_months"),
        central=pack.text("registers.limit_file_name"),
        central_must_answer=pack.text("registers.limit_file_on_error") != "allow",
        central_counts_failed=pack.flag("registers.limit_file_failed_deposits_count"),
        four_weeks_from=date.fromisoformat(pack.text("limits.four_weeks_from") or "2018-01-01"),
    )


def _demands(
    named: tuple[str, ...], contact_before: Mapping[Key, int]
) -> tuple[tuple[LimitKind, LimitPeriod | None], ...]:
    """What must be set before play. A threshold over one period would be passed by under another: that one it must be."""
    found: list[tuple[LimitKind, LimitPeriod | None]] = []
    thresholds = dict(contact_before.keys())
    for name in named:
        kind, _, period = name.partition(":")
        found.append((K(kind), P(period) if period else thresholds.get(K(kind))))
    return tuple(found)
