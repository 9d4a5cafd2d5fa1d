"""Who would have had an offer in a time that is over: one statement over what happened, whatever the number of players."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bonuses import rules
from bonuses.ports import level_scale
from bonuses.types import WhyNot
from bonuses.types_offer import AwardKind, OfferRule, TriggerKind
from events.catalogue.loyalty import LevelChanged
from events.catalogue.players import LabelChanged
from kernel import fx
from kernel.currencies import exponent
from kernel.db import ROOT, fetch_all
from kernel.money import Money

_STATEMENT = (ROOT / "bonuses/sql/dry_run.sql").read_text()
_OF_EVENTS = "FROM events_event WHERE type = %(event)s AND occurred_at >= %(since)s AND occurred_at < %(until)s"
# By trigger: who, when, and the deposit or loss (null: none). What can happen once is taken once, the first time.
_OCCASIONS = {
    TriggerKind.REGISTRATION: """
        SELECT id AS player_id, registered_at AS at, NULL::bigint AS base FROM players_player
        WHERE registered_at >= %(since)s AND registered_at < %(until)s""",
    TriggerKind.DEPOSIT: """
        SELECT player_id, settled_at AS at, amount_minor AS base FROM wallet_deposit
        WHERE number IS NOT NULL AND settled_at >= %(since)s AND settled_at < %(until)s
          AND (%(nth)s = 0 OR number = %(nth)s)""",
    TriggerKind.LEVEL: f"""
        SELECT player_id, min(occurred_at) AS at, NULL::bigint AS base {_OF_EVENTS}
          AND payload->>'to_level' = %(value)s AND (payload->>'up')::boolean GROUP BY player_id""",
    TriggerKind.VIP: f"""
        SELECT player_id, min(occurred_at) AS at, NULL::bigint AS base {_OF_EVENTS}
          AND payload->>'namespace' = 'vip' AND payload->>'key' = 'active' AND payload->>'to_value' IS NOT NULL
        GROUP BY player_id""",
    TriggerKind.SEGMENT: f"""
        SELECT player_id, occurred_at AS at, NULL::bigint AS base {_OF_EVENTS}
          AND (payload->>'namespace') || '.' || (payload->>'key') = %(label)s
          AND payload->>'to_value' IS NOT NULL AND %(value)s IN ('', payload->>'to_value')""",
    TriggerKind.BIRTHDAY: """
        SELECT player_id, at, NULL::bigint AS base FROM (
            SELECT profile.player_id, (profile.birth_date + make_interval(years => year - extract(year FROM birth_date)::int))
                   AT TIME ZONE coalesce(nullif(player.time_zone, ''), 'UTC') AS at
            FROM players_profile profile JOIN players_player player ON player.id = profile.player_id
            CROSS JOIN generate_series(extract(year FROM %(since)s::timestamptz)::int,
                                       extract(year FROM %(until)s::timestamptz)::int) AS year
            WHERE profile.birth_date IS NOT NULL) birthday
        WHERE at >= %(since)s AND at < %(until)s""",
    TriggerKind.SCHEDULE: """
        SELECT play.player_id, day.at, greatest(sum(play.staked_minor - play.won_minor), 0)::bigint AS base
        FROM (SELECT (begins + make_interval(hours => %(hour)s)) AT TIME ZONE 'UTC' AS at, begins::date AS of
              FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS begins
              WHERE %(weekday)s IN (-1, extract(isodow FROM begins)::int - 1)) day
        JOIN bonuses_playday play ON play.day >= day.of - %(window)s AND play.day < day.of
        WHERE day.at >= %(since)s AND day.at < %(until)s GROUP BY play.player_id, day.at""",
    TriggerKind.INACTIVITY: """
        SELECT player_id, at, NULL::bigint AS base FROM (
            SELECT player_id, (day + %(days)s)::timestamp AT TIME ZONE 'UTC' AS at,
                   lead(day) OVER (PARTITION BY player_id ORDER BY day) <= day + %(days)s AS came_back
            FROM bonuses_playday WHERE staked_minor > 0) silence
        WHERE came_back IS NOT TRUE AND at >= %(since)s AND at < %(until)s""",
    TriggerKind.TURNOVER: """
        SELECT total.player_id, %(until)s::timestamptz - interval '1 second' AS at, NULL::bigint AS base
        FROM bonuses_playtotal total CROSS JOIN LATERAL (
            SELECT coalesce(sum(play.staked_minor * rate.eur), 0) AS since,
                   coalesce(sum(play.staked_minor * rate.eur) FILTER (WHERE play.day >= %(last)s), 0) AS later
            FROM bonuses_playday play JOIN json_to_recordset(%(rates)s) AS rate (currency text, eur numeric)
              ON rate.currency = play.currency
            WHERE play.player_id = total.player_id AND play.day >= %(first)s) staked
        WHERE total.turnover_eur - staked.later >= %(amount_eur)s AND total.turnover_eur - staked.since < %(amount_eur)s""",
    TriggerKind.REFERRAL: """
        SELECT friend_id AS player_id, at, NULL::bigint AS base FROM (
            SELECT friend_id, CASE WHEN %(nth)s = 0 THEN registered_at ELSE deposited_at END AS at
            FROM bonuses_referral) brought
        WHERE at >= %(since)s AND at < %(until)s""",
}  # fmt: skip
NOT_LOOKED_AT = ("another_bonus", "budget_spent", "brake", "device_cap", "what compliance says", "bonuses given before")


def list_would_be(rule: OfferRule, since: datetime, until: datetime) -> list[dict[str, Any]] | None:
    """Lines of "given" by currency (occasions, players, worth in minor units at full) and of "excluded" by reason.

    Labels, status and confirmation are those of now. None where history knows no occasions: by hand, by code.
    """
    occasions = _OCCASIONS.get(rule.trigger.kind)
    if occasions is None:
        return None
    award, trigger, fit = rule.award, rule.trigger, rule.eligibility
    levels = {row["value"] for row in fetch_all(_LEVELS)} | {""}
    return fetch_all(
        _STATEMENT.replace("{{occasions}}", occasions),
        {
            "since": since,
            "until": until,
            "first": since.astimezone(UTC).date(),
            "last": until.astimezone(UTC).date(),
            "nth": trigger.nth,
            "value": trigger.value,
            "label": trigger.label,
            "days": trigger.days,
            "hour": trigger.hour,
            "weekday": trigger.weekday,
            "amount_eur": trigger.amount_eur,
            "window": award.window_days,
            "event": (LevelChanged if trigger.kind is TriggerKind.LEVEL else LabelChanged).wire_name,
            "rates": json.dumps(_rates(until)),
            "kind": award.kind,
            "spins": award.spins,
            "amounts": json.dumps([_amounts(rule, currency) for currency in sorted(rule.currencies)]),
            "levels": json.dumps([_level(rule, level, until) for level in sorted(levels)]),
            "places": fit.jurisdictions,
            "labels": json.dumps(_labels(rule)),
            "confirmed_only": fit.confirmed_only,
            "per_player": fit.per_player,
            "per_household": fit.per_household,
            "starts_at": rule.starts_at,
            "ends_at": rule.ends_at,
            "too_small": WhyNot.NOTHING_LOST if award.kind is AwardKind.CASHBACK else WhyNot.DEPOSIT_TOO_SMALL,
        },
    )


_LEVELS = "SELECT DISTINCT value FROM players_label WHERE namespace = 'loyalty' AND key = 'level'"


def _amounts(rule: OfferRule, currency: str) -> dict[str, object]:
    names = {"cap": "cap", "amount": "amount", "min_deposit": "min_deposit", "spin": "spin_value"}
    found = {name: rules.amount_in(getattr(rule.award, field), currency) for name, field in names.items()}
    return {"currency": currency} | {name: money and money.amount_minor for name, money in found.items()}


def _level(rule: OfferRule, level: str, at: datetime) -> dict[str, str]:
    award = rule.award
    scale = level_scale(level, at) if award.scale_with_level else Decimal(1)
    return {"level": level, "percent": str(award.percent_by_level.get(level, award.percent)), "scale": str(scale)}


def _labels(rule: OfferRule) -> list[dict[str, object]]:
    split = [(label.partition("."), values) for label, values in rule.eligibility.labels.items()]
    return [{"namespace": parts[0], "key": parts[2], "allowed": values} for parts, values in split]


def _rates(at: datetime) -> list[dict[str, str]]:
    """What a minor unit of each currency that is played in is worth in EUR now."""
    found = []
    for row in fetch_all("SELECT DISTINCT currency FROM bonuses_playday"):
        if rate := fx.find_rate(row["currency"], at):
            found.append({"currency": row["currency"], "eur": str(1 / rate.per_euro.scaleb(exponent(row["currency"])))})
    return found


def sum_in_euro(worth: list[Money], at: datetime) -> Money | None:
    """All of it in EUR; None where a rate is missing."""
    try:
        return Money(sum(fx.convert(amount, fx.EURO, at).amount_minor for amount in worth), fx.EURO)
    except fx.RateMissing:
        return None
