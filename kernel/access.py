"""Who may do what. One function answers for every border, admin, REST, bulk, export and WebSocket: ``allowed``.

Asked in this order: has the actor the permission (by a role, as a scope, or on this one object), and does no policy
refuse it. Policies look at attributes (whose account, where, how much, when, from where); each may only refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError
from kernel.money import Money

# What somebody was given on single objects: (kind, key) to permissions.
Grants = Mapping[tuple[str, str], frozenset[str]]
T = TypeVar("T")


class AccessDenied(DomainError):
    """The actor may not do this."""

    code = "access_denied"
    status = 403
    title = "Not allowed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was asked on the way to a decision. ``passed`` is None where it had nothing to say."""

    name: str
    title: str
    passed: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may X do Y to Z", and why. Truthy when allowed."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is done to: somebody's account, for an amount, an object of a kind ("helpdesk.ticket", its key)."""

    player_id: UUID | None = None
    amount: Money | None = None
    kind: str = ""
    key: str = ""


NOTHING = Subject()


def subject_of(thing: object) -> Subject:
    """A Subject as it is; a player's id; or any row or dataclass that belongs to a player (``player_id``)."""
    if thing is None:
        return NOTHING
    if isinstance(thing, Subject):
        return thing
    if isinstance(thing, UUID):
        return Subject(player_id=thing)
    meta = getattr(thing, "_meta", None)
    kind, key = (meta.label_lower, str(thing.pk)) if meta else ("", "")  # type: ignore[attr-defined]
    return Subject(player_id=getattr(thing, "player_id", None), kind=kind, key=key)


# --- what the apps plug in -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlayerFacts:
    """What policies may know of a player. ``staff_ids`` are the members of staff whose own account it is."""

    country: str
    level: str
    staff_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Limit:
    """Players by their ids, or by a filter over the table of players. Ids are quicker: lists are of millions."""

    only: frozenset[UUID] | None = None
    never: frozenset[UUID] = frozenset()
    where: Q | None = None


