"""People open their own accounts."""

from __future__ import annotations

import pytest
from django.core import mail

from events.selectors import list_player_events
from players.selectors import find_player_by_login
from players.selectors_identity import list_consents
from players.selectors_sealed import read_sealed
from players.types import SealedField
from tests.identity.calls import Program, flows_of, mailed_code, person, registered, sent_code
from tests.packs import activate, pack_of

NAMED = {"first_name", "last_name", "birth_date"}
pytestmark = pytest.mark.usefixtures("db")


def test_register_verify_and_be_logged_in() -> None:
    data = person(marketing=[{"product": "casino", "channel": "email"}], text_version="2026-01")
    program = Program()
    answer = program.auth("POST", "auth/signup", data)
    assert (answer.status_code, flows_of(answer)) == (401, {"verify_email"})
    assert program.session
    assert not program.access
    answer = program.auth("POST", "auth/email/verify", {"key": mailed_code()})
    assert answer.status_code == 200, answer.content
    player = find_player_by_login(data["username"])
    assert player
    assert answer.json()["data"]["user"]["id"] == str(player.id)
    assert (player.email, player.first_name, player.currency) == (data["email"], "Anna", "EUR")
    assert [(row.product, row.channel, row.granted) for row in list_consents(player.id)] == [("casino", "email", True)]
    assert [event.type for event in list_player_events(player.id, limit=10)][::-1] == [
        "players.player-registered.v1",
        "players.consent-changed.v1",
        "players.security-changed.v1",
        "players.session-started.v1",
    ]


@pytest.mark.parametrize(
    ("country", "missing"),
    [
        ("AT", NAMED),
        ("DE", NAMED | {"birth_name", "birth_place", "street", "city", "postcode"}),
        ("GB", NAMED | {"street", "city", "postcode"}),
        ("MT", NAMED | {"street", "city", "postcode"}),
        ("SE", NAMED | {"street", "city", "postcode", "national_id"}),
        ("DK", NAMED | {"street", "city", "postcode", "national_id"}),
        ("NL", NAMED | {"street", "city", "postcode", "national_id"}),
        ("CA-ON", NAMED | {"street", "city", "postcode", "phone", "occupation", "affirmed"}),
        ("CA-BC", NAMED),
    ],
)
@pytest.mark.rule(5)
def test_a_pack_asks_for_its_fields(country: str, missing: set[str]) -> None:
    activate("DE", "GB", "MT", "SE", "DK", "NL", "CA-ON")
    country, _, region = country.partition("-")
    fields = Program().api("GET", f"registration-fields?country={country}&region={region}").json()
    assert {*fields["required"], *(["affirmed"] if fields["affirmation"] else [])} == missing
    data = {
        "email": "a@example.org",
        "password": "winter umbrella 7 candles",
        "country": country,
        "region": region,
    }
    answer = Program().auth("POST", "auth/signup", data)
    assert answer.status_code == 400
    assert {error["param"] for error in answer.json()["errors"]} == missing


def test_what_a_pack_asks_for_is_kept_where_it_belongs() -> None:
    activate("DE", "CA-ON")
    german = person(
        country="DE",
        birth_name="Huber",
        birth_place="Linz",
        street="Lindenweg 4",
        city="Berlin",
        postcode="10115",
    )
    registered(**german)
    player = find_player_by_login(german["username"])
    assert player
    assert (player.birth_name, player.birth_place) == ("Huber", "Linz")
    assert read_sealed(player.id) == {SealedField.STREET: "Lindenweg 4"}
    canadian = person(
        country="CA",
        region="ON",
        street="1 Front St",
        city="Toronto",
        postcode="M5J",
        occupation="Nurse",
        affirmed=True,
    )
    answer = Program().auth("POST", "auth/signup", canadian)  # a phone is missing
    assert {error["param"] for error in answer.json()["errors"]} == {"phone"}
    assert flows_of(Program().auth("POST", "auth/signup", {**canadian, "phone": "+14165550123"})) == {"verify_phone"}


def test_where_the_pack_is_silent_on_age_nobody_opens_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.demands.get_pack", lambda **_: pack_of({"registration.fields": ["first_name"]}))
    answer = Program().auth("POST", "auth/signup", person())
    assert [(error["param"], "age.min" in error["message"]) for error in answer.json()["errors"]] == [("country", True)]


