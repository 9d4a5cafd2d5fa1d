"""Versions of a programme that come into force between two bets of a batch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from events.services.rebuilding import rebuild
from loyalty.models import ProgrammeVersion
from loyalty.selectors import get_standing, list_level_changes
from tests.consumers import catch_up
from tests.factories import AT, make_player
from tests.loyalty.log import bet_placed, tell
from tests.loyalty.programmes import standard

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.parametrize("batch_size", [1, 500])
def test_a_level_put_between_others_moves_nobody_by_itself(batch_size: int) -> None:
    someone = make_player().id
    rows = list(ProgrammeVersion.objects.get(programme_id="standard").rule["levels"])
    between = {"code": "bright", "name": "Bright", "entry_eur": "20000", "keep_eur": "1000"}
    standard(levels=[*rows[:2], between, *rows[2:]], at=AT + timedelta(hours=1))
    tell(bet_placed(someone, "60000.00", at=AT), bet_placed(someone, "10.00", at=AT + timedelta(hours=2)))
    catch_up("loyalty.accrual", batch_size=batch_size)
    assert get_standing(someone, AT + timedelta(hours=2)).level.code == "gold"
    assert [(row.from_level, row.to_level) for row in list_level_changes(someone)] == [("bronze", "gold")]
    assert rebuild("loyalty.accrual", swap=False).equal
