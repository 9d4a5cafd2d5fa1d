"""Where higher apps plug in from ``AppConfig.ready()``: their consumers, and who the people of the audit trail are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from events.catalogue.base import Event
from events.types import ConsumerKind, RecordedEvent

Handler = Callable[[Sequence[RecordedEvent]], None]


@dataclass(frozen=True)
class Consumer:
    """A reader of the log. ``handle`` gets a batch in log order, inside the transaction that also moves the cursor.

    A projection names its ``tables``: all that it writes, so that a rebuild can shadow them. ``publishes`` says that
    handling appends events; the batch's players are then locked first.
    """

    name: str
    events: tuple[type[Event], ...]
    handle: Handler
    kind: ConsumerKind
    tables: tuple[str, ...] = ()
    publishes: bool = False
    batch_size: int = 500

    def __post_init__(self) -> None:
        if (self.kind is ConsumerKind.PROJECTION) != bool(self.tables):
            raise ValueError(f"{self.name}: a projection names its tables, a reactor has none")

    @property
    def wire_names(self) -> list[str]:
        return [event.wire_name for event in self.events]


class UnknownConsumer(LookupError):
    """No consumer of that name is registered."""


_consumers: dict[str, Consumer] = {}


def register_consumer(consumer: Consumer) -> None:
    """Raises: ValueError when another consumer has the name."""
    if consumer.name in _consumers:
        raise ValueError(f"two consumers are named {consumer.name}")
    _consumers[consumer.name] = consumer


def get_consumer(name: str) -> Consumer:
    """Raises: UnknownConsumer, naming the ones there are."""
    try:
        return _consumers[name]
    except KeyError:
        raise UnknownConsumer(f"no consumer {name!r}; there are: {', '.join(sorted(_consumers))}") from None


def list_consumers() -> list[Consumer]:
    return [_consumers[name] for name in sorted(_consumers)]


class Directory(Protocol):
    """Who is meant: the trail keeps ids only."""

    def list_staff_names(self, staff_ids: Iterable[str]) -> Mapping[str, str]:
        """Logins of these members of staff, by id."""
        ...

    def find_staff_id(self, login: str) -> str | None:
        """The id that actors carry, of the member of staff with this login."""
        ...

    def find_player_id(self, login: str) -> UUID | None: ...


_directory: list[Directory] = []


def register_directory(directory: Directory) -> None:
    """Raises: ValueError when there is one."""
    if _directory:
        raise ValueError("there is a directory already")
    _directory.append(directory)


def get_directory() -> Directory:
    return _directory[0]
