"""A SAML identity provider for tests: it signs whatever it is told to, right or wrong."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.utils import OneLogin_Saml2_Utils

ENTITY = "https://idp.example.com/metadata"
SSO = "https://idp.example.com/sso"
MFA = "https://refeds.org/profile/mfa"
PASSWORD_ONLY = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


@dataclass
class SamlProvider:
    """Keys of its own, so that another instance is a forger."""

    key: str = ""
    certificate: str = ""

    def __post_init__(self) -> None:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name).issuer_name(name).public_key(private.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .sign(private, hashes.SHA256())
        )  # fmt: skip
        encoding = serialization.Encoding.PEM
        self.key = private.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.certificate = certificate.public_bytes(encoding).decode()

    @property
    def parameters(self) -> dict[str, Any]:
        """What the back office is told of this provider."""
        return {
            "idp": {"entity_id": ENTITY, "sso_url": SSO, "x509cert": self.certificate},
            "attribute_mapping": {"email": "email", "first_name": "given", "last_name": "family"},
        }

    def metadata(self, sso: str) -> str:
        """What the provider publishes of itself."""
        certificate = "".join(self.certificate.split("-----")[2].split())
        return f"""
            <md:EntityDescriptor xmlns:md="{Names.NS_MD}" xmlns:ds="{Names.NS_DS}" entityID="{ENTITY}">
              <md:IDPSSODescriptor protocolSupportEnumeration="{Names.NS_SAMLP}">
                <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
                  <ds:X509Certificate>{certificate}</ds:X509Certificate>
                </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
                <md:SingleSignOnService Binding="{Names.BINDING_HTTP_REDIRECT}" Location="{sso}"/>
              </md:IDPSSODescriptor>
            </md:EntityDescriptor>""".strip()

    def answer(self, said: Said) -> str:
        """A SAML response, base64, as the browser would post it."""
        assertion = self._sign(said.assertion()) if said.sign_assertion else said.assertion()
        response = f"""
            <samlp:Response xmlns:samlp="{Names.NS_SAMLP}" xmlns:saml="{Names.NS_SAML}" ID="_{uuid4().hex}" Version="2.0"
                IssueInstant="{_time(said.at)}" Destination="{said.acs}" InResponseTo="{said.envelope or said.request_id}">
              <saml:Issuer>{ENTITY}</saml:Issuer>
              <samlp:Status><samlp:StatusCode Value="{Names.STATUS_SUCCESS}"/></samlp:Status>
              {assertion}
            </samlp:Response>"""
        signed = self._sign(response) if said.sign_response else response
        return base64.b64encode(signed.encode()).decode()

    def _sign(self, xml: str) -> str:
        tidy = etree.tostring(etree.fromstring(xml, etree.XMLParser(remove_blank_text=True)))
        signed: bytes | str = OneLogin_Saml2_Utils.add_sign(
            tidy, self.key, self.certificate, sign_algorithm=Names.RSA_SHA256, digest_algorithm=Names.SHA256
        )
        return signed.decode() if isinstance(signed, bytes) else signed


@dataclass
class Said:
    """What an answer says. The fields' defaults make a good one."""

    request_id: str
    acs: str
    audience: str
    subject: str = "u-4711"
    email: str = "mara@corp.example"
    groups: tuple[str, ...] = ("casino-ops",)
    context: str = MFA
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    sign_assertion: bool = True
    sign_response: bool = False
    envelope: str = ""
    assertion_id: str = field(default_factory=lambda: f"_{uuid4().hex}")
    in_response_to: bool = True

    def assertion(self) -> str:
        until = _time(self.at + timedelta(minutes=5))
        attributes = {"email": [self.email], "given": ["Mara"], "family": ["Lind"], "groups": list(self.groups)}
        statements = "".join(
            f'<saml:Attribute Name="{name}" NameFormat="{Names.ATTRNAME_FORMAT_UNSPECIFIED}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in attributes.items()
            if values
        )
        answered = f'InResponseTo="{self.request_id}"' if self.in_response_to else ""
        restriction = (
            f"<saml:AudienceRestriction><saml:Audience>{self.audience}</saml:Audience></saml:AudienceRestriction>"
            if self.audience
            else ""
        )
        return f"""
            <saml:Assertion xmlns:saml="{Names.NS_SAML}" ID="{self.assertion_id}" Version="2.0"
                IssueInstant="{_time(self.at)}">
              <saml:Issuer>{ENTITY}</saml:Issuer>
              <saml:Subject>
                <saml:NameID Format="{Names.NAMEID_PERSISTENT}">{self.subject}</saml:NameID>
                <saml:SubjectConfirmation Method="{Names.CM_BEARER}">
                  <saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{self.acs}" {answered}/>
                </saml:SubjectConfirmation>
              </saml:Subject>
              <saml:Conditions NotBefore="{_time(self.at - timedelta(minutes=1))}" NotOnOrAfter="{until}">
                {restriction}
              </saml:Conditions>
              <saml:AuthnStatement AuthnInstant="{_time(self.at)}" SessionIndex="_1">
                <saml:AuthnContext>
                  <saml:AuthnContextClassRef>{self.context}</saml:AuthnContextClassRef>
                </saml:AuthnContext>
              </saml:AuthnStatement>
              <saml:AttributeStatement>{statements}</saml:AttributeStatement>
            </saml:Assertion>"""


def request_of(address: str) -> etree._Element:
    """The AuthnRequest that this redirect to the provider carries."""
    packed = parse_qs(urlsplit(address).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(packed), -15))


def request_id_of(address: str) -> str:
    """The id of the login that this redirect to the provider asks for."""
    return str(request_of(address).get("ID"))


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