@pytest.mark.parametrize(("country", "birth_date"), [("AT", "2010-01-01"), ("CA", "2008-01-01"), ("EE", "2006-06-01")])
def test_the_young_are_refused(country: str, birth_date: str) -> None:
    data = person(country=country, birth_date=birth_date, phone="+436641234567", city="X", postcode="1")
    answer = Program().auth("POST", "auth/signup", data)
    assert [error["param"] for error in answer.json()["errors"]] == ["birth_date"]


@pytest.mark.parametrize("birth_date", [["1990-05-17"], [{"a": -1}, None], {"year": 1990}, 19900517, True, "17.5.90x"])
def test_what_is_no_date_is_refused_by_name(birth_date: object) -> None:
    answer = Program().auth("POST", "auth/signup", person() | {"birth_date": birth_date})
    assert answer.status_code == 400
    assert [error["param"] for error in answer.json()["errors"]] == ["birth_date"]


def test_a_phone_is_verified_by_sms_before_the_account_opens() -> None:
    data = person(country="AT", phone="+4915112345678", city="Berlin", postcode="10115")
    program = Program()
    answer = program.auth("POST", "auth/signup", data)
    assert flows_of(answer) == {"verify_phone"}
    assert program.auth("POST", "auth/phone/verify", {"code": "1"}).status_code == 400
    answer = program.auth("POST", "auth/phone/verify", {"code": sent_code(data["phone"])})
    assert flows_of(answer) == {"verify_email"}
    assert program.auth("POST", "auth/email/verify", {"key": mailed_code()}).status_code == 200
    assert program.api("GET", "me/profile").json()["phone_verified"] is True


def test_without_a_login_name_one_is_made() -> None:
    program, _ = registered(username="")
    assert program.api("GET", "me/profile").json()["login"].startswith("player-")


def test_who_left_in_the_middle_goes_on_at_the_next_login() -> None:
    data = person()
    Program().auth("POST", "auth/signup", data)
    program = Program()
    assert flows_of(program.login("email", data["email"])) == {"verify_email"}
    assert program.auth("POST", "auth/email/verify", {"key": mailed_code()}).status_code == 200


def test_codes_of_mails_are_few_tries() -> None:
    program = Program()
    program.auth("POST", "auth/signup", person())
    code = mailed_code()
    for _ in range(3):
        program.auth("POST", "auth/email/verify", {"key": "AAAA-AAAA"})
    assert program.auth("POST", "auth/email/verify", {"key": code}).status_code == 409


def test_an_address_gets_few_mails() -> None:
    before = len(mail.outbox)
    for _ in range(15):
        Program().auth("POST", "auth/password/request", {"email": "victim@example.org"})
    assert len(mail.outbox) - before == 10


def test_another_email_is_verified_before_it_counts_and_kept_in_the_history() -> None:
    program, data = registered()
    answer = program.auth("POST", "account/email", {"email": "anna-new@example.org"})
    assert answer.status_code == 200, answer.content
    assert program.api("GET", "me/profile").json()["email"] == data["email"]
    assert program.auth("POST", "auth/email/verify", {"key": mailed_code()}).status_code == 200
    assert program.api("GET", "me/profile").json()["email"] == "anna-new@example.org"
    change = program.api("GET", "me/changes").json()["items"][0]
    assert (change["name"], change["from_value"], change["to_value"]) == (
        "email",
        data["email"],
        "anna-new@example.org",
    )
    assert Program().login("email", data["email"]).status_code == 400
    assert Program().login("email", "anna-new@example.org").status_code == 200


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1234",
        "Alexander1234!",
        "qwertyuiopasdf",
        "123456789012",
        "abcabcabcabc",
        "berghuhn-anna-gruber",
        "annagruber1990",
        "x" * 300,
    ],
)
def test_passwords_that_others_guess_are_refused(password: str) -> None:
    data = person(username="berghuhn-anna", email="anna.gruber@example.org", password=password)
    answer = Program().auth("POST", "auth/signup", data)
    assert answer.status_code == 400, password
    assert {error["param"] for error in answer.json()["errors"]} == {"password"}


@pytest.mark.parametrize(
    "password", ["correct lamp battery stapler", "ÄÖÜ-äöü-ßßß-123", "a b c d e f g", "🎲🎰🃏🎯🍀🍒🔔💎🎩🐎🏇🎬"]
)
def test_no_recipe_is_asked_for(password: str) -> None:
    registered(password=password)


def test_a_new_password_may_not_resemble_its_owner_either() -> None:
    program, data = registered()
    for password in ("gruber-anna-gruber", data["email"]):
        body = {"current_password": data["password"], "new_password": password}
        answer = program.auth("POST", "account/password/change", body)
        assert [error["param"] for error in answer.json()["errors"]] == ["new_password"], password
