"""SAML views of allauth with what it leaves open: signed assertions always, each bound to the login that asked for it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NoReturn

from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.saml import utils, views
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views import View
from lxml.etree import LxmlError
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML
from requests import RequestException
from urllib3.exceptions import HTTPError

from kernel.outgoing import new_session

LARGEST_METADATA, METADATA_KEPT_S = 1_048_576, 60


def fetch_metadata(idp: dict[str, Any]) -> dict[str, Any]:
    """An identity provider's settings from the metadata at its address, kept for a minute; the guard for addresses applies.

    Raises: OneLogin_Saml2_Error when it cannot be had or is none.
    """
    address, entity = idp["metadata_url"], idp["entity_id"]
    name = f"saml-metadata.{sha256(f'{address} {entity}'.encode()).hexdigest()}"
    known: dict[str, Any] | None = caches["forgiving"].get(name)
    if known is None:
        try:
            with new_session() as session, session.get(address, stream=True) as answer:
                answer.raise_for_status()
                text = answer.raw.read(LARGEST_METADATA + 1, decode_content=True)
            if len(text) > LARGEST_METADATA:
                raise ValueError("larger than any metadata")
            known = OneLogin_Saml2_IdPMetadataParser.parse(text, entity_id=entity)
        except (RequestException, HTTPError, LxmlError, ValueError) as error:
            raise OneLogin_Saml2_Error(f"No metadata of {entity}: {error}") from error
        if "idp" not in known:
            raise OneLogin_Saml2_Error(f"The metadata at {address} does not describe {entity}.")
        caches["forgiving"].set(name, known, METADATA_KEPT_S)
    return known


# allauth fetches it by itself, from whatever address stands there, the system's own neighbours too.
utils.fetch_metadata_url_config = fetch_metadata

# Whatever an operator's parameters say.
STRICT = {
    "strict": True,
    "want_assertion_signed": True,
    "reject_deprecated_algorithm": True,
    "reject_idp_initiated_sso": True,
}


class StaffSamlProvider(SAMLProvider):
    """Hands on what a staff login needs to know of the assertion: its id, and how the person was asked."""

    def __init__(self, request: HttpRequest, app: Any) -> None:
        app.settings = {**app.settings, "advanced": {**app.settings.get("advanced", {}), **STRICT}}
        super().__init__(request, app=app)

    def extract_extra_data(self, data: Any) -> dict[str, Any]:
        """Raises: PermissionDenied when the assertion itself does not say for which login and for whom it was made.

        The envelope need not be signed: without this, a stolen assertion could be sent in a new one.
        """
        assertion = OneLogin_Saml2_XML.query(_xml(data), "//saml:Assertion")[0]
        answered = {node.get("InResponseTo") for node in _find(assertion, "saml:SubjectConfirmationData")}
        if answered != {data.get_last_response_in_response_to()} or not _find(assertion, "saml:Audience"):
            raise PermissionDenied("The assertion does not belong to this login.")
        return {
            "attributes": data.get_attributes(),
            "contexts": data.get_last_authn_contexts(),
            "assertion_id": data.get_last_assertion_id(),
        }


def _xml(data: Any) -> Any:
    return OneLogin_Saml2_XML.to_etree(data.get_last_response_xml())


def _find(node: Any, name: str) -> list[Any]:
    return list(node.iterfind(f".//{name}", namespaces=OneLogin_Saml2_Constants.NSMAP))


class _Ours:
    """Puts our provider in the place of allauth's."""

    request: HttpRequest
    kwargs: dict[str, Any]

    def get_provider(self, organization_slug: str = "") -> StaffSamlProvider:
        slug = organization_slug or self.kwargs["organization_slug"]
        return StaffSamlProvider(self.request, views.get_app_or_404(self.request, slug))


class LoginView(_Ours, View):
    """Sends the person to the identity provider; allauth's own view is off where its pages are."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        provider = self.get_provider()
        try:
            answer: HttpResponse = provider.redirect_from_request(request)
            return answer
        except OneLogin_Saml2_Error as error:  # the provider's parameters are wrong
            return _refuse(request, provider, error)


class FinishView(_Ours, views.FinishACSView):
    """Takes the provider's answer."""

    def dispatch(self, request: HttpRequest, organization_slug: str) -> HttpResponse:
        try:
            answer: HttpResponse = super().dispatch(request, organization_slug)
            return answer
        # No XML, forbidden XML, nobody's answer; no metadata of the provider.
        except (LxmlError, OneLogin_Saml2_Error, ValueError, PermissionDenied) as error:
            return _refuse(request, self.get_provider(organization_slug), error)


class MetadataView(_Ours, views.MetadataView):
    """What the identity provider is told of us."""


def _refuse(request: HttpRequest, provider: StaffSamlProvider, error: Exception) -> HttpResponse:
    answer: HttpResponse = render_authentication_error(request, provider, exception=error)
    return answer


def no_single_logout(request: HttpRequest, organization_slug: str) -> NoReturn:
    """allauth names this address in the metadata; sessions here are ended here."""
    raise Http404


urlpatterns = [
    path("saml/<slug:organization_slug>/login/", LoginView.as_view(), name="saml_login"),
    path("saml/<slug:organization_slug>/acs/", views.acs, name="saml_acs"),
    path("saml/<slug:organization_slug>/acs/finish/", FinishView.as_view(), name="saml_finish_acs"),
    path("saml/<slug:organization_slug>/sls/", no_single_logout, name="saml_sls"),
    path("saml/<slug:organization_slug>/metadata/", MetadataView.as_view(), name="saml_metadata"),
]
