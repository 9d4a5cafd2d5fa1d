"""allauth's views where this project adds to them: codes are counted and work once, and what changes is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.manage_email import sync_user_email_address
from allauth.headless.account import views as account
from allauth.headless.account.inputs import ChangePasswordInput, RequestPasswordResetInput
from allauth.headless.internal.restkit.response import ErrorResponse
from allauth.headless.mfa import views as mfa
from allauth.headless.mfa.inputs import (
    AddWebAuthnInput,
    AuthenticateInput,
    AuthenticateWebAuthnInput,
    LoginWebAuthnInput,
    ReauthenticateInput,
    ReauthenticateWebAuthnInput,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from kernel import clock
from kernel.actors import Actor, ActorKind
from players.selectors_identity import find_player_id
from players.services import security, sessions
from players.services.attempts import Attempt
from players.types_identity import AttemptOutcome, SecurityChange
from pms.player_auth import tokens
from pms.player_auth.requests import origin_of, refuse

# --- codes -------------------------------------------------------------------------------------------------------


class CountedView:
    """Tries at a code of one account are counted before they are judged, and kept when wrong."""

    request: HttpRequest

    def whom(self) -> Any:
        """The user whose code it should be."""
        return self.stage.login.user  # type: ignore[attr-defined]

    def handle_input(self, data: Any) -> ErrorResponse | None:
        user = self.whom()
        player_id = find_player_id(user.pk) if user else None
        if not self.get_input_class() or player_id is None:  # type: ignore[attr-defined]
            return super().handle_input(data)  # type: ignore[misc]
        attempt = Attempt(what="code", name="", player_id=player_id, origin=origin_of(self.request), at=clock.now())
        if not attempt.is_allowed:
            attempt.fail(AttemptOutcome.LOCKED)
            refuse(self.request, 429, "too_many_login_attempts", "Too many failed attempts. Try again later.")
        response: ErrorResponse | None = super().handle_input(data)  # type: ignore[misc]
        if response:
            attempt.fail(AttemptOutcome.WRONG_CODE)
        else:
            attempt.succeed()
        return response


class CodeOnce:
    """A code of the app works once, and none older than the last one taken (RFC 6238, section 5.2)."""

    def clean_code(self) -> str:
        code = "".join(str(self.cleaned_data["code"]).split()).replace("-", "")  # type: ignore[attr-defined]
        for authenticator in Authenticator.objects.filter(user=self.user).exclude(  # type: ignore[attr-defined]
            type=Authenticator.Type.WEBAUTHN
        ):
            if _takes(authenticator, code):
                authenticator.user = self.user  # type: ignore[attr-defined]
                self.authenticator = authenticator
                return code
        raise ValidationError("Incorrect code.", code="incorrect_code")


def _takes(authenticator: Authenticator, code: str) -> bool:
    if authenticator.type != Authenticator.Type.TOTP:
        return bool(authenticator.wrap().validate_code(code))
    secret = decrypt(authenticator.data["secret"])
    player_id = find_player_id(authenticator.user_id)
    steps = [step for step in yield_hotp_counters_from_time() if format_hotp_value(hotp_value(secret, step)) == code]
    return bool(steps) and player_id is not None and security.take_totp_step(player_id=player_id, step=max(steps))


class CodeInput(CodeOnce, AuthenticateInput):
    pass


class ReauthenticationCodeInput(CodeOnce, ReauthenticateInput):
    pass


class AuthenticateView(CountedView, mfa.AuthenticateView):
    input_class = CodeInput


class ReauthenticateView(CountedView, mfa.ReauthenticateView):
    input_class = ReauthenticationCodeInput

    def whom(self) -> Any:
        return self.request.user


class ConfirmSmsView(CountedView, account.ConfirmLoginCodeView):
    pass


class VerifyPhoneView(CountedView, account.VerifyPhoneView):
    def whom(self) -> Any:
        return self.process.user if self.process else None


# --- what changes ------------------------------------------------------------------------------------------------


class TellingView:
    """Tells players when a request has changed what protects an account."""

    changes: dict[str, SecurityChange] = {}
    factor = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        change = self.changes.get(str(request.method))
        player_id = find_player_id(request.user.pk) if request.user.is_authenticated else None
        if change and player_id and response.status_code == 200:
            if change is SecurityChange.FACTOR_ADDED:  # whoever adds a factor has just shown to hold it
                record_authentication(request, request.user, method="mfa", type=self.factor)
            actor = Actor(ActorKind.PLAYER, str(player_id))
            security.note_change(player_id=player_id, change=change, actor=actor, at=clock.now())
        return response


_FACTORS = {"POST": SecurityChange.FACTOR_ADDED, "DELETE": SecurityChange.FACTOR_REMOVED}


class TotpView(TellingView, mfa.ManageTOTPView):
    changes, factor = _FACTORS, "totp"


class RecoveryCodesView(TellingView, mfa.ManageRecoveryCodesView):
    changes, factor = {"POST": SecurityChange.FACTOR_ADDED}, "recovery_codes"


class CountedPasswordInput(ChangePasswordInput):
    def clean_current_password(self) -> str:
        """Counted as at a login: whoever stole a session must not guess the password here."""
        password: str = self.cleaned_data["current_password"]
        if password and not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class ChangePasswordView(account.ChangePasswordView):
    """allauth's session gets another key with the new password; the player's session goes on behind it."""

    input_class = CountedPasswordInput

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        session_id = request.session.get(tokens.SESSION_ID)
        if session_id and request.session.session_key:
            sessions.rebind(session_id=UUID(session_id), store_key=request.session.session_key)
        return response


class PlayersPasswordResetInput(RequestPasswordResetInput):
    def clean_email(self) -> str:
        """To staff's addresses the same happens as to unknown ones."""
        email = super().clean_email()
        found: list[Any] = self.users  # type: ignore[has-type]
        self.users = [user for user in found if find_player_id(user.pk)]
        for user in self.users:  # whom a service client registered, allauth has not met yet
            sync_user_email_address(user)
        return str(email)


