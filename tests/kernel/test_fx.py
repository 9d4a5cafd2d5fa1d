"""Exchange rates: recorded once, read from the European Central Bank's files, and money converted by them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from kernel.fx import BadRates, RateMissing, convert, find_rate, read_ecb, record_rates
from kernel.money import Money

FRIDAY = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
ECB = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <Cube>
    <Cube time="2026-11-20">
      <Cube currency="GBP" rate="0.8"/><Cube currency="JPY" rate="160.5"/><Cube currency="ZZZ" rate="1"/>
    </Cube>
    <Cube time="2026-11-19"><Cube currency="GBP" rate="0.9"/></Cube>
  </Cube>
</gesmes:Envelope>"""


def test_the_banks_file_is_read() -> None:
    rates = read_ecb(ECB.encode())
    assert rates == {
        FRIDAY: {"GBP": Decimal("0.8"), "JPY": Decimal("160.5")},
        FRIDAY - timedelta(days=1): {"GBP": Decimal("0.9")},
    }


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "no XML"),
        ("<Cube", "no XML"),
        ("<rates/>", "no rates"),
        (ECB.replace("0.8", "abc"), "GBP"),
        (ECB.replace("0.8", "-1"), "GBP"),
        (ECB.replace("0.8", "NaN"), "GBP"),
        (ECB.replace("2026-11-20", "yesterday"), "yesterday"),
        ('<!DOCTYPE x [<!ENTITY r "0.5">]>' + ECB[38:].replace('rate="0.8"', 'rate="&r;"'), "document type"),
        ("<" + "a" * 20_000_001, "bytes"),
    ],
)
def test_what_is_no_such_file_is_refused_whole(content: str, word: str) -> None:
    with pytest.raises(BadRates, match=word):
        read_ecb(content.encode())


@pytest.mark.django_db
class TestConverting:
    def test_at_the_days_rate_and_over_the_weekend_at_fridays(self) -> None:
        record_rates(rates=read_ecb(ECB.encode()), source="ECB", at=AT)
        assert convert(Money(1000, "EUR"), "GBP", AT) == Money(800, "GBP")
        assert convert(Money(1000, "EUR"), "GBP", AT + timedelta(days=2)) == Money(800, "GBP")
        assert convert(Money(800, "GBP"), "JPY", AT) == Money(1605, "JPY")
        assert convert(Money(1000, "EUR"), "GBP", AT - timedelta(days=1)) == Money(900, "GBP")

    def test_half_a_minor_unit_goes_to_the_even_one(self) -> None:
        record_rates(rates={FRIDAY: {"GBP": Decimal("0.5")}}, source="ECB", at=AT)
        assert [convert(Money(cents, "EUR"), "GBP", AT).amount_minor for cents in (1, 2, 3)] == [0, 1, 2]

    def test_a_rate_holds_for_seven_days_and_then_there_is_none(self) -> None:
        record_rates(rates={FRIDAY: {"GBP": Decimal("0.8")}}, source="ECB", at=AT)
        assert convert(Money(100, "EUR"), "GBP", AT + timedelta(days=7)) == Money(80, "GBP")
        with pytest.raises(RateMissing, match="GBP"):
            convert(Money(100, "EUR"), "GBP", AT + timedelta(days=8))
        assert convert(Money(100, "GBP"), "GBP", AT + timedelta(days=8)) == Money(100, "GBP")

    def test_what_was_recorded_stays(self) -> None:
        assert record_rates(rates={FRIDAY: {"GBP": Decimal("0.8")}}, source="ECB", at=AT) == 1
        assert record_rates(rates={FRIDAY: {"GBP": Decimal("0.7"), "SEK": Decimal(11)}}, source="ECB", at=AT) == 1
        rate = find_rate("GBP", AT)
        assert rate
        assert rate.per_euro == Decimal("0.8")
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("UPDATE kernel_exchangerate SET per_euro = 1")

    def test_the_command_takes_a_file_once(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "rates.xml").write_text(ECB)
        for _ in range(2):
            call_command("import_rates", str(tmp_path / "rates.xml"))
        assert (
            capsys.readouterr().out == "3 new rates, 2026-11-19 to 2026-11-20\n0 new rates, 2026-11-19 to 2026-11-20\n"
        )
        with pytest.raises(CommandError, match="no_such"):
            call_command("import_rates", str(tmp_path / "no_such"))
