"""What stories are told with: an API client with a real token, as integrators have it, and a hand that moves time."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from pytest_django import Settings

from tests.rest.conftest import _fresh_tokens, api, token_for

__all__ = ["_fresh_tokens", "api", "token_for"]


@pytest.fixture
def hand(db: None, settings: Settings) -> Iterator[time_machine.Traveller]:
    """Time stands still on a Tuesday in November 2026, until it is moved. Players may keep the money of their country."""
    settings.PLAYER_CURRENCIES = ["EUR", "GBP", "SEK"]
    with time_machine.travel(datetime(2026, 11, 10, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller
