"""Exclusions, requests to end them and registers' answers, as they cross the border of compliance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ExclusionKind(StrEnum):
    """Who keeps whom from playing."""

    PANIC = "panic"  # the button: a day, at once
    COOLING_OFF = "cooling_off"  # a break that the player takes
    SELF = "self"  # self-exclusion
    THIRD_PARTY = "third_party"  # asked for by relatives or an authority
    OPERATOR = "operator"  # the operator's own decision
    REGISTER = "register"  # a national register listed the person


class Ending(StrEnum):
    EXPIRES = "expires"  # by itself, at ``active_until``
    ON_REQUEST = "on_request"  # stands until the player asks, whatever the time


class EndRequestState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class RegisterMoment(StrEnum):
    """Why a register was asked."""

    REGISTRATION = "registration"
    LOGIN = "login"
    MARKETING = "marketing"
    STAFF = "staff"


class RegisterOutcome(StrEnum):
    CLEAR = "clear"
    LISTED = "listed"
    ERROR = "error"  # no answer, or none that can be read


@dataclass(frozen=True, slots=True)
class Offer:
    """What a player may choose of one kind. ``terms`` are the offered lengths; where ``closed`` there are no others, else
    any that is not below ``shortest`` ("" : no bound). "indefinite" is a length too.

    ``ending`` is of definite lengths: an indefinite one always ends on request, at the earliest after ``earliest``.
    """

    kind: ExclusionKind
    terms: tuple[str, ...]
    closed: bool
    shortest: str = ""
    usual: str = ""
    ending: Ending = Ending.EXPIRES
    earliest: str = ""


@dataclass(frozen=True, slots=True)
class EndRequestDetails:
    """Somebody asked to end an exclusion. ``due_at``: until then it must be answered. ``takes_effect_at``: accepted, it
    ends then.
    """

    id: UUID
    exclusion_id: UUID
    player_id: UUID
    reason: str
    state: EndRequestState
    requested_by: str
    requested_at: datetime
    due_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    comment: str
    takes_effect_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExclusionDetails:
    """One exclusion. ``active_until`` is None where it ends on request only; ``minimum_until``: not before then.

    ``close_due_at``: until then the account must be closed and its balance on its way to the player. ``ground``: the group
    of ineligible people that the player belongs to, where that is why.
    """

    id: UUID
    player_id: UUID
    kind: ExclusionKind
    term: str
    reason: str
    ground: str
    pack: str
    imposed_by: str
    active_from: datetime
    minimum_until: datetime | None
    active_until: datetime | None
    ended_at: datetime | None
    ended_by: str
    end_reason: str
    register: str
    reply_id: str
    close_due_at: datetime | None
    closed_at: datetime | None

    def stands(self, at: datetime) -> bool:
        return (
            self.active_from <= at
            and (self.ended_at is None or self.ended_at > at)
            and (self.active_until is None or self.active_until > at)
        )


@dataclass(frozen=True, slots=True)
class RegisterCheckDetails:
    """A register was asked about somebody; ``reply_id`` is the register's own id of its answer."""

    id: UUID
    player_id: UUID | None
    register: str
    moment: RegisterMoment
    outcome: RegisterOutcome
    reply_id: str
    listed_until: datetime | None
    error: str
    milliseconds: int
    asked_at: datetime


class Likeness(StrEnum):
    """How sure it is that two records are one person."""

    SAME = "same"
    LIKELY = "likely"


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An account that seems to be the same person's, why, and whether that person is excluded."""

    player_id: UUID
    likeness: Likeness
    signs: tuple[str, ...]
    excluded: bool
    open: bool
