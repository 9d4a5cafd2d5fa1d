"""Every day the liability by day is compared with the balances, and whoever looks at the desk sees when they differ."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from events.catalogue.wallet import LiabilityDiffers
from events.models import Event
from kernel import clock
from tests.factories import bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from tests.wallet.test_sealing import damage
from wallet.models_reconciliation import LiabilityCheck
from wallet.selectors_reconciliation import find_last_check
from wallet.services.liability import check_liability, close_days
from wallet.tasks import close_liability_days

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.breaks_ledger]


@pytest.fixture
def tomorrow(db: None) -> datetime:
    """An hour at which a day with some play is closed; play goes on since."""
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    bet(player.id, "30.00")
    at = (clock.now() + timedelta(days=1)).replace(hour=0, minute=30)
    assert close_days(at=at) == 1
    return at


def told() -> list[dict[str, object]]:
    return [event.payload for event in Event.objects.filter(type=LiabilityDiffers.wire_name).order_by("position")]


def test_days_and_balances_agree_and_that_is_kept_once_a_day(tomorrow: datetime) -> None:
    for _ in range(3):
        assert check_liability(at=tomorrow) == []
    assert LiabilityCheck.objects.count() == 1
    assert find_last_check().day == (tomorrow - timedelta(days=1)).date()  # type: ignore[union-attr]
    close_days(at=tomorrow + timedelta(days=1))
    check_liability(at=tomorrow + timedelta(days=1))
    assert LiabilityCheck.objects.count() == 2
    assert told() == []


@pytest.mark.parametrize(
    ("harm", "mend", "by_days", "by_balances"),
    [
        ("UPDATE wallet_account SET balance_minor = balance_minor + 1 WHERE kind = 'real'",
         "UPDATE wallet_account SET balance_minor = balance_minor - 1 WHERE kind = 'real'", "70.00", "70.01"),
        ("UPDATE wallet_liabilityday SET total_minor = total_minor - 5",
         "UPDATE wallet_liabilityday SET total_minor = total_minor + 5", "69.95", "70.00"),
    ],
)  # fmt: skip
def test_a_difference_is_told_and_shown_until_it_is_mended(
    tomorrow: datetime, harm: str, mend: str, by_days: str, by_balances: str
) -> None:
    desk = [reverse("admin:wallet_report_liability"), reverse("admin:wallet_report_changelist")]
    finance = staff_client("finance")
    damage(harm)
    (found,) = check_liability(at=tomorrow)
    assert (str(found.by_days), str(found.by_balances)) == (by_days, by_balances)
    (event,) = told()
    assert (event["purse"], event["by_days"], event["by_balances"]) == ("real", by_days, by_balances)
    for page in desk:
        shown = text_of(finance.get(page))
        assert "does not equal the balances" in shown
        assert by_balances in shown
    assert len(check_liability(at=tomorrow)) == 1, "looked at again while it lasts"
    damage(mend)
    assert check_liability(at=tomorrow) == []
    assert "does not equal" not in text_of(finance.get(desk[1]))
    assert "the days add up to the balances" in text_of(finance.get(desk[0]))


def test_what_was_posted_since_the_last_closed_day_is_counted(tomorrow: datetime) -> None:
    """Ids carry the moment of posting: yesterday's day is closed as if it were long ago, today's entries come on top."""
    damage("UPDATE wallet_liabilityday SET day = day - 1, total_minor = 0")
    assert check_liability(at=tomorrow) == []


def test_before_a_day_is_closed_there_is_nothing_to_compare() -> None:
    fund(make_player().id, "5.00")
    assert check_liability(at=clock.now()) == []
    assert find_last_check() is None


def test_the_job_closes_and_compares(tomorrow: datetime) -> None:
    close_liability_days()
    assert find_last_check().differences == ()  # type: ignore[union-attr]
