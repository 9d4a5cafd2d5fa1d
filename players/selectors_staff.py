"""Reads of staff's logins: who somebody is, second factors, sessions, identity providers, networks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet

from kernel.places import find_place
from kernel.secrets import unseal
from players.models import User
from players.models_staff import (
    BreakGlassAccount,
    IdentityProvider,
    StaffDevice,
    StaffNetwork,
    StaffReset,
    StaffSession,
)
from players.rules_staff import (
    BREAK_GLASS,
    RESET_COUNTS_FOR,
    describe_device,
    limits_for,
    may_come_from,
    needs_second_factor,
    parse_limits,
)
from players.types import UserKind
from players.types_staff import (
    DeviceDetails,
    DeviceKind,
    Protocol,
    ProviderDetails,
    ProviderSettings,
    SessionDetails,
    SessionLimits,
    StaffMember,
)

SECRETS_PURPOSE = "staff second factor"
PROVIDERS_PURPOSE = "identity provider"
_MINUTE = timedelta(minutes=1)


def find_staff(user_id: int) -> StaffMember | None:
    """A member of staff who may log in; None for players, for accounts that are switched off, for nobody."""
    user = (
        User.objects.filter(pk=user_id, kind=UserKind.STAFF, is_active=True, is_staff=True)
        .annotate(roles=_roles("groups__name"))
        .first()
    )
    if user is None:
        return None
    return StaffMember(
        id=user.pk,
        login=user.username,
        roles=frozenset(user.roles),
        break_glass=BreakGlassAccount.objects.filter(user_id=user.pk).exists(),
        first_login=user.last_login is None,
    )


def asks_second_factor(member: StaffMember) -> bool:
    """Whether the settings ask for a second factor in one of the person's roles. Never of a break-glass account."""
    return not member.break_glass and needs_second_factor(member.roles, settings.STAFF_SECOND_FACTOR_ROLES)


def limits_of(member: StaffMember) -> SessionLimits:
    """How long this person's sessions may rest and last. Raises: rules_staff.Invalid when the settings are wrong."""
    if member.break_glass:
        return BREAK_GLASS
    usual = SessionLimits(settings.STAFF_SESSION_IDLE_MINUTES, settings.STAFF_SESSION_MINUTES)
    return limits_for(member.roles, usual, parse_limits(settings.STAFF_SESSION_LIMITS))


def is_let_in(roles: Iterable[str], ip: str) -> bool:
    """Whether somebody with these roles may come from this address."""
    networks: dict[str, list[str]] = {}
    for role, network in StaffNetwork.objects.filter(role__name__in=list(roles)).values_list("role__name", "network"):
        networks.setdefault(role, []).append(network)
    return may_come_from(ip, networks)


def is_admitted(session: SessionDetails, *, verified: bool) -> bool:
    """Whether this session may work: with a second factor where a role asks for one, or as break-glass."""
    return session.break_glass or verified or not needs_second_factor(session.roles, settings.STAFF_SECOND_FACTOR_ROLES)


def list_hands(user_id: int, at: datetime) -> frozenset[int]:
    """Everybody who could lately act by this account: its owner, whoever has reset it, and whoever has reset those."""
    resets = StaffReset.objects.filter(reset_at__gt=at - RESET_COUNTS_FOR)
    found, new = {user_id}, {user_id}
    while new:
        new = set(resets.filter(user_id__in=new).values_list("by_id", flat=True)) - found
        found |= new
    return frozenset(found)


# --- second factors ---


def list_devices(user_id: int) -> list[DeviceDetails]:
    """A person's second factors that may be used, oldest first; what an identity provider asserts is not among them."""
    rows = StaffDevice.objects.filter(user_id=user_id, confirmed=True).exclude(kind=DeviceKind.SSO)
    return [device_details(row) for row in rows.order_by("created_at", "id")]


def device_details(row: StaffDevice) -> DeviceDetails:
    kind = DeviceKind(row.kind)
    codes = unseal(bytes(row.secret), SECRETS_PURPOSE).split() if kind is DeviceKind.RECOVERY else []
    return DeviceDetails(row.pk, kind, row.name, row.created_at, row.last_used_at, len(codes))


# --- sessions ---


def find_session(session_key: str) -> SessionDetails | None:
    """The session of staff under this key, ended ones not."""
    row = _sessions().filter(session_key=session_key).first() if session_key else None
    return _session_details(row) if row else None


def list_sessions(user_id: int, at: datetime) -> list[SessionDetails]:
    """A person's living sessions, latest seen first."""
    rows = living(_sessions().filter(user_id=user_id), at)
    return [_session_details(row) for row in rows.order_by("-last_seen_at")]


def living(rows: QuerySet[StaffSession], at: datetime) -> QuerySet[StaffSession]:
    """Those that have neither been ended nor run out."""
    idle_until = ExpressionWrapper(F("last_seen_at") + F("idle_minutes") * _MINUTE, output_field=DateTimeField())
    return rows.alias(idle_until=idle_until).filter(ended_at=None, absolute_until__gt=at, idle_until__gt=at)


def list_alarms(at: datetime) -> list[SessionDetails]:
    """Break-glass sessions that live now: everybody in the back office is told."""
    return [_session_details(row) for row in living(_sessions().filter(break_glass=True), at)]


def _sessions() -> QuerySet[StaffSession]:
    return StaffSession.objects.select_related("user").annotate(roles=_roles("user__groups__name"))


def _session_details(row: StaffSession) -> SessionDetails:
    return SessionDetails(
        id=row.id,
        user_id=row.user_id,
        login=row.user.username,
        method=row.method,
        ip=row.ip or "",
        place=str(find_place(row.ip or "")),
        device=describe_device(row.user_agent),
        started_at=row.started_at,
        last_seen_at=row.last_seen_at,
        idle_until=row.last_seen_at + row.idle_minutes * _MINUTE,
        absolute_until=row.absolute_until,
        ended_at=row.ended_at,
        break_glass=row.break_glass,
        roles=frozenset(row.roles),  # type: ignore[attr-defined]
    )


def _roles(path: str) -> ArrayAgg:
    return ArrayAgg(path, filter=Q(**{f"{path}__isnull": False}), default=[])


# --- identity providers ---


def list_providers() -> list[ProviderDetails]:
    """The identity providers that staff may use now."""
    return [
        ProviderDetails(
            slug=row.slug,
            name=row.name,
            protocol=Protocol(row.protocol),
            client_id=row.client_id,
            secret=unseal(bytes(row.secret), PROVIDERS_PURPOSE) if row.secret else "",
            parameters=dict(row.parameters),
        )
        for row in IdentityProvider.objects.filter(active=True).order_by("name")
    ]


def groups_claim_of(slug: str) -> str:
    """The claim or attribute in which this provider names the person's groups."""
    return IdentityProvider.objects.values_list("groups_claim", flat=True).get(slug=slug)


def find_provider(slug: str) -> ProviderSettings | None:
    """What is set of this identity provider now."""
    row = IdentityProvider.objects.prefetch_related("mappings__role").filter(slug=slug).first()
    if row is None:
        return None
    return ProviderSettings(
        slug=row.slug,
        name=row.name,
        protocol=row.kind,
        parameters=dict(row.parameters),
        active=row.active,
        client_id=row.client_id,
        groups_claim=row.groups_claim,
        mfa_contexts=tuple(row.mfa_contexts),
        roles=frozenset((mapping.group, mapping.role.name) for mapping in row.mappings.all()),
    )
