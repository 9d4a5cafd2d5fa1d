"""Rules of staff's logins: limits of sessions, networks, devices in words. No database, no clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network

from players.types_staff import ProviderSettings, SessionLimits

EVERY_ROLE = "*"
# Longer than anything that waits for a second person waits.
RESET_COUNTS_FOR = timedelta(days=14)
BREAK_GLASS = SessionLimits(idle_minutes=15, absolute_minutes=30)


class Invalid(ValueError):
    """A text does not mean what it should."""


def check_network(text: str) -> None:
    """Raises: Invalid unless the text is an address or a network without bits set behind its prefix."""
    try:
        ip_network(text)
    except ValueError as error:
        raise Invalid(str(error)) from None


def within(ip: str, networks: Iterable[str]) -> bool:
    """Whether the address lies in one of the networks; an address of IPv4 written as IPv6 is what it stands for."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ip_network(network) for network in networks)


def may_come_from(ip: str, networks: Mapping[str, Iterable[str]]) -> bool:
    """Whether every role that has networks lets this address in. ``networks`` are those of the person's roles."""
    return all(within(ip, allowed) for allowed in networks.values())


def needs_second_factor(roles: Iterable[str], enforced: Iterable[str]) -> bool:
    """Whether one of the roles asks for a second factor; ``*`` stands for every role, and for having none."""
    wanted = set(enforced)
    return EVERY_ROLE in wanted or bool(wanted & set(roles))


def limits_for(roles: Iterable[str], usual: SessionLimits, by_role: Mapping[str, SessionLimits]) -> SessionLimits:
    """The strictest of the usual limits and those of the person's roles."""
    applying = [usual, *(by_role[role] for role in roles if role in by_role)]
    return SessionLimits(
        idle_minutes=min(limits.idle_minutes for limits in applying),
        absolute_minutes=min(limits.absolute_minutes for limits in applying),
    )


def parse_limits(texts: Mapping[str, str]) -> dict[str, SessionLimits]:
    """Limits by role out of ``{"mlro": "10/240"}``: minutes of rest, minutes in all. Raises: Invalid."""
    limits = {}
    for role, text in texts.items():
        idle, slash, absolute = str(text).partition("/")
        if not (slash and idle.isdigit() and absolute.isdigit() and int(idle) and int(absolute)):
            raise Invalid(f"STAFF_SESSION_LIMITS: {role}={text} is not MINUTES/MINUTES, such as mlro=10/240.")
        limits[role] = SessionLimits(int(idle), int(absolute))
    return limits


# In this order: what looks like several is the first.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def describe_device(user_agent: str) -> str:
    """A browser's own name in words a person knows: "Chrome on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " on ".join(part for part in (browser, system) if part) or "Unknown device"


# --- identity providers ---


def only_narrows(before: ProviderSettings, after: ProviderSettings) -> bool:
    """Whether ``after`` lets nobody in, and gives nobody a role, whom ``before`` did not. The name is free."""
    kept = replace(after, name=before.name, active=before.active, roles=before.roles, mfa_contexts=before.mfa_contexts)
    return (
        kept == before
        and after.active <= before.active
        and after.roles <= before.roles
        and set(after.mfa_contexts) <= set(before.mfa_contexts)
    )


def provider_words(data: ProviderSettings) -> dict[str, str]:
    """These settings as people read them, field by field."""
    return {
        "button": data.name,
        "protocol": data.protocol.value,
        "in use": "yes" if data.active else "no",
        "client_id": data.client_id,
        "parameters": json.dumps(data.parameters, sort_keys=True),
        "groups_claim": data.groups_claim,
        "mfa_contexts": ", ".join(data.mfa_contexts),
        **{f"group {group} brings": role for group, role in _roles_by_group(data.roles).items()},
    }


def _roles_by_group(roles: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for group, role in sorted(roles):
        found.setdefault(group, []).append(role)
    return {group: ", ".join(names) for group, names in found.items()}


def names_a_secret(parameters: object) -> bool:
    """Whether something in here looks like a secret by its name: parameters are shown to whoever approves them."""
    if isinstance(parameters, Mapping):
        return any(
            any(word in str(key).replace("_", "").casefold() for word in ("secret", "privatekey", "password"))
            or names_a_secret(value)
            for key, value in parameters.items()
        )
    return isinstance(parameters, list) and any(names_a_secret(item) for item in parameters)
