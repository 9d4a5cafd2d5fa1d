"""One event of each type, filled by the types of its fields."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from types import UnionType
from typing import Any, get_args
from uuid import UUID

from events.catalogue.base import Event, payload_types
from kernel.ids import uuid7
from tests.factories import AT

_VALUES: dict[Any, Any] = {str: "text", int: 7, bool: True, Decimal: Decimal("12.50"), UUID: uuid7(), datetime: AT}


def sample(event: type[Event]) -> Event:
    values = {
        name: _VALUES[get_args(kind)[0] if isinstance(kind, UnionType) else kind]
        for name, kind in payload_types(event).items()
    }
    return event(player_id=uuid7(), occurred_at=AT, **values)
