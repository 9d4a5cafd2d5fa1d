"""Reads of sessions, devices, attempts, consents and of what protects an account."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from kernel.db import fetch_one
from kernel.errors import FieldErrors, NotFound
from players import ports
from players.models import Consent, Device, LoginAttempt, Player, Profile, Security, Session, User
from players.rules import MINIMUM_AGE_YEARS, Invalid, normalise_email, normalise_login, normalise_phone
from players.types import UserKind
from players.types_identity import (
    AttemptDetails,
    AttemptOutcome,
    ConsentChannel,
    ConsentDetails,
    ConsentProduct,
    DeviceDetails,
    FieldDemands,
    SessionDetails,
)


@dataclass(frozen=True, slots=True)
class SecurityDetails:
    """Whether the phone was shown to be the player's, and since when SMS codes are asked for."""

    phone: str
    phone_is_verified: bool
    sms_factor_since: datetime | None


def get_demands(country: str, region: str, at: datetime) -> FieldDemands:
    """Which fields a registration must have for who lives there, and from which age on.

    Raises: what the source of these demands raises where nobody may open an account.
    """
    source = ports.find_demands()
    if source is None:
        return FieldDemands(country, ("first_name", "last_name", "birth_date"), MINIMUM_AGE_YEARS, region)
    return source(country, region, at)


def normalise(name: str, value: str) -> str:
    """An email, login or phone in the form in which it is kept. Raises: FieldErrors."""
    reading = {"email": normalise_email, "login": normalise_login, "phone": lambda text: normalise_phone(text, "DE")}
    try:
        return reading[name](value)
    except Invalid as error:
        raise FieldErrors({name: [str(error)]}) from None


def find_player_id(user_id: int) -> UUID | None:
    """The player behind a user; None for staff."""
    return Player.objects.filter(user_id=user_id, user__kind=UserKind.PLAYER).values_list("id", flat=True).first()


def find_user_id(name: str, value: str) -> int | None:
    """The user whom a player is at login, called by ``name`` (email, username or phone); never staff."""
    try:
        if name == "email":
            found = User.objects.filter(email=normalise_email(value), kind=UserKind.PLAYER)
        elif name == "username":
            found = User.objects.filter(username=normalise_login(value), kind=UserKind.PLAYER)
        else:
            return (
                Profile.objects.filter(phone=value).exclude(phone="").values_list("player__user_id", flat=True).first()
            )
    except Invalid:
        return None
    return found.values_list("id", flat=True).first()


def find_phone_owner(phone: str) -> int | None:
    """The user who has this E.164 number."""
    return find_user_id("phone", phone)


def get_security(player_id: UUID) -> SecurityDetails:
    phone = Profile.objects.filter(player_id=player_id).values_list("phone", flat=True).first() or ""
    row = Security.objects.filter(player_id=player_id).first()
    if row is None:
        return SecurityDetails(phone, False, None)
    return SecurityDetails(phone, bool(phone) and row.verified_phone == phone, row.sms_factor_since)


def list_factors(player_id: UUID) -> list[tuple[str, datetime, datetime | None]]:
    """Second factors that are set up: which, since when, and when used last."""
    user_id = Player.objects.filter(id=player_id).values_list("user_id", flat=True).first()
    rows = Authenticator.objects.filter(user_id=user_id).order_by("created_at")
    return [(row.type, row.created_at, row.last_used_at) for row in rows]


def find_known_device(player_id: UUID, token: str) -> DeviceDetails | None:
    """The player's device that keeps this token."""
    digest = hashlib.sha256(token.encode()).digest()
    row = Device.objects.filter(player_id=player_id, token_hash=digest).first()
    return _device(row) if row else None


def is_trusted(player_id: UUID, token: str, at: datetime) -> bool:
    """May the second factor be left out on the device that keeps this token?"""
    device = find_known_device(player_id, token) if token else None
    return device is not None and device.trusted_until is not None and device.trusted_until > at


def get_device(player_id: UUID, device_id: UUID) -> DeviceDetails:
    """Raises: NotFound, for another player's device too."""
    row = Device.objects.filter(id=device_id, player_id=player_id).first()
    if row is None:
        raise NotFound(f"There is no device {device_id}.")
    return _device(row)


def list_devices(player_id: UUID, limit: int = 50) -> list[DeviceDetails]:
    """Those seen last come first."""
    return [_device(row) for row in Device.objects.filter(player_id=player_id).order_by("-last_seen_at")[:limit]]


