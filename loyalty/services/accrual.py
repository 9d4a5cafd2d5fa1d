"""Accrual: turnover, points and levels from what happened, in log order, a batch at a time.

What a batch needs is read once, decided in memory by ``rules``, and written in one statement; the log alone gives the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from events.catalogue.loyalty import (
    LevelChanged,
    LevelHeld,
    LevelHoldEnded,
    LevelReviewDue,
    PointsAccrued,
    ProgrammeJoined,
)
from events.catalogue.wallet import BetPlaced, BetRolledBack, DepositMade
from events.services.log import is_rebuilding, publish_many
from events.types import RecordedEvent
from kernel.db import ROOT, fetch_all
from kernel.ids import uuid7
from loyalty import rules
from loyalty.models import Accrual, TurnoverDay
from loyalty.selectors_programme import STANDARD, Campaigns, Programmes
from loyalty.types import AccrualKind, Hold
from loyalty.types_programme import LevelRule, ProgrammeRule

READS = (BetPlaced, BetRolledBack, DepositMade, LevelReviewDue, LevelHeld, LevelHoldEnded, ProgrammeJoined)
TURNOVER_DECIMALS = 6
PRECISION = 60  # digits: sums are exact, whatever somebody stakes in a life

# One array instead of a parameter a player, and no model instances: this is read for every batch.
_STANDINGS = """
SELECT player_id, programme, turnover_eur, earned, level, entered, level_since, grace_until, held, held_until, last_bet_at
FROM loyalty_standing WHERE player_id = ANY(%s::uuid[])
"""
_KEEP = (ROOT / "loyalty/sql/keep.sql").read_text()
_POST = (ROOT / "loyalty/sql/post_accrued.sql").read_text()
# What may need the turnover of 30 days, whoever the player is.
_WINDOWED = frozenset(event.wire_name for event in (LevelReviewDue, LevelHoldEnded))


class TurnoverUnknown(ValueError):
    """The stake has no usable amount in EUR: none, or one with more decimals than turnover is kept with."""


@dataclass(slots=True)
class _Row:
    """A player's standing, as the table has it."""

    player_id: UUID
    programme: str = STANDARD
    turnover_eur: Decimal = Decimal(0)
    earned: Decimal = Decimal(0)
    level: str = ""
    entered: str = ""
    level_since: datetime | None = None
    grace_until: datetime | None = None
    held: str = ""
    held_until: datetime | None = None
    last_bet_at: datetime | None = None


@dataclass
class _Player:
    """One player of the batch, as far as it has come."""

    row: _Row
    stand: rules.Stand
    levels: Sequence[LevelRule]  # those that ``stand`` counts in
    earned_before: Decimal
    turnover_before: Decimal
    last_at: datetime
    days: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # of the last 30, where needed
    moved: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by this batch
    active_at: datetime | None = None

    def window(self, at: datetime) -> Decimal:
        first = rules.window_start(at.date())
        return sum((eur for day, eur in self.days.items() if first <= day <= at.date()), Decimal(0))


@dataclass
class _Batch:
    programmes: Programmes
    campaigns: Campaigns
    players: dict[UUID, _Player]
    earlier: dict[UUID, Accrual]  # by bet, of bets that are undone in this batch
    accruals: list[dict[str, Any]] = field(default_factory=list)
    of_bet: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    told: list[LevelChanged] = field(default_factory=list)


def accrue(events: Sequence[RecordedEvent]) -> None:
    """Count a batch given in log order, in the caller's transaction, which holds its players.

    Turnover is the real-money stake in EUR. Points are turnover × coefficient × the multipliers in force before the bet; a
    rollback takes back exactly what its bet moved. Publishes PointsAccrued per player whose points or turnover moved, and
    each LevelChanged. Raises: TurnoverUnknown.
    """
    with localcontext(prec=PRECISION):
        batch = _read(events)
        for event in events:
            if event.player_id is not None:
                player = batch.players[event.player_id]
                _HANDLERS[event.type](batch, player, event)
                player.last_at = event.occurred_at
        _write(batch)
        if not is_rebuilding():
            publish_many([*_post(batch), *batch.told])


