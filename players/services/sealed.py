"""What stands under a player's own key: street, national identity number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from events.audit import record
from events.catalogue.players import SettingChanged
from events.services.log import holding, publish
from kernel import vault
from kernel.actors import Actor
from kernel.errors import FieldErrors
from players import rules
from players.models import Player
from players.models_sealed import SealedDetail
from players.selectors import UnknownPlayer
from players.selectors_sealed import name_of, open_row, read_sealed
from players.types import SealedField

_FOUND_EXACTLY = {SealedField.NATIONAL_ID}
_CHECKS: dict[SealedField, Callable[[str, str], str]] = {
    SealedField.STREET: lambda text, country: rules.check_name(text),
    SealedField.NATIONAL_ID: rules.normalise_national_id,
    SealedField.OCCUPATION: lambda text, country: rules.check_name(text),
}


def keep_sealed(*, player_id: UUID, values: Mapping[str, object], actor: Actor, at: datetime) -> dict[SealedField, str]:
    """Keep facts under the player's key, by the names of ``SealedField``; what is equal already is left alone, empty takes out.

    Earlier values stay readable as of their time. Publishes SettingChanged per field (its name only).
    Raises: UnknownPlayer, FieldErrors, kernel.vault.Destroyed.
    """
    with holding(player_id):
        player = Player.objects.filter(id=player_id).first()
        if player is None:
            raise UnknownPlayer(f"There is no player {player_id}.", player_id=str(player_id))
        known = read_sealed(player_id)
        for field, text in clean_sealed(values, player.country).items():
            if known.get(field, "") == text:
                continue
            SealedDetail.objects.filter(player_id=player_id, field=field, replaced_at=None).update(replaced_at=at)
            _seal(player_id, field, text, actor, at)
            publish(SettingChanged(player_id=player_id, occurred_at=at, name=field, actor=str(actor)))
            record(
                action="players.keep_sealed",
                actor=actor,
                at=at,
                player_id=player_id,
                object_type="players.player",
                object_id=str(player_id),
                after={"field": field},
            )
    return read_sealed(player_id)


def seal_first(*, player_id: UUID, values: Mapping[str, object], country: str, actor: Actor, at: datetime) -> None:
    """Keep what a person gave when opening the account, in the registration's own transaction. Raises: FieldErrors."""
    for field, text in clean_sealed(values, country).items():
        _seal(player_id, field, text, actor, at)


def _seal(player_id: UUID, field: SealedField, text: str, actor: Actor, at: datetime) -> None:
    SealedDetail.objects.create(
        player_id=player_id,
        field=field,
        sealed=vault.seal(player_id, name_of(field), text, at=at),
        index=_index(field, text),
        actor=str(actor),
        since=at,
    )


def clean_sealed(values: Mapping[str, object], country: str) -> dict[SealedField, str]:
    """The values in their normal forms. Raises: FieldErrors, every wrong field at once."""
    clean: dict[SealedField, str] = {}
    errors: dict[str, list[str]] = {}
    for name, value in values.items():
        try:
            field = SealedField(name)
        except ValueError:
            errors[name] = ["This is not kept under a player's key."]
            continue
        if not isinstance(value, str):
            errors[name] = ["Give a text."]
            continue
        try:
            clean[field] = _CHECKS[field](value, country)
        except rules.Invalid as error:
            errors[name] = [str(error)]
    if errors:
        raise FieldErrors(errors)
    return clean


def reseal(player_id: UUID, at: datetime) -> int:
    """Seal what is not under the player's newest key, or not indexed under the present index key, anew; how many facts."""
    changed = []
    with holding(player_id):
        for row in SealedDetail.objects.filter(player_id=player_id):
            field, text = SealedField(row.field), open_row(row)
            index = _index(field, text)
            if vault.is_current(player_id, bytes(row.sealed)) and (row.index and bytes(row.index)) == index:
                continue
            row.sealed, row.index = vault.seal(player_id, name_of(field), text, at=at), index
            changed.append(row)
        SealedDetail.objects.bulk_update(changed, ["sealed", "index"])
    return len(changed)


def _index(field: SealedField, text: str) -> bytes | None:
    return vault.blind_index(name_of(field), text) if text and field in _FOUND_EXACTLY else None
