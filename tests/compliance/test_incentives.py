"""Bonuses and messages: what packs say of them, at the boundaries of each rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from compliance.rules_incentives import INACTIVE_AFTER, Recipient, bonus_reasons, message_reasons, offer_reasons
from compliance.selectors_gate import find_last_played
from compliance.services.gate import decide
from compliance.types_gate import BonusFacts, GateAction, MessageFacts, Verdict
from compliance.types_packs import EffectivePack
from kernel.money import Money
from players.services.consents import change_consents
from players.services.labels import set_label
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from players.types_identity import ConsentChannel, ConsentDetails, ConsentProduct
from tests.factories import ACTOR, bet, fund, make_game, make_player
from tests.packs import activate, pack_of
from wallet.services.purses import open_bonus_purse
from wallet.types import Outcome, PurseTerms

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
EURO = Money(100, "EUR")


def bonus(**facts: Any) -> BonusFacts:
    return BonusFacts(**{"kind": "bonus", "amount": EURO, **facts})


def somebody(**given: Any) -> Recipient:
    return Recipient(**{"age": 40, "harmed": False, "consents": (), "last_played_at": AT, **given})


def codes(pack: EffectivePack, facts: BonusFacts, to: Recipient | None = None) -> list[str]:
    found = bonus_reasons(pack, facts, to) if to else offer_reasons(pack, facts)
    return [reason.code for reason in found]


@pytest.mark.rule(39)
@pytest.mark.parametrize(("times", "said"), [("10", []), ("10.01", ["wagering_above_cap"]), (None, [])])
def test_wagering_has_a_cap(times: str | None, said: list[str]) -> None:
    pack = pack_of({"bonus.max_wagering_multiple": 10})
    assert codes(pack, bonus(wagering=Decimal(times) if times else None)) == said


@pytest.mark.rule(40)
def test_an_incentive_is_of_one_product() -> None:
    pack = pack_of({"bonus.mixed_products": False})
    assert codes(pack, bonus(earned_by=("betting",), pays_in=("casino",))) == ["mixed_products"]
    assert codes(pack, bonus(earned_by=("casino",), pays_in=("casino",))) == []
    assert codes(pack_of({}), bonus(earned_by=("betting",), pays_in=("casino",))) == []


@pytest.mark.rule(43)
def test_terms_are_fair() -> None:
    pack = pack_of(
        {"bonus.min_days_to_fulfil": 60, "bonus.equal_terms": True, "bonus.terms_shown_at": ["offer", "use"]}
    )
    assert codes(pack, bonus(open_days=59, terms_shown_at=("offer", "use"))) == ["too_little_time"]
    assert codes(pack, bonus(open_days=60, terms_shown_at=("offer", "use"))) == []
    assert codes(pack, bonus(open_days=60, terms_shown_at=("offer",))) == ["terms_not_shown"]
    assert codes(pack, bonus(terms_differ=True)) == ["unequal_terms"]


@pytest.mark.rule(44)
@pytest.mark.parametrize(("before", "now", "said"), [(0, 100_000, []), (60_000, 40_001, ["bonus_above_cap"])])
def test_instalments_are_summed(before: int, now: int, said: list[str]) -> None:
    pack = pack_of({"bonus.max_amount": "1000.00 DKK"}, currency="DKK")
    assert codes(pack, bonus(amount=Money(now, "DKK"), given_before=Money(before, "DKK"))) == said


@pytest.mark.rule(45)
def test_bonuses_are_not_advertised_in_public() -> None:
    pack = pack_of({"bonus.public_advertising": False, "bonus.terms_shown_at": ["first_presentation"]})
    assert codes(pack, bonus(public=True, terms_shown_at=("first_presentation",))) == ["public_advertising"]
    assert codes(pack, bonus(terms_shown_at=("offer",))) == ["terms_not_shown"]
    assert codes(pack, bonus(terms_shown_at=("first_presentation",))) == []


@pytest.mark.rule(46)
@pytest.mark.parametrize(("age", "said"), [(25, ["age_band_excluded"]), (26, []), (None, [])])
def test_the_young_get_no_bonus_where_that_is_so(age: int | None, said: list[str]) -> None:
    pack = pack_of({"age.bands": {"young": 25}, "bonus.excluded_bands": ["young"]})
    assert codes(pack, bonus(), somebody(age=age)) == said


@pytest.mark.rule(42)
def test_only_the_first_occasion_brings_a_bonus() -> None:
    pack = pack_of({"bonus.first_occasion_only": True})
    assert codes(pack, bonus(first=True), somebody()) == []
    assert codes(pack, bonus(first=False), somebody()) == ["first_occasion_only"]


def test_only_known_terms_are_judged() -> None:
    pack = pack_of(
        {"bonus.min_days_to_fulfil": 60, "bonus.terms_shown_at": ["offer"], "bonus.max_wagering_multiple": 1}
    )
    assert codes(pack, bonus(), somebody()) == []


# --- messages ---


def consent(product: ConsentProduct, channel: ConsentChannel, *, granted: bool = True) -> ConsentDetails:
    return ConsentDetails(product, channel, granted, "1", "preferences", AT)


def said(pack: EffectivePack, to: Recipient, **facts: Any) -> list[str]:
    message = MessageFacts(**{"channel": "email", "product": "casino", **facts})
    return [reason.code for reason in message_reasons(pack, message, to, AT)]


@pytest.mark.rule(48)
@pytest.mark.parametrize("product", ConsentProduct)
@pytest.mark.parametrize("channel", ConsentChannel)
def test_each_cell_of_the_consents_stands_alone(product: ConsentProduct, channel: ConsentChannel) -> None:
    pack = pack_of({"marketing.consent_dimensions": ["product", "channel"]})
    agreed = somebody(consents=[consent(product, channel)])
    for asked_product in ConsentProduct:
        for asked_channel in ConsentChannel:
            both = (asked_product, asked_channel) == (product, channel)
            expected = [] if both else ["no_consent"]
            assert said(pack, agreed, product=asked_product, channel=asked_channel) == expected
    assert said(pack, somebody(consents=[consent(product, channel, granted=False)])) == ["no_consent"]
    assert said(pack, somebody(), marketing=False) == []


@pytest.mark.rule(45)
def test_consent_counts_where_it_was_given() -> None:
    pack = pack_of({"marketing.consent_on_site": True})
    given = consent(ConsentProduct.CASINO, ConsentChannel.EMAIL)
    assert said(pack, somebody(consents=[given])) == []
    elsewhere = ConsentDetails(given.product, given.channel, True, "1", "phone call", AT)
    assert said(pack, somebody(consents=[elsewhere])) == ["no_consent"]


@pytest.mark.rule(50)
def test_who_stopped_playing_is_left_alone() -> None:
    pack = pack_of({"marketing.reactivation_of_inactive": False})
    agreed = [consent(ConsentProduct.CASINO, ConsentChannel.EMAIL)]
    edge = AT - INACTIVE_AFTER
    assert said(pack, somebody(consents=agreed, last_played_at=edge + timedelta(seconds=1))) == []
    assert said(pack, somebody(consents=agreed, last_played_at=edge)) == ["inactive"]
    assert said(pack, somebody(consents=agreed, last_played_at=None)) == ["inactive"]
    assert said(pack_of({}), somebody(consents=agreed, last_played_at=None)) == []


# --- through the gate ---


@pytest.fixture
def swede(db: None) -> PlayerDetails:
    activate("SE")
    make_game()
    return make_player(country="SE", at=AT, first_name="Eva", last_name="Ek", birth_date=date(1980, 1, 1))


@pytest.mark.rule(42)
def test_a_second_grant_in_sweden_is_refused_and_kept(swede: PlayerDetails) -> None:
    def grant(key: str) -> Outcome:
        return open_bonus_purse(
            player_id=swede.id, amount=Money(1_000, "EUR"), terms=PurseTerms(), source="test", idempotency_key=key,
            actor=ACTOR, at=AT,
        )[1].outcome  # fmt: skip

    assert grant("one") is Outcome.APPLIED
    assert grant("two") is Outcome.REFUSED
    assert grant("one") is Outcome.REPLAYED


@pytest.mark.rule(41)
def test_strong_signs_of_harm_stop_bonuses_and_marketing_at_once(db: None) -> None:
    activate("GB")
    player = make_player(country="GB", at=AT)
    cell = (ConsentProduct.CASINO, ConsentChannel.EMAIL)
    change_consents(player_id=player.id, answers={cell: True}, text_version="1", source="preferences", at=AT)

    def verdicts(at: datetime) -> list[Verdict]:
        facts = (BonusFacts("bonus", EURO), MessageFacts("email", "casino"))
        return [
            decide(action=action, player_id=player.id, facts=what, actor=ACTOR, at=at).verdict
            for action, what in zip((GateAction.BONUS, GateAction.MESSAGE), facts, strict=True)
        ]

    assert verdicts(AT)[1] is Verdict.ALLOW
    set_label(player_id=player.id, namespace="harm", key="marker", value="strong", at=AT)
    assert verdicts(AT + timedelta(seconds=1)) == [Verdict.DENY, Verdict.DENY]


@pytest.mark.rule(49)
@pytest.mark.parametrize("channel", ConsentChannel)
def test_nothing_is_written_to_who_is_excluded(channel: ConsentChannel, db: None) -> None:
    player = make_player(at=AT)
    cell = (ConsentProduct.CASINO, channel)
    change_consents(player_id=player.id, answers={cell: True}, text_version="1", source="preferences", at=AT)

    def ask(at: datetime) -> bool:
        facts = MessageFacts(channel, "casino")
        return decide(action=GateAction.MESSAGE, player_id=player.id, facts=facts, actor=ACTOR, at=at).allowed

    assert ask(AT)  # when it was queued
    impose(player_id=player.id, kind=RestrictionKind.SELF_EXCLUDED, reason="asked", source="player", actor=ACTOR, at=AT)
    assert not ask(AT + timedelta(seconds=1))  # when it would be sent


@pytest.mark.rule(50)
def test_the_last_bet_tells_who_is_inactive(db: None) -> None:
    make_game()
    player = make_player(at=AT)
    fund(player.id, at=AT)
    assert bet(player.id, "1.00", at=AT).outcome is Outcome.APPLIED
    assert find_last_played(player.id) == AT
