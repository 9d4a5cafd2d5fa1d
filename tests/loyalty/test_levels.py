"""Reviews, forced and frozen levels, and programmes joined: asked for by services, decided in the order of the log."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from uuid import UUID

import pytest

from events.catalogue.loyalty import LevelChanged
from events.selectors import list_player_events
from events.selectors_audit import list_audit
from events.services.rebuilding import rebuild
from events.types import AuditQuery
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from loyalty import selectors
from loyalty.models import Programme, ProgrammeVersion
from loyalty.services import levels, membership
from loyalty.types import Hold
from players.selectors import UnknownPlayer
from tests.connections import in_parallel
from tests.consumers import catch_up
from tests.factories import ACTOR, AT, make_player
from tests.loyalty.log import bet_placed, rolled_back, tell

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)


def accrue(batch_size: int | None = None) -> None:
    catch_up("loyalty.accrual", batch_size=batch_size)


def moves(player_id: UUID) -> list[tuple[str, str, str]]:
    return [(c.from_level, c.to_level, c.cause) for c in reversed(selectors.list_level_changes(player_id))]


def level(player_id: UUID, at: datetime = AT) -> str:
    return selectors.get_standing(player_id, at).level.code


def gold() -> UUID:
    someone = make_player().id
    tell(bet_placed(someone, "60000.00"))
    accrue()
    return someone


def review(at: datetime) -> int:
    due = levels.review(at=at)
    accrue()
    return due


def test_a_review_takes_one_level_after_another() -> None:
    someone = gold()
    assert review(AT + 29 * DAY) == 0, "within the grace"
    assert review(AT + 30 * DAY) == 1
    assert (level(someone), review(AT + 30 * DAY), review(AT + 59 * DAY)) == ("silver", 0, 0)
    assert review(AT + 60 * DAY) == 1
    assert review(AT + 300 * DAY) == 0
    assert moves(someone) == [
        ("bronze", "gold", "turnover"),
        ("gold", "silver", "review"),
        ("silver", "bronze", "review"),
    ]
    told = [e.payload for e in list_player_events(someone, limit=100) if e.type == LevelChanged.wire_name]
    assert [(x["to_level"], x["up"]) for x in reversed(told)] == [("gold", True), ("silver", False), ("bronze", False)]


def test_turnover_of_30_days_keeps_the_level_to_the_cent() -> None:
    kept, lost = gold(), gold()
    at = AT + 31 * DAY
    tell(bet_placed(kept, "4166.67", at=at - 29 * DAY), bet_placed(lost, "4166.66", at=at - 29 * DAY))
    accrue()
    assert review(at) == 1
    assert (level(kept), level(lost)) == ("gold", "silver")
    standing = selectors.get_standing(kept, at)
    assert (standing.turnover_30d_eur, standing.to_keep_eur) == (Decimal("4166.67"), 0)
    assert review(at + DAY) == 1, "the day has left the window"


def test_a_bet_that_comes_between_the_question_and_the_answer_keeps_the_level() -> None:
    someone = gold()
    at = AT + 40 * DAY
    tell(bet_placed(someone, "5000.00", at=at))
    assert levels.review(at=at) == 1, "the accrual has not come to the bet yet"
    accrue()
    assert level(someone) == "gold"


def test_a_lost_level_is_had_again_by_30_days_of_play() -> None:
    someone = gold()
    review(AT + 30 * DAY)
    at = AT + 35 * DAY
    tell(bet_placed(someone, "4000.00", at=at))
    accrue()
    standing = selectors.get_standing(someone, at)
    assert (standing.level.code, standing.to_next_eur) == ("silver", Decimal("166.67"))
    tell(bet_placed(someone, "166.67", at=at + DAY))
    accrue()
    assert moves(someone)[-1] == ("silver", "gold", "return")


def test_a_forced_level_holds_and_is_audited() -> None:
    someone = make_player().id
    order = levels.force_level(
        player_id=someone, level="platinum", active_until=AT + 10 * DAY, reason="Opening night", actor=ACTOR, at=AT
    )
    again = levels.force_level(
        player_id=someone, level="platinum", active_until=AT + 10 * DAY, reason="Opening night", actor=ACTOR, at=AT
    )
    assert again == order
    accrue()
    standing = selectors.get_standing(someone, AT)
    assert (standing.level.code, standing.held, standing.held_until) == ("platinum", Hold.FORCED, AT + 10 * DAY)
    with pytest.raises(levels.LevelHeldAlready):
        levels.freeze_level(player_id=someone, reason="Ill", actor=ACTOR, at=AT)
    assert levels.end_due(at=AT + 9 * DAY) == 0
    assert (levels.end_due(at=AT + 10 * DAY), levels.end_due(at=AT + 10 * DAY)) == (1, 0)
    accrue()
    assert selectors.get_standing(someone, AT).held is Hold.NONE
    assert selectors.find_level_order(someone) is None
    review(AT + 39 * DAY)
    assert level(someone) == "platinum"
    review(AT + 40 * DAY)
    assert level(someone) == "gold"
    entries = [(e.action, e.reason) for e in list_audit(AuditQuery(player_id=someone))]
    assert ("loyalty.force_level", "Opening night") in entries


def test_a_frozen_level_survives_reviews_until_it_is_ended() -> None:
    someone = gold()
    levels.freeze_level(player_id=someone, reason="In hospital", actor=ACTOR, at=AT + DAY)
    accrue()
    assert review(AT + 200 * DAY) == 0
    levels.end_hold(player_id=someone, reason="Back", actor=ACTOR, at=AT + 200 * DAY)
    accrue()
    assert review(AT + 229 * DAY) == 0
    assert review(AT + 230 * DAY) == 1
    with pytest.raises(levels.NoSuchOrder):
        levels.end_hold(player_id=someone, reason="Again", actor=ACTOR, at=AT)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"level": "iron"}, FieldErrors),
        ({"reason": " "}, FieldErrors),
        ({"reason": "x" * 301}, FieldErrors),
        ({"active_until": AT}, FieldErrors),
        ({"player_id": UUID(int=7)}, UnknownPlayer),
    ],
)
def test_orders_that_cannot_be(change: dict[str, object], error: type[Exception]) -> None:
    asked = {"player_id": make_player().id, "level": "gold", "reason": "x", "active_until": None} | change
    with pytest.raises(error):
        levels.force_level(**asked, actor=ACTOR, at=AT)  # type: ignore[arg-type]


def test_only_who_may_sets_levels() -> None:
    with pytest.raises(AccessDenied):
        levels.force_level(
            player_id=make_player().id, level="gold", reason="x", actor=Actor(ActorKind.STAFF, "1"), at=AT
        )


def test_of_many_orders_at_once_one_stands() -> None:
    someone = make_player().id

    def order(number: int) -> UUID:
        return levels.freeze_level(player_id=someone, reason=f"Reason {number}", actor=ACTOR, at=AT).id

    assert len(set(in_parallel([partial(order, n) for n in range(8)], threads=8))) == 1
    accrue()
    assert len(selectors.list_level_orders(someone)) == 1


def nordic() -> None:
    """A programme of its own for Sweden, with levels that are entered sooner."""
    rule = ProgrammeVersion.objects.get(programme_id="standard").rule
    rule = rule | {
        "markets": ["SE"],
        "levels": [
            {"code": "bronze", "name": "Brons", "entry_eur": "0"},
            {"code": "north", "name": "Norr", "entry_eur": "50"},
        ],
    }
    programme = Programme.objects.create(code="nordic", name="Nordic", created_at=AT)
    ProgrammeVersion.objects.create(
        programme=programme, number=1, rule=rule, digest=b"x" * 32, state="released", created_by="t", created_at=AT,
        released_at=AT, active_from=AT - 100 * DAY,
    )  # fmt: skip


def test_players_belong_to_the_programme_of_their_market() -> None:
    before = make_player(country="SE").id
    tell(bet_placed(before, "100.00"))
    catch_up("loyalty.membership", "loyalty.accrual")
    nordic()
    after, german = make_player(country="SE").id, make_player(country="DE").id
    catch_up("loyalty.membership", "loyalty.accrual", "loyalty.labels")
    assert [selectors.get_standing(who, AT).programme for who in (before, after, german)] == [
        "standard",
        "nordic",
        "standard",
    ]
    assert (membership.join_all(at=AT), membership.join_all(at=AT)) == (1, 1), "until the accrual has come to it"
    accrue()
    assert membership.join_all(at=AT) == 0
    assert (selectors.get_standing(before, AT).programme, level(before)) == ("nordic", "north")
    assert moves(before) == [("bronze", "north", "programme")]
    assert rebuild("loyalty.accrual", swap=False).equal


def test_two_years_of_play_reviews_and_orders_are_rebuilt_from_the_log() -> None:
    dice = Random(4)
    people = [make_player().id for _ in range(6)]
    bets = []
    for number in range(0, 730, 5):
        at = AT + number * DAY
        events = []
        for person in people:
            if dice.random() < 0.6:
                bet = bet_placed(person, dice.choice(["20.00", "333.33", "2500.00", "30000.00"]), at=at)
                bets.append(bet)
                events.append(bet)
        if bets and dice.random() < 0.2:
            undone = bets.pop(dice.randrange(len(bets)))
            events.append(rolled_back(undone, at=at))
        if events:
            tell(*events)
        if dice.random() < 0.1:
            someone = dice.choice(people)
            if selectors.find_level_order(someone):
                levels.end_hold(player_id=someone, reason="x", actor=ACTOR, at=at)
            else:
                levels.force_level(
                    player_id=someone, level="gold", active_until=at + 60 * DAY, reason="x", actor=ACTOR, at=at
                )
        levels.end_due(at=at)
        if dice.random() < 0.5:
            accrue(batch_size=dice.choice([1, 3, 500]))
        review(at)
    accrue()
    causes = {cause for person in people for *_, cause in moves(person)}
    assert causes == {"turnover", "review", "return", "forced", "rollback"}
    assert rebuild("loyalty.accrual", swap=False).equal