@dataclass(frozen=True, slots=True)
class Players:
    """Where facts about players come from, and how a filter over the table of players becomes their ids."""

    load: Callable[[Iterable[UUID]], Mapping[UUID, PlayerFacts]]
    matching: Callable[[Q], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """What a policy is asked. ``roles`` are those of the actor's roles that grant the action."""

    actor: Actor
    action: str
    subject: Subject
    roles: frozenset[str]
    at: datetime

    def player(self) -> PlayerFacts | None:
        """The facts about the player that it is done to; None where it is done to none, or to an unknown one."""
        return player_facts(self.subject.player_id) if self.subject.player_id else None

    def has(self, permission: str) -> bool:
        """Was the actor given this permission on the player that it is done to?"""
        return permission in object_grants(self.actor).get(("players.player", str(self.subject.player_id)), ())


class Policy(Protocol):
    """A rule over attributes. Its parameters are ``defaults``, overridden by ACCESS_POLICIES[name]."""

    name: str
    title: str
    defaults: Mapping[str, Any]

    def describe(self, params: Mapping[str, Any]) -> str:
        """What it says with these parameters, for people; "" when it is not in force."""
        ...

    def concerns(self, params: Mapping[str, Any], action: str) -> bool:
        """Could it ever refuse this action? Asked once per action, so that the others cost nothing."""
        ...

    def refuse(self, params: Mapping[str, Any], question: Question) -> str:
        """Why not; "" when it has nothing against."""
        ...

    def limit(self, params: Mapping[str, Any], question: Question) -> Limit | None:
        """The players whom ``refuse`` would let pass, for lists; None: all of them."""
        ...


_policies: dict[str, Policy] = {}
_players: list[Players] = []
_grants: list[Callable[[Actor], Grants]] = []
_grantable: set[str] = set()


def register_policy(policy: Policy) -> None:
    """Raises: ValueError when another policy has the name."""
    if policy.name in _policies:
        raise ValueError(f"two access policies are named {policy.name}")
    _policies[policy.name] = policy
    _concerned.cache_clear()


def register_players(players: Players) -> None:
    _players[:] = [players]


def register_grants(load: Callable[[Actor], Grants]) -> None:
    _grants[:] = [load]


def register_grantable(permission: str) -> None:
    """Say that this permission may be given on single objects (django-guardian), to a person or to a team."""
    _grantable.add(permission)


def list_policies() -> list[Policy]:
    return list(_policies.values())


def params_of(policy: Policy) -> dict[str, Any]:
    return {**policy.defaults, **settings.ACCESS_POLICIES.get(policy.name, {})}


def forget_policies() -> None:
    """Read the settings anew."""
    _concerned.cache_clear()


@lru_cache(maxsize=4096)
def _concerned(action: str) -> tuple[tuple[Policy, dict[str, Any]], ...]:
    found = ((policy, params_of(policy)) for policy in _policies.values())
    return tuple((policy, params) for policy, params in found if policy.concerns(params, action))


# --- what is remembered for the length of a request ------------------------------------------------------------------

_remembered: ContextVar[dict[Any, Any] | None] = ContextVar("access_remembered", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Within this, facts about players and grants on objects are read once. The middleware does it for a request."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def player_facts(player_id: UUID) -> PlayerFacts | None:
    return prefetch([player_id]).get(player_id)


def prefetch(player_ids: Iterable[UUID]) -> Mapping[UUID, PlayerFacts]:
    """The facts about these players by one query, or none; a list calls it before it asks row by row."""
    memory = _remembered.get()
    wanted = set(player_ids)
    known = {} if memory is None else {key: memory[key] for key in wanted if key in memory}
    missing = wanted - known.keys()
    if missing and _players:
        loaded = _players[0].load(missing)
        known.update({key: loaded.get(key) for key in missing})
        if memory is not None:
            memory.update({key: loaded.get(key) for key in missing})
    return {key: facts for key, facts in known.items() if facts is not None}


def remember(name: tuple[str, str], make: Callable[[], T]) -> T:
    """What ``make`` gives, once per request."""
    memory = _remembered.get()
    if memory is None:
        return make()
    if name not in memory:
        memory[name] = make()
    return memory[name]


def object_grants(actor: Actor) -> Grants:
    """What the actor was given on single objects. Two queries, then none."""
    return remember(("grants", str(actor)), lambda: _grants[0](actor) if _grants else {})


# --- the question --------------------------------------------------------------------------------------------------

_GRANTED = Decision(True, "granted")


def allowed(actor: Actor, action: str, subject: object = None, at: datetime | None = None) -> Decision:
    """May ``actor`` do ``action`` ("players.view_player" or the scope "players:read") to ``subject``?

    ``at`` is now unless given. In a request the second question about a player costs no query.
    """
    if actor.kind is ActorKind.SYSTEM:
        return Decision(True, "system")
    if action in actor.permissions and (actor.kind is ActorKind.CLIENT or (subject is None and not _concerned(action))):
        return _GRANTED
    reason = "granted"
    for check in _checks(actor, action, subject_of(subject), at):
        if check.passed is False:
            return Decision(False, check.reason)
        if check.passed and check.name == "permission":
            reason = check.reason
    return Decision(True, reason)


def granted(actor: Actor, action: str) -> bool:
    """Whether the roles of somebody who is not at this request grant it, whatever policies will say of time and place.

    Whether they may do it, ``allowed`` says once they do.
    """
    return action in actor.permissions


def require(actor: Actor, action: str, subject: object = None, at: datetime | None = None) -> None:
    """Raises: AccessDenied with the reason, unless ``allowed``."""
    decision = allowed(actor, action, subject, at)
    if not decision:
        raise AccessDenied(decision.reason, action=action)


def explain(actor: Actor, action: str, subject: object = None, at: datetime | None = None) -> list[Check]:
    """All that ``allowed`` would ask, to the end: it says no when any of these does."""
    if actor.kind is ActorKind.SYSTEM:
        return [Check("permission", "Permission", True, "The system may do everything.")]
    first, *others = _checks(actor, action, subject_of(subject), at)
    return [first, *_objects(actor, subject_of(subject)), *others]


def _objects(actor: Actor, subject: Subject) -> Iterator[Check]:
    """What the actor was given on the very object, or on the player that it belongs to."""
    if actor.kind is not ActorKind.STAFF:
        return
    names = {(subject.kind, subject.key), ("players.player", str(subject.player_id))}
    found = sorted(code for name in names for code in object_grants(actor).get(name, ()))
    yield Check("object", "Object permission", True if found else None, ", ".join(found) or "none on this object")


def _checks(actor: Actor, action: str, subject: Subject, at: datetime | None) -> Iterator[Check]:
    roles = _roles(actor, action)
    if action in actor.permissions:
        by = f" by {', '.join(sorted(roles))}" if roles else ""
        yield Check("permission", "Permission", True, f"granted {action}{by}")
    elif action in _grantable and action in object_grants(actor).get((subject.kind, subject.key), ()):
        yield Check("permission", "Permission", True, f"granted {action} on this object")
    else:
        yield Check("permission", "Permission", False, f"{actor.kind} has no permission {action}")
    if actor.kind is ActorKind.PLAYER and str(subject.player_id or actor.id) != actor.id:
        yield Check("own", "Own account", False, "players act on their own account only")
    if actor.kind is not ActorKind.STAFF:
        return
    policies = _concerned(action)
    if not policies:
        return
    question = Question(actor, action, subject, roles, at or clock.now())
    for policy, params in policies:
        why = policy.refuse(params, question)
        yield Check(policy.name, policy.title, not why, why or "nothing against it")


def narrowed(actor: Actor, action: str, rows: QuerySet[Any], path: str) -> QuerySet[Any]:
    """Those of ``rows`` to whose players the actor may do ``action``; ``path`` leads to the player's id.

    The same answers as asking ``allowed`` for each row; rows of no player stay.
    """
    if actor.kind is not ActorKind.STAFF or not (policies := _concerned(action)):
        return rows
    question = Question(actor, action, NOTHING, _roles(actor, action), clock.now())
    of_nobody = Q(**{f"{path}__isnull": True}) if _may_be_nobodys(rows.model, path) else Q(pk__in=())
    for policy, params in policies:
        limit = policy.limit(params, question)
        if limit is None:
            continue
        if limit.only is not None:
            rows = rows.filter(Q(**{f"{path}__in": limit.only}) | of_nobody)
        if limit.never:
            rows = rows.exclude(**{f"{path}__in": limit.never})
        if limit.where is not None:
            rows = rows.filter(Q(**{f"{path}__in": _players[0].matching(limit.where)}) | of_nobody)
    return rows


def require_whole(actor: Actor, action: str) -> None:
    """For what is about all players at once, such as a file of all. Raises: AccessDenied, also for whoever sees some."""
    require(actor, action)
    if is_limited(actor, action):
        raise AccessDenied("Your roles work for some players only; this would show the others.", action=action)


def is_limited(actor: Actor, action: str) -> bool:
    """Is there a group of players to whom the actor may not do this? What is about all players at once asks it."""
    question = Question(actor, action, NOTHING, _roles(actor, action), clock.now())
    limits = [policy.limit(params, question) for policy, params in _concerned(action)]
    return actor.kind is ActorKind.STAFF and any(
        limit and (limit.only is not None or limit.where is not None) for limit in limits
    )


def _roles(actor: Actor, action: str) -> frozenset[str]:
    return frozenset(name for name, permissions in actor.grants if action in permissions)


def _may_be_nobodys(model: Any, path: str) -> bool:
    """Can a row belong to no player? Asked of the columns, so that lists of players' rows keep their indexes."""
    *way, last = path.split("__")
    for name in way:
        field = model._meta.get_field(name)
        if field.null:
            return True
        model = field.related_model
    return any(field.null for field in model._meta.concrete_fields if last in (field.name, field.attname))
