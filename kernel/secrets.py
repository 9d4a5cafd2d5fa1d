"""Secrets that have to be read again, such as the keys of integrations: encrypted under a key derived from SECRET_KEY.

After a change of SECRET_KEY, what was sealed before opens as long as the old one stands in SECRET_KEY_FALLBACKS;
`manage.py rotate_keys --secrets` has every holder seal it anew.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_holders: list[Callable[[], Iterable[int]]] = []


class Unreadable(Exception):
    """The secret was sealed under another SECRET_KEY, for another purpose, or was changed."""


def seal(text: str, purpose: str) -> bytes:
    """Encrypt. Only ``unseal`` with the same ``purpose`` opens it."""
    return Fernet(_key(settings.SECRET_KEY, purpose)).encrypt(text.encode())


def unseal(sealed: bytes, purpose: str) -> str:
    """Raises: Unreadable."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    try:
        return MultiFernet([Fernet(_key(key, purpose)) for key in keys]).decrypt(sealed).decode()
    except InvalidToken:
        raise Unreadable(f"A secret for {purpose} cannot be opened; was SECRET_KEY changed?") from None


def is_current(sealed: bytes, purpose: str) -> bool:
    """Whether this opens with the present SECRET_KEY."""
    try:
        Fernet(_key(settings.SECRET_KEY, purpose)).decrypt(sealed)
    except InvalidToken:
        return False
    return True


def register_holder(reseal: Callable[[], Iterable[int]]) -> None:
    """Name a service that seals its secrets anew where they are not current, in batches, and tells how many by batch.

    From AppConfig.ready().
    """
    _holders.append(reseal)


def reseal_all() -> Iterator[int]:
    """Have every holder seal anew what is not under the present SECRET_KEY; how many, batch by batch.

    May be stopped and started again. Raises: Unreadable.
    """
    for reseal in _holders:
        yield from reseal()


def derive_token(name: str, purpose: str) -> str:
    """An unguessable text of 43 URL-safe characters; the same again for the same name, purpose and SECRET_KEY."""
    digest = hmac.digest(_key(settings.SECRET_KEY, purpose), name.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@lru_cache(maxsize=64)
def _key(secret: str, purpose: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"pms:{purpose}".encode()).derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
