"""Raises and removals of players' own limits: they wait for the pack's delay, and then for the player's word.

Nobody raises a player's limit but the player. A lower limit set meanwhile ends the raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from compliance.models_limit_changes import LimitChange
from compliance.rules_limit_terms import LimitTerms
from compliance.rules_limits import CONFIRM_WITHIN, raise_takes_effect_at
from compliance.selectors_limits import change_details, get_change, get_terms
from compliance.services.cases import open_case
from compliance.services.limit_rows import check_wanted, put
from compliance.types_cases import CaseKind
from compliance.types_limits import (
    OPEN_CHANGES,
    ChangeDetails,
    ChangeState,
    LimitKind,
    LimitPeriod,
    SetBy,
    Wanted,
)
from events.audit import record
from events.catalogue.compliance_limits import LimitRaiseEnded, LimitRaiseReady, LimitRaiseRequested
from events.services.log import holding, publish
from kernel.access import Subject, require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from kernel.money import Money
from players.selectors import get_player
from players.types import PlayerDetails

DECIDE = "compliance.decide_limitchange"
_OPEN = [state.value for state in OPEN_CHANGES]


class ChangeEnded(DomainError):
    """The raise was applied, cancelled, refused, or never confirmed in time. Ask for it again."""

    code = "limit_change_ended"
    title = "This change is at an end"
    status = 409


class ChangeNotReady(DomainError):
    """The delay is not over, or somebody has to talk to the player first."""

    code = "limit_change_not_ready"
    title = "This change has to wait"
    status = 409


def request(
    player: PlayerDetails,
    wanted: Wanted,
    terms: LimitTerms,
    *,
    needs_contact: bool,
    first: bool,
    actor: Actor,
    at: datetime,
) -> ChangeDetails:
    """Let a raise wait; the caller (services.limits) holds the player. ``first``: there is no limit yet, so nothing
    delays it but the contact. Publishes LimitRaiseRequested, and LimitRaiseEnded for one it takes the place of."""
    open_one = _open_rows(player.id, wanted.kind, wanted.period).first()
    if open_one and (open_one.amount_minor, open_one.minutes) == (_minor(wanted), wanted.minutes):
        return change_details(open_one, player.currency)
    cancel_open(player.id, wanted.kind, wanted.period, "Another limit was asked for.", actor, at)
    eligible_at = at
    if not first:
        eligible_at = raise_takes_effect_at(
            wanted.period, at, terms.zone, delay=terms.raise_delay, not_before_period_end=terms.not_before_period_end
        )
    row = LimitChange.objects.create(
        player_id=player.id,
        kind=wanted.kind.value,
        period=wanted.period.value,
        amount_minor=_minor(wanted),
        minutes=wanted.minutes,
        state=(ChangeState.CONTACT if needs_contact else ChangeState.WAITING).value,
        needs_confirmation=terms.needs_confirmation and not first,
        requested_by=str(actor),
        requested_at=at,
        eligible_at=eligible_at,
        expires_at=eligible_at + CONFIRM_WITHIN,
    )
    publish(
        LimitRaiseRequested(
            player_id=player.id,
            occurred_at=at,
            change_id=row.id,
            kind=row.kind,
            period=row.period,
            amount=wanted.amount.major if wanted.amount else None,
            currency=player.currency,
            minutes=wanted.minutes,
            state=row.state,
            eligible_at=eligible_at,
            needs_confirmation=row.needs_confirmation,
        )
    )
    _record("request", row, wanted.text, "", actor, at)
    if needs_contact:
        open_case(
            kind=CaseKind.LIMIT_CONTACT,
            player_id=player.id,
            facts={
                "change": str(row.id),
                "kind": wanted.kind.value,
                "period": wanted.period.value,
                "limit": wanted.text,
            },
            key=str(row.id),
            actor=actor,
            at=at,
        )
    return change_details(row, player.currency)


def confirm_change(*, change_id: UUID, actor: Actor, at: datetime) -> ChangeDetails:
    """The player still wants the raise now that its delay is over: it is in force. Confirmed again it is the same.

    Publishes LimitChanged and LimitRaiseEnded. Raises: NotFound, ChangeEnded, ChangeNotReady, FieldErrors (when the law
    allows less meanwhile).
    """
    with _locked(change_id) as (player, row):
        if row.state == ChangeState.APPLIED:
            return change_details(row, player.currency)
        _check_open(row)
        if row.state == ChangeState.CONTACT:
            raise ChangeNotReady("We have to talk to you first: expect our call or message.", state=row.state)
        if at < row.eligible_at:
            raise ChangeNotReady(
                f"It can be confirmed from {row.eligible_at:%Y-%m-%d %H:%M} UTC on.",
                state=row.state,
                eligible_at=row.eligible_at.isoformat(),
            )
        if at >= row.expires_at:
            raise ChangeEnded("It was not confirmed in time: ask for it again.", state=ChangeState.EXPIRED.value)
        _apply(player, row, actor, at)
        return change_details(row, player.currency)


def cancel_change(*, change_id: UUID, actor: Actor, at: datetime) -> ChangeDetails:
    """The player wants it no more. Publishes LimitRaiseEnded. Raises: NotFound, ChangeEnded."""
    with _locked(change_id) as (player, row):
        if row.state != ChangeState.CANCELLED:
            _check_open(row)
            _end(row, ChangeState.CANCELLED, "", actor, at)
        return change_details(row, player.currency)


def decide_contact(*, change_id: UUID, allow: bool, reason: str, actor: Actor, at: datetime) -> ChangeDetails:
    """Say what came of the talk with the player: the raise goes on to its delay and confirmation, or is refused.

    One that has nothing left to wait for is in force at once. Publishes LimitChanged, LimitRaiseEnded.
    Raises: NotFound, AccessDenied, FieldErrors, ChangeEnded.
    """
    if not reason.strip():
        raise FieldErrors({"reason": ["Say what the player told you, and why you decide so."]})
    with _locked(change_id) as (player, row):
        amount = None if row.amount_minor is None else Money(row.amount_minor, player.currency)
        require(actor, DECIDE, Subject(player_id=player.id, amount=amount), at)
        if row.state != ChangeState.CONTACT:
            raise ChangeEnded(f"It waits for no contact: it is {row.state}.", state=row.state)
        row.reason = reason
        if not allow:
            _end(row, ChangeState.REFUSED, reason, actor, at)
        elif not row.needs_confirmation and at >= row.eligible_at:
            _apply(player, row, actor, at)
        else:
            row.state = ChangeState.WAITING.value
            row.expires_at = max(row.expires_at, at + CONFIRM_WITHIN)
            row.save(update_fields=["state", "reason", "expires_at"])
            _record("allow", row, change_details(row, player.currency).text, reason, actor, at)
        return change_details(row, player.currency)


def cancel_open(player_id: UUID, kind: LimitKind, period: LimitPeriod, reason: str, actor: Actor, at: datetime) -> None:
    """End what waits for this kind and period. The caller holds the player."""
    for row in _open_rows(player_id, kind, period):
        _end(row, ChangeState.CANCELLED, reason, actor, at)


def work_due(*, actor: Actor, at: datetime, limit: int = 500) -> int:
    """Put in force what needs no confirmation and has waited long enough, tell players what they may confirm now, and
    close what was never confirmed; how many. Publishes LimitChanged, LimitRaiseReady, LimitRaiseEnded."""
    done = 0
    due = LimitChange.objects.filter(state=ChangeState.WAITING.value, eligible_at__lte=at)
    ready = due.filter(told_at=None, expires_at__gt=at)
    expired = LimitChange.objects.filter(state__in=_OPEN, expires_at__lte=at)
    for rows, work in ((ready, _ready), (expired, _expire)):
        done += _each(list(rows.order_by("eligible_at").values_list("id", flat=True)[:limit]), work, actor, at)
    return done


def _each(
    change_ids: list[UUID],
    work: Callable[[PlayerDetails, LimitChange, Actor, datetime], bool],
    actor: Actor,
    at: datetime,
) -> int:
    done = 0
    for change_id in change_ids:
        with _locked(change_id) as (player, row):
            done += work(player, row, actor, at)
    return done


def _ready(player: PlayerDetails, row: LimitChange, actor: Actor, at: datetime) -> bool:
    if row.state != ChangeState.WAITING or row.told_at or at < row.eligible_at:
        return False
    if not row.needs_confirmation:
        _apply(player, row, actor, at)
        return True
    row.told_at = at
    row.save(update_fields=["told_at"])
    publish(
        LimitRaiseReady(
            player_id=player.id,
            occurred_at=at,
            change_id=row.id,
            kind=row.kind,
            period=row.period,
            expires_at=row.expires_at,
        )
    )
    return True


def _expire(player: PlayerDetails, row: LimitChange, actor: Actor, at: datetime) -> bool:
    if row.state not in _OPEN or at < row.expires_at:
        return False
    _end(row, ChangeState.EXPIRED, "", actor, at)
    return True


def _apply(player: PlayerDetails, row: LimitChange, actor: Actor, at: datetime) -> None:
    amount = None if row.amount_minor is None else Money(row.amount_minor, player.currency)
    wanted = Wanted(LimitKind(row.kind), LimitPeriod(row.period), amount, row.minutes)
    check_wanted(player, wanted, get_terms(player, at), SetBy.PLAYER, at)
    put(player, wanted, SetBy.PLAYER, row.reason, actor, at)
    _end(row, ChangeState.APPLIED, row.reason, actor, at)


def _end(row: LimitChange, state: ChangeState, reason: str, actor: Actor, at: datetime) -> None:
    row.state, row.decided_by, row.decided_at, row.reason = state.value, str(actor), at, reason or row.reason
    row.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    publish(
        LimitRaiseEnded(
            player_id=row.player_id,
            occurred_at=at,
            change_id=row.id,
            kind=row.kind,
            period=row.period,
            state=row.state,
        )
    )
    _record("end", row, state.value, reason, actor, at)


@contextmanager
def _locked(change_id: UUID) -> Iterator[tuple[PlayerDetails, LimitChange]]:
    player = get_player(get_change(change_id).player_id)
    with holding(player.id):
        yield player, LimitChange.objects.select_for_update().get(id=change_id)


def _check_open(row: LimitChange) -> None:
    if row.state not in _OPEN:
        raise ChangeEnded(f"It is {row.state}: ask for it again.", state=row.state)


def _open_rows(player_id: UUID, kind: LimitKind, period: LimitPeriod):  # type: ignore[no-untyped-def]
    return LimitChange.objects.filter(player_id=player_id, kind=kind.value, period=period.value, state__in=_OPEN)


def _minor(wanted: Wanted) -> int | None:
    return wanted.amount.amount_minor if wanted.amount else None


def _record(deed: str, row: LimitChange, after: str, reason: str, actor: Actor, at: datetime) -> None:
    record(
        action=f"compliance.{deed}_limit_change",
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="compliance.limitchange",
        object_id=str(row.id),
        reason=reason,
        after={f"{row.kind} {row.period}".strip(): after},
    )
