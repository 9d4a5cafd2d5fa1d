"""Who calls the API: a service client, shown by the access token that it got with its client id and secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import NoReturn

from allauth.idp.oidc.internal.resources import is_resources_subset
from allauth.idp.oidc.internal.tokens import decode_jwt_token
from allauth.idp.oidc.models import Token
from django.http import HttpRequest

from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.addresses import is_within
from kernel.context import client_ip
from kernel.errors import DomainError
from kernel.models_clients import ServiceClient
from kernel.scopes import with_implied

# A revoked token, a disabled client, or a scope taken from it, is noticed after at most this long.
TRUSTED_SECONDS = 5
# How exact "last used" is: a write per request would cost more than the request.
USE_NOTED_EVERY = timedelta(minutes=5)
MAX_TRUSTED = 10_000
MAX_TOKEN_LENGTH = 4096


class Unauthenticated(DomainError):
    """No access token came with the request, or one that is not valid (any more)."""

    code = "not_authenticated"
    title = "An access token is needed"
    status = 401


@dataclass(frozen=True, slots=True)
class ClientToken:
    """A verified access token. ``resources`` are the addresses that it is good for; none means all of them.

    ``allowed_ips`` are the networks that the client may call from; none means from everywhere.
    """

    client_id: str
    scopes: frozenset[str]
    resources: tuple[str, ...]
    actor: Actor
    trusted_until: float
    allowed_ips: tuple[str, ...] = ()
    requests_per_minute: int | None = None


_trusted: dict[str, ClientToken] = {}
_lock = Lock()


def find_token(request: HttpRequest) -> ClientToken | None:
    """The request's verified token; None when it brings none. Raises: Unauthenticated when it is not valid.

    A token seen in the last ``TRUSTED_SECONDS`` costs no query and no signature.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if not header:
        return None
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer":
        _refuse("Send the access token as: Authorization: Bearer <token>.")
    token = _trusted.get(value)
    if token is None or token.trusted_until <= clock.now().timestamp():
        token = _verify(value)
        _remember(value, token)
    if token.resources and not is_resources_subset([request.build_absolute_uri(request.path)], [*token.resources]):
        _refuse("This access token was issued for another resource.")
    if token.allowed_ips and not is_within(client_ip.get(), token.allowed_ips):
        _refuse("This client does not call from this address.")
    return token


def get_token(request: HttpRequest) -> ClientToken:
    """Raises: Unauthenticated."""
    return find_token(request) or _refuse("Send an access token: Authorization: Bearer <token>.")


def _verify(value: str) -> ClientToken:
    """Signature and expiry first, so that forgeries never reach the database; then whether it still stands there."""
    # The issuer isn't compared: it is the host name under which the token was asked for, and a deployment may have
    # several. That the token is in our own table proves better that it is ours.
    claims = None
    if len(value) <= MAX_TOKEN_LENGTH and value.isascii():
        claims = decode_jwt_token(value, verify_exp=True, verify_iss=False)
    if not claims or claims.get("token_use") != "access":
        _refuse("The access token is not valid or has expired; get a new one.")
    row = (
        Token.objects.valid()
        .by_value(value)
        .filter(type=Token.Type.ACCESS_TOKEN, user=None, client__isnull=False)
        .select_related("client__service")
        .first()
    )
    if row is None:
        _refuse("The access token was revoked; get a new one.")
    service = getattr(row.client, "service", None)
    if service is None or service.disabled_at is not None:
        _refuse("This client is disabled.")
    _note_use(service)
    if ":" in row.client_id:  # it would speak as one of the system's own sources
        _refuse("This client's id has a colon; register it under another one.")
    scopes = with_implied(row.get_scopes()) & with_implied(row.client.get_scopes())
    return ClientToken(
        client_id=row.client_id,
        scopes=scopes,
        resources=tuple(row.get_resources()),
        actor=Actor(ActorKind.CLIENT, row.client_id, scopes),
        trusted_until=min(clock.now().timestamp() + TRUSTED_SECONDS, float(claims["exp"])),
        allowed_ips=tuple(service.allowed_ips),
        requests_per_minute=service.requests_per_minute,
    )


def _note_use(service: ServiceClient) -> None:
    at = clock.now()
    if service.last_used_at is None or service.last_used_at <= at - USE_NOTED_EVERY:
        ServiceClient.objects.filter(pk=service.pk).update(last_used_at=at, last_used_ip=client_ip.get() or None)


def _remember(value: str, token: ClientToken) -> None:
    with _lock:
        _trusted.pop(value, None)
        if len(_trusted) >= MAX_TRUSTED:
            _trusted.pop(next(iter(_trusted)))
        _trusted[value] = token


def forget_tokens() -> None:
    """Verify every token anew from now on, in this process."""
    with _lock:
        _trusted.clear()


def _refuse(detail: str) -> NoReturn:
    raise Unauthenticated(detail)
