"""Service clients: made, changed, given secrets, disabled. allauth issues their tokens; kernel.rest.tokens reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network

from allauth.idp.oidc.models import Client, Token
from django.db import transaction

from kernel.access import require
from kernel.actors import Actor
from kernel.client_secrets import encode, new_secret, without_old
from kernel.errors import DomainError, FieldErrors, NotFound
from kernel.models_clients import ServiceClient
from kernel.rest.tokens import forget_tokens
from kernel.scopes import SCOPES

ADD, CHANGE = "kernel.add_serviceclient", "kernel.change_serviceclient"
LONGEST_GRACE = timedelta(days=30)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{2,59}")


class ClientExists(DomainError):
    """Another client has this id."""

    code = "client_exists"
    title = "There is such a client already"
    status = 409


class ClientDisabled(DomainError):
    """A disabled client gets no secret."""

    code = "client_disabled"
    title = "This client is disabled"
    status = 409


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What may be set of a client. ``allowed_ips`` are addresses and networks; none means from everywhere."""

    name: str
    scopes: tuple[str, ...]
    contact: str = ""
    allowed_ips: tuple[str, ...] = ()
    requests_per_minute: int | None = None


def check_settings(client_id: str, data: ClientSettings) -> None:
    """Raises: FieldErrors."""
    errors: dict[str, list[str]] = {}
    if not _NAME.fullmatch(client_id):
        errors["client_id"] = ["Use 3 to 60 small letters, digits and hyphens."]
    if not data.name.strip():
        errors["name"] = ["Give it a name that people know it by."]
    if unknown := set(data.scopes) - SCOPES.keys():
        errors["scopes"] = [f"There is no scope {', '.join(sorted(unknown))}."]
    elif not data.scopes:
        errors["scopes"] = ["Choose what it may do."]
    for text in data.allowed_ips:
        try:
            ip_network(text, strict=False)
        except ValueError:
            errors.setdefault("allowed_ips", []).append(f"{text} is no address and no network such as 203.0.113.0/24.")
    if data.requests_per_minute is not None and data.requests_per_minute < 1:
        errors["requests_per_minute"] = ["At least one; to stop the client, disable it."]
    if errors:
        raise FieldErrors(errors)


def get_settings(client_id: str) -> ClientSettings:
    """What is set of a client now. Raises: NotFound."""
    row = ServiceClient.objects.select_related("client").filter(pk=client_id).first()
    if row is None:
        raise NotFound(f"There is no client {client_id}.")
    return ClientSettings(
        name=row.client.name,
        scopes=tuple(row.client.get_scopes()),
        contact=row.contact,
        allowed_ips=tuple(row.allowed_ips),
        requests_per_minute=row.requests_per_minute,
    )


@transaction.atomic
def create_client(*, client_id: str, data: ClientSettings, actor: Actor, at: datetime) -> None:
    """Make a client that has no secret yet, and so gets no token. Raises: FieldErrors, ClientExists."""
    check_settings(client_id, data)
    if Client.objects.filter(id=client_id).exists():
        raise ClientExists(f"There is a client {client_id}.")
    client = Client(id=client_id, type=Client.Type.CONFIDENTIAL, secret="!", created_at=at)  # noqa: S106  (unusable)
    client.set_grant_types([Client.GrantType.CLIENT_CREDENTIALS])
    client.set_response_types([])
    _apply(client, data)
    client.save(force_insert=True)
    ServiceClient.objects.create(
        client=client,
        contact=data.contact,
        allowed_ips=list(data.allowed_ips),
        requests_per_minute=data.requests_per_minute,
        created_by=str(actor),
        created_at=at,
    )


@transaction.atomic
def change_client(*, client_id: str, data: ClientSettings, actor: Actor, at: datetime) -> None:
    """Set name, scopes, addresses and ceiling; tokens out there go by it within seconds.

    Raises: AccessDenied, NotFound, FieldErrors.
    """
    row = _locked(client_id, actor, at)
    check_settings(client_id, data)
    _apply(row.client, data)
    row.client.save()
    row.contact, row.allowed_ips = data.contact, list(data.allowed_ips)
    row.requests_per_minute = data.requests_per_minute
    row.save()
    transaction.on_commit(forget_tokens)


