"""The catalogue: one name per event, strict payloads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import pytest

from events.catalogue.base import CATALOGUE, DuplicateWireName, Event, InvalidPayload
from events.catalogue.wallet import BetPlaced, DepositMade
from kernel.ids import uuid7
from tests.events.samples import sample
from tests.factories import AT

PERSONAL = {"email", "phone", "first_name", "last_name", "birth_date", "login", "city", "street", "postcode"}


def test_wire_names_say_app_event_and_version() -> None:
    for name in CATALOGUE:
        assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*\.v[1-9]\d*", name), name


def test_a_wire_name_belongs_to_one_event() -> None:
    with pytest.raises(DuplicateWireName):

        @dataclass(frozen=True, kw_only=True)
        class Impostor(Event):
            wire_name = DepositMade.wire_name


def test_no_event_carries_personal_data() -> None:
    for event in CATALOGUE.values():
        assert not PERSONAL & event.__dataclass_fields__.keys(), event


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": None}, "amount"),
        ({"amount": 12.5}, "amount: 12.5 is not a Decimal string"),
        ({"amount": "many"}, "amount: 'many' is not a Decimal string"),
        ({"amount": "NaN"}, "amount: 'NaN' is not a Decimal string"),
        ({"number": "1"}, "number: '1' is not int"),
        ({"number": True}, "number: True is not int"),
        ({"deposit_id": "x"}, "deposit_id: 'x' is not a UUID string"),
        ({"surprise": 1}, r"unknown fields \['surprise'\]"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    payload = sample(DepositMade).payload() | change
    with pytest.raises(InvalidPayload, match=message):
        DepositMade.from_log(uuid7(), AT, payload)


def test_a_payload_without_a_field_is_refused() -> None:
    payload = sample(DepositMade).payload()
    del payload["currency"]
    with pytest.raises(InvalidPayload, match=r"missing fields \['currency'\]"):
        DepositMade.from_log(uuid7(), AT, payload)


def test_an_event_from_before_a_field_was_told_is_read_with_its_default() -> None:
    payload = sample(BetPlaced).payload()
    assert BetPlaced.from_log(None, AT, payload).bonus_eur == Decimal("12.50")
    del payload["bonus_eur"]
    assert BetPlaced.from_log(None, AT, payload).bonus_eur is None
    with pytest.raises(InvalidPayload, match="bonus_eur: 'x' is not a Decimal"):
        BetPlaced.from_log(None, AT, payload | {"bonus_eur": "x"})
    del payload["real_eur"]  # may be None, but was always told
    with pytest.raises(InvalidPayload, match=r"missing fields \['real_eur'\]"):
        BetPlaced.from_log(None, AT, payload)


def test_amounts_are_exact_decimal_strings() -> None:
    event = sample(DepositMade)
    assert event.payload()["amount"] == "12.50"
    assert DepositMade.from_log(None, AT, event.payload()).amount == Decimal("12.50")
