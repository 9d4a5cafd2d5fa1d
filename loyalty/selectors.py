"""Reads of where players stand. Standings follow the bets within the consumer's lag."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count

from kernel.db import fetch_all
from kernel.money import Money
from loyalty import rules
from loyalty.models import (
    Accrual,
    LevelChange,
    LevelOrder,
    PointsAccount,
    PointsEntry,
    Redemption,
    Standing,
)
from loyalty.selectors_programme import STANDARD, Programmes, get_rule, level_details
from loyalty.types import (
    AccrualDetails,
    AccrualKind,
    CatalogueItem,
    EntryKind,
    Hold,
    LevelChangeDetails,
    LevelDetails,
    LevelOrderDetails,
    LoyaltyStanding,
    MoveCause,
    PointsEntryDetails,
    RedemptionDetails,
    RedemptionState,
)
from players.selectors import get_player
from players.types import PlayerDetails


def list_levels(at: datetime, programme: str = STANDARD) -> list[LevelDetails]:
    """A programme's levels in force at the moment, the lowest first. Raises: UnknownProgramme."""
    return level_details(get_rule(programme, at).levels)


def programme_of(player_id: UUID, at: datetime) -> str:
    """The programme that the player belongs to: as the standing says, else by residence. Raises: UnknownPlayer."""
    known = Standing.objects.filter(player_id=player_id).values_list("programme", flat=True).first()
    return known or Programmes.load().programme_for(get_player(player_id).residence, at)


def get_standing(player_id: UUID, at: datetime, *, player: PlayerDetails | None = None) -> LoyaltyStanding:
    """Where the player stands at the moment; zeros at the first level before anything happened.

    ``player`` saves reading them, for who has. Raises: UnknownPlayer.
    """
    player = player or get_player(player_id)
    (row,) = fetch_all(_STANDING, {"player": player_id, "first_day": rules.window_start(at.date()), "day": at.date()})
    programme = row["programme"] or Programmes.load().programme_for(player.residence, at)
    levels = list_levels(at, programme)
    place = next((n for n, level in enumerate(levels) if level.code == row["level"]), 0)
    following = levels[place + 1] if place + 1 < len(levels) else None
    turnover, window, level = row["turnover_eur"] or Decimal(0), row["window_eur"] or Decimal(0), levels[place]
    return LoyaltyStanding(
        player_id=player_id,
        programme=programme,
        level=level,
        level_since=row["level_since"] or player.registered_at,
        points=row["balance"] or 0,
        points_held=row["points_held"] or 0,
        turnover_eur=turnover,
        next_level=following,
        to_next_eur=_to_next(row["entered"], levels, place, turnover, window) if following else None,
        turnover_30d_eur=window,
        keep_eur=level.keep_eur,
        to_keep_eur=max(Decimal(0), level.keep_eur - window),
        grace_until=row["grace_until"],
        held=Hold(row["held"] or ""),
        held_until=row["held_until"],
    )


# All that is kept of a player in one round trip; a row also where there is nothing yet.
_STANDING = """
SELECT standing.programme, standing.turnover_eur, standing.level, standing.entered, standing.level_since, standing.grace_until,
       standing.held, standing.held_until, account.balance, account.held AS points_held,
       (SELECT sum(turnover_eur) FROM loyalty_turnoverday
        WHERE player_id = wanted.id AND day BETWEEN %(first_day)s AND %(day)s) AS window_eur
FROM (SELECT %(player)s::uuid AS id) wanted
LEFT JOIN loyalty_standing standing ON standing.player_id = wanted.id
LEFT JOIN loyalty_pointsaccount account ON account.player_id = wanted.id
"""


def _to_next(
    entered_code: str | None, levels: list[LevelDetails], place: int, turnover: Decimal, window: Decimal
) -> Decimal:
    """What is missing to the next level: to its entry; or, where it was lost, to what keeps it."""
    following = levels[place + 1]
    entered = next((n for n, level in enumerate(levels) if level.code == entered_code), 0)
    lost = entered > place and turnover >= following.entry_eur
    return max(Decimal(0), following.keep_eur - window if lost else following.entry_eur - turnover)


