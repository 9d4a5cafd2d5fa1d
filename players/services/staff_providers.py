"""Identity providers that log staff in: what is set of them, which groups bring which roles, their secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import Group
from django.db import transaction

from events.audit import CHANGED, record
from kernel.actors import Actor
from kernel.errors import FieldErrors, NotFound
from kernel.outgoing import ForbiddenAddress, find_address
from kernel.secrets import seal
from players.models_staff import IdentityProvider, RoleMapping
from players.rules_staff import names_a_secret, only_narrows, provider_words
from players.selectors_staff import PROVIDERS_PURPOSE, find_provider
from players.types_staff import ProviderSettings

__all__ = ["check_provider", "only_narrows", "provider_words", "save_provider", "set_provider_secret"]

_SLUG = re.compile(r"[a-z0-9-]{1,40}")


def check_provider(data: ProviderSettings) -> None:
    """Raises: FieldErrors."""
    errors: dict[str, list[str]] = {}
    if not _SLUG.fullmatch(data.slug):
        errors["slug"] = ["Use small letters, digits and hyphens."]
    if not data.name.strip():
        errors["name"] = ["Give it a name that people know it by."]
    if names_a_secret(data.parameters):
        errors["parameters"] = ["Keep secrets and private keys out: parameters are shown to whoever approves them."]
    elif wrong := _wrong_address(data.parameters):
        errors["parameters"] = [wrong]
    named = {role for _, role in data.roles}
    if unknown := named - set(Group.objects.filter(name__in=named).values_list("name", flat=True)):
        errors["roles"] = [f"There is no role {', '.join(sorted(unknown))}."]
    if errors:
        raise FieldErrors(errors)


def _wrong_address(parameters: Mapping[str, Any]) -> str:
    """What is wrong with an address in the parameters that the system would call; "" where nothing is.

    A name that is not found now may be later: the call itself is guarded as well (``kernel.outgoing``).
    """
    idp = parameters.get("idp")
    addresses = {"server_url": parameters.get("server_url")}
    addresses["idp.metadata_url"] = idp.get("metadata_url") if isinstance(idp, Mapping) else None
    for name, address in addresses.items():
        if address is None:
            continue
        try:
            parts = urlsplit(str(address))
            if parts.scheme not in ("https", "http") or not parts.hostname:
                raise ValueError
            find_address(parts.hostname, parts.port or 443)
        except ForbiddenAddress as error:
            return f"{name}: {error}"
        except ValueError:
            return f"{name}: give an address such as https://idp.example.com/metadata."
        except OSError:
            continue
    return ""


@transaction.atomic
def save_provider(*, data: ProviderSettings, actor: Actor, at: datetime) -> None:
    """Make an identity provider, or give the one that has this slug exactly these settings. Its secret stays.

    Whether that takes a second person, the caller has asked. Raises: FieldErrors.
    """
    check_provider(data)
    before = find_provider(data.slug)
    row, _ = IdentityProvider.objects.update_or_create(
        slug=data.slug,
        defaults={
            "name": data.name,
            "protocol": data.protocol.value,
            "active": data.active,
            "client_id": data.client_id,
            "parameters": dict(data.parameters),
            "groups_claim": data.groups_claim,
            "mfa_contexts": list(data.mfa_contexts),
        },
    )
    row.mappings.all().delete()
    for group, role in data.roles:
        RoleMapping.objects.create(provider=row, group=group, role=Group.objects.get(name=role))
    _record(data.slug, actor, at, provider_words(before) if before else {}, provider_words(data))


@transaction.atomic
def set_provider_secret(*, slug: str, secret: str, actor: Actor, at: datetime) -> None:
    """Keep the secret with which we log in to the provider, encrypted. Raises: NotFound."""
    if not IdentityProvider.objects.filter(slug=slug).update(secret=seal(secret, PROVIDERS_PURPOSE)):
        raise NotFound(f"There is no identity provider {slug}.")
    _record(slug, actor, at, {}, {"secret": CHANGED})


def _record(slug: str, actor: Actor, at: datetime, before: dict[str, str], after: dict[str, str]) -> None:
    """What differs, and no more."""
    record(
        action="players.change_identity_provider",
        actor=actor,
        at=at,
        object_type="players.identityprovider",
        object_id=slug,
        before={name: text for name, text in before.items() if after.get(name) != text},
        after={name: text for name, text in after.items() if before.get(name) != text},
    )