def list_sessions(player_id: UUID, *, open_at: datetime | None = None, limit: int = 50) -> list[SessionDetails]:
    """Newest first; with ``open_at`` only those open then."""
    rows = _sessions().filter(player_id=player_id)
    if open_at:
        rows = rows.filter(ended_at=None, expires_at__gt=open_at)
    return [_session(row) for row in rows.order_by("-id")[:limit]]


def find_last_login(player_id: UUID) -> datetime | None:
    """When the player logged in last."""
    return Session.objects.filter(player_id=player_id).order_by("-id").values_list("started_at", flat=True).first()


def get_time_logged_in(player_id: UUID, since: datetime, until: datetime) -> timedelta:
    """How long the player was logged in between two moments; sessions beside each other count once."""
    row = fetch_one(
        """
        SELECT coalesce(sum(upper(time) - lower(time)), '0') FROM (
            SELECT unnest(range_agg(tstzrange(greatest(started_at, %(since)s),
                                              least(coalesce(ended_at, expires_at), %(until)s)))) AS time
            FROM players_session
            WHERE player_id = %(player)s AND started_at < %(until)s AND coalesce(ended_at, expires_at) > %(since)s
        ) AS times
        """,
        {"player": player_id, "since": since, "until": until},
    )
    found: timedelta = row[0]
    return found


def list_logged_in(*, after: UUID | None = None, limit: int = 1000) -> list[UUID]:
    """Players with an open session, in the order of their ids."""
    rows = Session.objects.filter(ended_at=None)
    if after:
        rows = rows.filter(player_id__gt=after)
    return list(rows.order_by("player_id").values_list("player_id", flat=True).distinct()[:limit])


def list_attempts(player_id: UUID, limit: int = 50) -> list[AttemptDetails]:
    """Logins that came to nothing, newest first."""
    return [
        AttemptDetails(AttemptOutcome(row.outcome), row.ip or "", row.place, row.user_agent, row.attempted_at)
        for row in LoginAttempt.objects.filter(player_id=player_id).order_by("-id")[:limit]
    ]


def list_token_hashes(player_id: UUID) -> frozenset[bytes]:
    """By which the player's devices are known."""
    return frozenset(map(bytes, Device.objects.filter(player_id=player_id).values_list("token_hash", flat=True)))


def list_devices_like(token_hashes: Iterable[bytes], limit: int = 100) -> dict[UUID, frozenset[bytes]]:
    """Players seen on one of these devices, and which."""
    rows = Device.objects.filter(token_hash__in=list(token_hashes)).values_list("player_id", "token_hash")
    found: dict[UUID, set[bytes]] = {}
    for player_id, token_hash in rows.order_by("-id")[:limit]:
        found.setdefault(player_id, set()).add(bytes(token_hash))
    return {player_id: frozenset(hashes) for player_id, hashes in found.items()}


def list_consents(player_id: UUID, *, at: datetime | None = None) -> list[ConsentDetails]:
    """The newest answer to each question that was ever asked; the newest until a moment."""
    rows = Consent.objects.filter(player_id=player_id).order_by("product", "channel", "-id")
    if at:
        rows = rows.filter(given_at__lte=at)
    return [_consent(row) for row in rows.distinct("product", "channel")]


def list_consent_history(
    player_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> list[tuple[UUID, ConsentDetails]]:
    """Every answer with its id, newest first."""
    rows = Consent.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [(row.id, _consent(row)) for row in rows.order_by("-id")[:limit]]


def has_consent(player_id: UUID, product: ConsentProduct, channel: ConsentChannel) -> bool:
    """May the player be written to about this product by this channel? Not asked means no."""
    rows = Consent.objects.filter(player_id=player_id, product=product, channel=channel)
    return bool(rows.order_by("-id").values_list("granted", flat=True).first())


def _sessions() -> QuerySet[Session]:
    return Session.objects.select_related("device")


def _session(row: Session) -> SessionDetails:
    return SessionDetails(
        id=row.id,
        player_id=row.player_id,
        device_id=row.device_id,
        device=row.device.name,
        ip=row.ip or "",
        place=row.place,
        user_agent=row.user_agent,
        methods=tuple(part for part in row.methods.split("+") if part),
        started_at=row.started_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
    )


def _device(row: Device) -> DeviceDetails:
    return DeviceDetails(row.id, row.player_id, row.name, row.first_seen_at, row.last_seen_at, row.trusted_until)


def _consent(row: Consent) -> ConsentDetails:
    return ConsentDetails(
        ConsentProduct(row.product),
        ConsentChannel(row.channel),
        row.granted,
        row.text_version,
        row.source,
        row.given_at,
    )