@transaction.atomic
def issue_secret(*, client_id: str, grace: timedelta, actor: Actor, at: datetime) -> str:
    """A new secret; it is told here and never again. The one before stays good for ``grace``.

    Raises: AccessDenied, NotFound, ClientDisabled, FieldErrors.
    """
    row = _locked(client_id, actor, at)
    if row.disabled_at:
        raise ClientDisabled("Enable it first.")
    if not timedelta(0) <= grace <= LONGEST_GRACE:
        raise FieldErrors({"grace": [f"At most {LONGEST_GRACE.days} days."]})
    secret = new_secret()
    until = at + grace if grace and row.secret_issued_at else None
    row.client.secret = encode(secret, before=row.client.secret, before_until=until)
    row.client.save(update_fields=["secret"])
    row.secret_issued_at, row.old_secret_until = at, until
    row.save(update_fields=["secret_issued_at", "old_secret_until"])
    return secret


@transaction.atomic
def end_old_secret(*, client_id: str, actor: Actor, at: datetime) -> None:
    """Take the secret before the present one before its time is over. Raises: AccessDenied, NotFound."""
    row = _locked(client_id, actor, at)
    row.client.secret = without_old(row.client.secret)
    row.client.save(update_fields=["secret"])
    row.old_secret_until = None
    row.save(update_fields=["old_secret_until"])


@transaction.atomic
def revoke_tokens(*, client_id: str, actor: Actor, at: datetime) -> int:
    """End all access tokens of a client; how many. It may ask for new ones. Raises: AccessDenied, NotFound."""
    row = _locked(client_id, actor, at)
    transaction.on_commit(forget_tokens)
    return Token.objects.filter(client=row.client).delete()[0]


@transaction.atomic
def disable_client(*, client_id: str, actor: Actor, at: datetime) -> None:
    """It gets no token any more, and its tokens end at once. Raises: AccessDenied, NotFound."""
    row = _locked(client_id, actor, at)
    if row.disabled_at is None:
        row.disabled_by, row.disabled_at = str(actor), at
        row.save(update_fields=["disabled_by", "disabled_at"])
    Token.objects.filter(client=row.client).delete()
    transaction.on_commit(forget_tokens)


@transaction.atomic
def enable_client(*, client_id: str, actor: Actor, at: datetime) -> None:
    """Its secrets are good again. Raises: AccessDenied, NotFound."""
    row = _locked(client_id, actor, at)
    row.disabled_by, row.disabled_at = "", None
    row.save(update_fields=["disabled_by", "disabled_at"])


def ensure_client(*, client_id: str, secret: str, data: ClientSettings, actor: Actor, at: datetime) -> None:
    """The client with exactly this secret and these settings, made or brought up to date. Raises: FieldErrors."""
    if ServiceClient.objects.filter(pk=client_id).exists():
        change_client(client_id=client_id, data=data, actor=actor, at=at)
    else:
        create_client(client_id=client_id, data=data, actor=actor, at=at)
    client = Client.objects.get(id=client_id)
    if not client.check_secret(secret):
        client.secret = encode(secret)
        client.save(update_fields=["secret"])
        ServiceClient.objects.filter(pk=client_id).update(secret_issued_at=at, old_secret_until=None)


def _apply(client: Client, data: ClientSettings) -> None:
    client.name = data.name
    client.set_scopes(sorted(data.scopes))
    client.set_default_scopes(sorted(data.scopes))


def _locked(client_id: str, actor: Actor, at: datetime) -> ServiceClient:
    require(actor, CHANGE, None, at)
    row = ServiceClient.objects.select_related("client").select_for_update().filter(pk=client_id).first()
    if row is None:
        raise NotFound(f"There is no client {client_id}.")
    return row
