"""Who else a person could be: accounts that look like theirs, and whether that somebody is excluded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from compliance.rules_likeness import Person, compare
from compliance.selectors_exclusions import list_excluded_ids
from compliance.types_exclusion import Likeness, Lookalike
from players.selectors import get_player, list_born_on
from players.selectors_identity import list_devices_like, list_token_hashes
from players.selectors_sealed import ERASED, find_by_sealed, read_sealed
from players.types import PlayerDetails, SealedField, Status


def find_lookalikes(person: Person, *, but: UUID | None = None, at: datetime) -> list[Lookalike]:
    """Accounts that seem to be this person's, the surest first; all but ``but``. Looked for among people born on that day
    (or with day and month swapped), with that national number, or seen on that device.
    """
    candidates = {player.id: player for player in list_born_on(_days(person))}
    sealed = set(find_by_sealed(SealedField.NATIONAL_ID, person.national_id)) if person.national_id else set()
    devices = list_devices_like(person.devices) if person.devices else {}
    for player_id in (*sealed, *devices):
        candidates.setdefault(player_id, get_player(player_id))
    candidates.pop(but, None)  # type: ignore[arg-type]
    found = [
        (player, *compare(person, _person(player, person.national_id if player.id in sealed else "", devices)))
        for player in candidates.values()
        if player.status is not Status.ERASED
    ]
    alike = [(player, likeness, signs) for player, likeness, signs in found if likeness]
    excluded = list_excluded_ids([player.id for player, _, _ in alike], at)
    rows = [
        Lookalike(player.id, likeness, signs, player.id in excluded, player.status is not Status.CLOSED)
        for player, likeness, signs in alike
    ]
    return sorted(rows, key=lambda row: (row.likeness is not Likeness.SAME, not row.excluded, row.player_id))


def person_like(player_id: UUID) -> Person:
    """A player, as one compares people."""
    national_id = read_sealed(player_id).get(SealedField.NATIONAL_ID, "")
    player = get_player(player_id)
    hashes = {player_id: list_token_hashes(player_id)}
    return _person(player, "" if national_id == ERASED else national_id, hashes)


def hash_device(token: str) -> frozenset[bytes]:
    """A device by the token that it keeps; nothing where it brought none."""
    return frozenset({hashlib.sha256(token.encode()).digest()}) if token else frozenset()


def _person(player: PlayerDetails, national_id: str, devices: dict[UUID, frozenset[bytes]]) -> Person:
    return Person(
        first_name=player.first_name,
        last_name=player.last_name,
        birth_date=player.birth_date,
        postcode=player.postcode,
        email=player.email,
        phone=player.phone,
        national_id=national_id,
        devices=devices.get(player.id, frozenset()),
    )


def _days(person: Person) -> Iterable[date]:
    born = person.birth_date
    if born is None:
        return ()
    swapped = born.replace(month=born.day, day=born.month) if born.day <= 12 else born
    return {born, swapped}
