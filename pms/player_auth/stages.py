"""The second step of a login: a factor that was set up, or a code by SMS; neither on a trusted device."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.account.stages import LoginByCodeStage
from allauth.core.internal.httpkit import headed_redirect_response
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest

from kernel import clock
from players.selectors_identity import find_player_id, get_security, is_trusted
from pms.player_auth.freshness import has_factor
from pms.player_auth.requests import origin_of


def is_trusted_device(request: HttpRequest, user: Any) -> bool:
    player_id = find_player_id(user.pk)
    return player_id is not None and is_trusted(player_id, origin_of(request).device_token, clock.now())


class FactorStage(AuthenticateStage):
    """allauth's, but for trusted devices."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return super()._should_handle(request) and not is_trusted_device(request, self.login.user)


class SmsStage(LoginByCodeStage):
    """A code by SMS after the password, where the player asked for it and has set up nothing stronger."""

    def handle(self) -> tuple[Any, bool]:
        phone = self._phone()
        if not phone:
            return None, True
        LoginCodeVerificationProcess.initiate(request=self.request, user=self.login.user, phone=phone, stage=self)
        self.state["login_by_code_required"] = True
        return headed_redirect_response("account_confirm_login_code"), True

    def _phone(self) -> str:
        """Where the code goes; "" when none is asked for."""
        user = self.login.user
        player_id = find_player_id(user.pk) if user else None
        if player_id is None or has_factor(user.pk):
            return ""
        security = get_security(player_id)
        wanted = security.sms_factor_since is not None and security.phone_is_verified
        return security.phone if wanted and not is_trusted_device(self.request, user) else ""
