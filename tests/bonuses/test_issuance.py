"""Issuing stops by itself: budgets, caps of players, households and devices, the brake, the kill switch, two people."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from bonuses.models import Spend
from bonuses.selectors import get_offer, list_grants, list_versions
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import claim, forfeit, grant
from bonuses.services.lists import award_list, get_list, work_lists
from bonuses.services.offers import (
    OfferMoved,
    ask_for_release,
    parse_rule,
    pause_offer,
    resume_offer,
    stop_offer,
    write_version,
)
from compliance.selectors import get_approval
from compliance.services.approvals import SelfApproval, approve
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.money import Money
from tests.bonuses.offers import CHECKER, GIFT, MAKER, live_offer, merged, work
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.services.withdrawal_money import WithdrawalRefused
from wallet.services.withdrawals import request_withdrawal

pytestmark = pytest.mark.usefixtures("db")
FREE = {"wagering": {"multiple": "0"}}


def tried(offer: str, player_id: UUID, occasion: str = "x", at: object = AT) -> list[str]:
    """Why the player did not get it; empty: they did."""
    try:
        grant(offer=offer, player_id=player_id, occasion=occasion, actor=ACTOR, at=at)  # type: ignore[arg-type]
    except NotEligible as error:
        return [reason.code for reason in error.reasons]
    return []


def test_a_spent_budget_is_exact_when_fifty_want_the_last_of_it() -> None:
    offer = live_offer(GIFT, **FREE, budget={"total_eur": "65"})
    players = [make_player().id for _ in range(50)]
    got = in_parallel([lambda player=player: tried(offer.code, player) for player in players], 25)  # type: ignore[misc]
    assert got.count([]) == 6
    assert got.count(["budget_spent"]) == 44
    assert Spend.objects.get().cost_eur_minor == 6_000
    assert sum(len(list_grants(player)) for player in players) == 6


def test_a_budget_of_the_day_is_there_again_tomorrow() -> None:
    offer = live_offer(GIFT, **FREE, budget={"per_day_eur": "15"})
    first, second = make_player().id, make_player().id
    assert tried(offer.code, first) == []
    assert tried(offer.code, second) == ["budget_spent"]
    assert tried(offer.code, second, at=AT + timedelta(days=1)) == []


def test_the_brake_stops_an_audience_that_grows_too_fast() -> None:
    offer = live_offer(GIFT, **FREE, budget={"grants_per_hour": 3})
    got = [tried(offer.code, make_player().id) for _ in range(4)]
    assert got == [[], [], [], ["brake"]]
    assert tried(offer.code, make_player().id, at=AT + timedelta(hours=1)) == []


def test_a_household_gets_it_as_often_as_the_offer_says() -> None:
    offer = live_offer(GIFT, **FREE, eligibility={"per_player": 1, "per_household": 1})
    home = {"last_name": "Keller", "postcode": "10115"}
    anna, bert = (make_player(**home).id for _ in range(2))
    spelt = make_player(last_name=" KELLER", postcode="101 15").id
    other = make_player(last_name="Keller", postcode="10117").id
    got = in_parallel([lambda player=player: tried(offer.code, player) for player in (anna, bert)], 2)  # type: ignore[misc]
    assert sorted(got) == [[], ["household_cap"]]
    assert tried(offer.code, spelt) == ["household_cap"]
    assert tried(offer.code, other) == []


def test_a_player_gets_it_as_often_as_the_offer_says() -> None:
    offer = live_offer(GIFT, **FREE, eligibility={"per_player": 2})
    player = make_player().id
    assert [tried(offer.code, player, f"day {day}") for day in (1, 2, 3)] == [[], [], ["player_cap"]]


def test_the_kill_switch_stops_everything_new_and_nothing_old() -> None:
    make_game()
    offer = live_offer(GIFT, claim="player")
    player, other = make_player().id, make_player().id
    found = grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=AT)
    pause_offer(code=offer.code, reason="costs too much", actor=MAKER, at=AT)
    assert tried(offer.code, other) == ["offer_not_live"]
    assert claim(grant_id=found.id, actor=Actor(ActorKind.PLAYER, str(player)), at=AT).state == "active"
    resume_offer(code=offer.code, reason="mended", actor=MAKER, at=AT)
    assert tried(offer.code, other) == []
    stop_offer(code=offer.code, reason="over", actor=MAKER, at=AT)
    assert tried(offer.code, make_player().id) == ["offer_not_live"]


def test_one_person_cannot_release_and_the_granted_keeps_its_version() -> None:
    make_game()
    both = Actor(ActorKind.STAFF, "903", MAKER.permissions | CHECKER.permissions)
    offer = live_offer(GIFT)
    player = make_player().id
    grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=AT)
    harder = parse_rule(json.dumps(merged(GIFT, {"wagering": {"multiple": "50"}})))
    version = write_version(code=offer.code, name="Harder", rule=harder, actor=both, at=AT)
    assert write_version(code=offer.code, name="Harder", rule=harder, actor=both, at=AT).id == version.id
    assert get_offer(offer.code).rule.wagering.multiple == 5
    approval_id = ask_for_release(version_id=version.id, comment="why", idempotency_key="r", actor=both, at=AT)
    digest = get_approval(approval_id).digest
    with pytest.raises(SelfApproval):
        approve(approval_id=approval_id, seen_digest=digest, comment="", actor=both, at=AT)
    approve(approval_id=approval_id, seen_digest=digest, comment="ok", actor=CHECKER, at=AT)
    assert get_offer(offer.code).rule.wagering.multiple == 50
    assert [row.number for row in list_versions(offer.code)] == [2, 1]
    (kept,) = list_grants(player)
    assert (kept.version, kept.rule.wagering.multiple) == (1, 5)


@pytest.mark.parametrize("on", ["forfeit", "refuse", "keep"])
def test_withdrawing_while_wagering_is_as_the_offer_says(on: str) -> None:
    make_game()
    offer = live_offer(GIFT, on_withdrawal=on)
    player = make_player(country="AT").id
    fund(player, "50.00")
    found = grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=AT)
    from wallet.selectors import list_instruments

    instrument = next(iter(list_instruments(player)), None)
    assert instrument

    def withdraw() -> None:
        request_withdrawal(
            player_id=player, amount=Money.parse("20.00", "EUR"), instrument_id=instrument.id, source="test",
            idempotency_key="w", actor=ACTOR, at=AT,
        )  # fmt: skip

    if on == "refuse":
        with pytest.raises(WithdrawalRefused, match="being wagered"):
            withdraw()
        assert list_grants(player)[0].state == "active"
        forfeit(grant_id=found.id, reason="", actor=Actor(ActorKind.PLAYER, str(player)), at=AT)
    withdraw()
    (after,) = list_grants(player)
    assert (after.state, after.ended_by) == {
        "forfeit": ("forfeited", "withdrawal"), "refuse": ("forfeited", "player"), "keep": ("active", "")
    }[on]  # fmt: skip


def test_deposit_bonus_withdraw_brings_nobody_anything() -> None:
    """The oldest abuse: pay in, take the bonus, take the money out again."""
    make_game()
    offer = live_offer(GIFT)
    player = make_player(country="AT").id
    fund(player, "50.00")
    grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=AT)
    from wallet.selectors import get_balances, list_instruments

    request_withdrawal(
        player_id=player, amount=Money.parse("50.00", "EUR"), instrument_id=list_instruments(player)[0].id, source="test",
        idempotency_key="w", actor=ACTOR, at=AT,
    )  # fmt: skip
    bet(player, "10.00", at=AT)
    work()
    balances = get_balances(player)
    assert (str(balances.real), list_grants(player)[0].state) == ("0.00", "forfeited")


def test_a_list_is_worked_once_each_and_says_who_was_left_out() -> None:
    offer = live_offer(GIFT, **FREE, eligibility={"jurisdictions": ["DE"]})
    players = [make_player().id for _ in range(5)] + [make_player(country="AT").id]
    nobody = UUID(int=7)
    listed = award_list(
        offer=offer.code, player_ids=[*players, players[0], nobody], note="Complaints in spring", idempotency_key="l",
        actor=ACTOR, at=AT,
    )  # fmt: skip
    assert (listed.size, listed.left) == (7, 7)
    in_parallel([lambda: work_lists(at=AT)] * 4, 4)
    done = get_list(listed.id)
    assert (done.given, done.refused, done.left) == (5, 2, 0)
    assert work_lists(at=AT) == 0
    again = award_list(
        offer=offer.code, player_ids=[*players, players[0], nobody], note="Complaints in spring", idempotency_key="l",
        actor=ACTOR, at=AT,
    )  # fmt: skip
    assert again == done
    assert sum(len(list_grants(player)) for player in players) == 5


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wagering": {"multiple": "-1"}}, "wagering.multiple"),
        ({"wagering": {"multiple": "10.001"}}, "wagering.multiple"),
        ({"wagering": {"contribution": {"slots": "101"}}}, "wagering.contribution.slots"),
        ({"wagering": {"contribution": {"bingo": "1"}}}, "wagering.contribution.bingo"),
        ({"wagering": {"days": 0}}, "wagering.days"),
        ({"award": {"amount": {"EUR": "0"}}}, "award.amount.EUR"),
        ({"award": {"amount": {"EUR": "1.234"}}}, "award.amount.EUR"),
        ({"award": {"amount": {"XXQ": "1"}}}, "award.amount.XXQ"),
        ({"award": {"kind": "deposit_match"}}, "award.kind"),
        ({"award": {"kind": "free_spins", "spins": 0}}, "award.spins"),
        (
            {"award": {"kind": "cashback", "percent": "5", "cap": {"EUR": "5"}}, "trigger": {"kind": "code"}},
            "trigger.kind",
        ),
        ({"trigger": {"kind": "inactivity"}}, "trigger.days"),
        ({"trigger": {"kind": "nonsense"}}, "trigger.kind"),
        ({"budget": {"grants_per_hour": 0}}, "budget.grants_per_hour"),
        ({"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "ends_at"),
        ({"starts_at": "2026-02-01T00:00:00"}, "starts_at"),
        ({"titles": {"en": " "}}, "titles.en"),
        ({"typo": 1}, "rule"),
        ({"wagering": {"max_stake": {"SEK": "5"}}}, "wagering.max_stake"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_by_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(FieldErrors) as caught:
        parse_rule(json.dumps(merged(GIFT, change)))
    assert field in caught.value.errors, caught.value.errors


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"trigger": 1}', "\x00", '{"a":' * 5000, "12"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(FieldErrors):
        parse_rule(text)


def test_two_who_save_at_one_instant_do_not_write_over_each_other() -> None:
    offer = live_offer(GIFT)
    seen = list_versions(offer.code)[0].number

    def save(multiple: str) -> int:
        rule = parse_rule(json.dumps(merged(GIFT, {"wagering": {"multiple": multiple}})))
        try:
            return write_version(code=offer.code, name=offer.name, rule=rule, after=seen, actor=MAKER, at=AT).number
        except OfferMoved:
            return 0

    got = in_parallel([lambda multiple=str(n): save(multiple) for n in range(6, 14)], 8)  # type: ignore[misc]
    assert sorted(got) == [0] * 7 + [seen + 1]
    with pytest.raises(OfferMoved):
        write_version(code=offer.code, name="x", rule=parse_rule(json.dumps(GIFT)), after=0, actor=MAKER, at=AT)
    assert get_offer(offer.code).name == offer.name
