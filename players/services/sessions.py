"""Players' sessions: begun at login, seen while used, ended by logout, by being killed or by their time."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

from events.audit import record
from events.catalogue.players import SessionEnded, SessionStarted
from events.services.log import holding, publish
from kernel import secrets as sealing
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_all, locked_batches
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.places import find_place
from players.models import Device, Session
from players.ports import list_login_gates, list_session_watchers
from players.rules_identity import name_device
from players.types_identity import EndReason, Opened, Origin, Refusal

logger = logging.getLogger(__name__)

PURPOSE = "player-session"
# A session that was seen alive is not looked up again for so long; its end is told to all processes through Redis at
# once, so this counts only while Redis is away.
TRUSTED_SECONDS = 30
SEEN_EVERY = timedelta(seconds=60)


class SessionOver(Exception):
    """The session has ended, or never was."""


def find_login_refusal(*, player_id: UUID, device_token: str, going_on: bool, at: datetime) -> Refusal | None:
    """What the gates (``ports.LoginGate``) have against a login, or against going on with a session; outside a transaction."""
    refusals = (gate.ask(player_id, device_token, going_on, at) for gate in list_login_gates())
    return next(filter(None, refusals), None)


def start(*, player_id: UUID, origin: Origin, methods: str, store_key: str, refresh_id: UUID, at: datetime) -> Opened:
    """Begin a session; a device whose token is not known becomes a new one. Publishes SessionStarted."""
    place = str(find_place(origin.ip))
    with holding(player_id):
        device, token, is_first = _device(player_id, origin, at)
        session = Session.objects.create(
            player_id=player_id,
            device=device,
            ip=origin.ip or None,
            place=place,
            user_agent=origin.user_agent,
            methods=methods,
            started_at=at,
            last_seen_at=at,
            expires_at=at + timedelta(seconds=settings.PLAYER_SESSION_SECONDS),
            refresh_id=refresh_id,
            store_key=sealing.seal(store_key, PURPOSE),
        )
        publish(
            SessionStarted(
                player_id=player_id,
                occurred_at=at,
                session_id=str(session.id),
                device_id=str(device.id),
                methods=methods,
                new_device=bool(token),
            )
        )
        for watcher in list_session_watchers():
            watcher.started(player_id, at)
        record(
            action="players.log_in",
            actor=Actor(ActorKind.PLAYER, str(player_id)),
            at=at,
            player_id=player_id,
            object_type="players.session",
            object_id=str(session.id),
            after={"methods": methods, "device": str(device.id)},
        )
    return Opened(session.id, device.id, token, bool(token) and not is_first, place)


def check(*, session_id: UUID, at: datetime) -> UUID:
    """The player of a session that is open and may be used now. Raises: SessionOver.

    Asks Redis, and the database when Redis knows nothing. A restriction that blocks logins ends it, and so does a pause
    after which the player has to log in again.
    """
    known = _cached(session_id)
    if known == "ended":
        raise SessionOver
    if known:
        return UUID(known)
    rows = fetch_all(
        "SELECT s.player_id, s.last_seen_at, s.expires_at, g.refusal FROM players_session s, "
        "LATERAL players_gate(s.player_id, 'login', %s) g WHERE s.id = %s AND s.ended_at IS NULL",
        [at, session_id],
    )
    if not rows:
        raise SessionOver
    row = rows[0]
    if reason := _reason_to_end(row, at):
        end(player_id=row["player_id"], session_ids=[session_id], reason=reason, at=at)
        raise SessionOver
    if row["last_seen_at"] < at - SEEN_EVERY:
        Session.objects.filter(id=session_id, ended_at=None).update(last_seen_at=at)
    seconds = min(TRUSTED_SECONDS, int((row["expires_at"] - at).total_seconds()) + 1)
    _tell(partial(cache.add, _name(session_id), str(row["player_id"]), seconds))  # never over an "ended"
    player_id: UUID = row["player_id"]
    return player_id


def _reason_to_end(row: dict[str, Any], at: datetime) -> EndReason | None:
    if row["expires_at"] <= at:
        return EndReason.EXPIRED
    if row["refusal"]:
        return EndReason.RESTRICTED
    ends = (watcher.find_end(row["player_id"], row["last_seen_at"], at) for watcher in list_session_watchers())
    return next(filter(None, ends), None)


def rotate(*, session_id: UUID, player_id: UUID, used: UUID, new: UUID, at: datetime) -> None:
    """Exchange the refresh token ``used`` for ``new``, once. Raises: SessionOver, for another player's session too.

    A token that was exchanged before ends the session: either its owner or a thief holds a copy, and nobody knows who.
    What a gate refuses ends it too. Publishes SessionEnded in these cases.
    """
    if check(session_id=session_id, at=at) != player_id:
        raise SessionOver
    if find_login_refusal(player_id=player_id, device_token="", going_on=True, at=at):
        end(player_id=player_id, session_ids=[session_id], reason=EndReason.RESTRICTED, at=at)
        raise SessionOver
    exchanged = Session.objects.filter(id=session_id, refresh_id=used, ended_at=None).update(
        refresh_id=new, last_seen_at=at
    )
    if not exchanged:
        end(player_id=player_id, session_ids=[session_id], reason=EndReason.REFRESH_TOKEN_REUSED, at=at)
        raise SessionOver


def find_store_key(*, session_id: UUID, player_id: UUID, at: datetime) -> str | None:
    """The key of allauth's own session behind an open one of this player; None when it is over."""
    try:
        if check(session_id=session_id, at=at) != player_id:
            return None
    except SessionOver:
        return None
    sealed = Session.objects.filter(id=session_id, ended_at=None).values_list("store_key", flat=True).first()
    try:
        return sealing.unseal(bytes(sealed), PURPOSE) if sealed else None
    except sealing.Unreadable:
        return None


