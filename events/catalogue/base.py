"""What an event is: a frozen dataclass with a wire name. Payloads carry ids and amounts, never personal data.

Amounts are ``Decimal`` in major units of the event's ``currency``; on the wire they are decimal strings.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Self
from uuid import UUID


class InvalidPayload(ValueError):
    """A payload does not fit its event: a field is missing, unknown, or of the wrong type."""


class DuplicateWireName(RuntimeError):
    """Two events claim one wire name."""


CATALOGUE: dict[str, type[Event]] = {}
_payload_types: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to one player (``player_id``) or to none, at ``occurred_at`` (play time, UTC)."""

    wire_name: ClassVar[str]

    player_id: UUID | None
    occurred_at: datetime

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        known = CATALOGUE.get(cls.wire_name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise DuplicateWireName(f"{cls.wire_name} is {known.__qualname__} and {cls.__qualname__}")
        CATALOGUE[cls.wire_name] = cls

    def payload(self) -> dict[str, Any]:
        """The event's own fields as JSON values; ``player_id`` and ``occurred_at`` are columns of the log."""
        return {name: _to_wire(getattr(self, name)) for name in payload_types(type(self))}

    @classmethod
    def from_log(cls, player_id: UUID | None, occurred_at: datetime, payload: dict[str, Any]) -> Self:
        """Read an event back from the log; what was not told yet when it was written has its default. Raises: InvalidPayload."""
        wanted = payload_types(cls)
        if unknown := payload.keys() - wanted.keys():
            raise InvalidPayload(f"{cls.wire_name}: unknown fields {sorted(unknown)}")
        if missing := wanted.keys() - payload.keys() - _with_default(cls):
            raise InvalidPayload(f"{cls.wire_name}: missing fields {sorted(missing)}")
        values = {name: _from_wire(cls.wire_name, name, wanted[name], value) for name, value in payload.items()}
        return cls(player_id=player_id, occurred_at=occurred_at, **values)


def payload_types(event: type[Event]) -> dict[str, Any]:
    """The payload's fields and their types."""
    if event.wire_name not in _payload_types:
        hints = typing.get_type_hints(event)
        names = [field.name for field in dataclasses.fields(event) if field.name not in ("player_id", "occurred_at")]
        _payload_types[event.wire_name] = {name: hints[name] for name in names}
    return _payload_types[event.wire_name]


def _with_default(event: type[Event]) -> set[str]:
    return {field.name for field in dataclasses.fields(event) if field.default is not dataclasses.MISSING}


def _to_wire(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def _from_wire(wire_name: str, name: str, kind: Any, value: Any) -> Any:
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None and types.NoneType in options:
        return None
    target = next(option for option in options if option is not types.NoneType)
    try:
        if target in (Decimal, UUID):
            if not isinstance(value, str):
                raise TypeError
            read = target(value)
            if isinstance(read, Decimal) and not read.is_finite():
                raise ValueError
            return read
        if target is datetime:
            return datetime.fromisoformat(value)
    except (ValueError, TypeError, InvalidOperation):
        raise InvalidPayload(f"{wire_name}.{name}: {value!r:.60} is not a {target.__name__} string") from None
    if not isinstance(value, target) or (target is int and isinstance(value, bool)):
        raise InvalidPayload(f"{wire_name}.{name}: {value!r:.60} is not {target.__name__}")
    return value
