"""What protects an account beside allauth's part: codes used once, verified contacts, SMS as second factor, passwords."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from events.audit import record
from events.catalogue.players import SecurityChanged, SettingChanged
from events.services.log import holding, publish
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError
from players.models import Player, Security, SettingChange, User
from players.selectors import get_player
from players.selectors_identity import get_security
from players.services.accounts import change_settings
from players.services.devices import distrust_all
from players.services.sessions import end_all
from players.types_identity import EndReason, SecurityChange


class PhoneNotVerified(DomainError):
    """Codes can only go to a phone that the player has shown to hold."""

    code = "phone_not_verified"
    title = "The phone number is not verified"
    status = 409


def note_change(
    *, player_id: UUID, change: SecurityChange, actor: Actor, at: datetime, keep_session: UUID | None = None
) -> None:
    """Tell that the password or a factor changed: trusted devices are asked again, and a new password ends every session
    but ``keep_session``. Publishes SecurityChanged and SessionEnded.
    """
    with holding(player_id):
        distrust_all(player_id=player_id)
        if change in (SecurityChange.PASSWORD_CHANGED, SecurityChange.PASSWORD_RESET):
            end_all(player_id=player_id, reason=EndReason.PASSWORD_CHANGED, but=keep_session, at=at)
        _publish(player_id, change, actor, at)


def take_totp_step(*, player_id: UUID, step: int) -> bool:
    """Use up a time step's code; False when it, or a later one, was used before."""
    with holding(player_id):
        row, _ = Security.objects.get_or_create(player_id=player_id)
        return bool(Security.objects.filter(player_id=row.player_id, totp_step__lt=step).update(totp_step=step))


def set_phone(*, player_id: UUID, phone: str, actor: Actor, at: datetime, verified: bool) -> None:
    """Give the account this phone number (E.164), shown to be the player's or not. Publishes SettingChanged.

    Raises: FieldErrors when another account has it.
    """
    with holding(player_id):
        change_settings(player_id=player_id, changes={"phone": phone}, actor=actor, at=at)
        if verified and not get_security(player_id).phone_is_verified:
            Security.objects.update_or_create(
                player_id=player_id, defaults={"verified_phone": phone, "phone_verified_at": at}
            )
            _publish(player_id, SecurityChange.PHONE_VERIFIED, actor, at)


@contextmanager
def changing_email(*, player_id: UUID, actor: Actor, at: datetime) -> Iterator[None]:
    """Inside, allauth verifies an address and may make it the account's. Kept in the history; publishes SettingChanged."""
    with holding(player_id):
        before = get_player(player_id).email
        yield
        after = get_player(player_id).email
        if after != before:
            SettingChange.objects.create(
                player_id=player_id,
                name="email",
                from_value=before,
                to_value=after,
                actor=str(actor),
                changed_at=at,
            )
            publish(SettingChanged(player_id=player_id, occurred_at=at, name="email", actor=str(actor)))
        _publish(player_id, SecurityChange.EMAIL_VERIFIED, actor, at)


def turn_sms_factor(*, player_id: UUID, on: bool, actor: Actor, at: datetime) -> None:
    """Ask for a code by SMS at login where nothing stronger is set up. Publishes SecurityChanged.

    Raises: PhoneNotVerified.
    """
    with holding(player_id):
        security = get_security(player_id)
        if on and not security.phone_is_verified:
            raise PhoneNotVerified("Verify your phone number first: POST /_allauth/app/v1/account/phone.")
        if on == (security.sms_factor_since is not None):
            return
        Security.objects.update_or_create(player_id=player_id, defaults={"sms_factor_since": at if on else None})
        change = SecurityChange.SMS_FACTOR_ON if on else SecurityChange.SMS_FACTOR_OFF
        note_change(player_id=player_id, change=change, actor=actor, at=at)


def change_password(
    *, player_id: UUID, password_hash: str, change: SecurityChange, keep_session: UUID | None, at: datetime
) -> None:
    """Give the player another password, as Django's encoded hash. Every session but ``keep_session`` ends.

    Publishes SecurityChanged and SessionEnded.
    """
    with holding(player_id):
        User.objects.filter(id=Player.objects.values("user_id").get(id=player_id)["user_id"]).update(
            password=password_hash
        )
        actor = Actor(ActorKind.PLAYER, str(player_id))
        note_change(player_id=player_id, change=change, actor=actor, at=at, keep_session=keep_session)


def _publish(player_id: UUID, change: SecurityChange, actor: Actor, at: datetime) -> None:
    publish(SecurityChanged(player_id=player_id, occurred_at=at, change=change, actor=str(actor)))
    record(
        action="players.change_security",
        actor=actor,
        at=at,
        player_id=player_id,
        object_type="players.player",
        object_id=str(player_id),
        after={"change": change},
    )
