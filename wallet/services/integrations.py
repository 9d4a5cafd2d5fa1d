"""Integrations of aggregators: who they are, what their requests are signed with, what they call our games.

Running processes notice a change within ``adapters.dispatch.TRUSTED_SECONDS``.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.db import transaction

from events.audit import record
from kernel.actors import Actor
from kernel.currencies import EXPONENTS
from kernel.db import locked_batches
from kernel.errors import FieldErrors, NotFound
from kernel.secrets import is_current, seal, unseal
from wallet.models import Game
from wallet.models_adapters import GameMapping, Integration, IntegrationKey
from wallet.rules_adapters import KEY_PURPOSE, fingerprint, is_network
from wallet.selectors_adapters import get_integration
from wallet.types_adapters import AdapterProtocol, IntegrationDetails, IntegrationStatus

DEFAULT_AMOUNT_SCALE = 100_000
MIN_SECRET_LENGTH = 16
MIN_RSA_BITS = 2048


def create_integration(
    *,
    code: str,
    name: str,
    protocol: AdapterProtocol,
    currencies: dict[str, str] | None = None,
    amount_scale: int = DEFAULT_AMOUNT_SCALE,
    allowed_ips: tuple[str, ...] = (),
    actor: Actor,
    at: datetime,
) -> IntegrationDetails:
    """Connect an aggregator; it answers at ``/adapters/<protocol>/<code>/``. Raises: FieldErrors."""
    if not (0 < len(code) <= 40 and code.replace("-", "").isalnum() and code.isascii() and code == code.lower()):
        raise FieldErrors({"code": ["Use 1 to 40 small letters, digits and hyphens."]})
    if Integration.objects.filter(code=code).exists():
        raise FieldErrors({"code": ["Another integration has this code."]})
    _check(currencies or {}, amount_scale, allowed_ips)
    with transaction.atomic():
        Integration.objects.create(
            code=code,
            name=name,
            protocol=protocol,
            currencies=currencies or {},
            amount_scale=amount_scale,
            allowed_ips=list(allowed_ips),
            created_at=at,
            created_by=str(actor),
        )
        details = get_integration(code)
        _record("create_integration", code, actor, at, after=_shown(details))
    return details


def change_integration(
    *,
    code: str,
    name: str,
    status: IntegrationStatus,
    currencies: dict[str, str],
    amount_scale: int,
    allowed_ips: tuple[str, ...],
    actor: Actor,
    at: datetime,
) -> IntegrationDetails:
    """Change what may change. A disabled integration places no bets; its open wins and rollbacks go on.

    Raises: UnknownIntegration, FieldErrors.
    """
    before = get_integration(code)
    _check(currencies, amount_scale, allowed_ips)
    with transaction.atomic():
        Integration.objects.filter(code=code).update(
            name=name, status=status, currencies=currencies, amount_scale=amount_scale, allowed_ips=list(allowed_ips)
        )
        details = get_integration(code)
        _record("change_integration", code, actor, at, before=_shown(before), after=_shown(details))
    return details


def add_key(*, integration: str, name: str, key: str | None = None, actor: Actor, at: datetime) -> str:
    """Add a key that requests may be signed with, and return it: the only time that it is shown.

    A public RSA key (PEM) for Hub88-style integrations, a shared secret for the others; a secret that is not given
    is made. Keys added before stay valid until they are revoked. Raises: UnknownIntegration, FieldErrors.
    """
    details = get_integration(integration)
    if details.protocol is AdapterProtocol.HUB88:
        key = _checked_public_key(key or "")
    else:
        key = key or secrets.token_hex(32)
        if len(key) < MIN_SECRET_LENGTH or not key.isprintable():
            raise FieldErrors({"key": [f"A shared secret has at least {MIN_SECRET_LENGTH} printable characters."]})
    with transaction.atomic():
        IntegrationKey.objects.create(
            integration_id=integration,
            name=name,
            sealed=seal(key, KEY_PURPOSE),
            fingerprint=fingerprint(key),
            added_at=at,
            added_by=str(actor),
        )
        _record("add_integration_key", integration, actor, at, after={"key": name, "fingerprint": fingerprint(key)})
    return key


def revoke_key(*, integration: str, key_id: int, actor: Actor, at: datetime) -> None:
    """Requests signed with this key are refused from now on. Raises: NotFound when it is not an active key."""
    active = IntegrationKey.objects.filter(id=key_id, integration=integration, revoked_at=None)
    with transaction.atomic():
        if not active.update(revoked_at=at, revoked_by=str(actor)):
            raise NotFound("This integration has no such active key.")
        _record("revoke_integration_key", integration, actor, at, before={"key": str(key_id)})


def map_games(*, integration: str, games: dict[str, str], actor: Actor, at: datetime) -> int:
    """Say what the integration calls our games (its code → ours); known codes are pointed anew. How many were given.

    Raises: UnknownIntegration, FieldErrors naming games that the catalogue does not have.
    """
    get_integration(integration)
    known = set(Game.objects.filter(code__in=games.values()).values_list("code", flat=True))
    unknown = sorted(set(games.values()) - known)
    if unknown:
        raise FieldErrors({"games": [f"The catalogue has no game {', '.join(unknown[:5])}."]})
    if any(not 0 < len(code) <= 120 for code in games):
        raise FieldErrors({"games": ["An integration's game code has 1 to 120 characters."]})
    with transaction.atomic():
        GameMapping.objects.bulk_create(
            [
                GameMapping(integration_id=integration, their_code=theirs, game_id=ours)
                for theirs, ours in games.items()
            ],
            update_conflicts=True,
            unique_fields=["integration", "their_code"],
            update_fields=["game"],
        )
        _record("map_games", integration, actor, at, after={"games": str(len(games))})
    return len(games)


def unmap_game(*, integration: str, their_code: str, actor: Actor, at: datetime) -> None:
    """Forget one game of the integration; bets on it are refused from now on. Raises: NotFound."""
    with transaction.atomic():
        deleted, _ = GameMapping.objects.filter(integration=integration, their_code=their_code).delete()
        if not deleted:
            raise NotFound(f"This integration has no game {their_code}.")
        _record("unmap_game", integration, actor, at, before={"their_code": their_code})


def read_mapping_lines(text: str) -> dict[str, str]:
    """Lines of ``their code, our code`` as a mapping; one code alone stands for both. Raises: FieldErrors."""
    games: dict[str, str] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        cells = [cell.strip() for cell in row if cell.strip()]
        if not cells:
            continue
        if len(cells) > 2:
            raise FieldErrors({"games": [f"Line {number} has more than two values."]})
        games[cells[0]] = cells[-1]
    return games


def _record(
    deed: str,
    code: str,
    actor: Actor,
    at: datetime,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    record(
        action=f"wallet.{deed}",
        actor=actor,
        at=at,
        object_type="wallet.integration",
        object_id=code,
        before=before,
        after=after,
    )


def _shown(details: IntegrationDetails) -> dict[str, str]:
    return {
        "name": details.name,
        "status": details.status,
        "currencies": str(details.currencies),
        "amount_scale": str(details.amount_scale),
        "allowed_ips": " ".join(details.allowed_ips),
    }


def reseal_keys() -> Iterator[int]:
    """Seal keys anew that were sealed under a former SECRET_KEY; how many, batch by batch.

    Raises: kernel.secrets.Unreadable.
    """
    for keys in locked_batches(IntegrationKey.objects.all()):
        old = [key for key in keys if not is_current(bytes(key.sealed), KEY_PURPOSE)]
        for key in old:
            key.sealed = seal(unseal(bytes(key.sealed), KEY_PURPOSE), KEY_PURPOSE)
        IntegrationKey.objects.bulk_update(old, ["sealed"])
        yield len(old)


def _check(currencies: dict[str, str], amount_scale: int, allowed_ips: tuple[str, ...]) -> None:
    errors: dict[str, list[str]] = {}
    unknown = sorted(set(currencies.values()) - EXPONENTS.keys())
    if unknown:
        errors["currencies"] = [f"{', '.join(unknown)}: not an ISO 4217 currency."]
    elif len(set(currencies.values())) < len(currencies):
        errors["currencies"] = ["Two of its codes stand for one currency; answers could not be told apart."]
    if not 1 <= amount_scale <= 10**9:
        errors["amount_scale"] = ["Use 1 to 1,000,000,000 units per major unit."]
    wrong = [entry for entry in allowed_ips if not is_network(entry)]
    if wrong:
        errors["allowed_ips"] = [f"{', '.join(wrong[:3])}: not an address or network."]
    if errors:
        raise FieldErrors(errors)


def _checked_public_key(pem: str) -> str:
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise FieldErrors(
            {"key": [f"Paste the aggregator's public RSA key in PEM form, of at least {MIN_RSA_BITS} bits."]}
        )
    return pem.strip()