def rebind(*, session_id: UUID, store_key: str) -> None:
    """allauth's session got another key; the player's session goes on."""
    Session.objects.filter(id=session_id).update(store_key=sealing.seal(store_key, PURPOSE))


def end(*, player_id: UUID, session_ids: list[UUID], reason: EndReason, at: datetime) -> int:
    """End those of the player's sessions that are open; how many were. Publishes SessionEnded for each."""
    with holding(player_id):
        return _end(player_id, Session.objects.filter(id__in=session_ids), reason, at)


def end_all(*, player_id: UUID, reason: EndReason, at: datetime, but: UUID | None = None) -> int:
    """End every open session of the player except ``but``; how many were. Publishes SessionEnded for each.

    May be called inside a transaction that holds the player.
    """
    with holding(player_id):
        rows = Session.objects.all()
        return _end(player_id, rows.exclude(id=but) if but else rows, reason, at)


def kill(*, player_id: UUID, session_id: UUID | None, actor: Actor, reason: EndReason, at: datetime) -> int:
    """A person ends one session, or with None all of them; how many were open. Publishes SessionEnded.

    Raises: NotFound when the player never had such a session.
    """
    if session_id and not Session.objects.filter(id=session_id, player_id=player_id).exists():
        raise NotFound(f"There is no session {session_id}.")
    with holding(player_id):
        if session_id:
            ended = end(player_id=player_id, session_ids=[session_id], reason=reason, at=at)
        else:
            ended = end_all(player_id=player_id, reason=reason, at=at)
        record(
            action="players.end_session",
            actor=actor,
            at=at,
            player_id=player_id,
            object_type="players.session",
            object_id=str(session_id or "all"),
            after={"ended": str(ended)},
        )
    return ended


def prune_store() -> None:
    """Drop what allauth kept of logins and registrations that were never completed, or are long over."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def reseal_store_keys() -> Iterator[int]:
    """Seal anew what open sessions keep under a former SECRET_KEY; how many, batch by batch.

    Raises: kernel.secrets.Unreadable.
    """
    for rows in locked_batches(Session.objects.filter(ended_at=None)):
        old = [row for row in rows if not sealing.is_current(bytes(row.store_key), PURPOSE)]
        for row in old:
            row.store_key = sealing.seal(sealing.unseal(bytes(row.store_key), PURPOSE), PURPOSE)
        Session.objects.bulk_update(old, ["store_key"])
        yield len(old)


def end_expired(*, at: datetime, limit: int = 500) -> int:
    """Close the books on sessions whose time is over; how many. Publishes SessionEnded for each."""
    overdue = Session.objects.filter(ended_at=None, expires_at__lte=at).values_list("player_id", "id")[:limit]
    return sum(
        end(player_id=player_id, session_ids=[session_id], reason=EndReason.EXPIRED, at=at)
        for player_id, session_id in list(overdue)
    )


def _end(player_id: UUID, rows: object, reason: EndReason, at: datetime) -> int:
    """The caller holds the player."""
    open_rows = list(rows.filter(player_id=player_id, ended_at=None).order_by("id"))  # type: ignore[attr-defined]
    for session in open_rows:
        session.ended_at, session.end_reason, session.refresh_id = at, reason, None
        session.save(update_fields=["ended_at", "end_reason", "refresh_id"])
        publish(
            SessionEnded(
                player_id=player_id,
                occurred_at=at,
                session_id=str(session.id),
                reason=reason,
                seconds=int((at - session.started_at).total_seconds()),
            )
        )
        transaction.on_commit(partial(_tell_end, session.id))
    if open_rows:
        for watcher in list_session_watchers():
            watcher.ended(player_id, at)
    return len(open_rows)


def hash_token(token: str) -> bytes:
    """What is kept of a device's token: it is random, so one round of SHA-256 hides it."""
    return hashlib.sha256(token.encode()).digest()


def _device(player_id: UUID, origin: Origin, at: datetime) -> tuple[Device, str, bool]:
    """The device, its token when it is new, and whether it is the player's first."""
    if origin.device_token:
        known = Device.objects.filter(player_id=player_id, token_hash=hash_token(origin.device_token)).first()
        if known:
            known.last_seen_at, known.name = at, name_device(origin.user_agent)
            known.save(update_fields=["last_seen_at", "name"])
            return known, "", False
    is_first = not Device.objects.filter(player_id=player_id).exists()
    token = secrets.token_urlsafe(32)
    # A token that we gave to another player on this device stays: that is how two on one device are recognised.
    if origin.device_token and Device.objects.filter(token_hash=hash_token(origin.device_token)).exists():
        token = origin.device_token
    device = Device.objects.create(
        id=uuid7(),
        player_id=player_id,
        token_hash=hash_token(token),
        name=name_device(origin.user_agent),
        first_seen_at=at,
        last_seen_at=at,
    )
    return device, token, is_first


def _tell_end(session_id: UUID) -> None:
    _tell(partial(cache.set, _name(session_id), "ended", max(settings.PLAYER_ACCESS_TOKEN_SECONDS, TRUSTED_SECONDS)))


def _cached(session_id: UUID) -> str | None:
    found = _tell(partial(cache.get, _name(session_id)))
    return str(found) if found else None


def _tell(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (RedisError, OSError) as error:
        logger.warning("Redis does not answer: sessions are looked up in the database (%s)", error)
        return None


def _name(session_id: UUID) -> str:
    return f"player-session:{session_id}"
