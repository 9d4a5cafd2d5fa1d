"""The level as a label: what the floors below know of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from players.selectors import list_labels
from tests.consumers import catch_up
from tests.factories import AT, make_player
from tests.loyalty.log import bet_placed, rolled_back, tell

pytestmark = pytest.mark.usefixtures("db")


def labels(player_id: UUID) -> list[tuple[str, str, str, object]]:
    return [(x.namespace, x.key, x.value, x.since) for x in list_labels(player_id)]


def follow() -> None:
    catch_up("loyalty.accrual", "loyalty.labels")


def test_a_new_player_is_labelled_with_the_first_level() -> None:
    someone = make_player()
    follow()
    assert labels(someone.id) == [("loyalty", "level", "bronze", someone.registered_at)]


@pytest.mark.parametrize("at_once", [True, False])
def test_the_label_follows_the_level_up_and_down(at_once: bool) -> None:
    someone = make_player().id
    later = AT + timedelta(hours=1)
    large = bet_placed(someone, "60000.00", at=later)
    tell(large)
    if not at_once:
        follow()
        assert labels(someone) == [("loyalty", "level", "gold", later)]
    last = later + timedelta(hours=1)
    tell(bet_placed(someone, "10000.00", at=last), rolled_back(large, at=last))
    follow()
    assert labels(someone) == [("loyalty", "level", "silver", last)]