# --- what is read -------------------------------------------------------------------------------------------------


def _read(events: Sequence[RecordedEvent]) -> _Batch:
    first = {event.player_id: event.occurred_at for event in reversed(events) if event.player_id}
    programmes = Programmes.load()
    rows = {row["player_id"]: _Row(**row) for row in fetch_all(_STANDINGS, [list(first)])}
    players = {}
    for player_id, at in first.items():
        row = rows.get(player_id) or _Row(player_id)
        levels = programmes.rule(row.programme, at).levels
        players[player_id] = _Player(row, _stand_of(row, levels), levels, row.earned, row.turnover_eur, at)
    _read_days(events, players, programmes)
    undone = [UUID(event.payload["bet_id"]) for event in events if event.type == BetRolledBack.wire_name]
    found = Accrual.objects.filter(bet_id__in=undone, kind=AccrualKind.BET) if undone else ()
    return _Batch(programmes, Campaigns.load(events), players, {row.bet_id: row for row in found})


def _stand_of(row: _Row, levels: Sequence[Any]) -> rules.Stand:
    return rules.Stand(
        rules.place_of(levels, row.level),
        rules.place_of(levels, row.entered),
        row.level_since,
        row.grace_until,
        Hold(row.held),
        row.held_until,
    )


def _read_days(events: Sequence[RecordedEvent], players: dict[UUID, _Player], programmes: Programmes) -> None:
    """The days of turnover of those whose level may depend on them."""
    wanted = {event.player_id for event in events if event.player_id and event.type in _WINDOWED}
    moments = [event.occurred_at for event in events]
    first, last = min(moments), max(moments)
    for player_id, player in players.items():
        levels = programmes.rule(player.row.programme, last).levels
        if rules.needs_window(levels, player.stand, player.row.turnover_eur):
            wanted.add(player_id)
    if wanted:
        days = TurnoverDay.objects.filter(
            player_id__in=wanted, day__gte=rules.window_start(first.date()), day__lte=last.date()
        )
        for row in days:
            players[row.player_id].days[row.day] = row.turnover_eur


# --- what is decided ----------------------------------------------------------------------------------------------


def _rule(batch: _Batch, player: _Player, at: datetime) -> ProgrammeRule:
    """The rule in force for the player. Where another version has begun, the same levels may have other places by now."""
    rule = batch.programmes.rule(player.row.programme, at)
    if rule.levels is not player.levels:
        level, entered = player.levels[player.stand.level].code, player.levels[player.stand.entered].code
        player.stand = replace(
            player.stand, level=rules.place_of(rule.levels, level), entered=rules.place_of(rule.levels, entered)
        )
        player.levels = rule.levels
    return rule


def _bet(batch: _Batch, player: _Player, event: RecordedEvent) -> None:
    said, at = event.payload, event.occurred_at
    rule = _rule(batch, player, at)
    turnover = _turnover(said, rule)
    player.active_at = at if player.active_at is None else max(player.active_at, at)
    if player.row.last_bet_at is None or at > player.row.last_bet_at:
        player.row.last_bet_at = at
    by = (
        rules.coefficient_of(rule, said["game"], said["category"], said["exclusive"]),
        rule.levels[player.stand.level].multiplier,
        batch.campaigns.promotion(event, player.row.programme),
    )
    earned = rules.earned_by_bet(rule, turnover, *by)
    _enter(batch, player, event, AccrualKind.BET, turnover, by, earned, at.date())
    window = player.window(at)
    _move(batch, player, event, rule, rules.after_bet(rule, player.stand, player.row.turnover_eur, window, at))


def _rollback(batch: _Batch, player: _Player, event: RecordedEvent) -> None:
    bet_id, at = UUID(event.payload["bet_id"]), event.occurred_at
    bet = batch.of_bet.get(bet_id) or _as_dict(batch.earlier.get(bet_id))
    if bet is None:
        return  # it moved nothing
    day = bet["occurred_at"].date()
    before = player.row.turnover_eur
    by = (bet["coefficient"], bet["multiplier"], bet["promotion"])
    _enter(batch, player, event, AccrualKind.ROLLBACK, -bet["turnover_eur"], by, -bet["earned"], day)
    rule = _rule(batch, player, at)
    moved = rules.after_rollback(rule, player.stand, before, player.row.turnover_eur, at)
    _move(batch, player, event, rule, moved)


