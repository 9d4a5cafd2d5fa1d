"""What allauth asks of this project while players register and log in.

Every answer for players holds for requests at /_allauth/ alone; elsewhere allauth's own answers stand.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.internal.httpkit import is_headless_request
from allauth.headless.adapter import DefaultHeadlessAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

from kernel import clock, secrets
from kernel.actors import Actor, ActorKind
from kernel.counting import count
from kernel.errors import FieldErrors
from players.selectors import find_refusal, get_player
from players.selectors_identity import (
    find_phone_owner,
    find_player_id,
    find_user_id,
    get_security,
    normalise,
)
from players.services import security, sessions
from players.services.attempts import Attempt
from players.services.messages import send_sms
from players.services.registration import RegistrationRefused
from players.services.sign_up import sign_up
from players.types import PlayerAction, public_reason
from players.types_identity import AttemptOutcome, EndReason, SecurityChange
from pms.player_auth import backend, freshness, tokens
from pms.player_auth.requests import origin_of, refuse, refuse_fields

logger = logging.getLogger(__name__)

MAILS_PER_ADDRESS, MAIL_WINDOW_SECONDS = 10, 900
PURPOSE = "second-factor"


class AccountAdapter(DefaultAccountAdapter):
    # --- registering ---

    def new_user(self, request: HttpRequest) -> Any:
        return get_user_model()(kind="player")

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        """Open the account through players; allauth's own way would know neither currency nor events."""
        try:
            player = sign_up(
                data=form.registration(),
                password_hash=make_password(form.cleaned_data["password"]),
                consents=form.consents(),
                text_version=form.cleaned_data["text_version"],
                device_token=origin_of(request).device_token,
                at=clock.now(),
            )
        except FieldErrors as error:
            refuse_fields(request, error)
        except RegistrationRefused as error:
            refuse(request, 403, str(error.data["reason"]), error.detail)
        saved = get_user_model().objects.get(username=player.login)
        record_authentication(request, saved, method="password")  # who has just chosen it, knows it
        return saved

    def send_account_already_exists_mail(self, email: str) -> None:
        make_password("as long as a real registration")  # the time that hashing takes must not tell
        super().send_account_already_exists_mail(email)

    def clean_email(self, email: str) -> str:
        return _clean("email", email)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        name = _clean("login", username)
        if not shallow and get_user_model().objects.filter(username=name).exists():
            raise self.validation_error("username_taken")
        return name

    def clean_phone(self, phone: str) -> str:
        return _clean("phone", phone)

    def clean_password(self, password: str, user: Any = None) -> str:
        player_id = find_player_id(user.pk) if user is not None and user.pk else None
        if player_id:
            player = get_player(player_id)
            user.own_words = (player.first_name, player.last_name, player.city, player.phone)
        return super().clean_password(password, user)

    # --- logging in ---

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Counted before it is judged. Raises: ValidationError when too many tries failed."""
        if not is_headless_request(request):
            return super().authenticate(request, **credentials)
        name = next((name for name in backend.NAMES if credentials.get(name)), "username")
        called = str(credentials.get(name, ""))
        user_id = find_user_id(name, called)
        player_id = find_player_id(user_id) if user_id else None
        attempt = Attempt(what="password", name=called, player_id=player_id, origin=origin_of(request), at=clock.now())
        if not attempt.is_allowed:
            attempt.fail(AttemptOutcome.LOCKED)
            if attempt.is_told:
                raise self.validation_error("too_many_login_attempts")
            make_password(credentials.get("password"))
            return None
        user = backend.PlayerBackend().authenticate(request, **credentials)
        if user is None:
            attempt.fail(AttemptOutcome.WRONG_PASSWORD)
        else:
            attempt.succeed()
        return user

    def reauthenticate(self, user: Any, password: str) -> bool:
        found = self.authenticate(context.request, username=user.username, password=password)
        return found is not None and found.pk == user.pk

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        if is_headless_request(request):
            self._check_may_log_in(request, user)
        return super().pre_login(request, user, **kwargs)

    def login(self, request: HttpRequest, user: Any) -> None:
        """The login is complete: begin the player's session, and tell them when the device is new."""
        if not is_headless_request(request):
            super().login(request, user)
            return
        player_id = self._check_may_log_in(request, user)
        user.backend = backend.PATH
        super().login(request, user)
        refresh_id, at = uuid4(), clock.now()
        request.session.set_expiry(settings.PLAYER_SESSION_SECONDS)
        opened = sessions.start(
            player_id=player_id,
            origin=origin_of(request),
            methods=freshness.list_proofs(request.session),
            store_key=str(request.session.session_key),
            refresh_id=refresh_id,
            at=at,
        )
        request.session[tokens.SESSION_ID] = str(opened.session_id)
        request.just_opened = tokens.JustOpened(refresh_id, opened.device_token)  # type: ignore[attr-defined]
        if opened.is_new_device:
            self._tell_of_new_device(user, opened.place)

    def logout(self, request: HttpRequest) -> None:
        session_id = request.session.get(tokens.SESSION_ID)
        player_id = find_player_id(request.user.pk) if session_id and request.user.pk else None
        if session_id and player_id:
            ended = [UUID(session_id)]
            sessions.end(player_id=player_id, session_ids=ended, reason=EndReason.LOGOUT, at=clock.now())
        super().logout(request)

    def get_login_stages(self) -> list[str]:
        if not is_headless_request(self.request):
            return super().get_login_stages()
        return [
            "pms.player_auth.stages.SmsStage",
            "allauth.account.stages.PhoneVerificationStage",
            "allauth.account.stages.EmailVerificationStage",
            "pms.player_auth.stages.FactorStage",
        ]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A login counts as a proof as well; who has a second factor proves it with that one."""
        if not is_headless_request(self.request):
            return super().is_reauthentication_required(app=app, **kwargs)
        if freshness.is_fresh(self.request.session, clock.now()):
            return False
        raise ReauthenticationRequired

    def _check_may_log_in(self, request: HttpRequest, user: Any) -> UUID:
        player_id = find_player_id(user.pk)
        if player_id is None:
            clear_login(request)
            raise PermissionDenied("Only players log in here.")
        at, origin = clock.now(), origin_of(request)
        # The gate first: what a register says may impose a restriction, or lift its own. Asked once per request.
        asked = getattr(request, "login_gate_asked", False)
        request.login_gate_asked = True  # type: ignore[attr-defined]
        gated = sessions.find_login_refusal(
            player_id=player_id, device_token=origin.device_token, going_on=asked, at=at
        )
        refusal = find_refusal(player_id, PlayerAction.LOGIN, at)
        if refusal or gated:
            clear_login(request)
            Attempt(what="refused", name="", player_id=player_id, origin=origin, at=at).fail(AttemptOutcome.REFUSED)
            reason = public_reason(refusal) if refusal else gated.code  # type: ignore[union-attr]
            text = gated.text if gated else f"This account can't log in now ({reason.replace('_', ' ')})."
            resets_at = gated.data.get("resets_at") if gated and not refusal else None
            refuse(request, 403, reason, text, **({"resets_at": resets_at} if resets_at else {}))
        return player_id

    # --- passwords ---

    def set_password(self, user: Any, password: str) -> None:
        """Change it; every other session ends. Only players' passwords are changed here."""
        player_id = find_player_id(user.pk)
        if player_id is None:
            raise PermissionDenied("Only players' passwords are changed here.")
        kept = self.request.session.get(tokens.SESSION_ID) if self.request.user.is_authenticated else None
        user.set_password(password)
        change = SecurityChange.PASSWORD_CHANGED if kept else SecurityChange.PASSWORD_RESET
        security.change_password(
            player_id=player_id,
            password_hash=user.password,
            change=change,
            keep_session=UUID(kept) if kept else None,
            at=clock.now(),
        )

    # --- mail and SMS ---

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        player_id = find_player_id(email_address.user_id)
        if player_id is None:
            return super().confirm_email(request, email_address)
        with security.changing_email(player_id=player_id, actor=_player(player_id), at=clock.now()):
            return super().confirm_email(request, email_address)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if count(f"mail:{email.casefold()}", MAIL_WINDOW_SECONDS) <= MAILS_PER_ADDRESS:
            # Mails name the operator, never the host that a request claims to call.
            site = SimpleNamespace(name=settings.OPERATOR_NAME, domain=settings.PLAYER_SITE)
            super().send_mail(template_prefix, email, {**context, "current_site": site})

    def get_client_ip(self, request: HttpRequest) -> str:
        return origin_of(request).ip

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **kwargs: Any) -> None:
        send_sms(phone=phone, text=f"{code} is your code for {settings.OPERATOR_NAME}.", at=clock.now())

    def send_account_already_exists_sms(self, phone: str) -> None:
        make_password("as long as a real registration")
        text = f"Somebody tried to register at {settings.OPERATOR_NAME} with this number, which has an account already."
        send_sms(phone=phone, text=text, at=clock.now())

    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        self._set_phone(user, phone, verified)

    def set_phone_verified(self, user: Any, phone: str) -> None:
        self._set_phone(user, phone, True)

    def get_phone(self, user: Any) -> tuple[str, bool] | None:
        player_id = find_player_id(user.pk)
        found = get_security(player_id) if player_id else None
        return (found.phone, found.phone_is_verified) if found and found.phone else None

    def get_user_by_phone(self, phone: str) -> Any:
        user_id = find_phone_owner(phone)
        return get_user_model().objects.get(pk=user_id) if user_id else None

    def _set_phone(self, user: Any, phone: str, verified: bool) -> None:
        player_id = find_player_id(user.pk)
        if player_id is None:
            raise PermissionDenied("Only players have a phone here.")
        actor = _player(player_id)
        security.set_phone(player_id=player_id, phone=phone, actor=actor, at=clock.now(), verified=verified)

    def _tell_of_new_device(self, user: Any, place: str) -> None:
        try:
            self.send_notification_mail("account/email/new_device", user, {"place": place or "an unknown place"})
        except OSError as error:  # mail that cannot be sent must not keep a player out
            logger.error("the notice of a new device could not be sent: %s", error)


class HeadlessAdapter(DefaultHeadlessAdapter):
    def serialize_user(self, user: Any) -> dict[str, Any]:
        """The id is the player's, the one that the API knows."""
        player_id = find_player_id(user.pk)
        return {
            "id": str(player_id),
            "display": user.username,
            "username": user.username,
            "email": user.email,
            "has_usable_password": user.has_usable_password(),
        }


class FactorAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return secrets.seal(text, PURPOSE).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal(encrypted_text.encode(), PURPOSE)

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity = super().get_public_key_credential_rp_entity()
        return {"id": settings.PASSKEY_DOMAIN or entity["id"], "name": settings.OPERATOR_NAME}


def _clean(name: str, value: str) -> str:
    try:
        return normalise(name, value)
    except FieldErrors as error:
        raise ValidationError(error.errors[name], code="invalid") from None


def _player(player_id: UUID) -> Actor:
    return Actor(ActorKind.PLAYER, str(player_id))
