"""Points and levels from bets: the rules of the programme."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import IntegrityError

from events.catalogue.loyalty import LevelChanged, PointsAccrued
from events.selectors import list_dead_letters, list_player_events
from events.services import dead_letters
from events.services.log import holding, publish
from kernel.ids import uuid7
from loyalty import selectors
from loyalty.types import AccrualKind
from players.selectors import UnknownPlayer
from tests.consumers import catch_up
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.loyalty.log import bet_placed, rolled_back, tell, tell_in_parts
from wallet.services.bets import roll_back_bet
from wallet.types import GameCategory

pytestmark = pytest.mark.usefixtures("db")


def player() -> UUID:
    return make_player().id


def accrue(batch_size: int | None = None) -> None:
    catch_up("loyalty.accrual", batch_size=batch_size)


def levels_of(player_id: UUID) -> list[tuple[str, str]]:
    return [(c.from_level, c.to_level) for c in reversed(selectors.list_level_changes(player_id))]


def published(player_id: UUID, event: type) -> list[dict[str, object]]:
    events = list_player_events(player_id, limit=1000)
    return [e.payload for e in reversed(events) if e.type == event.wire_name]


def test_the_levels_are_those_of_the_programme() -> None:
    rows = [(x.code, x.entry_eur, x.multiplier, x.cashback, x.privileges) for x in selectors.list_levels(AT)]
    assert rows == [
        ("bronze", 0, 1, 0, ()),
        ("silver", 10_000, Decimal("1.1"), Decimal("0.01"), ()),
        ("gold", 50_000, Decimal("1.25"), Decimal("0.02"), ("email_support",)),
        ("platinum", 200_000, Decimal("1.5"), Decimal("0.03"), ("email_support", "personal_manager")),
    ]


def test_a_player_without_bets_stands_at_the_first_level() -> None:
    someone = make_player()
    standing = selectors.get_standing(someone.id, AT)
    assert (standing.level.code, standing.points, standing.turnover_eur) == ("bronze", 0, 0)
    assert (standing.next_level.code, standing.to_next_eur) == ("silver", 10_000)  # type: ignore[union-attr]
    assert standing.level_since == someone.registered_at
    with pytest.raises(UnknownPlayer):
        selectors.get_standing(uuid7(), AT)


@pytest.mark.parametrize(
    ("category", "exclusive", "points"),
    [
        ("slots", False, 100),
        ("crash", False, 100),
        ("table", False, 50),
        ("live", False, 150),
        ("other", False, 100),
        ("table", True, 200),
        ("live", True, 200),
    ],
)
def test_a_bet_earns_by_its_game(category: str, exclusive: bool, points: int) -> None:
    someone = player()
    tell(bet_placed(someone, "100.00", category=category, exclusive=exclusive))
    accrue()
    standing = selectors.get_standing(someone, AT)
    assert (standing.points, standing.turnover_eur) == (points, 100)


def test_every_category_of_the_game_catalogue_earns() -> None:
    someone = player()
    tell(*(bet_placed(someone, "1.00", category=category) for category in GameCategory))
    accrue()
    assert selectors.get_standing(someone, AT).turnover_eur == len(GameCategory)


@pytest.mark.parametrize(
    ("before", "level", "earned"),
    [
        ("9999.99", "bronze", 100),
        ("10000.00", "silver", 110),
        ("49999.99", "silver", 110),
        ("50000.00", "gold", 125),
        ("199999.99", "gold", 125),
        ("200000.00", "platinum", 150),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 500])
def test_a_bet_earns_at_the_level_that_was_reached_before_it(
    before: str, level: str, earned: int, batch_size: int
) -> None:
    someone = player()
    tell(bet_placed(someone, before), bet_placed(someone, "100.00"))
    accrue(batch_size)
    second, first = selectors.list_accruals(someone)
    assert first.multiplier == 1
    assert second.earned == earned
    reached = [change.to_level for change in selectors.list_level_changes(someone)]
    assert level == "bronze" or level in reached


def test_one_bet_may_skip_levels() -> None:
    someone = player()
    tell(bet_placed(someone, "60000.00"))
    accrue()
    assert levels_of(someone) == [("bronze", "gold")]


def test_levels_that_are_crossed_within_one_batch_are_all_recorded_and_told() -> None:
    someone = player()
    moments = [AT + timedelta(minutes=i) for i in range(4)]
    bets = [
        bet_placed(someone, stake, at=at)
        for stake, at in zip(("10000.00", "40000.00", "150000.00", "1.00"), moments, strict=True)
    ]
    tell(*bets)
    accrue()
    assert levels_of(someone) == [("bronze", "silver"), ("silver", "gold"), ("gold", "platinum")]
    assert [(x["from_level"], x["to_level"], x["turnover_eur"]) for x in published(someone, LevelChanged)] == [
        ("bronze", "silver", "10000.00"),
        ("silver", "gold", "50000.00"),
        ("gold", "platinum", "200000.00"),
    ]
    standing = selectors.get_standing(someone, AT)
    assert standing.points == 10_000 + 44_000 + 187_500 + 1
    assert standing.level_since == moments[2]
    assert (standing.next_level, standing.to_next_eur) == (None, None)
    assert published(someone, PointsAccrued) == [
        {"points": standing.points, "balance": standing.points, "turnover_eur": "200001.00"}
    ]


@pytest.mark.parametrize("batch_size", [7, 500])
def test_a_thousand_small_bets_earn_what_one_large_bet_earns(batch_size: int) -> None:
    small, large = player(), player()
    tell_in_parts([bet_placed(small, "0.33", category="table") for _ in range(1000)])
    tell(bet_placed(large, "330.00", category="table"))
    accrue(batch_size)
    assert selectors.get_standing(small, AT).points == selectors.get_standing(large, AT).points == 165
    entries = selectors.list_points_entries(small, limit=2000)
    assert sum(entry.points for entry in entries) == 165
    assert entries[0].balance_after == 165


def test_bonus_stakes_do_not_count() -> None:
    someone = player()
    tell(bet_placed(someone, "4.00", bonus="6.00"), bet_placed(someone, "0.00", bonus="10.00"))
    accrue()
    assert selectors.get_standing(someone, AT).turnover_eur == 4
    assert len(selectors.list_accruals(someone)) == 1


@pytest.mark.parametrize("batch_size", [1, 500])
def test_a_rollback_takes_back_what_its_bet_moved(batch_size: int) -> None:
    """Not what it would earn now: the bet was made at bronze, the rollback comes at silver."""
    someone = player()
    first = bet_placed(someone, "9999.00")
    tell(first, bet_placed(someone, "1.00"), bet_placed(someone, "100.00"), rolled_back(first))
    accrue(batch_size)
    standing = selectors.get_standing(someone, AT)
    assert (standing.turnover_eur, standing.points, standing.level.code) == (101, 1 + 110, "bronze")
    assert levels_of(someone) == [("bronze", "silver"), ("silver", "bronze")]
    newest = selectors.list_accruals(someone)[0]
    assert (newest.kind, newest.turnover_eur, newest.earned, newest.multiplier) == (
        AccrualKind.ROLLBACK,
        -9999,
        -9999,
        1,
    )
    assert [x["reason"] for x in published(someone, LevelChanged)] == ["turnover", "rollback"]


def test_a_rollback_of_a_bet_that_earned_nothing_takes_nothing() -> None:
    someone = player()
    free = bet_placed(someone, "0.00", bonus="10.00")
    tell(bet_placed(someone, "5.00"), free, rolled_back(free))
    accrue()
    assert selectors.get_standing(someone, AT).points == 5


def test_what_the_wallet_posts_is_counted() -> None:
    someone = player()
    make_game("cards", GameCategory.TABLE)
    fund(someone, "100.00")
    bet(someone, "30.00", key="kept", game="cards")
    bet(someone, "20.00", key="undone", game="cards")
    roll_back_bet(
        player_id=someone, source="test", idempotency_key="undo", bet_key="undone", currency="EUR", actor=ACTOR, at=AT
    )
    accrue()
    standing = selectors.get_standing(someone, AT)
    assert (standing.turnover_eur, standing.points) == (30, 15)


def test_a_bet_without_an_amount_in_euros_waits_as_a_dead_letter_until_it_is_amended() -> None:
    unlucky, other = player(), player()
    unknown = bet_placed(unlucky, "50.00")
    with holding(unlucky, other):
        event_id = publish(type(unknown)(**{**vars(unknown), "real_eur": None, "currency": "GBP"}))
        publish(bet_placed(unlucky, "1.00"))
        publish(bet_placed(other, "7.00"))
    accrue()
    assert selectors.get_standing(other, AT).points == 7
    letters = list_dead_letters("loyalty.accrual")
    assert [letter.cause for letter in letters] == ["poisoned", "behind"]
    assert "TurnoverUnknown" in letters[0].error
    assert event_id is not None
    dead_letters.amend_event(
        event_id=event_id, payload=bet_placed(unlucky, "58.00").payload(), reason="rate of the day", actor=ACTOR, at=AT
    )
    dead_letters.replay(consumer="loyalty.accrual", player_id=unlucky, actor=ACTOR, at=AT)
    assert selectors.get_standing(unlucky, AT).turnover_eur == 59


def test_an_amount_that_turnover_cannot_hold_is_not_rounded() -> None:
    someone = player()
    tell(bet_placed(someone, "0.0000001"))
    accrue()
    assert "TurnoverUnknown" in list_dead_letters("loyalty.accrual")[0].error


def test_one_bet_is_never_counted_twice() -> None:
    someone = player()
    once = bet_placed(someone, "5.00")
    tell(once, once)
    accrue()
    assert selectors.get_standing(someone, AT).points == 5
    assert IntegrityError.__name__ in list_dead_letters("loyalty.accrual")[0].error


def test_the_ledger_of_points_is_paged_newest_first() -> None:
    someone = player()
    tell(*(bet_placed(someone, f"{n}.00") for n in range(1, 6)))
    accrue(batch_size=1)
    newest = selectors.list_points_entries(someone, limit=2)
    older = selectors.list_points_entries(someone, before=newest[-1].id, limit=2)
    assert [entry.points for entry in newest + older] == [5, 4, 3, 2]


def test_players_by_level() -> None:
    tell(*(bet_placed(player(), stake) for stake in ("1.00", "2.00", "10000.00", "999999.00")))
    accrue()
    assert selectors.count_players_by_level(AT) == {"bronze": 2, "silver": 1, "gold": 0, "platinum": 1}
