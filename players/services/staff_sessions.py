"""Sessions of staff: opened at login, ended by their limits, by their owner or by an administrator."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from events.audit import record
from kernel.actors import Actor, ActorKind, system
from kernel.errors import DomainError
from players.models_staff import StaffDevice, StaffSession
from players.selectors_staff import find_session, find_staff, is_admitted, is_let_in, limits_of, living
from players.types_staff import EndReason, SessionDetails

# How exactly "last seen" is kept: a write for every request would be many.
SEEN_EVERY = timedelta(seconds=15)


class SessionEnded(DomainError):
    """This session is over, or never was one of staff."""

    code = "session_ended"
    title = "The session is over"
    status = 401


@transaction.atomic
def open_session(
    *, user_id: int, session_key: str, method: str, ip: str, user_agent: str, at: datetime, reason: str = ""
) -> SessionDetails:
    """Begin a session; those of everybody that have run out meanwhile are closed by the way. Raises: SessionEnded."""
    member = find_staff(user_id)
    if member is None:
        raise SessionEnded("This account may not log in.")
    limits = limits_of(member)
    close_those_that_ran_out(at=at)
    StaffSession.objects.create(
        user_id=user_id,
        session_key=session_key,
        method=method[:60],
        break_glass=member.break_glass,
        reason=reason,
        ip=ip or None,
        user_agent=user_agent[:300],
        started_at=at,
        last_seen_at=at,
        idle_minutes=limits.idle_minutes,
        absolute_until=at + timedelta(minutes=limits.absolute_minutes),
    )
    opened = find_session(session_key)
    assert opened is not None  # noqa: S101  (written just now)
    record(
        action="players.log_in",
        actor=Actor(ActorKind.STAFF, str(user_id), roles=member.roles),
        at=at,
        object_type="players.staff_session",
        object_id=str(opened.id),
        reason=reason,
        after={"method": method},
    )
    return opened


def check_session(*, session_key: str, user_id: int, ip: str, at: datetime, awake: bool) -> SessionDetails:
    """The session behind a request. ``awake`` requests are the person's own; others do not prolong it.

    One that rested too long, is too old, or comes from where its roles may not, is ended. Raises: SessionEnded.
    """
    found = find_session(session_key)
    if found is None or found.user_id != user_id or found.ended_at:
        raise SessionEnded("This session is over.")
    over = _why_over(found, ip, at)
    if over:
        _end(StaffSession.objects.filter(pk=found.id), over, system("session limits"), at)
        raise SessionEnded("This session is over.", why=over)
    if awake and at - found.last_seen_at > SEEN_EVERY:
        StaffSession.objects.filter(pk=found.id, ended_at=None).update(last_seen_at=at)
    return found


def may_listen(*, session_key: str, user_id: int, device: str, ip: str, at: datetime) -> bool:
    """Whether a connection that stays open may go on: as for a request that does not prolong the session.

    ``device`` is what django-otp keeps in Django's session of the second factor that verified the person.
    """
    try:
        session = check_session(session_key=session_key, user_id=user_id, ip=ip, at=at, awake=False)
    except SessionEnded:
        return False
    label, _, pk = device.rpartition("/")
    verified = (
        label == StaffDevice._meta.label_lower
        and pk.isdigit()
        and StaffDevice.objects.filter(pk=pk, user_id=user_id, confirmed=True).exists()
    )
    return is_admitted(session, verified=verified)


def stay(*, session_id: UUID, at: datetime) -> None:
    """The person says that they are still there."""
    StaffSession.objects.filter(pk=session_id, ended_at=None).update(last_seen_at=at)


def change_key(*, old: str, new: str) -> None:
    """The session goes on under another key (Django renews it at a password change)."""
    StaffSession.objects.filter(session_key=old).update(session_key=new)


def end_session(*, session_id: UUID, reason: EndReason, actor: Actor, at: datetime) -> None:
    """End one session; its next request is answered by the login page. Nothing happens when it is over already."""
    _end(StaffSession.objects.filter(pk=session_id), reason, actor, at)


def end_sessions(*, user_id: int | None, reason: EndReason, actor: Actor, at: datetime, but: UUID | None = None) -> int:
    """End all sessions of a person, or of everybody (None), except ``but``; how many lived."""
    rows = StaffSession.objects.all() if user_id is None else StaffSession.objects.filter(user_id=user_id)
    return _end(rows.exclude(pk=but) if but else rows, reason, actor, at)


def close_those_that_ran_out(*, at: datetime) -> None:
    """Sessions whose owner never came back get their end written down."""
    lasting = living(StaffSession.objects.all(), at).values("pk")
    rows = StaffSession.objects.filter(ended_at=None).exclude(pk__in=lasting)
    _end(rows, EndReason.IDLE, system("session limits"), at)


def _why_over(found: SessionDetails, ip: str, at: datetime) -> EndReason | None:
    if at >= found.absolute_until:
        return EndReason.TOO_OLD
    if at >= found.idle_until:
        return EndReason.IDLE
    return None if is_let_in(found.roles, ip) else EndReason.NETWORK


@transaction.atomic
def _end(rows: QuerySet[StaffSession], reason: EndReason, actor: Actor, at: datetime) -> int:
    """Write the end down, and take Django's session away, in the database and in the cache."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    living_rows = list(rows.filter(ended_at=None).select_for_update())
    for row in living_rows:
        if row.session_key:
            store(row.session_key).delete()
        row.session_key, row.ended_at, row.end_reason, row.ended_by = "", at, reason, str(actor)
        row.save(update_fields=["session_key", "ended_at", "end_reason", "ended_by"])
        record(
            action="players.end_session",
            actor=actor,
            at=at,
            object_type="players.staff_session",
            object_id=str(row.pk),
            after={"of": str(row.user_id), "why": reason.value},
        )
    return len(living_rows)
