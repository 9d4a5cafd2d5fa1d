"""What passes between the dispatcher and a protocol: the call as it came, the answer, and why a call is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from kernel.money import Money
from wallet.types_adapters import GameSessionDetails, LiveIntegration

# What stands in the log where a session token was.
BLOTTED_TOKEN = "[token]"  # noqa: S105

Form = TypeVar("Form")


class Fault(StrEnum):
    """Why a call is refused; each protocol has its own word for each of these."""

    BAD_SIGNATURE = "bad_signature"
    MALFORMED = "malformed"
    WRONG_TYPES = "wrong_types"
    TOO_LARGE = "too_large"
    WRONG_METHOD = "wrong_method"
    UNKNOWN_SESSION = "unknown_session"
    SESSION_EXPIRED = "session_expired"
    UNKNOWN_PLAYER = "unknown_player"
    UNKNOWN_GAME = "unknown_game"
    WRONG_CURRENCY = "wrong_currency"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    PLAYER_BLOCKED = "player_blocked"
    BET_LIMIT = "bet_limit"
    LOSS_LIMIT = "loss_limit"
    TIME_LIMIT = "time_limit"
    CONFLICT = "conflict"
    UNKNOWN_TRANSACTION = "unknown_transaction"
    BURIED = "buried"  # the bet was rolled back before it came
    WINNINGS_SPENT = "winnings_spent"
    ROUND_CLOSED = "round_closed"  # a bet on a round that is over
    DISABLED = "disabled"
    INTERNAL = "internal"


class Refused(Exception):
    """A call is refused. ``balance`` is what the player holds, where the caller shall be told."""

    def __init__(self, fault: Fault, detail: str, balance: Money | None = None) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.balance = balance


@dataclass(slots=True)
class Trace:
    """What became known while a call was answered; it goes into the log. ``names`` are those of rounds and transactions."""

    player_id: UUID | None = None
    session_id: UUID | None = None
    reference: str = ""
    action: str = ""
    outcome: str = ""
    tokens: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of an aggregator. ``session`` is given when staff try a logged request again: its token is blotted."""

    integration: LiveIntegration
    endpoint: str
    method: str
    headers: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    body: bytes
    at: datetime
    session: GameSessionDetails | None = None
    trace: Trace = field(default_factory=Trace)


@dataclass(frozen=True, slots=True)
class Answer:
    """``personal``: the log keeps none of the body."""

    status: int
    body: bytes
    personal: bool = False


class Adapter(Protocol):
    """What a protocol's module brings: which method each endpoint takes, and three functions."""

    ENDPOINTS: dict[str, str]

    def verify(self, call: Call) -> bool:
        """Was it signed with one of the integration's keys?"""
        ...

    def answer(self, call: Call) -> Answer:
        """Read it, do it, answer. Raises: Refused."""
        ...

    def refuse(self, call: Call, refused: Refused) -> Answer:
        """The protocol's words for a refusal."""
        ...


def read(body: bytes, form: type[Form]) -> Form:
    """The JSON body as ``form``; fields that the form does not have are ignored. Raises: Refused."""
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.ValidationError as error:
        fault = Fault.MALFORMED if "missing required" in str(error) else Fault.WRONG_TYPES
        raise Refused(fault, str(error)) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Refused(Fault.MALFORMED, "The body is not well-formed JSON in UTF-8.") from None


def fields_of(body: bytes) -> dict[str, Any]:
    """The body's fields as far as it can be read at all, to be echoed in a refusal."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
