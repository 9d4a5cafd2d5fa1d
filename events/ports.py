"""Where higher apps plug their consumers in, from ``AppConfig.ready()``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
