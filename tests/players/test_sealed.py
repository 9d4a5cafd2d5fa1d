"""Street and national identity number: under the player's own key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from events.catalogue.base import CATALOGUE
from events.selectors import Cursor, read_log
from kernel import clock, vault
from kernel.db import locked_batches
from kernel.errors import FieldErrors
from kernel.models import SubjectKey
from players.models_sealed import SealedDetail
from players.selectors import UnknownPlayer
from players.selectors_sealed import ERASED, find_by_sealed, read_sealed
from players.services.sealed import keep_sealed
from players.types import SealedField
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, make_player

pytestmark = pytest.mark.usefixtures("db")
STREET, NATIONAL_ID = SealedField.STREET, SealedField.NATIONAL_ID
LATER = AT + timedelta(days=30)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    vault._remembered.clear()
    yield
    vault._remembered.clear()


def keep(player_id: UUID, at=AT, **values: object) -> dict[SealedField, str]:  # type: ignore[no-untyped-def]
    return keep_sealed(player_id=player_id, values=values, actor=ACTOR, at=at)


def test_it_is_kept_found_and_nowhere_readable() -> None:
    player = make_player(country="SE")
    facts = keep(player.id, street="Storgatan 1", national_id="880320-0016")
    assert facts == {STREET: "Storgatan 1", NATIONAL_ID: "880320-0016"}
    assert find_by_sealed(NATIONAL_ID, "880320-0016") == [player.id]
    assert find_by_sealed(NATIONAL_ID, "880320-0017") == []
    assert keep(player.id, national_id="19880320-0016")[NATIONAL_ID] == "880320-0016", "with the century it is the same"
    assert find_by_sealed(STREET, "Storgatan 1") == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(s::text, '') FROM players_sealeddetail s")
        everything = cursor.fetchone()[0] + str(read_log(Cursor(), list(CATALOGUE), 100))
    for secret in ("Storgatan", "880320", b"Storgatan".hex()):
        assert secret not in everything


def test_wrong_values_are_named_and_nothing_is_kept() -> None:
    player = make_player(country="NL")
    with pytest.raises(FieldErrors) as refused:
        keep(player.id, street="x" * 101, national_id="123456789", shoe_size="44")
    assert refused.value.errors.keys() == {"street", "national_id", "shoe_size"}
    assert "bsn" in refused.value.errors["national_id"][0]
    with pytest.raises(FieldErrors):
        keep(player.id, street=7)
    assert read_sealed(player.id) == {}
    with pytest.raises(UnknownPlayer):
        keep(uuid4(), street="Storgatan 1")


def test_earlier_values_stay_readable_as_of_their_time() -> None:
    player = make_player()
    keep(player.id, street="First Street 1")
    keep(player.id, at=LATER, street="Second Street 2")
    keep(player.id, at=LATER, street="Second Street 2")
    assert SealedDetail.objects.count() == 2
    assert read_sealed(player.id, at=AT - timedelta(seconds=1)) == {}
    assert read_sealed(player.id, at=LATER - timedelta(seconds=1)) == {STREET: "First Street 1"}
    assert read_sealed(player.id, at=LATER) == read_sealed(player.id) == {STREET: "Second Street 2"}
    keep(player.id, at=LATER + timedelta(days=1), street="")
    assert read_sealed(player.id) == {}


def test_a_destroyed_key_erases_it_for_ever() -> None:
    player = make_player(country="SE")
    keep(player.id, street="Storgatan 1", national_id="880320-0016")
    vault.destroy(player.id, at=LATER)
    assert read_sealed(player.id) == {STREET: ERASED, NATIONAL_ID: ERASED}
    with pytest.raises(vault.Destroyed):
        keep(player.id, street="Storgatan 2")


def test_parallel_changes_leave_one_value_and_a_whole_history() -> None:
    player = make_player()
    in_parallel([lambda number=number: keep(player.id, street=f"Street {number}") for number in range(8)], 8)
    rows = SealedDetail.objects.filter(player_id=player.id)
    assert rows.count() == 8
    assert rows.filter(replaced_at=None).count() == 1


def rotate(*options: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_every_value_can_be_sealed_anew_under_new_keys(settings: Settings) -> None:
    people = [make_player(country="SE") for _ in range(3)]
    for person in people:
        keep(person.id, street=f"Street of {person.login}", national_id="880320-0016")
    gone = make_player()
    keep(gone.id, street="Gone Street 1")
    vault.destroy(gone.id, at=AT)
    assert "6 sealed values" in rotate("--data")
    assert "0 sealed values" in rotate("--data", "--created-before", AT.isoformat())
    for person in people:
        assert SubjectKey.objects.filter(subject_id=person.id).count() == 2
        assert read_sealed(person.id)[STREET] == f"Street of {person.login}"
        assert all(
            vault.is_current(person.id, bytes(row.sealed)) for row in SealedDetail.objects.filter(player_id=person.id)
        )
    settings.PERSONAL_INDEX_KEY = rotate("--new").strip()
    assert find_by_sealed(NATIONAL_ID, "880320-0016") == []
    assert "3 sealed values" in rotate("--index")
    assert find_by_sealed(NATIONAL_ID, "880320-0016") == sorted(person.id for person in people)
    assert read_sealed(gone.id) == {STREET: ERASED}


def test_where_there_is_no_terminal_progress_is_told_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.management.commands.rotate_keys.Lines.every", 2)
    for number in range(5):
        keep(make_player().id, street=f"Street {number}")
    told = StringIO()
    # All tests share the keys: some of them made keys at a time that is yet to come.
    people, everybody = vault.count_subjects(created_before=clock.now()), vault.count_subjects()
    assert people >= 5
    call_command("rotate_keys", "--data", stdout=StringIO(), stderr=told)
    lines = told.getvalue().splitlines()
    assert lines[:2] == [f"2 of {people} new keys", f"4 of {people} new keys"]
    assert f"{people} of {people} new keys" in lines
    assert lines[-1] == f"{everybody} of {everybody} people"


def test_secrets_are_sealed_anew_batch_by_batch() -> None:
    for number in range(5):
        Group.objects.create(name=f"g{number}")
    batches = [
        [row.name for row in rows] for rows in locked_batches(Group.objects.filter(name__startswith="g"), size=2)
    ]
    assert batches == [["g0", "g1"], ["g2", "g3"], ["g4"]]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(CommandError, match="with its zone"):
        rotate("--data", "--created-before", "2026-05-01")
