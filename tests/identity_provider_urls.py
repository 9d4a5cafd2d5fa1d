"""Addresses and claims of the tests' identity provider (tests/identity_provider.py): OIDC by allauth, SAML by tests/saml.py."""

from __future__ import annotations

from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import include, path
from django.utils.html import format_html, format_html_join
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names

from tests.saml import MFA, PASSWORD_ONLY, Said, SamlProvider, request_of

SAML = SamlProvider()


def saml_metadata(request: HttpRequest) -> HttpResponse:
    """Where this server is, and the certificate of what it signs."""
    return HttpResponse(SAML.metadata(request.build_absolute_uri("/saml/sso")), content_type="application/xml")


@login_required
def saml_sso(request: HttpRequest) -> HttpResponse:
    """SAML 2.0 web browser SSO: a request by redirect, the answer by a form that the browser sends at once."""
    asked = request_of(request.get_full_path())
    issuer = asked.findtext("saml:Issuer", namespaces=Names.NSMAP)
    acs, whose = asked.get("AssertionConsumerServiceURL"), settings.SAML_CLIENTS.get(issuer)
    if whose is None or acs != whose:
        return HttpResponseBadRequest("Nobody's request, or an answer to elsewhere.")
    person = settings.PEOPLE[request.user.get_username()]
    said = Said(
        request_id=str(asked.get("ID")),
        acs=acs,
        audience=issuer,
        subject=f"u-{request.user.pk}",
        email=person["email"],
        groups=tuple(person["groups"]),
        context=MFA if "mfa" in person["amr"] else PASSWORD_ONLY,
    )
    fields = {"SAMLResponse": SAML.answer(said), "RelayState": request.GET.get("RelayState", "")}
    inputs = format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())
    page = '<form method="post" action="{}">{}<button>Go on</button></form><script>document.forms[0].submit()</script>'
    return HttpResponse(format_html(page, acs, inputs))


urlpatterns = [
    path("accounts/", include("allauth.account.urls")),
    path("saml/metadata", saml_metadata),
    path("saml/sso", saml_sso),
    path("", include("allauth.idp.urls")),
]


class Adapter(DefaultOIDCAdapter):
    """Says which groups somebody is in, and how they were asked."""

    def get_claims(self, purpose: str, user: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        person = settings.PEOPLE[user.get_username()]
        claims = super().get_claims(purpose, user, *args, **kwargs)
        claims["groups"] = person["groups"]
        if purpose == "id_token":
            claims["amr"] = person["amr"]
        return claims
