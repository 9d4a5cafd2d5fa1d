"""Personal data under a key per person: destroying the key erases the data, in backups too.

``seal`` encrypts with AES-256-GCM under the person's newest key. What is sealed opens for the same person and field
only: both are part of what is authenticated. The person's keys lie in the database ``keys``, sealed under a master key
that is in no database (PERSONAL_KEYS). Values that must be found exactly get a ``blind_index`` beside them: an HMAC
under PERSONAL_INDEX_KEY, which tells equality and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Max

from kernel.models import SubjectKey

# How long a process may go on with a key that another has destroyed, in seconds.
REMEMBERED_SECONDS = 30.0
_MOST_REMEMBERED = 10_000
_NONCE = 12
_holders: list[Callable[[UUID, datetime], int]] = []
_remembered: dict[tuple[str, UUID, int], tuple[float, AESGCM]] = {}


class Destroyed(LookupError):
    """The person's key was destroyed: the data is erased, and nothing more can be sealed for this person."""


class Damaged(ValueError):
    """What was sealed has been changed, or was sealed for another person or field."""


def seal(subject_id: UUID, field: str, text: str, *, at: datetime) -> bytes:
    """Encrypt one field ("players.street") of one person. Raises: Destroyed."""
    return seal_bytes(subject_id, field, text.encode(), at=at)


def unseal(subject_id: UUID, field: str, sealed: bytes) -> str:
    """Raises: Destroyed, Damaged."""
    return unseal_bytes(subject_id, field, sealed).decode()


def seal_bytes(subject_id: UUID, field: str, content: bytes, *, at: datetime) -> bytes:
    """``seal`` for what is no text: a page of a document. Raises: Destroyed."""
    version = _newest(subject_id, at)
    nonce = os.urandom(_NONCE)
    sealed = _key(subject_id, version).encrypt(nonce, content, _bound_to(subject_id, field))
    return version.to_bytes(2, "big") + nonce + sealed


def unseal_bytes(subject_id: UUID, field: str, sealed: bytes) -> bytes:
    """Raises: Destroyed, Damaged."""
    try:
        key = _key(subject_id, int.from_bytes(sealed[:2], "big"))
        return key.decrypt(sealed[2 : 2 + _NONCE], sealed[2 + _NONCE :], _bound_to(subject_id, field))
    except (InvalidTag, SubjectKey.DoesNotExist):
        raise Damaged(f"{field} of {subject_id} cannot be opened: it was changed or moved.") from None


def register_holder(reseal: Callable[[UUID, datetime], int]) -> None:
    """Name a service that seals one person's rows anew where they are not current, blind indexes too; it says how many.

    Called from AppConfig.ready(). Append-only rows have none: what they sealed opens under the older key.
    """
    _holders.append(reseal)


def reseal(subject_id: UUID, at: datetime) -> int:
    """Have every holder seal this person's rows anew where they are not current; how many it were."""
    return sum(holder(subject_id, at) for holder in _holders)


def is_current(subject_id: UUID, sealed: bytes) -> bool:
    """Whether this was sealed under the person's newest key."""
    return int.from_bytes(sealed[:2], "big") == _newest_version(subject_id)


def remember(subject_ids: Iterable[UUID]) -> None:
    """Open the newest keys of many people at once: what is unsealed of them afterwards asks the database no more."""
    place = str(settings.DATABASES["keys"]["NAME"])
    newest = SubjectKey.objects.filter(subject_id__in=list(subject_ids), destroyed_at=None)
    for key in newest.order_by("subject_id", "-version").distinct("subject_id"):
        _keep((place, key.subject_id, key.version), AESGCM(_open(key)))


def blind_index(field: str, text: str) -> bytes:
    """What stands in an index for a sealed value: equal for equal values of the same field, without telling them."""
    return hmac.digest(_index_key(), f"{field}\0{text}".encode(), "sha256")


def renew(subject_id: UUID, *, at: datetime) -> int:
    """Give a person a new key, under which everything is sealed from now on; its version. Older ones still open.

    Raises: Destroyed.
    """
    version = _newest(subject_id, at)
    _key(subject_id, version)  # raises where it was destroyed
    _make(subject_id, version + 1, at)
    return version + 1


def list_subjects(
    *, after: UUID | None = None, created_before: datetime | None = None, limit: int = 1_000
) -> list[UUID]:
    """People whose keys are not destroyed, in the order of their ids; those whose newest key is older than a moment."""
    people = _subjects(created_before)
    if after:
        people = people.filter(subject_id__gt=after)
    return list(people.order_by("subject_id").values_list("subject_id", flat=True)[:limit])


def count_subjects(*, created_before: datetime | None = None) -> int:
    """How many ``list_subjects`` would name in the end."""
    return _subjects(created_before).count()


def _subjects(created_before: datetime | None) -> Any:
    people = SubjectKey.objects.filter(destroyed_at=None).values("subject_id").annotate(newest=Max("created_at"))
    return people.filter(newest__lt=created_before) if created_before else people


