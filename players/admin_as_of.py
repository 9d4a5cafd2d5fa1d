"""The player page's tab "As it was": everything that is known of the player as of a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime
from django_countries import countries

from kernel.access import allowed
from kernel.actors import Actor
from kernel.display import human
from kernel.money import Money
from players.admin_masking import DOTS, masked
from players.admin_panels import AML_REASON, HIDDEN
from players.ports import Figure, PanelRequest, list_as_of_sections
from players.selectors import list_restrictions
from players.selectors_as_of import NotYetRegistered, get_player_as_of, list_labels_as_of
from players.selectors_identity import list_consents
from players.selectors_sealed import ERASED, read_sealed
from players.types import PlayerDetails, RestrictionKind

Rows = Sequence[tuple[str, Money | str]]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: Rows


class AsOfPanel:
    key, title, order, permission = "as-of", "As it was", 95, "players.view_settingchange"
    template = "players/panel_as_of.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        asked = request.query.get("at", "")
        if not asked:
            return {"asked": "", "sections": [], "error": ""}
        at = read_moment(request.query)
        if at is None:
            return {"asked": asked, "sections": [], "error": "Give a moment such as 2026-05-01T12:00 (UTC)."}
        if at > request.at:
            return {"asked": asked, "sections": [], "error": "This moment is yet to come."}
        try:
            player = get_player_as_of(request.player.id, at)
        except NotYetRegistered as error:
            return {"asked": asked, "sections": [], "error": error.detail}
        return {"asked": asked, "moment": at, "sections": list(_sections(player, at, request.actor)), "error": ""}

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


def read_moment(query: Mapping[str, str]) -> datetime | None:
    """What the form sent: a moment in UTC unless it names another zone."""
    try:
        moment = parse_datetime(query.get("at", ""))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _sections(player: PlayerDetails, at: datetime, actor: Actor) -> Sequence[Section]:
    own = [Section("Profile and settings", [*_profile(masked(player, actor)), *_sealed(player, at)])]
    if allowed(actor, "players.view_restriction", player.id):
        own.append(Section("Restrictions in force", _restrictions(player, at, actor)))
    own.append(
        Section("Labels", [(f"{row.namespace}.{row.key}", row.value) for row in list_labels_as_of(player.id, at)])
    )
    if allowed(actor, "players.view_consent", player.id):
        own.append(Section("Consents", _consents(player, at)))
    others = [section for section in list_as_of_sections() if allowed(actor, section.permission, player.id)]
    return own + [Section(section.title, section.rows(player, at, actor)) for section in others]


def _profile(player: PlayerDetails) -> Rows:
    return [
        ("Status", human(player.status)),
        ("Verification", human(player.confirm_status)),
        ("Risk", human(player.risk_level)),
        ("Name", f"{player.first_name} {player.last_name}".strip()),
        ("Login", player.login),
        ("Email", player.email),
        ("Phone", player.phone),
        ("Born", player.birth_date.isoformat() if player.birth_date else ""),
        ("Place of birth", player.birth_place),
        ("Name at birth", player.birth_name),
        ("Place", f"{player.postcode} {player.city}".strip()),
        ("Country", f"{countries.name(player.country)} ({player.residence})"),
        ("Language", player.language),
        ("Time zone", player.time_zone),
    ]


def _sealed(player: PlayerDetails, at: datetime) -> Rows:
    """Reveals are for what holds now: of what stood under the player's key, only that it was there."""
    known = read_sealed(player.id, at=at)
    return [(field.label, text if text == ERASED else DOTS) for field, text in known.items()]


def _consents(player: PlayerDetails, at: datetime) -> Rows:
    return [
        (
            f"{human(row.product)} by {human(row.channel).lower()}",
            f"{'yes' if row.granted else 'no'}, text {row.text_version}",
        )
        for row in list_consents(player.id, at=at)
    ]


def _restrictions(player: PlayerDetails, at: datetime, actor: Actor) -> Rows:
    sees_aml = allowed(actor, AML_REASON, player.id)
    return [
        (human(row.kind), HIDDEN if row.kind is RestrictionKind.AML_HOLD and not sees_aml else row.reason)
        for row in list_restrictions(player.id, standing_at=at)
    ]
