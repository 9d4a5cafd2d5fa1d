"""Single sign-on by allauth, bent to staff: providers come from our own table, and nobody is joined by email.

allauth speaks the protocol and checks what arrives. Who may come in, and as what, is players.services.staff_sso's to say;
allauth's own accounts and sign-up are never reached.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as oidc_views
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from requests import RequestException

from kernel import clock
from kernel.context import client_ip
from kernel.outgoing import new_session
from players.selectors_staff import groups_claim_of, list_providers
from players.services.staff_login import LoginRefused, admit, note_failure
from players.services.staff_sso import SsoRefused, accept_assertion, use_assertion_once
from players.types_staff import Assertion, Protocol
from pms.staff_login import go_on
from pms.staff_requests import safe_next

logger = logging.getLogger(__name__)

REFUSAL = "Single sign-on didn't work. Try again, or ask an administrator whether you have a role here."


class StaffSsoAdapter(DefaultSocialAccountAdapter):
    """What allauth asks of this project."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Our identity providers as allauth's apps. They are never stored: their secrets stay encrypted.

        Players' side of allauth asks here, too, and is told of none: these are for staff.
        """
        apps: list[SocialApp] = []
        if not self.request or not self.request.path.startswith("/admin/"):
            return apps
        for known in list_providers():
            names = {known.protocol.value, known.slug}
            # allauth knows a SAML provider by its client id, and an OIDC one by its provider id.
            own_id = known.slug if known.protocol is Protocol.SAML else known.client_id
            if (provider and provider not in names) or (client_id and client_id != own_id):
                continue
            apps.append(
                SocialApp(
                    provider=known.protocol.value,
                    provider_id=known.slug,
                    name=known.name,
                    client_id=own_id,
                    secret=known.secret,
                    settings={"oauth_pkce_enabled": True, **known.parameters},
                )
            )
        return apps

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> NoReturn:
        """The provider's word has been checked: let the person in, or turn them away. allauth goes no further."""
        provider = sociallogin.provider.app
        at = clock.now()
        said = sociallogin.account.extra_data
        try:
            read = read_saml if provider.provider == Protocol.SAML else read_oidc
            assertion = read(provider.provider_id, sociallogin, said, groups_claim_of(provider.provider_id))
            if provider.provider == Protocol.SAML:
                use_assertion_once(provider=provider.provider_id, assertion_id=said["assertion_id"], at=at)
            member, device_id = accept_assertion(assertion=assertion, at=at)
            admit(user_id=member.id, by=f"sso:{provider.provider_id}", ip=client_ip.get(), at=at)
        except LoginRefused as error:  # on the trail by now, under the person's name
            self._turn_away(request, error.detail)
        except SsoRefused as error:
            note_failure(user_id=None, by=f"sso:{provider.provider_id}", ip=client_ip.get(), at=at, why=error.detail)
            self._turn_away(request, error.detail)
        wanted = safe_next(request, sociallogin.state.get("next"))
        raise ImmediateHttpResponse(go_on(request, member, f"sso:{provider.provider_id}", wanted, device_id))

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> NoReturn:
        """Whatever was wrong, the person reads the same words; the log and the audit trail say what."""
        slug = getattr(getattr(provider, "app", None), "provider_id", provider)
        why = f"{slug}: {error} {exception or ''} {extra_context or ''}"
        note_failure(user_id=None, by=f"sso:{slug}", ip=client_ip.get(), at=clock.now(), why=why)
        self._turn_away(request, why)

    def get_requests_session(self) -> Any:
        """Providers' addresses were typed in by people: the guard for such requests applies."""
        return new_session()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def _turn_away(self, request: HttpRequest, why: str) -> NoReturn:
        logger.warning("Single sign-on refused: %s", why)
        messages.error(request, REFUSAL)
        raise ImmediateHttpResponse(HttpResponseRedirect(reverse("admin:login")))


def read_oidc(slug: str, sociallogin: SocialLogin, said: Mapping[str, Any], groups_claim: str) -> Assertion:
    """OIDC: groups and person from the userinfo and the ID token, amr and acr from the ID token alone."""
    token: Mapping[str, Any] = said.get("id_token") or {}
    claims = {**token, **(said.get("userinfo") or {})}
    if token and claims.get("sub") != token.get("sub"):
        raise SsoRefused(f"{slug}: userinfo and ID token speak of different people (OIDC Core, 5.3.2)")
    return Assertion(
        provider=slug,
        subject=sociallogin.account.uid,
        email=str(claims.get("email") or ""),
        name=str(claims.get("name") or ""),
        groups=frozenset(_texts(claims.get(groups_claim))),
        contexts=frozenset([*_texts(token.get("amr")), *_texts(token.get("acr"))]),
    )


def read_saml(slug: str, sociallogin: SocialLogin, said: Mapping[str, Any], groups_claim: str) -> Assertion:
    """SAML: everything from the one assertion whose signature was checked."""
    return Assertion(
        provider=slug,
        subject=sociallogin.account.uid,
        email=str(sociallogin.user.email or ""),
        name=" ".join(part for part in (sociallogin.user.first_name, sociallogin.user.last_name) if part),
        groups=frozenset(_texts(said["attributes"].get(groups_claim))),
        contexts=frozenset(_texts(said["contexts"])),
    )


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value] if isinstance(value, list) else []


def begin_oidc(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the person to an OIDC provider. allauth's own view is off where its pages are; its callback is not."""
    adapter = StaffSsoAdapter(request)
    try:
        provider = adapter.get_provider(request, provider_id)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    try:
        answer: HttpResponse = provider.redirect_from_request(request)
    except (RequestException, OAuth2Error) as error:  # it does not answer, or answers nonsense
        answer = render_authentication_error(request, provider, exception=error)
    return answer


urlpatterns = [
    path("oidc/<slug:provider_id>/login/", begin_oidc, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", oidc_views.callback, name="openid_connect_callback"),
]
