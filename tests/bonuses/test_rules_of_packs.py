"""What jurisdictions say of bonuses (rules 39 to 45), where offers are written, and where they are given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bonuses.selectors import list_grants
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import grant
from bonuses.services.offers import list_objections_everywhere, parse_rule, write_version
from compliance.selectors_gate import list_decisions
from compliance.services.kyc import decide_step
from compliance.services.kyc_triggers import ask_player
from compliance.types_kyc import StepState
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.fx import record_rates
from kernel.money import Money
from players.services.labels import set_label
from tests.bonuses.offers import GIFT, MAKER, live_offer, merged
from tests.factories import ACTOR, make_player
from tests.packs import activate

pytestmark = pytest.mark.usefixtures("db")
AT = datetime(2026, 10, 1, 12, tzinfo=UTC)  # every pack is in force by then
OFFICER = Actor(ActorKind.STAFF, "903", frozenset({"compliance.review_kyccase"}))
SECOND = timedelta(seconds=1)
# Terms that every pack lets pass but for what a test changes.
FAIR: dict[str, Any] = merged(GIFT, {"wagering": {"multiple": "5", "days": 90}})


def write(changes: Mapping[str, Any], *places: str) -> None:
    rule = merged(FAIR, {**changes, "eligibility": {"jurisdictions": list(places), "per_player": 0}})
    write_version(code="offer", name="Offer", rule=parse_rule(json.dumps(rule)), actor=MAKER, at=AT)


def proved(country: str) -> UUID:
    """A player who has proved what the pack of their country wants."""
    player = make_player(country=country, birth_date=date(1980, 1, 1)).id
    case = ask_player(player_id=player, actor=ACTOR, at=AT)
    for step in case.steps if case else ():
        decide_step(step_id=step.id, to=StepState.ACCEPTED, actor=OFFICER, at=AT)
    return player


def refused(*, player: UUID, offer: str, occasion: str = "x", at: datetime = AT) -> list[str]:
    """What stands against it; every such refusal by compliance is kept."""
    try:
        grant(offer=offer, player_id=player, occasion=occasion, actor=ACTOR, at=at)
    except NotEligible as error:
        codes = [reason.code for reason in error.reasons]
        assert codes[0] in [reason.code for reason in list_decisions(player_id=player, limit=1)[0].reasons]
        return codes
    return []


@pytest.mark.rule(39)
@pytest.mark.parametrize(("place", "most"), [("GB", "10"), ("DK", "10")])
def test_more_than_ten_times_is_refused_when_it_is_saved_and_when_it_is_given(place: str, most: str) -> None:
    activate(place)
    currency = {"GB": "GBP", "DK": "DKK"}[place]
    amount = {"award": {"amount": {"EUR": "10.00", currency: "10.00"}}}
    write({**amount, "wagering": {"multiple": most}}, place)
    with pytest.raises(FieldErrors) as error:
        write({**amount, "wagering": {"multiple": f"{most}.01"}}, place)
    assert f"{place}: No more than {most} times" in error.value.errors["eligibility.jurisdictions"][0]
    # Written for everywhere, it is told beforehand, and does not reach the players of that place.
    everywhere = live_offer(FAIR, wagering={"multiple": "10.01"}, eligibility={"per_player": 0})
    assert (place, f"No more than {most} times the bonus may have to be wagered.") in list_objections_everywhere(
        rule=everywhere.rule, at=AT
    )
    assert refused(player=proved(place), offer=everywhere.code) == ["wagering_above_cap"]
    assert refused(player=make_player(country="AT").id, offer=everywhere.code) == []


@pytest.mark.rule(40)
def test_an_incentive_spans_one_product() -> None:
    activate("GB")
    with pytest.raises(FieldErrors, match="several products"):
        write({"earned_by": "betting"}, "GB")
    mixed = live_offer(FAIR, earned_by="betting", eligibility={"per_player": 0})
    assert refused(player=proved("GB"), offer=mixed.code) == ["mixed_products"]
    assert refused(player=make_player(country="MT").id, offer=mixed.code) == []


@pytest.mark.rule(41)
def test_signs_of_harm_at_one_moment_end_bonuses_at_the_next() -> None:
    activate("GB")
    player, offer = proved("GB"), live_offer(FAIR, wagering={"multiple": "0"}, eligibility={"per_player": 0})
    assert refused(player=player, offer=offer.code, occasion="before") == []
    set_label(player_id=player, namespace="harm", key="marker", value="strong", at=AT)
    assert refused(player=player, offer=offer.code, occasion="after", at=AT + SECOND) == ["harm_marker"]
    assert [row.occasion for row in list_grants(player_id=player)] == ["before"]


@pytest.mark.rule(42)
def test_in_sweden_there_is_one_bonus_the_first() -> None:
    activate("SE")
    player = proved("SE")
    first = live_offer(FAIR, wagering={"multiple": "0"}, eligibility={"per_player": 0})
    second = live_offer(FAIR, wagering={"multiple": "0"}, eligibility={"per_player": 0})
    assert refused(player=player, offer=first.code) == []
    assert refused(player=player, offer=first.code, occasion="again") == ["first_occasion_only"]
    assert refused(player=player, offer=second.code, at=AT + timedelta(days=400)) == ["first_occasion_only"]


@pytest.mark.rule(43)
@pytest.mark.parametrize("place", ["SE", "DK"])
def test_sixty_days_are_left_for_the_conditions(place: str) -> None:
    activate(place)
    with pytest.raises(FieldErrors, match="at least 60 days"):
        write({"wagering": {"multiple": "5", "days": 59}}, place)
    write({"wagering": {"multiple": "5", "days": 60}}, place)
    short = live_offer(FAIR, wagering={"days": 59}, eligibility={"per_player": 0})
    assert refused(player=proved(place), offer=short.code) == ["too_little_time"]
    at_once = live_offer(FAIR, wagering={"multiple": "0", "days": 1}, eligibility={"per_player": 0})
    assert refused(player=proved(place), offer=at_once.code) == [], "there is nothing to fulfil"


@pytest.mark.rule(44)
def test_instalments_of_one_bonus_are_summed_in_denmark(settings: Any) -> None:
    settings.PLAYER_CURRENCIES = ("EUR", "DKK")
    _rate()
    activate("DK")
    with pytest.raises(FieldErrors, match=r"1000\.00 DKK in all"):
        write({"award": {"amount": {"DKK": "1000.01"}}}, "DK")
    player = make_player(country="DK", currency="DKK").id
    offer = live_offer(
        FAIR, award={"amount": {"DKK": "600.00"}}, wagering={"multiple": "0"}, eligibility={"per_player": 0}
    )
    assert refused(player=player, offer=offer.code) == []
    assert refused(player=player, offer=offer.code, occasion="the second half") == ["bonus_above_cap"]
    rest = live_offer(
        FAIR, award={"amount": {"DKK": "1000.00"}}, wagering={"multiple": "0"}, eligibility={"per_player": 0}
    )
    assert refused(player=player, offer=rest.code) == [], "another bonus is another sum"
    assert [row.amount for row in list_grants(player_id=player)] == [Money(100_000, "DKK"), Money(60_000, "DKK")]


def _rate() -> None:
    record_rates(
        rates={AT.date(): {"DKK": Decimal("7.46")}, date(2026, 3, 14): {"DKK": Decimal("7.46")}}, source="t", at=AT
    )


@pytest.mark.rule(45)
def test_nothing_is_advertised_in_public_in_ontario() -> None:
    activate("CA-ON")
    with pytest.raises(FieldErrors, match="advertised in public"):
        write({"public": True}, "CA-ON")
    public = live_offer(FAIR, public=True, eligibility={"per_player": 0})
    assert refused(player=make_player(country="CA", region="ON").id, offer=public.code) == ["public_advertising"]
    assert refused(player=make_player(country="CA", region="QC").id, offer=public.code) == []
