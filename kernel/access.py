"""Who may do what. One function answers for admin, REST and every other border: ``allowed``.

Today it asks roles (staff permissions) and scopes (service clients). Policies over attributes (jurisdiction,
amount, own account) are registered with ``policy`` and are asked after these: each may only refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may X do Y to Z", and why. Truthy when allowed."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


class AccessDenied(DomainError):
    """The actor may not do this."""

    code = "access_denied"
    status = 403
    title = "Not allowed"


Policy = Callable[[Actor, str, object], Decision | None]
_policies: dict[str, list[Policy]] = {}


def policy(action: str, rule: Policy) -> None:
    """Register a rule for ``action``. It returns a refusing Decision, or None when it has nothing against."""
    _policies.setdefault(action, []).append(rule)


def allowed(actor: Actor, action: str, subject: object = None) -> Decision:
    """May ``actor`` do ``action`` ("players.view_player" or the scope "players:read") to ``subject``?"""
    if actor.kind is not ActorKind.SYSTEM and action not in actor.permissions:
        return Decision(False, f"{actor.kind} has no permission {action}")
    for rule in _policies.get(action, ()):
        decision = rule(actor, action, subject)
        if decision is not None and not decision:
            return decision
    return Decision(True, "system" if actor.kind is ActorKind.SYSTEM else f"granted {action}")


def require(actor: Actor, action: str, subject: object = None) -> None:
    """Raises: AccessDenied with the reason, unless ``allowed``."""
    decision = allowed(actor, action, subject)
    if not decision:
        raise AccessDenied(decision.reason, action=action)
