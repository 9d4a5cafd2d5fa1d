"""Reads of players."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from kernel.db import fetch_all, fetch_one
from kernel.errors import NotFound
from players.models import Label, Player, Profile, Restriction, SettingChange, User
from players.models_risk import RiskAssessment
from players.rules import Invalid, normalise_email, normalise_phone
from players.types import (
    ConfirmStatus,
    LabelDetails,
    PlayerAction,
    PlayerDetails,
    RestrictionDetails,
    RestrictionKind,
    RiskAssessmentDetails,
    RiskFactor,
    RiskLevel,
    SettingChangeDetails,
    Status,
    UserKind,
)

SEARCH_LIMIT = 50
MAX_SEARCH_LENGTH = 254
_AT_ONCE = 5_000  # of a long list, in one query


class UnknownPlayer(NotFound):
    """No player has this id."""

    code = "unknown_player"
    title = "No such player"


def get_player(player_id: UUID) -> PlayerDetails:
    """Raises: UnknownPlayer."""
    row = _players().filter(id=player_id).first()
    if row is None:
        raise UnknownPlayer(f"There is no player {player_id}.", player_id=str(player_id))
    return _details(row)


def list_by_id(player_ids: Iterable[UUID]) -> dict[UUID, PlayerDetails]:
    """Players by id; who is not known is left out. One query."""
    return {row.id: _details(row) for row in _players().filter(id__in=list(player_ids))}


def get_residence(player_id: UUID) -> tuple[str, str]:
    """Country and region where the player lives. Raises: UnknownPlayer."""
    row = Player.objects.filter(id=player_id).values_list("country", "region").first()
    if row is None:
        raise UnknownPlayer(f"There is no player {player_id}.", player_id=str(player_id))
    return row


def count_by_residence() -> dict[tuple[str, str], int]:
    """How many accounts that are not closed belong to who lives where: (country, region). One pass over an index."""
    rows = Player.objects.exclude(status__in=[Status.CLOSED, Status.ERASED]).order_by()
    return {
        (country, region): count
        for country, region, count in rows.values_list("country", "region").annotate(count=Count("*"))
    }


def find_player_by_login(login: str) -> PlayerDetails | None:
    row = _players().filter(user__username=login.casefold()).first()
    return _details(row) if row else None


def list_players(
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
    status: Status | None = None,
    country: str | None = None,
    email: str | None = None,
    login: str | None = None,
    phone: str | None = None,
) -> list[PlayerDetails]:
    """Newest registrations first, after the keyset (registered_at, id) of the last one seen."""
    players = _players()
    if after:
        players = players.filter(Q(registered_at__lt=after[0]) | Q(registered_at=after[0], id__lt=after[1]))
    for name, value in {
        "status": status,
        "country": country,
        "user__email": email and email.strip().casefold(),
        "user__username": login and login.strip().casefold(),
        "profile__phone": phone,
    }.items():
        if value:
            players = players.filter(**{name: value})
    return [_details(row) for row in players.order_by("-registered_at", "-id")[:limit]]


def list_matching_ids(text: str) -> list[UUID]:
    """Players whose id, email, login, phone or name the text names, at most 50; each way uses its own index.

    Ids match whole; email and login exactly or from their beginning; phone exactly; names by their parts.
    """
    text = text.strip()
    if not text.isprintable() or not 0 < len(text) <= MAX_SEARCH_LENGTH:
        return []
    try:
        return list(Player.objects.filter(id=UUID(text)).values_list("id", flat=True))
    except ValueError:
        pass
    folded = text.casefold()
    players = Player.objects.values_list("id", flat=True)
    way, exact = find_exactly(text)
    if exact or way == "phone":
        return exact
    if way == "email":
        return list(players.filter(user__email__startswith=folded)[:SEARCH_LIMIT])
    found = list(players.filter(user__username=folded))
    found += [x for x in players.filter(user__username__startswith=folded)[:SEARCH_LIMIT] if x not in found]
    if len(folded) >= 3:
        found += [x for x in _by_name(folded) if x not in found]
    return found[:SEARCH_LIMIT]


def find_exactly(text: str) -> tuple[str, list[UUID]]:
    """What the text looks like ("email", "phone" or ""), and the players who have exactly that."""
    text = text.strip()
    if not text.isprintable() or not 0 < len(text) <= MAX_SEARCH_LENGTH:
        return "", []
    like_phone = text[0] in "+0123456789" and sum(char.isdigit() for char in text) >= 7
    way = "email" if "@" in text else "phone" if like_phone else ""
    players = Player.objects.values_list("id", flat=True)
    try:
        if way == "email":
            return way, list(players.filter(user__email=normalise_email(text)))
        if way == "phone":
            return way, list(players.filter(profile__phone=normalise_phone(text, "DE"))[:SEARCH_LIMIT])
    except Invalid:
        pass
    return way, []


def _by_name(folded: str) -> Iterable[UUID]:
    profiles = Profile.objects.all()
    for part in folded.split()[:4]:
        profiles = profiles.filter(Q(last_name__lower__contains=part) | Q(first_name__lower__contains=part))
    return profiles.values_list("player_id", flat=True)[:SEARCH_LIMIT]


def list_born_on(days: Iterable[date], limit: int = 2_000) -> list[PlayerDetails]:
    """Players with one of these birth dates, through an index; of a day on which very many are born, the newest."""
    rows = _players().filter(profile__birth_date__in=list(days))
    return [_details(row) for row in rows.order_by("-id")[:limit]]


def list_having_birthday(days: Iterable[date], limit: int = 10_000) -> list[PlayerDetails]:
    """Players whose birthday falls on one of these days, through an index; of 29 February also on 28 February."""
    days = set(days)
    wanted = Q()
    for day in days:
        wanted |= Q(profile__birth_date__month=day.month, profile__birth_date__day=day.day)
        if (day.month, day.day) == (2, 28):
            wanted |= Q(profile__birth_date__month=2, profile__birth_date__day=29)
    return [_details(row) for row in _players().filter(wanted).order_by("id")[:limit]] if days else []


def find_refusal(player_id: UUID, action: PlayerAction, at: datetime) -> str | None:
    """Why the player may not do this now (the same answer as the SQL function ``players_gate``), or None."""
    refusal: str | None = fetch_one("SELECT refusal FROM players_gate(%s, %s, %s)", [player_id, action, at])[0]
    return refusal


def list_refusals(player_ids: Iterable[UUID], action: PlayerAction, at: datetime) -> dict[UUID, str]:
    """As ``find_refusal`` for many at once: why, for those who may not."""
    rows = fetch_all(
        "SELECT wanted.id, gate.refusal FROM unnest(%s::uuid[]) AS wanted (id), LATERAL players_gate(wanted.id, %s, %s) gate "
        "WHERE gate.refusal IS NOT NULL",
        [list(player_ids), action, at],
    )
    return {row["id"]: row["refusal"] for row in rows}


def list_labels_of(player_ids: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    """The labels of many players: "loyalty.level" to its value. Who has none is left out. One query."""
    found: dict[UUID, dict[str, str]] = defaultdict(dict)
    for row in Label.objects.filter(player_id__in=list(player_ids)):
        found[row.player_id][f"{row.namespace}.{row.key}"] = row.value
    return found


def list_ids_by_login(texts: Iterable[str]) -> dict[str, UUID]:
    """Players by what a list says of them, their id or their login; who is not known is left out."""
    wanted = list(texts)
    ids: dict[str, UUID] = {}
    for text in wanted:
        with suppress(ValueError):
            ids[text] = UUID(text)
    known: set[UUID] = set()
    for part in _parts(ids.values()):
        known.update(Player.objects.filter(id__in=part).values_list("id", flat=True))
    found = {text: player_id for text, player_id in ids.items() if player_id in known}
    folded = {text.casefold(): text for text in wanted if text not in ids}
    for part in _parts(folded):
        rows = Player.objects.filter(user__username__in=part, user__kind=UserKind.PLAYER)
        found |= {folded[login]: player_id for login, player_id in rows.values_list("user__username", "id")}
    return found


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = list(values)
    for start in range(0, len(rest), _AT_ONCE):
        yield rest[start : start + _AT_ONCE]


def find_staff_login(staff_id: str) -> str | None:
    """The login of a member of staff, by the id that actors carry."""
    if not staff_id.isascii() or not staff_id.isdigit():
        return None
    return User.objects.filter(id=int(staff_id), kind=UserKind.STAFF).values_list("username", flat=True).first()


def find_staff_id(login: str) -> str | None:
    """The id that actors carry, of the member of staff with this login."""
    found = User.objects.filter(username=login.casefold(), kind=UserKind.STAFF).values_list("id", flat=True).first()
    return None if found is None else str(found)


def list_restrictions(player_id: UUID, *, standing_at: datetime | None = None) -> list[RestrictionDetails]:
    """Newest first; with ``standing_at`` only those in force then."""
    rows = Restriction.objects.filter(player_id=player_id)
    if standing_at:
        rows = rows.filter(
            Q(active_until=None) | Q(active_until__gt=standing_at),
            Q(lifted_at=None) | Q(lifted_at__gt=standing_at),
            active_from__lte=standing_at,
        )
    return [
        RestrictionDetails(
            id=row.id,
            player_id=row.player_id,
            kind=RestrictionKind(row.kind),
            blocks=tuple(PlayerAction(action) for action in row.blocks),
            reason=row.reason,
            source=row.source,
            imposed_by=row.imposed_by,
            active_from=row.active_from,
            active_until=row.active_until,
            lifted_at=row.lifted_at,
            lifted_by=row.lifted_by,
            lift_reason=row.lift_reason,
        )
        for row in rows.order_by("-active_from", "-id")
    ]


def list_labels(player_id: UUID) -> list[LabelDetails]:
    return [
        LabelDetails(row.namespace, row.key, row.value, row.since)
        for row in Label.objects.filter(player_id=player_id).order_by("namespace", "key")
    ]


def list_setting_changes(player_id: UUID, limit: int = 50) -> list[SettingChangeDetails]:
    """Newest first."""
    return [
        SettingChangeDetails(row.name, row.from_value, row.to_value, row.actor, row.changed_at)
        for row in SettingChange.objects.filter(player_id=player_id).order_by("-id")[:limit]
    ]


def list_risk_assessments(player_id: UUID, limit: int = 20) -> list[RiskAssessmentDetails]:
    """Newest first."""
    return [
        RiskAssessmentDetails(
            level=RiskLevel(row.level),
            factors=tuple(RiskFactor(**factor) for factor in row.factors),
            reason=row.reason,
            actor=row.actor,
            assessed_at=row.assessed_at,
        )
        for row in RiskAssessment.objects.filter(player_id=player_id).order_by("-id")[:limit]
    ]


def _players() -> QuerySet[Player]:
    return Player.objects.select_related("user", "profile")


def _details(row: Player) -> PlayerDetails:
    return PlayerDetails(
        id=row.id,
        login=row.user.username,
        email=row.user.email,
        phone=row.profile.phone,
        first_name=row.profile.first_name,
        last_name=row.profile.last_name,
        birth_date=row.profile.birth_date,
        city=row.profile.city,
        postcode=row.profile.postcode,
        country=row.country,
        currency=row.currency,
        language=row.language,
        time_zone=row.time_zone,
        status=Status(row.status),
        confirm_status=ConfirmStatus(row.confirm_status),
        risk_level=RiskLevel(row.risk_level),
        source=row.source,
        registered_at=row.registered_at,
        region=row.region,
        birth_name=row.profile.birth_name,
        birth_place=row.profile.birth_place,
    )


def list_staff_names(staff_ids: Iterable[int]) -> dict[int, str]:
    """Logins of these members of staff, by id."""
    return dict(User.objects.filter(id__in=list(staff_ids), kind=UserKind.STAFF).values_list("id", "username"))
