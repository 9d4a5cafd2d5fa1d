"""Service clients as allauth.idp sees them, and the one that a demo or a test begins with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.models import Client

from kernel import clients, clock
from kernel.actors import system
from kernel.scopes import SCOPES


class UnknownScope(ValueError):
    """A scope that the API does not have."""


class InvalidClientId(ValueError):
    """The id has a colon: that marks the system's own sources of movements."""


class ClientAdapter(DefaultOIDCAdapter):
    """What allauth's token service asks of this project."""

    scope_display = SCOPES

    def populate_access_token(
        self, access_token: dict[str, Any], *, client: Client, scopes: Iterable[str], user: Any, **kwargs: Any
    ) -> None:
        """A client that speaks for nobody is its own subject (RFC 9068, section 2.2)."""
        access_token.setdefault("sub", client.id)

    def populate_server_metadata(self, data: dict[str, str | list[str]]) -> None:
        """Say which scopes and grant this server is for."""
        data["scopes_supported"] = sorted(SCOPES)
        data["grant_types_supported"] = [Client.GrantType.CLIENT_CREDENTIALS.value]


def ensure_client(*, client_id: str, secret: str, name: str, scopes: Iterable[str]) -> Client:
    """The service client with exactly this secret, name and scopes, made or brought up to date.

    It may only ask for tokens in its own name (client credentials); without naming scopes it gets all of these.
    Raises: UnknownScope, InvalidClientId.
    """
    if ":" in client_id:
        raise InvalidClientId(f"{client_id}: leave out the colon.")
    wanted = tuple(sorted(scopes))
    unknown = set(wanted) - SCOPES.keys()
    if unknown:
        raise UnknownScope(f"{', '.join(sorted(unknown))}: choose from {', '.join(SCOPES)}.")
    data = clients.ClientSettings(name=name, scopes=wanted)
    clients.ensure_client(client_id=client_id, secret=secret, data=data, actor=system("ensure-client"), at=clock.now())
    return Client.objects.get(id=client_id)
