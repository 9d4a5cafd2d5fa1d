"""Levels: the daily review, and what staff order of a player's level. What moves a level is decided in ``accrual``, where
everything comes by in the order of the log; here it is only asked for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from events.audit import record
from events.catalogue.loyalty import LevelHeld, LevelHoldEnded, LevelReviewDue
from events.services.log import holding, lock_players, publish, publish_many
from kernel.access import require
from kernel.actors import Actor, ActorKind, system
from kernel.db import ROOT, fetch_all
from kernel.errors import DomainError, FieldErrors, NotFound
from kernel.pan import refuse_pans
from loyalty import rules
from loyalty.models import LevelOrder
from loyalty.selectors import find_level_order, list_levels, order_details, programme_of
from loyalty.selectors_programme import Programmes
from loyalty.types import Hold, LevelOrderDetails

ORDER = "loyalty.order_levels"
BATCH = 1_000

_DUE = (ROOT / "loyalty/sql/review.sql").read_text()


class NoSuchOrder(NotFound):
    """The player's level is not held by staff."""


class LevelHeldAlready(DomainError):
    """Staff hold the player's level already: end that first."""

    code = "level_held"
    title = "The level is held already"
    status = 409


def review(*, at: datetime) -> int:
    """The daily review: tell everybody's review whose level would move now; how many. Publishes LevelReviewDue for each.

    May be run any number of times: who has just moved is in the grace. Short transactions, so that consumers keep up.
    """
    due = [row["player_id"] for row in fetch_all(_DUE, _conditions(at))]
    for start in range(0, len(due), BATCH):
        part = due[start : start + BATCH]
        with transaction.atomic():
            lock_players(part)
            publish_many([LevelReviewDue(player_id=player_id, occurred_at=at) for player_id in part])
    return len(due)


def _conditions(at: datetime) -> dict[str, object]:
    """The levels of all programmes in force, one row each, as arrays."""
    rows = [
        (code, level.code, rules.keep_of(level), level.entry_eur, place)
        for code, rule in sorted(Programmes.load().in_force(at).items())
        for place, level in enumerate(rule.levels)
    ]
    names = ("programmes", "levels", "keeps", "entries", "places")
    day = at.date()
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) | {
        "at": at,
        "first_day": rules.window_start(day),
        "day": day,
    }


def force_level(
    *, player_id: UUID, level: str, active_until: datetime | None = None, reason: str, actor: Actor, at: datetime
) -> LevelOrderDetails:
    """Set a player's level, and keep it until ``active_until`` (None: until ``end_hold``), whatever is played.

    It stands once the accrual has come to it. The same order again changes nothing. Publishes LevelHeld; the audit trail
    keeps the reason. Raises: AccessDenied, UnknownPlayer, FieldErrors, LevelHeldAlready.
    """
    codes = [known.code for known in list_levels(at, programme_of(player_id, at))]
    if level not in codes:
        raise FieldErrors({"level": [f"There is no such level. The programme has: {', '.join(codes)}."]})
    return _order(player_id, Hold.FORCED, level, active_until, reason, actor, at)


def freeze_level(
    *, player_id: UUID, active_until: datetime | None = None, reason: str, actor: Actor, at: datetime
) -> LevelOrderDetails:
    """Keep a player's level from falling until ``active_until`` (None: until ``end_hold``); it may rise.

    Publishes LevelHeld. Raises: AccessDenied, UnknownPlayer, FieldErrors, LevelHeldAlready.
    """
    programme_of(player_id, at)  # says that there is no such player
    return _order(player_id, Hold.FROZEN, "", active_until, reason, actor, at)


def end_hold(*, player_id: UUID, reason: str, actor: Actor, at: datetime) -> LevelOrderDetails:
    """Let a level move by itself again, after a whole grace. Publishes LevelHoldEnded.

    Raises: AccessDenied, NoSuchOrder, FieldErrors.
    """
    _need(actor, player_id, at)
    _check_reason(reason)
    with holding(player_id):
        row = LevelOrder.objects.filter(player_id=player_id, ended_at=None).first()
        if row is None:
            raise NoSuchOrder("The player's level is not held.")
        _end(row, str(actor), at)
        _record("loyalty.end_level_hold", row, actor, at, reason)
    return order_details(row)


def end_due(*, at: datetime, limit: int = 10_000) -> int:
    """End the orders whose time is over; how many. Publishes LevelHoldEnded for each."""
    due = LevelOrder.objects.filter(ended_at=None, active_until__lte=at).order_by("active_until")
    ended = 0
    for player_id in list(due.values_list("player_id", flat=True)[:limit]):
        with holding(player_id):
            row = LevelOrder.objects.filter(player_id=player_id, ended_at=None, active_until__lte=at).first()
            if row:
                _end(row, str(system("loyalty")), at)
                ended += 1
    return ended


def _order(
    player_id: UUID, kind: Hold, level: str, until: datetime | None, reason: str, actor: Actor, at: datetime
) -> LevelOrderDetails:
    _need(actor, player_id, at)
    _check_reason(reason)
    if until is not None and until <= at:
        raise FieldErrors({"active_until": ["Name a moment that is still to come."]})
    with holding(player_id):
        known = find_level_order(player_id)
        if known and (known.kind, known.level, known.active_until) == (kind, level, until):
            return known
        if known:
            until_text = f"until {known.active_until:%Y-%m-%d}" if known.active_until else "until somebody ends it"
            raise LevelHeldAlready(f"The level is {known.kind} {until_text}. End that first.")
        row = LevelOrder.objects.create(
            player_id=player_id,
            kind=kind,
            level=level,
            active_until=until,
            reason=reason.strip(),
            ordered_by=str(actor),
            ordered_at=at,
        )
        _record(f"loyalty.{'force' if kind is Hold.FORCED else 'freeze'}_level", row, actor, at, reason)
        publish(
            LevelHeld(player_id=player_id, occurred_at=at, order_id=row.id, kind=kind, level=level, active_until=until)
        )
    return order_details(row)


def _end(row: LevelOrder, by: str, at: datetime) -> None:
    row.ended_at, row.ended_by = at, by
    row.save(update_fields=["ended_at", "ended_by"])
    publish(LevelHoldEnded(player_id=row.player_id, occurred_at=at, order_id=row.id))


def _need(actor: Actor, player_id: UUID, at: datetime) -> None:
    if actor.kind is not ActorKind.CLIENT:  # a client's scope was asked for at the border
        require(actor, ORDER, player_id, at)


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > 300:
        raise FieldErrors({"reason": ["Say why, in at most 300 characters."]})
    refuse_pans(reason=reason)


def _record(action: str, row: LevelOrder, actor: Actor, at: datetime, reason: str) -> None:
    after = {"level": row.level, "active_until": row.active_until.isoformat() if row.active_until else ""}
    record(
        action=action,
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="loyalty.level_order",
        object_id=str(row.id),
        reason=reason.strip(),
        after=after,
    )