def list_points_entries(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[PointsEntryDetails]:
    """A player's points ledger, newest first, older than the entry ``before``."""
    rows = PointsEntry.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [entry_details(row) for row in rows.order_by("-id")[:limit]]


def entry_details(row: PointsEntry) -> PointsEntryDetails:
    return PointsEntryDetails(
        id=row.id,
        kind=EntryKind(row.kind),
        points=row.points,
        held=row.held,
        balance_after=row.balance_after,
        held_after=row.held_after,
        reference=row.reference,
        occurred_at=row.occurred_at,
    )


def find_account(player_id: UUID) -> PointsAccount | None:
    """The player's points; None before the first one. For loyalty's own services."""
    return PointsAccount.objects.filter(player_id=player_id).first()


def list_catalogue(player_id: UUID, at: datetime) -> list[CatalogueItem]:
    """What the player's points buy, as the programme in force says. Raises: UnknownPlayer."""
    standing, player = get_standing(player_id, at), get_player(player_id)
    found = []
    for item in get_rule(standing.programme, at).items:
        if (item.levels and standing.level.code not in item.levels) or (
            item.value and player.currency not in item.value
        ):
            continue
        value = Money.parse(f"{item.value[player.currency]:f}", player.currency) if item.value else None
        steps = min(max(standing.points, 0) // item.points, item.max_steps)
        found.append(
            CatalogueItem(
                code=item.code,
                name=item.name,
                points=item.points,
                value=value,
                min_steps=item.min_steps,
                max_steps=item.max_steps,
                affordable=steps if steps >= item.min_steps else 0,
                waits_for_staff_from=item.approve_from_points,
            )
        )
    return found


def list_redemptions(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[RedemptionDetails]:
    """A player's redemptions, newest first, older than ``before``."""
    rows = Redemption.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [redemption_details(row) for row in rows.order_by("-id")[:limit]]


def find_redemption(redemption_id: UUID) -> RedemptionDetails | None:
    row = Redemption.objects.filter(id=redemption_id).first()
    return redemption_details(row) if row else None


def redemption_details(row: Redemption) -> RedemptionDetails:
    return RedemptionDetails(
        id=row.id,
        player_id=row.player_id,
        programme=row.programme,
        item=row.item,
        offer=row.offer,
        steps=row.steps,
        points=row.points,
        worth=Money(row.worth_minor, row.currency) if row.worth_minor else None,
        state=RedemptionState(row.state),
        why=row.why,
        grant_id=row.grant_id,
        requested_at=row.requested_at,
        decide_until=row.decide_until,
        decided_at=row.decided_at,
    )


def list_accruals(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[AccrualDetails]:
    """What a player's bets earned, newest first, older than the accrual ``before``."""
    rows = Accrual.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [
        AccrualDetails(
            id=row.id,
            bet_id=row.bet_id,
            kind=AccrualKind(row.kind),
            turnover_eur=row.turnover_eur,
            coefficient=row.coefficient,
            multiplier=row.multiplier,
            promotion=row.promotion,
            earned=row.earned,
            occurred_at=row.occurred_at,
        )
        for row in rows.order_by("-id")[:limit]
    ]


def list_level_changes(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[LevelChangeDetails]:
    """Newest first, older than the change ``before``."""
    rows = LevelChange.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [
        LevelChangeDetails(row.id, row.from_level, row.to_level, MoveCause(row.cause), row.turnover_eur, row.changed_at)
        for row in rows.order_by("-id")[:limit]
    ]


def find_level_order(player_id: UUID) -> LevelOrderDetails | None:
    """What staff ordered of the player's level and has not ended."""
    row = LevelOrder.objects.filter(player_id=player_id, ended_at=None).first()
    return order_details(row) if row else None


def list_level_orders(player_id: UUID, limit: int = 50) -> list[LevelOrderDetails]:
    """Newest first."""
    return [order_details(row) for row in LevelOrder.objects.filter(player_id=player_id).order_by("-id")[:limit]]


def order_details(row: LevelOrder) -> LevelOrderDetails:
    return LevelOrderDetails(
        id=row.id,
        player_id=row.player_id,
        kind=Hold(row.kind),
        level=row.level,
        active_until=row.active_until,
        reason=row.reason,
        ordered_by=row.ordered_by,
        ordered_at=row.ordered_at,
        ended_at=row.ended_at,
    )


def count_players_by_level(at: datetime, programme: str = STANDARD) -> dict[str, int]:
    """Players of a programme who have bet, by the code of their level; every level is there, the lowest first."""
    rows = Standing.objects.filter(programme=programme).values_list("level").annotate(players=Count("player_id"))
    counts = dict(rows)
    return {level.code: counts.get(level.code, 0) for level in list_levels(at, programme)}


def find_multiplier(level: str, at: datetime) -> Decimal:
    """By how much a level multiplies points, and bonuses whose offer says so; 1 for a level that is not there.

    A level that several programmes have is the standard one's first.
    """
    rules_ = Programmes.load().in_force(at)
    for _, rule in sorted(rules_.items(), key=lambda item: item[0] != STANDARD):
        for row in rule.levels:
            if row.code == level:
                return row.multiplier
    return Decimal(1)
