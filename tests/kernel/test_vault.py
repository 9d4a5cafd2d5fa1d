"""Personal data under a key per person."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.utils import ProgrammingError
from pytest_django import Settings

from kernel import vault
from kernel.models import SubjectKey

pytestmark = pytest.mark.usefixtures("db")
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
STREET = "players.street"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    vault._remembered.clear()
    yield
    vault._remembered.clear()


def test_what_is_sealed_opens_again_and_tells_nothing() -> None:
    person = uuid4()
    sealed = vault.seal(person, STREET, "Rosenstraße 7", at=AT)
    assert vault.unseal(person, STREET, sealed) == "Rosenstraße 7"
    assert b"Rosen" not in sealed
    assert vault.seal(person, STREET, "Rosenstraße 7", at=AT) != sealed


def test_it_opens_for_its_person_and_field_only() -> None:
    person, other = uuid4(), uuid4()
    sealed = vault.seal(person, STREET, "Rosenstraße 7", at=AT)
    vault.seal(other, STREET, "x", at=AT)
    for subject, field, content in (
        (other, STREET, sealed),
        (person, "players.national_id", sealed),
        (person, STREET, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (person, STREET, b""),
        (uuid4(), STREET, sealed),
    ):
        with pytest.raises(vault.Damaged):
            vault.unseal(subject, field, content)


def test_a_destroyed_key_opens_nothing_and_seals_nothing_more() -> None:
    person, never_sealed = uuid4(), uuid4()
    sealed = vault.seal(person, STREET, "Rosenstraße 7", at=AT)
    assert vault.destroy(person, at=AT) == 1
    assert vault.destroy(never_sealed, at=AT) == 1
    assert vault.destroy(person, at=AT) == 0
    with pytest.raises(vault.Destroyed):
        vault.unseal(person, STREET, sealed)
    for subject in (person, never_sealed):
        with pytest.raises(vault.Destroyed):
            vault.seal(subject, STREET, "again", at=AT)
        with pytest.raises(vault.Destroyed):
            vault.renew(subject, at=AT)
    assert SubjectKey.objects.get(subject_id=person).destroyed_at == AT


def test_the_application_cannot_delete_a_key() -> None:
    vault.seal(uuid4(), STREET, "x", at=AT)
    with pytest.raises(ProgrammingError, match="permission denied"), connections["keys"].cursor() as cursor:
        cursor.execute("DELETE FROM kernel_subjectkey")


def test_two_first_seals_at_once_use_one_key() -> None:
    person = uuid4()

    def seal(text: str) -> bytes:
        try:
            return vault.seal(person, STREET, text, at=AT)
        finally:
            connections.close_all()

    texts = [str(number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(seal, texts))
    vault._remembered.clear()
    assert [vault.unseal(person, STREET, one) for one in sealed] == texts
    assert SubjectKey.objects.filter(subject_id=person).count() == 1


def test_a_renewed_key_seals_from_now_on_and_the_old_one_still_opens() -> None:
    person = uuid4()
    old = vault.seal(person, STREET, "old", at=AT)
    assert vault.renew(person, at=AT) == 2
    new = vault.seal(person, STREET, "new", at=AT)
    assert (vault.is_current(person, old), vault.is_current(person, new)) == (False, True)
    assert (vault.unseal(person, STREET, old), vault.unseal(person, STREET, new)) == ("old", "new")
    assert person in vault.list_subjects(limit=100_000)


def test_master_keys_are_rotated_in_batches(settings: Settings) -> None:
    people = [uuid4() for _ in range(7)]
    sealed = {person: vault.seal(person, STREET, str(person), at=AT) for person in people}
    first, second = settings.PERSONAL_KEYS[-1], vault.new_master_key()
    settings.PERSONAL_KEYS = [first, second]
    assert vault.count_for_other_masters() >= 7
    assert sum(vault.rewrap(batch=3)) >= 7
    assert vault.count_for_other_masters() == 0
    vault._remembered.clear()
    settings.PERSONAL_KEYS = settings.PERSONAL_KEYS[1:]
    assert all(vault.unseal(person, STREET, sealed[person]) == str(person) for person in people)
    settings.PERSONAL_KEYS = [first]
    vault._remembered.clear()
    with pytest.raises(vault.Damaged, match="not in PERSONAL_KEYS"):
        vault.unseal(people[0], STREET, sealed[people[0]])
    settings.PERSONAL_KEYS = [second, first]
    assert sum(vault.rewrap()) >= 7  # the other tests' people share these keys


def test_wrong_settings_are_named(settings: Settings) -> None:
    for keys, text in (([], "PERSONAL_KEYS is not set"), (["short"], "32 bytes in base64")):
        settings.PERSONAL_KEYS = keys
        with pytest.raises(ImproperlyConfigured, match=text):
            vault.seal(uuid4(), STREET, "x", at=AT)


def test_a_blind_index_tells_equality_within_a_field_only() -> None:
    number = vault.blind_index("players.national_id", "19811228-9874")
    assert number == vault.blind_index("players.national_id", "19811228-9874")
    assert number != vault.blind_index("players.national_id", "19811228-9875")
    assert number != vault.blind_index("wallet.fingerprint", "19811228-9874")
    assert len(number) == 32
