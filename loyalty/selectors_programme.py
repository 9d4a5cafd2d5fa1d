"""Reads of programmes and campaigns: which rule is in force for whom, at which moment."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from events.types import RecordedEvent
from kernel.errors import NotFound
from loyalty import rules
from loyalty.models import Campaign, Programme, ProgrammeVersion
from loyalty.types import CampaignDetails, LevelDetails, ProgrammeVersionDetails, VersionState
from loyalty.types_programme import LevelRule, ProgrammeRule, decode_programme
from players.selectors_as_of import list_label_values

STANDARD = "standard"


class UnknownProgramme(NotFound):
    """There is no such programme, or none of its versions is in force yet."""


class UnknownProgrammeVersion(NotFound):
    """There is no such version of a programme."""


@dataclass(frozen=True)
class Programmes:
    """All released versions, to be asked often."""

    versions: Mapping[str, Sequence[tuple[datetime, ProgrammeRule]]]  # oldest first

    @classmethod
    def load(cls) -> Programmes:
        rows = ProgrammeVersion.objects.filter(state=VersionState.RELEASED).order_by("active_from")
        found: dict[str, list[tuple[datetime, ProgrammeRule]]] = defaultdict(list)
        for row in rows:
            if row.active_from:
                found[row.programme_id].append((row.active_from, read_rule(row)))
        return cls(found)

    def rule(self, programme: str, at: datetime) -> ProgrammeRule:
        """The rule in force. Raises: UnknownProgramme."""
        for active_from, rule in reversed(self.versions.get(programme, ())):
            if active_from <= at:
                return rule
        raise UnknownProgramme(f"No version of the programme {programme} is in force at {at.isoformat()}.")

    def in_force(self, at: datetime) -> dict[str, ProgrammeRule]:
        """The rules in force, by the programmes' codes."""
        return {code: self.rule(code, at) for code, rows in self.versions.items() if rows[0][0] <= at}

    def programme_for(self, residence: str, at: datetime) -> str:
        """Whose markets name the residence; else the standard one."""
        found = (code for code, rule in self.in_force(at).items() if residence in rule.markets)
        return next(found, STANDARD)


@dataclass(frozen=True)
class Campaigns:
    """The campaigns that may count for a batch of events, and the labels that they ask for, as they stood."""

    rows: Sequence[Campaign]
    labels: Mapping[tuple[UUID, str], Sequence[tuple[datetime, str | None]]]  # oldest first

    @classmethod
    def load(cls, events: Sequence[RecordedEvent]) -> Campaigns:
        moments = [event.occurred_at for event in events]
        rows = list(Campaign.objects.filter(active_from__lte=max(moments), active_until__gt=min(moments)))
        names = sorted({name for row in rows for name in row.labels})
        players = {event.player_id for event in events if event.player_id} if names else set()
        return cls(rows, list_label_values(names, players) if names else {})

    def promotion(self, event: RecordedEvent, programme: str) -> Decimal:
        """What they multiply the points of a bet by."""
        if not self.rows:
            return Decimal(1)
        return rules.promotion_of(
            [(row.factor, row.stacks) for row in self.rows if self._counts(row, event, programme)]
        )

    def _counts(self, row: Campaign, event: RecordedEvent, programme: str) -> bool:
        said = event.payload
        return (
            row.active_from <= event.occurred_at < row.active_until
            and (not row.programmes or programme in row.programmes)
            and (not row.categories or said["category"] in row.categories)
            and (not row.games or said["game"] in row.games)
            and all(self._value(event, name) in values for name, values in row.labels.items())
        )

    def _value(self, event: RecordedEvent, name: str) -> str | None:
        """The label's value when the event occurred."""
        value = None
        changes = self.labels.get((event.player_id, name), ()) if event.player_id else ()
        for since, said in changes:
            if since <= event.occurred_at:
                value = said
        return value


def read_rule(row: ProgrammeVersion) -> ProgrammeRule:
    """A version's rule; it never changes, so that it is read once."""
    return _decoded(row.id, json.dumps(row.rule))


@lru_cache(maxsize=256)
def _decoded(version_id: UUID, content: str) -> ProgrammeRule:
    return decode_programme(content)


def get_rule(programme: str, at: datetime) -> ProgrammeRule:
    """The rule of a programme in force at a moment. Raises: UnknownProgramme."""
    row = (
        ProgrammeVersion.objects.filter(programme_id=programme, state=VersionState.RELEASED, active_from__lte=at)
        .order_by("-active_from")
        .first()
    )
    if row is None:
        raise UnknownProgramme(f"No version of the programme {programme} is in force at {at.isoformat()}.")
    return read_rule(row)


def find_rule(programme: str, at: datetime) -> ProgrammeRule | None:
    """As ``get_rule``; None where nothing is in force."""
    try:
        return get_rule(programme, at)
    except UnknownProgramme:
        return None


def list_programmes() -> list[tuple[str, str]]:
    """Codes and names, the standard one first."""
    rows = Programme.objects.values_list("code", "name")
    return sorted(rows, key=lambda row: (row[0] != STANDARD, row[0]))


def list_versions(programme: str) -> list[ProgrammeVersionDetails]:
    """A programme's versions, newest first."""
    return [version_details(row) for row in ProgrammeVersion.objects.filter(programme_id=programme).order_by("-number")]


def get_version(version_id: UUID) -> ProgrammeVersionDetails:
    """Raises: UnknownProgrammeVersion."""
    row = ProgrammeVersion.objects.filter(id=version_id).first()
    if row is None:
        raise UnknownProgrammeVersion("There is no such version.")
    return version_details(row)


def version_details(row: ProgrammeVersion) -> ProgrammeVersionDetails:
    return ProgrammeVersionDetails(
        id=row.id,
        programme=row.programme_id,
        number=row.number,
        rule=read_rule(row),
        state=VersionState(row.state),
        note=row.note,
        created_by=row.created_by,
        created_at=row.created_at,
        released_at=row.released_at,
        active_from=row.active_from,
        approval_id=row.approval_id,
    )


def list_campaigns() -> list[CampaignDetails]:
    """The one that begins last first."""
    return [campaign_details(row) for row in Campaign.objects.order_by("-active_from", "code")]


def campaign_details(row: Campaign) -> CampaignDetails:
    return CampaignDetails(
        code=row.code,
        name=row.name,
        factor=row.factor,
        stacks=row.stacks,
        programmes=tuple(row.programmes),
        categories=tuple(row.categories),
        games=tuple(row.games),
        labels=row.labels,
        active_from=row.active_from,
        active_until=row.active_until,
        created_by=row.created_by,
    )


def level_details(levels: Sequence[LevelRule]) -> list[LevelDetails]:
    """From the lowest to the highest."""
    return [
        LevelDetails(
            code=level.code,
            name=level.name,
            order=place,
            entry_eur=level.entry_eur,
            keep_eur=rules.keep_of(level).quantize(Decimal("0.01")),
            multiplier=level.multiplier,
            cashback=level.cashback,
            privileges=tuple(level.privileges),
        )
        for place, level in enumerate(levels)
    ]
