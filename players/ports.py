"""Where others plug in, from ``AppConfig.ready()``: panels of the player page, senders, what registrations must give, who
may open an account and log in, who says what takes a second person, and what keeps up with changed settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kernel.actors import Actor
from kernel.money import Money
from players.types import PlayerDetails
from players.types_identity import EndReason, FieldDemands, Refusal, Registration
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


class RegistrationGate(Protocol):
    """Says whether a person may open an account. Asked outside any transaction: it may ask others over the network."""

    def ask(self, data: Registration, device_token: str, actor: Actor, at: datetime) -> Refusal | None:
        """What stands against it, or None."""
        ...

    def opened(self, player_id: UUID, device_token: str, actor: Actor, at: datetime) -> None:
        """The account was opened, in the transaction that does so and holds the player: note what must be looked at."""
        ...


class LoginGate(Protocol):
    """Says whether a player may log in, or go on with a session (``going_on``). Asked outside any transaction."""

    def ask(self, player_id: UUID, device_token: str, going_on: bool, at: datetime) -> Refusal | None:
        """What stands against it, or None."""
        ...


_registration_gates: list[RegistrationGate] = []
_login_gates: list[LoginGate] = []


def register_registration_gate(gate: RegistrationGate) -> None:
    """From ``AppConfig.ready()``. All that are plugged in must let a person pass."""
    _registration_gates.append(gate)


def list_registration_gates() -> Sequence[RegistrationGate]:
    return tuple(_registration_gates)


def register_login_gate(gate: LoginGate) -> None:
    """From ``AppConfig.ready()``. All that are plugged in must let a player pass."""
    _login_gates.append(gate)


def list_login_gates() -> Sequence[LoginGate]:
    return tuple(_login_gates)


class SessionWatcher(Protocol):
    """Follows players' sessions: told in the transaction that begins or ends one, asked whether one may go on."""

    def started(self, player_id: UUID, at: datetime) -> None: ...

    def ended(self, player_id: UUID, at: datetime) -> None: ...

    def find_end(self, player_id: UUID, last_seen_at: datetime, at: datetime) -> EndReason | None:
        """Why a session may not go on: idle for too long, or the player's time is used up."""
        ...


_watchers: list[SessionWatcher] = []


def register_session_watcher(watcher: SessionWatcher) -> None:
    """From ``AppConfig.ready()``."""
    _watchers.append(watcher)


def list_session_watchers() -> Sequence[SessionWatcher]:
    return tuple(_watchers)


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


# Called with the player, the names of what was changed, and when; in the transaction of the change, the player held.
SettingsListener = Callable[[UUID, frozenset[str], datetime], None]

_settings_listeners: list[SettingsListener] = []


def register_settings_listener(listener: SettingsListener) -> None:
    """For what must not lag behind a changed residence or birth date. Whatever may lag takes the event SettingChanged."""
    _settings_listeners.append(listener)


def tell_settings_changed(player_id: UUID, names: frozenset[str], at: datetime) -> None:
    for listener in _settings_listeners:
        listener(player_id, names, at)


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