def _deposit(batch: _Batch, player: _Player, event: RecordedEvent) -> None:
    said, at = event.payload, event.occurred_at
    player.active_at = at if player.active_at is None else max(player.active_at, at)
    rule = _rule(batch, player, at)
    if rule.deposit_points_per_eur and said["amount_eur"] is not None:
        by = (rule.deposit_points_per_eur, Decimal(1), Decimal(1))
        earned = Decimal(said["amount_eur"]) * rule.deposit_points_per_eur
        _enter(batch, player, event, AccrualKind.DEPOSIT, Decimal(0), by, earned, at.date())


def _review(batch: _Batch, player: _Player, event: RecordedEvent) -> None:
    at = event.occurred_at
    rule = _rule(batch, player, at)
    moved = rules.after_review(rule, player.stand, player.row.turnover_eur, player.window(at), at)
    _move(batch, player, event, rule, moved)


def _held(batch: _Batch, player: _Player, event: RecordedEvent) -> None:
    said, at = event.payload, event.occurred_at
    until = datetime.fromisoformat(said["active_until"]) if said["active_until"] else None
    if said["kind"] == Hold.FROZEN:
        player.stand = rules.freeze(player.stand, until)
        return
    rule = _rule(batch, player, at)
    moved = rules.force(rule, player.stand, rules.place_of(rule.levels, said["level"]), until, at)
    _move(batch, player, event, rule, moved)


def _hold_ended(batch: _Batch, player: _Player, event: RecordedEvent) -> None:
    if player.stand.held is Hold.NONE:
        return
    at = event.occurred_at
    rule = _rule(batch, player, at)
    moved = rules.end_hold(rule, player.stand, player.row.turnover_eur, player.window(at), at)
    _move(batch, player, event, rule, moved)


def _joined(batch: _Batch, player: _Player, event: RecordedEvent) -> None:
    code, at = event.payload["programme"], event.occurred_at
    if code == player.row.programme:
        return
    before = _rule(batch, player, at)
    rule = batch.programmes.rule(code, at)
    stand, move = rules.change_programme(rule, player.stand, player.row.turnover_eur, at)
    player.row.programme = code
    from_, to = before.levels[player.stand.level].code, rule.levels[stand.level].code
    player.stand, player.levels = stand, rule.levels
    if from_ != to:
        _tell(batch, player, event, from_, to, stand.level > move.before, move.cause)


def _turnover(said: dict[str, Any], rule: ProgrammeRule) -> Decimal:
    text: str | None = said["real_eur"]
    if text is None:
        raise TurnoverUnknown(f"bet {said['bet_id']}: no exchange rate from {said['currency']} to EUR")
    if len(text.partition(".")[2]) > TURNOVER_DECIMALS:
        raise TurnoverUnknown(f"bet {said['bet_id']}: {text} EUR has more than {TURNOVER_DECIMALS} decimals")
    turnover, bonus = Decimal(text), Decimal(said["bonus"])
    if rule.count_bonus_stakes and bonus:
        if said["bonus_eur"] is None:
            raise TurnoverUnknown(f"bet {said['bet_id']}: no exchange rate from {said['currency']} to EUR")
        turnover += Decimal(said["bonus_eur"])
    return turnover


def _enter(
    batch: _Batch,
    player: _Player,
    event: RecordedEvent,
    kind: AccrualKind,
    turnover: Decimal,
    by: tuple[Decimal, Decimal, Decimal],  # coefficient, multiplier, promotion
    earned: Decimal,
    day: date,
) -> None:
    if not turnover and not earned:
        return
    bet_id = UUID(event.payload["deposit_id" if kind is AccrualKind.DEPOSIT else "bet_id"])
    row = {
        "id": event.id,
        "player_id": event.player_id,
        "bet_id": bet_id,
        "kind": kind,
        "turnover_eur": turnover,
        "coefficient": by[0],
        "multiplier": by[1],
        "promotion": by[2],
        "earned": earned,
        "occurred_at": event.occurred_at,
    }
    batch.accruals.append(row)
    if kind is AccrualKind.BET:
        batch.of_bet[bet_id] = row
    player.row.turnover_eur += turnover
    player.row.earned += earned
    if turnover:
        player.days[day] += turnover
        player.moved[day] += turnover


