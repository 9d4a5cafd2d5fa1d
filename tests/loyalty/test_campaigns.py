"""Campaigns: what they multiply, from when to when, and for whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from events.services.rebuilding import rebuild
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from loyalty.models import Accrual
from loyalty.selectors_programme import list_campaigns
from loyalty.services.campaigns import CampaignExists, CampaignOver, UnknownCampaign, end_campaign, make_campaign
from loyalty.services.programmes import LEAD
from loyalty.types import CampaignDetails
from players.services.labels import set_label
from tests.consumers import catch_up
from tests.factories import AT, make_player
from tests.loyalty.log import bet_placed, tell

pytestmark = pytest.mark.usefixtures("db")

STAFF = Actor(ActorKind.STAFF, "901", frozenset({"loyalty.write_campaigns"}))
BEGIN, END = AT + LEAD, AT + timedelta(days=2)
TICK = timedelta(microseconds=1)


def make(code: str = "double", factor: str = "2", **more: Any) -> CampaignDetails:
    said = {"name": code.title(), "active_from": BEGIN, "active_until": END, "actor": STAFF, "at": AT} | more
    return make_campaign(code=code, factor=Decimal(factor), **said)


def end(code: str = "double", at: datetime = BEGIN, until: datetime | None = None) -> CampaignDetails:
    return end_campaign(code=code, active_until=until, reason="dear", actor=STAFF, at=at)


def promotions(player_id: UUID) -> list[str]:
    """By what each bet of the player's was multiplied, in the order of their moments."""
    catch_up("loyalty.accrual")
    rows = Accrual.objects.filter(player_id=player_id).order_by("occurred_at", "id")
    return [f"{row.normalize():f}" for row in rows.values_list("promotion", flat=True)]


def bet(player_id: UUID, *moments: datetime, **more: Any) -> None:
    tell(*(bet_placed(player_id, "10.00", at=at, **more) for at in moments))


def test_it_counts_from_its_first_moment_up_to_its_last() -> None:
    someone = make_player().id
    make()
    bet(someone, BEGIN - TICK, BEGIN, END - TICK, END)
    assert promotions(someone) == ["1", "2", "2", "1"]


def test_an_end_that_was_moved_is_the_end_and_the_log_alone_gives_the_same() -> None:
    someone = make_player().id
    make()
    bet(someone, BEGIN, BEGIN + LEAD - TICK)
    assert promotions(someone) == ["2", "2"]
    assert end().active_until == BEGIN + LEAD
    bet(someone, BEGIN + LEAD)
    assert promotions(someone) == ["2", "2", "1"]
    assert rebuild("loyalty.accrual", swap=False).equal


def test_one_to_come_does_not_begin_when_it_is_ended() -> None:
    someone = make_player().id
    make(active_from=BEGIN + timedelta(days=1))
    ended = end(at=AT)
    assert ended.active_until == ended.active_from
    bet(someone, ended.active_from)
    assert promotions(someone) == ["1"]


def test_of_those_that_do_not_stack_the_highest_counts_those_that_stack_multiply() -> None:
    someone = make_player().id
    make("double", "2")
    make("triple", "3")
    make("half-more", "1.5", stacks=True)
    make("tenth-more", "1.1", stacks=True)
    bet(someone, BEGIN)
    assert promotions(someone) == ["4.95"]


def test_labels_count_as_they_stood_when_the_bet_was_placed() -> None:
    someone, other = make_player().id, make_player().id
    make(labels={"crm.segment": ["vip", "whale"]})
    set_label(player_id=someone, namespace="crm", key="segment", value="vip", at=BEGIN + timedelta(hours=1))
    set_label(player_id=someone, namespace="crm", key="segment", value="lost", at=BEGIN + timedelta(hours=3))
    bet(someone, *(BEGIN + timedelta(hours=hour) for hour in (0, 2, 4)))
    bet(other, BEGIN + timedelta(hours=2))
    assert promotions(someone) == ["1", "2", "1"]
    assert promotions(other) == ["1"]
    assert rebuild("loyalty.accrual", swap=False).equal


def test_it_may_be_for_programmes_categories_and_games() -> None:
    someone = make_player().id
    make("live", "2", categories=["live"])
    make("fruits", "3", games=["fruits"], stacks=True)
    make("others", "5", games=["plums"], stacks=True)
    make("standard", "7", programmes=["standard"], stacks=True)
    bet(someone, BEGIN)
    bet(someone, BEGIN + TICK, category="live")
    assert promotions(someone) == ["21", "42"]


def test_the_same_again_is_the_same_campaign_and_something_else_is_refused() -> None:
    made = make()
    assert make(at=BEGIN) == made  # a retry that comes late
    end()
    assert make(at=BEGIN).active_until == BEGIN + LEAD  # asking again does not bring back what was ended
    with pytest.raises(CampaignExists):
        make(factor="3")
    assert [row.code for row in list_campaigns()] == ["double"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"active_from": BEGIN - TICK}, "active_from"),
        ({"active_until": BEGIN}, "active_until"),
        ({"factor": "0"}, "factor"),
        ({"factor": "100.001"}, "factor"),
        ({"factor": "1.0001"}, "factor"),
        ({"programmes": ["none"]}, "programmes"),
        ({"categories": ["bingo"]}, "categories"),
        ({"labels": {"crm.segment": []}}, "labels"),
        ({"labels": {"segment": ["vip"]}}, "labels"),
        ({"name": " "}, "name"),
        ({"code": "a b"}, "code"),
    ],
)
def test_what_cannot_be_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldErrors) as refused:
        make(**change)
    assert refused.value.errors.keys() == {field}
    assert list_campaigns() == []


@pytest.mark.parametrize("factor", ["0.001", "100"])
def test_the_least_and_the_highest_factor(factor: str) -> None:
    assert make(factor=factor).factor == Decimal(factor)


def test_it_ends_earlier_and_not_later_and_never_in_the_past() -> None:
    make()
    for until in (BEGIN + LEAD - TICK, END + TICK):
        with pytest.raises(FieldErrors):
            end(until=until)
    assert end(until=END).active_until == END
    with pytest.raises(CampaignOver):
        end(at=END - LEAD)
    assert end(at=END - LEAD - TICK).active_until == END - TICK
    with pytest.raises(UnknownCampaign):
        end("none")


def test_who_may_not_is_refused() -> None:
    nobody = Actor(ActorKind.STAFF, "903", frozenset())
    make()
    with pytest.raises(AccessDenied):
        make("other", actor=nobody)
    with pytest.raises(AccessDenied):
        end_campaign(code="double", reason="no", actor=nobody, at=BEGIN)
