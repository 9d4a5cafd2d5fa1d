"""Where others plug in, from ``AppConfig.ready()``: panels of the player page, senders, what registrations must give,
and who says what takes a second person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kernel.actors import Actor
from kernel.money import Money
from players.types import PlayerDetails
from players.types_identity import FieldDemands
from players.types_staff import ProviderSettings


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """Who looks at the page, when, and what stands in its address (``query``: "before" and the like)."""

    player: PlayerDetails
    actor: Actor
    at: datetime
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """One value in the page's header, shown on every tab."""

    title: str
    value: Money | str | int


class PlayerPanel(Protocol):
    """One tab of the player page. Whoever lacks ``permission`` sees neither the tab nor its figures.

    ``key`` is its part of the address and never changes; ``order`` its place, left to right.
    """

    key: str
    title: str
    order: int
    permission: str
    template: str

    def context(self, request: PanelRequest) -> dict[str, object]:
        """What the template shows. Called for the open tab only."""
        ...

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        """What belongs into the header; called on every tab, so it must be quick."""
        ...


_panels: dict[str, PlayerPanel] = {}


def register_panel(panel: PlayerPanel) -> None:
    """Raises: ValueError when another panel has the key."""
    if panel.key in _panels:
        raise ValueError(f"two panels of the player page are named {panel.key}")
    _panels[panel.key] = panel


def list_panels() -> list[PlayerPanel]:
    """From left to right."""
    return sorted(_panels.values(), key=lambda panel: (panel.order, panel.key))


class SmsSender(Protocol):
    """A way for text messages to players."""

    def send(self, phone: str, text: str, at: datetime) -> None:
        """Hand the text over to be sent to an E.164 number. Raises: SmsUnavailable when the provider takes none."""
        ...


_sms_senders: list[SmsSender] = []


def register_sms_sender(sender: SmsSender) -> None:
    """Raises: ValueError when there is one already."""
    if _sms_senders:
        raise ValueError("there is one sender of text messages")
    _sms_senders.append(sender)


def find_sms_sender() -> SmsSender | None:
    """None: text messages cannot be sent here."""
    return _sms_senders[0] if _sms_senders else None


class DemandsSource(Protocol):
    """Knows what the law asks of people who open an account."""

    def __call__(self, country: str, region: str, at: datetime) -> FieldDemands:
        """What holds for who lives there at ``at``. Raises: DomainError when nobody may open an account there."""
        ...


_demands_sources: list[DemandsSource] = []


def register_demands(source: DemandsSource) -> None:
    """Raises: ValueError when there is one already."""
    if _demands_sources:
        raise ValueError("there is one source of what registrations must give")
    _demands_sources.append(source)


def find_demands() -> DemandsSource | None:
    """None: nobody has said what the law asks for."""
    return _demands_sources[0] if _demands_sources else None


class AsOfSection(Protocol):
    """What one app knows of a player as of a moment; shown to whoever has ``permission``."""

    title: str
    order: int
    permission: str

    def rows(self, player: PlayerDetails, at: datetime, actor: Actor) -> Sequence[tuple[str, Money | str]]:
        """Pairs of name and value, as they were at ``at``."""
        ...


_as_of_sections: list[AsOfSection] = []


def register_as_of(section: AsOfSection) -> None:
    """From ``AppConfig.ready()``."""
    _as_of_sections.append(section)


def list_as_of_sections() -> list[AsOfSection]:
    return sorted(_as_of_sections, key=lambda section: section.order)


class ProviderChanger(Protocol):
    """Changes an identity provider of staff, or asks a second person for it."""

    def __call__(
        self, *, data: ProviderSettings, comment: str, idempotency_key: str, actor: Actor, at: datetime
    ) -> UUID | None:
        """None when it is done; else the id of the approval that waits.

        Raises: AccessDenied, FieldErrors, IdempotencyConflict.
        """
        ...


_provider_changers: list[ProviderChanger] = []


def register_provider_changer(changer: ProviderChanger) -> None:
    """Raises: ValueError when there is one already."""
    if _provider_changers:
        raise ValueError("there is one that changes identity providers")
    _provider_changers.append(changer)


def get_provider_changer() -> ProviderChanger:
    return _provider_changers[0]
