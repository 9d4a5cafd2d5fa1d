"""A player falls silent for a year: told, then charged each month, and left alone as soon as they play again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from kernel import clock
from players.types import PlayerDetails
from tests.factories import fund, make_game, make_player
from tests.rest.conftest import Api
from tests.staff import staff_client, text_of
from tests.stories.faces import balance, heard, history
from wallet.models_adjustments import DormancyNotice
from wallet.selectors import sum_house
from wallet.tasks import charge_dormant_accounts
from wallet.types import AccountKind

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None, settings: Settings) -> PlayerDetails:
    settings.DORMANT_FEE = {"EUR": "5.00"}
    settings.DORMANT_AFTER_MONTHS, settings.DORMANT_NOTICE_DAYS = 12, 30
    make_game()
    someone = make_player(at=clock.now())
    fund(someone.id, "12.00", at=clock.now())
    return someone


def on(day: datetime) -> dict[str, int]:
    """The nightly job on that day."""
    with time_machine.travel(day, tick=False):
        return charge_dormant_accounts()  # type: ignore[no-any-return]


def first_of_month(months: int) -> datetime:
    """The first day of the month that begins so many months after the next one."""
    now = clock.now()
    month = now.month + 1 + months
    return now.replace(year=now.year + (month - 1) // 12, month=(month - 1) % 12 + 1, day=1, hour=4)


def staff_see(finance: Client) -> str:
    return text_of(finance.get(reverse("admin:wallet_dormancynotice_changelist")))


def test_notice_then_fees_then_the_player_returns(api: Api, player: PlayerDetails) -> None:
    finance = staff_client("finance")
    assert on(first_of_month(6)) == {"ended": 0, "noticed": 0, "charged": 0}
    told = first_of_month(12)
    assert on(told) == {"ended": 0, "noticed": 1, "charged": 0}
    assert str(player.id) in staff_see(finance)
    assert on(told + timedelta(days=29))["charged"] == 0, "the notice has not run out"
    assert on(first_of_month(13))["charged"] == (1 if (first_of_month(13) - told).days >= 30 else 0)
    charged = len(history(api, player.id)) - 1
    for _ in range(3):
        charged += on(first_of_month(14))["charged"]
    assert history(api, player.id)[1:] == [("dormant_fee", "-5.00", f"{12 - 5 * (n + 1)}.00") for n in range(charged)]
    assert str(sum_house(AccountKind.FEES)["EUR"]) == f"{5 * charged}.00"

    # Back again: a bet over the API. It is recorded by the real clock, so the notice is put before it.
    DormancyNotice.objects.update(noticed_at=clock.now(), chargeable_at=clock.now())
    left = balance(api, player.id)
    body = {"player_id": str(player.id), "game": "fruits", "round": "r", "stake": "1.00", "currency": "EUR"}
    assert api.post("wallet/bets", body).json()["outcome"] == "applied"
    assert on(clock.now() + timedelta(days=1)) == {"ended": 1, "noticed": 0, "charged": 0}
    assert float(balance(api, player.id)) == float(left) - 1
    assert heard(player.id, "dorman") == [
        "dormancy-noticed", *["dormant-fee-charged"] * charged, "dormancy-ended",
    ]  # fmt: skip


def test_whoever_is_told_and_plays_pays_nothing(api: Api, player: PlayerDetails) -> None:
    assert on(first_of_month(12))["noticed"] == 1
    DormancyNotice.objects.update(noticed_at=clock.now(), chargeable_at=clock.now())
    body = {"player_id": str(player.id), "game": "fruits", "round": "r", "stake": "1.00", "currency": "EUR"}
    api.post("wallet/bets", body)
    assert on(clock.now() + timedelta(days=1)) == {"ended": 1, "noticed": 0, "charged": 0}
    assert balance(api, player.id) == "11.00"