def destroy(subject_id: UUID, *, at: datetime) -> int:
    """Destroy every key of a person; how many. What was sealed for them can never be opened again, by nobody.

    Other processes stop opening it after ``REMEMBERED_SECONDS``.
    """
    for known in [known for known in _remembered if known[1] == subject_id]:
        _remembered.pop(known, None)
    if not SubjectKey.objects.filter(subject_id=subject_id).exists():
        _make(subject_id, 1, at)  # so that none is made later
    return SubjectKey.objects.filter(subject_id=subject_id, destroyed_at=None).update(sealed_key=None, destroyed_at=at)


def count_for_other_masters() -> int:
    """Keys that do not stand under the newest master key."""
    return SubjectKey.objects.exclude(master_key_id=_newest_master()).filter(destroyed_at=None).count()


def rewrap(batch: int = 1_000) -> Iterator[int]:
    """Bring every person's key under the newest master key, in batches, each committed; yields how many were done.

    May be stopped and started again. Raises: Damaged when a key's own master key is not configured.
    """
    newest = _newest_master()
    left = SubjectKey.objects.exclude(master_key_id=newest).filter(destroyed_at=None).order_by("id")
    while True:
        with transaction.atomic(using="keys"):
            keys = list(left.select_for_update()[:batch])  # locked: none is destroyed meanwhile
            for key in keys:
                plain = _open(key)
                key.master_key_id, key.sealed_key = newest, _wrap(newest, key.subject_id, key.version, plain)
            SubjectKey.objects.bulk_update(keys, ["master_key_id", "sealed_key"])
        if not keys:
            return
        yield len(keys)


def new_master_key() -> str:
    """A new key for PERSONAL_KEYS or PERSONAL_INDEX_KEY: 32 bytes in base64."""
    return base64.b64encode(os.urandom(32)).decode()


# --- the keys of persons -----------------------------------------------------------------------------------------------


def _newest(subject_id: UUID, at: datetime) -> int:
    version = _newest_version(subject_id)
    if not version:
        _make(subject_id, 1, at)
        return 1
    return version


def _newest_version(subject_id: UUID) -> int:
    return SubjectKey.objects.filter(subject_id=subject_id).aggregate(newest=Max("version"))["newest"] or 0


def _make(subject_id: UUID, version: int, at: datetime) -> None:
    master = _newest_master()
    sealed = _wrap(master, subject_id, version, os.urandom(32))
    row = SubjectKey(subject_id=subject_id, version=version, master_key_id=master, sealed_key=sealed, created_at=at)
    SubjectKey.objects.bulk_create([row], ignore_conflicts=True)  # of two at once one wins, and both use that one


def _key(subject_id: UUID, version: int) -> AESGCM:
    place = (str(settings.DATABASES["keys"]["NAME"]), subject_id, version)
    known = _remembered.get(place)
    if known and known[0] > time.monotonic():
        return known[1]
    key = SubjectKey.objects.get(subject_id=subject_id, version=version)
    if key.sealed_key is None:
        _remembered.pop(place, None)
        raise Destroyed(f"The key of {subject_id} was destroyed: their sealed data is erased.")
    return _keep(place, AESGCM(_open(key)))


def _keep(place: tuple[str, UUID, int], key: AESGCM) -> AESGCM:
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    _remembered[place] = (time.monotonic() + REMEMBERED_SECONDS, key)
    return key


def _wrap(master: str, subject_id: UUID, version: int, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_masters()[master]).encrypt(nonce, plain, _bound_to(subject_id, f"key {version}"))


def _open(key: SubjectKey) -> bytes:
    sealed = bytes(key.sealed_key or b"")
    master = _masters().get(key.master_key_id)
    if master is None:
        raise Damaged(f"Master key {key.master_key_id} is not in PERSONAL_KEYS: {key} cannot be opened.")
    try:
        bound = _bound_to(key.subject_id, f"key {key.version}")
        return AESGCM(master).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
    except InvalidTag:
        raise Damaged(f"The key {key} was changed.") from None


def _bound_to(subject_id: UUID, field: str) -> bytes:
    return subject_id.bytes + field.encode()


# --- the master keys ---------------------------------------------------------------------------------------------------


def _masters() -> dict[str, bytes]:
    """Master keys by id, oldest first."""
    keys = _decode_masters(tuple(settings.PERSONAL_KEYS))
    if not keys:
        raise ImproperlyConfigured("PERSONAL_KEYS is not set: personal data cannot be sealed.")
    return keys


def _newest_master() -> str:
    return list(_masters())[-1]


@lru_cache(maxsize=4)
def _decode_masters(keys: tuple[str, ...]) -> dict[str, bytes]:
    decoded = [_decode("PERSONAL_KEYS", key) for key in keys]
    return {sha256(key).hexdigest()[:8]: key for key in decoded}


def _index_key() -> bytes:
    return _decode("PERSONAL_INDEX_KEY", settings.PERSONAL_INDEX_KEY)


def _decode(setting: str, key: str) -> bytes:
    try:
        plain = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    if len(plain) != 32:
        raise ImproperlyConfigured(f"{setting}: each key is 32 bytes in base64.")
    return plain
