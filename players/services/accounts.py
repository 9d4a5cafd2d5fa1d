"""Account status and settings, with their history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError

from events.audit import record
from events.catalogue.players import PlayerStatusChanged, SettingChanged
from events.services.log import holding, publish
from kernel import vault
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from players import rules
from players.models import Player, SettingChange
from players.ports import tell_settings_changed
from players.selectors import UnknownPlayer, get_player
from players.services.sealed import keep_sealed
from players.services.sessions import end_all
from players.types import PlayerDetails, SealedField, Status
from players.types_identity import EndReason


class StatusMoveRefused(DomainError):
    """An account cannot go from its status to that one."""

    code = "status_move_refused"
    title = "This status change is not possible"
    status = 409


class ReasonMissing(DomainError):
    """The change needs a reason."""

    code = "reason_missing"
    title = "A reason is needed"


def change_status(*, player_id: UUID, to: Status, reason: str, actor: Actor, at: datetime) -> PlayerDetails:
    """Move the account in its life. Nothing happens when it is there already; out of active, its sessions end.

    Publishes PlayerStatusChanged. Raises: UnknownPlayer, StatusMoveRefused, ReasonMissing.
    """
    if not reason.strip():
        raise ReasonMissing("Say in a few words why.")
    with holding(player_id):
        player = _lock(player_id)
        current = Status(player.status)
        if current is not to:
            if to not in rules.STATUS_MOVES[current]:
                possible = ", ".join(sorted(rules.STATUS_MOVES[current])) or "none"
                raise StatusMoveRefused(f"From {current} an account can become: {possible}.", current=current)
            player.status = to
            player.save(update_fields=["status"])
            _remember(player_id, "status", current, to, actor, at, reason)
            publish(
                PlayerStatusChanged(
                    player_id=player_id, occurred_at=at, from_status=current, to_status=to, reason=reason
                )
            )
            if to is not Status.ACTIVE:
                end_all(player_id=player_id, reason=EndReason.RESTRICTED, at=at)
            record(
                action="players.change_status",
                actor=actor,
                at=at,
                player_id=player_id,
                object_type="players.player",
                object_id=str(player_id),
                reason=reason,
                before={"status": current},
                after={"status": to},
            )
    return get_player(player_id)


def change_settings(*, player_id: UUID, changes: Mapping[str, object], actor: Actor, at: datetime) -> PlayerDetails:
    """Change profile fields and preferences; what is equal already is left alone. Each change is kept in the history.

    ``changes`` may name: phone, first_name, last_name, birth_date, birth_name, birth_place, city, postcode, country,
    region, language, time_zone; and what stands under the player's key: street, national_id, occupation.
    Publishes SettingChanged per field. Raises: UnknownPlayer, FieldErrors.
    """
    sealed = {field: value for field, value in changes.items() if field in set(SealedField)}
    try:
        with holding(player_id):
            player = _lock(player_id)
            plain = {field: value for field, value in changes.items() if field not in sealed}  # in the order given
            clean = _clean(player, plain, at)
            old: dict[str, str] = {}
            for field, value in clean.items():
                row = player if field in _ON_PLAYER else player.profile
                before = getattr(row, field)
                if before == value:
                    continue
                old[field] = _text(before)
                setattr(row, field, value)
                row.save(update_fields=[field])
                _remember(player_id, field, _text(before), _text(value), actor, at)
                publish(SettingChanged(player_id=player_id, occurred_at=at, name=field, actor=str(actor)))
            if old:
                tell_settings_changed(player_id, frozenset(old), at)
                record(
                    action="players.change_settings",
                    actor=actor,
                    at=at,
                    player_id=player_id,
                    object_type="players.player",
                    object_id=str(player_id),
                    before=old,
                    after={field: _text(clean[field]) for field in old},
                )
            if sealed:
                keep_sealed(player_id=player_id, values=sealed, actor=actor, at=at)
    except vault.Destroyed as error:
        raise FieldErrors({key: ["This person's data was erased: it is kept no more."] for key in sealed}) from error
    except IntegrityError as error:
        raise FieldErrors({"phone": ["An account with this phone number exists."]}) from error
    return get_player(player_id)


_ON_PLAYER = {"country", "region", "language", "time_zone"}


def _clean(player: Player, changes: Mapping[str, object], at: datetime) -> dict[str, object]:
    country = str(changes.get("country") or player.country)
    checks: dict[str, Callable[[str], object]] = {
        "phone": lambda text: rules.normalise_phone(text, country),
        "first_name": rules.check_name,
        "last_name": rules.check_name,
        "birth_name": rules.check_name,
        "birth_place": rules.check_name,
        "city": rules.check_name,
        "postcode": rules.check_name,
        "country": rules.check_country,
        "region": rules.check_region,
        "language": rules.check_language,
        "time_zone": rules.check_time_zone,
    }
    clean: dict[str, object] = {}
    errors: dict[str, list[str]] = {}
    for field, value in changes.items():
        try:
            if field == "birth_date" and isinstance(value, date):
                clean[field] = rules.check_birth_date(value, at.date())
            elif field in checks and isinstance(value, str):
                clean[field] = checks[field](value)
            else:
                errors[field] = ["This cannot be changed here, or is of the wrong type."]
        except rules.Invalid as error:
            errors[field] = [str(error)]
    if errors:
        raise FieldErrors(errors)
    return clean


def _lock(player_id: UUID) -> Player:
    player = Player.objects.select_related("profile").filter(id=player_id).first()
    if player is None:
        raise UnknownPlayer(f"There is no player {player_id}.", player_id=str(player_id))
    return player


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _remember(
    player_id: UUID, name: str, before: str, after: str, actor: Actor, at: datetime, reason: str = ""
) -> None:
    SettingChange.objects.create(
        player_id=player_id,
        name=name,
        from_value=before,
        to_value=after,
        reason=reason,
        actor=str(actor),
        changed_at=at,
    )
