"""The player API: everything of one's own, nothing of anybody else's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from events.selectors import list_player_events
from players.selectors_identity import has_consent
from players.selectors_sealed import read_sealed
from players.services.labels import set_label
from players.types import SealedField
from players.types_identity import ConsentChannel, ConsentProduct
from tests.factories import AT, bet, fund, make_game
from tests.identity.calls import Program, registered
from tests.identity.test_login import player_id
from tests.rest.conftest import problem
from tests.wallet.purses import charge
from wallet.types_purses import FeeKind

pytestmark = pytest.mark.usefixtures("db")

MONEY = {"amount": "20.00", "currency": "EUR"}


@pytest.fixture
def anna() -> tuple[Program, dict[str, Any]]:
    return registered(email="anna-me@example.org", username="anna-me")


def test_profile_preferences_and_their_history(anna: tuple[Program, dict[str, Any]]) -> None:
    program, data = anna
    profile = program.api("GET", "me/profile").json()
    assert (profile["login"], profile["email"], profile["status"]) == ("anna-me", data["email"], "active")
    assert program.api("PATCH", "me/profile", {"city": "Linz", "postcode": "4020"}).json()["city"] == "Linz"
    assert program.api("PATCH", "me/preferences", {"language": "de"}).json() == {"language": "de", "time_zone": "UTC"}
    assert (profile["street"], profile["national_id_is_known"]) == ("", False)
    sealed = program.api("PATCH", "me/profile", {"street": "Hauptplatz 1", "national_id": "AB-123456"}).json()
    assert (sealed["street"], sealed["national_id_is_known"]) == ("Hauptplatz 1", True)
    assert "AB-123456" not in str(sealed)
    assert read_sealed(player_id(data))[SealedField.NATIONAL_ID] == "AB-123456"
    for forbidden in ("country", "currency", "birth_date", "email", "phone", "status", "id", "risk_level"):
        problem(program.api("PATCH", "me/profile", {forbidden: "x"}), 422, "validation_failed")
    changes = program.api("GET", "me/changes").json()["items"]
    assert [(row["name"], row["to_value"], row["by"]) for row in changes] == [
        ("language", "de", "player"),
        ("postcode", "4020", "player"),
        ("city", "Linz", "player"),
    ]


def test_consents_are_kept_with_text_source_and_time(anna: tuple[Program, dict[str, Any]]) -> None:
    program, data = anna
    assert program.api("GET", "me/consents").json()["items"] == []
    yes = {"answers": [{"product": "casino", "channel": "email", "granted": True}], "text_version": "2026-02"}
    items = program.api("PATCH", "me/consents", yes).json()["items"]
    assert [(row["granted"], row["text_version"], row["source"]) for row in items] == [(True, "2026-02", "preferences")]
    program.api("PATCH", "me/consents", yes)  # the same again changes nothing
    no = {"answers": [{"product": "casino", "channel": "email", "granted": False}], "text_version": "2026-03"}
    program.api("PATCH", "me/consents", no)
    history = program.api("GET", "me/consents/history").json()["items"]
    assert [(row["granted"], row["text_version"]) for row in history] == [(False, "2026-03"), (True, "2026-02")]
    never = {"answers": [{"product": "poker", "channel": "sms", "granted": False}], "text_version": "2026-03"}
    assert len(program.api("PATCH", "me/consents", never).json()["items"]) == 2  # a no is an answer as well
    assert not has_consent(player_id(data), ConsentProduct.CASINO, ConsentChannel.EMAIL)
    events = [event for event in list_player_events(player_id(data), limit=10) if "consent" in event.type]
    assert [event.payload["granted"] for event in events] == [False, False, True]
    problem(program.api("PATCH", "me/consents", {"answers": [], "text_version": "x"}), 422, "validation_failed")


def test_money_in_and_out_by_the_player(anna: tuple[Program, dict[str, Any]]) -> None:
    program, _ = anna
    body = {**MONEY, "provider": "sandbox", "instrument": "tok_ok"}
    first = program.api("POST", "me/deposits", body, **{"Idempotency-Key": "one"})
    assert first.status_code == 201, first.content
    assert program.api("POST", "me/deposits", body, **{"Idempotency-Key": "one"}).json() == first.json()
    assert program.api("GET", "me/balance").json() == {
        "currency": "EUR", "real": "20.00", "bonus": "0.00", "total": "20.00",
        "free_spins": 0, "free_spins_value": "0.00", "tournament": "0.00", "held": "0.00",
    }  # fmt: skip
    instrument = program.api("GET", "me/instruments").json()["items"][0]
    charge(FeeKind.WITHDRAWAL, percent="10")
    wanted = f"amount=20.00&currency=EUR&instrument_id={instrument['id']}"
    fee = program.api("GET", f"me/withdrawals/fee?{wanted}").json()
    assert fee == {"amount": "20.00", "fee": "2.00", "receives": "18.00", "currency": "EUR"}
    asked = program.api("POST", "me/withdrawals", {**MONEY, "instrument_id": instrument["id"]})
    assert asked.status_code == 201, asked.content
    assert program.api("GET", "me/balance").json()["held"] == "20.00"
    path = f"me/withdrawals/{asked.json()['id']}"
    assert program.api("GET", path).json()["state"] == asked.json()["state"]
    assert program.api("POST", f"{path}/cancel").json()["state"] == "cancelled"
    assert program.api("GET", f"me/deposits/{first.json()['id']}").json() == first.json()
    kinds = [row["kind"] for row in program.api("GET", "me/transactions").json()["items"]]
    assert kinds == ["withdrawal_release", "withdrawal_hold", "deposit"]
    file = b"".join(program.api("GET", "me/transactions.csv").streaming_content).decode()
    assert [line.split(",")[1] for line in file.splitlines()] == ["kind", *reversed(kinds)]


def test_a_deposit_is_given_up_by_the_player(anna: tuple[Program, dict[str, Any]]) -> None:
    program, _ = anna
    pending = {**MONEY, "provider": "sandbox", "instrument": "tok_pending"}
    path = f"me/deposits/{program.api('POST', 'me/deposits', pending).json()['id']}"
    assert [program.api("POST", f"{path}/cancel").json()["state"] for _ in range(2)] == ["cancelled"] * 2
    made = program.api("POST", "me/deposits", {**MONEY, "provider": "sandbox", "instrument": "tok_ok"}).json()
    problem(program.api("POST", f"me/deposits/{made['id']}/cancel"), 409, "deposit_moved")


def test_one_key_of_two_players_is_two_keys(anna: tuple[Program, dict[str, Any]]) -> None:
    program, _ = anna
    other, _ = registered()
    body = {**MONEY, "provider": "sandbox", "instrument": "tok_ok"}
    ids = {who.api("POST", "me/deposits", body, **{"Idempotency-Key": "same"}).json()["id"] for who in (program, other)}
    assert len(ids) == 2


def test_play_and_loyalty_are_seen(anna: tuple[Program, dict[str, Any]]) -> None:
    program, data = anna
    make_game()
    fund(player_id(data))
    bet(player_id(data), "2.00")
    assert program.api("GET", "me/rounds").json()["items"][0]["staked"] == "2.00"
    assert program.api("GET", "me/loyalty").json()["player_id"] == str(player_id(data))
    assert program.api("GET", "me/loyalty/points").json()["items"] == []
    set_label(player_id=player_id(data), namespace="loyalty", key="level", value="gold", at=AT)
    set_label(player_id=player_id(data), namespace="crm", key="segment", value="chaser", at=AT)
    labels = program.api("GET", "me/labels").json()["items"]
    assert [(row["namespace"], row["value"]) for row in labels] == [("loyalty", "gold")]


def test_another_players_id_opens_nothing_anywhere(anna: tuple[Program, dict[str, Any]]) -> None:
    """Ids of every kind of thing that another player has, at every address that takes one."""
    program, _ = anna
    other, theirs = registered()
    deposit = other.api("POST", "me/deposits", {**MONEY, "provider": "sandbox", "instrument": "tok_ok"}).json()
    instrument = other.api("GET", "me/instruments").json()["items"][0]
    withdrawal = other.api("POST", "me/withdrawals", {**MONEY, "instrument_id": instrument["id"]}).json()
    session = other.api("GET", "me/sessions").json()["items"][0]
    device = other.api("GET", "me/devices").json()["items"][0]
    things = [deposit["id"], instrument["id"], withdrawal["id"], session["id"], device["id"], str(player_id(theirs))]
    for method, path in (
        ("GET", "me/deposits/{}"),
        ("POST", "me/deposits/{}/cancel"),
        ("GET", "me/withdrawals/{}"),
        ("GET", "me/withdrawals/fee?amount=1.00&currency=EUR&instrument_id={}"),
        ("POST", "me/withdrawals/{}/cancel"),
        ("DELETE", "me/sessions/{}"),
        ("PUT", "me/devices/{}/trust"),
        ("DELETE", "me/devices/{}/trust"),
    ):
        unknown = program.api(method, path.format(uuid4())).json()
        for thing in things:
            answer = problem(program.api(method, path.format(thing)), 404, "not_found")
            assert answer["title"] == unknown["title"]
    body = {**MONEY, "instrument_id": instrument["id"]}
    problem(program.api("POST", "me/withdrawals", body), 422, "validation_failed")
    for path in ("me/profile", "me/balance", "me/transactions", "me/sessions", "me/deposits", "me/consents"):
        answer = program.api("GET", f"{path}?player_id={player_id(theirs)}")
        assert str(player_id(theirs)) not in answer.content.decode()
    body = {**MONEY, "provider": "sandbox", "instrument": "tok_ok", "player_id": str(player_id(theirs))}
    problem(program.api("POST", "me/deposits", body), 422, "validation_failed")
    assert other.api("GET", f"me/withdrawals/{withdrawal['id']}").json()["state"] == withdrawal["state"]
    assert other.api("GET", "me/profile").status_code == 200


def test_what_a_country_asks_for_is_open_to_all() -> None:
    answer = Program().api("GET", "registration-fields?country=DE")
    assert answer.json() == {
        "country": "DE",
        "region": "",
        "required": ["first_name", "last_name", "birth_date"],
        "minimum_age": 18,
        "affirmation": False,
        "currencies": ["EUR"],
    }


def test_a_program_gone_wild_is_slowed_down(anna: tuple[Program, dict[str, Any]], settings: Any) -> None:
    settings.PLAYER_REQUESTS_PER_MINUTE = 3
    program, _ = anna
    statuses = [program.api("GET", "me/balance").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
