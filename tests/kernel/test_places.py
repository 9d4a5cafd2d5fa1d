"""Places of addresses, where a file knows them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from geoip2.errors import AddressNotFoundError
from pytest_django import Settings

from kernel import places
from kernel.places import NOWHERE, Place, find_place


@pytest.fixture(autouse=True)
def _forget() -> None:
    places.find_place.cache_clear()
    places._reader.cache_clear()


def reader(kind: str) -> SimpleNamespace:
    def look_up(ip: str) -> SimpleNamespace:
        if ip == "192.0.2.1":
            raise AddressNotFoundError("unknown")
        return SimpleNamespace(country=SimpleNamespace(iso_code="AT"), city=SimpleNamespace(name="Graz"))

    def of_country(ip: str) -> SimpleNamespace:
        return SimpleNamespace(country=look_up(ip).country)

    return SimpleNamespace(metadata=lambda: SimpleNamespace(database_type=kind), city=look_up, country=of_country)


def test_without_a_file_or_with_a_broken_one_nobody_knows(settings: Settings, tmp_path: Path) -> None:
    assert find_place("8.8.8.8") == NOWHERE
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    settings.GEOIP_DATABASE = str(broken)
    places.find_place.cache_clear()
    assert find_place("8.8.8.8") == NOWHERE
    assert str(find_place("8.8.8.8")) == ""


def test_city_and_country_as_far_as_the_file_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_reader", lambda path: reader("GeoLite2-City"))
    assert str(find_place("8.8.8.8")) == "Graz, AT"
    assert find_place("192.0.2.1") == NOWHERE
    assert find_place("") == NOWHERE
    places.find_place.cache_clear()
    monkeypatch.setattr(places, "_reader", lambda path: reader("GeoLite2-Country"))
    assert find_place("8.8.8.8") == Place("AT", "")


def test_no_address_makes_it_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(ip: str) -> None:
        raise ValueError(ip)

    broken = SimpleNamespace(metadata=lambda: SimpleNamespace(database_type="City"), city=fail)
    monkeypatch.setattr(places, "_reader", lambda path: broken)
    assert find_place("not an address") == NOWHERE
