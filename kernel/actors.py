"""Who does something: staff, player, service client or the system itself. Written to events, audit and history."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    STAFF = "staff"
    PLAYER = "player"
    CLIENT = "client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """One person, program or job. ``id`` is the staff user's or player's id, the OAuth client's id, or the job's name.

    ``permissions`` are Django permission codes ("players.view_player") for staff, and scopes ("wallet:write")
    for service clients; the system may do everything. ``roles`` are the names of a member of staff's groups, and
    ``grants`` says which of them gives which permissions: policies may bind a role.
    """

    kind: ActorKind
    id: str
    permissions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    grants: tuple[tuple[str, frozenset[str]], ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def system(job: str) -> Actor:
    """The actor of a scheduled job, a consumer or a command."""
    return Actor(ActorKind.SYSTEM, job)
