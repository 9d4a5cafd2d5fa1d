"""Sessions of play and games: what a pack, an age and a player's own choices make of them. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from compliance.types_packs import EffectivePack
from compliance.types_sessions import StakeTier
from kernel.money import Money

SLOTS = "slots"
OTHERS = "*"
TABLE_GAMES = ("table", "live")
ALL_GAMES = ("slots", "table", "live", "crash", "other")

RAISED_FROM_YEARS = 21
MONITORED_DAYS = 90
# How long after a bet another game counts as played beside it, where that is forbidden and nobody closes the first.
SWITCH_SECONDS = 60
LEAST_REALITY_CHECK_MINUTES = 5


class InvalidChoice(ValueError):
    """The text says what can be chosen."""


def age_at(birth_date: date, at: datetime, zone: str) -> int:
    """Full years on the day that it is in the zone. Who was born on 29 February is a year older on 1 March."""
    today = at.astimezone(ZoneInfo(zone)).date()
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def birthday(birth_date: date, years: int, zone: str) -> datetime:
    """The moment from which somebody is so many years old: midnight in the zone."""
    try:
        day = birth_date.replace(year=birth_date.year + years)
    except ValueError:  # 29 February
        day = date(birth_date.year + years, 3, 1)
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def band_of(pack: EffectivePack, age: int | None) -> str:
    """The age band that a player belongs to: the lowest whose oldest age is not passed; "default" above all of them.

    Nobody whose age is unknown is older than the youngest band.
    """
    bands = sorted(pack.numbers("age.bands").items(), key=lambda band: band[1])
    return next((name for name, oldest in bands if age is None or age <= oldest), "default")


def slot_cap(pack: EffectivePack, age: int | None, tier: StakeTier) -> Money | None:
    """The highest stake on one spin of a slot (GB: SI 2025/215; DE: GlüStV §22a(7)); None where the pack has none."""
    caps = pack.amounts("games.slot_stake_cap")
    cap = caps.get(band_of(pack, age), caps.get("default"))
    if tier is not StakeTier.STANDARD and age is not None and age >= RAISED_FROM_YEARS:
        cap = caps.get("from_21_optin", cap)
        if tier is StakeTier.MONITORED:
            cap = caps.get("after_90d_monitoring", cap)
    return cap


def next_birthday_that_counts(pack: EffectivePack, birth_date: date | None, at: datetime) -> datetime | None:
    """When age changes what a player may stake: the end of an age band, or 21 years."""
    if birth_date is None:
        return None
    turns = {oldest + 1 for oldest in pack.numbers("age.bands").values()} | {RAISED_FROM_YEARS}
    moments = [birthday(birth_date, years, pack.timezone) for years in turns]
    return min((moment for moment in moments if moment > at), default=None)


def min_cycles(pack: EffectivePack) -> dict[str, int]:
    """From one stake to the next, in milliseconds by category; OTHERS stands for every category not named."""
    cycles = dict(pack.numbers("games.min_cycle_ms"))
    if "other" in cycles:
        cycles[OTHERS] = cycles.pop("other")
    return cycles


def games_offered(pack: EffectivePack) -> list[str] | None:
    """Categories that may be offered; None: all."""
    if pack.flag("games.table_games", absent=True):
        return None
    return [category for category in ALL_GAMES if category not in TABLE_GAMES]


def reality_check_minutes(pack: EffectivePack, chosen: int | None) -> int | None:
    """How often play is interrupted: the player's choice, never more seldom than the pack says. None: never."""
    longest = pack.integer("session.reality_check_minutes")
    if chosen is None or pack.text("session.reality_check") == "none":
        return longest
    return min(chosen, longest or chosen)


def check_reality_check(pack: EffectivePack, minutes: int | None) -> None:
    """Raises: InvalidChoice. None gives up the choice."""
    if minutes is None:
        return
    longest = pack.integer("session.reality_check_minutes") or 24 * 60
    if not LEAST_REALITY_CHECK_MINUTES <= minutes <= longest:
        raise InvalidChoice(f"Choose {LEAST_REALITY_CHECK_MINUTES} to {longest} minutes.")


def check_tier(
    pack: EffectivePack, tier: StakeTier, age: int | None, raised_since: datetime | None, at: datetime
) -> None:
    """Whether a player may choose a tier (DE: GGL stake tiers of 2026-07-01). Raises: InvalidChoice."""
    if tier is StakeTier.STANDARD:
        return
    caps: Mapping[str, Money] = pack.amounts("games.slot_stake_cap")
    if "from_21_optin" not in caps:
        raise InvalidChoice("Where the player lives there is one cap for all stakes.")
    if age is None or age < RAISED_FROM_YEARS:
        raise InvalidChoice(f"Higher stakes are for players of {RAISED_FROM_YEARS} years and more.")
    if tier is StakeTier.MONITORED and (
        "after_90d_monitoring" not in caps or raised_since is None or at < raised_since + timedelta(days=MONITORED_DAYS)
    ):
        raise InvalidChoice(f"The highest stakes come after {MONITORED_DAYS} days at the raised ones.")


def summary_due(
    pack: EffectivePack, logged_in_at: datetime | None, acknowledged_at: datetime | None, at: datetime
) -> bool:
    """Whether the summary at login waits for the player (DE: GlüStV §6d(2)): after a login, and again after hours."""
    if not (pack.integer("session.login_summary_days") and pack.flag("session.login_summary_ack")):
        return False
    if acknowledged_at is None or (logged_in_at is not None and acknowledged_at < logged_in_at):
        return True
    again = pack.integer("session.login_summary_repeat_hours")
    return again is not None and at >= acknowledged_at + timedelta(hours=again)


def is_idle(pack: EffectivePack, last_active_at: datetime, at: datetime) -> bool:
    """Whether who was last active then has to log in again (GLI-19 2.5.4: 30 minutes)."""
    minutes = pack.integer("session.idle_reauth_minutes")
    return minutes is not None and at >= last_active_at + timedelta(minutes=minutes)