class RequestPasswordResetView(account.RequestPasswordResetView):
    input_class = PlayersPasswordResetInput


# --- passkeys and hardware keys ----------------------------------------------------------------------------------


class WellFormed:
    """The library that reads what a key answers stumbles over some nonsense: that is an incorrect code as well."""

    def _clean_fields(self) -> None:
        try:
            super()._clean_fields()  # type: ignore[misc]
        except (AttributeError, KeyError, TypeError, ValueError):
            self.add_error("credential", ValidationError("Incorrect code.", code="incorrect_code"))  # type: ignore[attr-defined]

    def clean(self) -> Any:
        try:
            return super().clean()  # type: ignore[misc]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValidationError("Incorrect code.", code="incorrect_code") from None


class AddKeyInput(WellFormed, AddWebAuthnInput):
    pass


class KeyInput(WellFormed, AuthenticateWebAuthnInput):
    pass


class ReauthenticationKeyInput(WellFormed, ReauthenticateWebAuthnInput):
    pass


class LoginKeyInput(WellFormed, LoginWebAuthnInput):
    pass


class KeysView(TellingView, mfa.ManageWebAuthnView):
    input_class = {**mfa.ManageWebAuthnView.input_class, "POST": AddKeyInput}
    changes, factor = _FACTORS, "webauthn"


class AuthenticateKeyView(CountedView, mfa.AuthenticateWebAuthnView):
    input_class = {"POST": KeyInput}


class ReauthenticateKeyView(CountedView, mfa.ReauthenticateWebAuthnView):
    input_class = {"POST": ReauthenticationKeyInput}

    def whom(self) -> Any:
        return self.request.user


class LoginKeyView(mfa.LoginWebAuthnView):
    input_class = {"POST": LoginKeyInput}
