"""Roles, portfolios and staff's own accounts as they cross the border of players."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RoleDetails:
    """One role; ``shipped`` with the software, or made in the back office. ``members`` are active staff."""

    name: str
    shipped: bool
    description: str
    permissions: frozenset[str]
    members: int


@dataclass(frozen=True, slots=True)
class RoleDifference:
    """What bringing one shipped role in line with the code would change; ``state`` is new, changed, same or gone."""

    name: str
    state: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    members: int


@dataclass(frozen=True, slots=True)
class StaffDetails:
    """A member of staff with the roles they have."""

    id: int
    login: str
    roles: tuple[str, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class PermissionDetails:
    """A permission in words; ``area`` is the app that it belongs to."""

    code: str
    area: str
    name: str


@dataclass(frozen=True, slots=True)
class Care:
    """A player in somebody's portfolio."""

    player_id: UUID
    login: str
    country: str
    level: str
    staff_id: int
    staff_login: str


@dataclass(frozen=True, slots=True)
class OwnAccountDetails:
    """A player account that a member of staff has."""

    id: UUID
    staff_id: int
    staff_login: str
    player_id: UUID
    player_login: str
    reason: str
    declared_by: str
    declared_at: datetime
    ended_at: datetime | None
