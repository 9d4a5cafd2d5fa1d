"""What stories are told with: an API client with a real token, as integrators have it, and a hand that moves time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from pytest_django import Settings

from kernel.fx import record_rates
from tests.rest.conftest import _fresh_tokens, api, token_for

__all__ = ["_fresh_tokens", "api", "token_for"]


@pytest.fixture
def hand(db: None, settings: Settings) -> Iterator[time_machine.Traveller]:
    """Time stands still on a Tuesday in November 2026, until it is moved. Players may keep the money of their country."""
    settings.PLAYER_CURRENCIES = ["EUR", "GBP", "SEK"]
    settings.WITHDRAWAL_APPROVAL_ABOVE = {"EUR": "5000.00", "GBP": "4000.00", "SEK": "50000.00"}
    day = datetime(2026, 11, 10, 9, tzinfo=UTC)
    record_rates(rates={day.date(): {"GBP": Decimal("0.85"), "SEK": Decimal("11")}}, source="ECB", at=day)
    with time_machine.travel(day, tick=False) as traveller:
        yield traveller