def _as_dict(row: Accrual | None) -> dict[str, Any] | None:
    if row is None:
        return None
    names = ("turnover_eur", "coefficient", "multiplier", "promotion", "earned", "occurred_at")
    return {name: getattr(row, name) for name in names}


def _move(batch: _Batch, player: _Player, event: RecordedEvent, rule: ProgrammeRule, moved: rules.Moved) -> None:
    player.stand, move = moved
    if move:
        codes = [level.code for level in rule.levels]
        _tell(batch, player, event, codes[move.before], codes[move.after], move.after > move.before, move.cause)


def _tell(
    batch: _Batch, player: _Player, event: RecordedEvent, from_: str, to: str, up: bool, cause: rules.MoveCause
) -> None:
    about = {"programme": player.row.programme, "from_level": from_, "to_level": to}
    turnover = player.row.turnover_eur
    batch.changes.append(
        {
            **about,
            "id": event.id,
            "player_id": event.player_id,
            "cause": cause,
            "turnover_eur": turnover,
            "changed_at": event.occurred_at,
        }
    )
    batch.told.append(
        LevelChanged(
            player_id=event.player_id,
            occurred_at=event.occurred_at,
            **about,
            up=up,
            reason=cause,
            turnover_eur=turnover,
        )
    )


_Handler = Callable[[_Batch, _Player, RecordedEvent], None]
_HANDLERS: dict[str, _Handler] = {
    BetPlaced.wire_name: _bet,
    BetRolledBack.wire_name: _rollback,
    DepositMade.wire_name: _deposit,
    LevelReviewDue.wire_name: _review,
    LevelHeld.wire_name: _held,
    LevelHoldEnded.wire_name: _hold_ended,
    ProgrammeJoined.wire_name: _joined,
}


# --- what is written ----------------------------------------------------------------------------------------------


def _write(batch: _Batch) -> None:
    days = [
        {"player_id": player_id, "day": day, "turnover_eur": eur}
        for player_id, player in batch.players.items()
        for day, eur in player.moved.items()
    ]
    parts = {
        "standings": [_row_of(player) for player in batch.players.values()],
        "accruals": batch.accruals,
        "days": days,
        "changes": batch.changes,
    }
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {name: _encode(rows) for name, rows in parts.items()})


def _encode(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()


def _row_of(player: _Player) -> dict[str, Any]:
    row, stand, levels = player.row, player.stand, player.levels
    return {
        "player_id": row.player_id,
        "programme": row.programme,
        "turnover_eur": row.turnover_eur,
        "earned": row.earned,
        "level": levels[stand.level].code,
        "entered": levels[stand.entered].code,
        "level_since": stand.since,
        "grace_until": stand.grace_until,
        "held": stand.held,
        "held_until": stand.held_until,
        "last_bet_at": row.last_bet_at,
    }


def _post(batch: _Batch) -> list[PointsAccrued]:
    """Bring the points accounts to what is earned by now; what there is to tell."""
    touched = [
        player for player in batch.players.values() if player.active_at or player.row.earned != player.earned_before
    ]
    if not touched:
        return []
    rows = [
        {
            "id": uuid7(),
            "player_id": player.row.player_id,
            "accrued": rules.whole(player.row.earned),
            "active_at": player.active_at,
            "occurred_at": player.last_at,
        }
        for player in touched
    ]
    posted = {row["player_id"]: row for row in fetch_all(_POST, {"rows": _encode(rows)})}
    told = []
    for player in touched:
        row = posted[player.row.player_id]
        turnover = player.row.turnover_eur - player.turnover_before
        if row["points"] or turnover:
            told.append(
                PointsAccrued(
                    player_id=player.row.player_id,
                    occurred_at=player.last_at,
                    points=row["points"],
                    balance=row["balance_after"],
                    turnover_eur=turnover,
                )
            )
    return told
