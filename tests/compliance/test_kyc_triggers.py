"""What has players prove something, with the boundary values of the rules: thresholds, grace, age before deposit, expiry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance import rules_kyc as rules
from compliance.models_kyc import KycTransaction
from compliance.rules_kyc import Threshold, reaches, threshold_of
from compliance.selectors_kyc import find_unfinished_case, get_case, list_cases, worth_in_euro
from compliance.selectors_packs import get_pack_of
from compliance.services import kyc
from compliance.services import kyc_triggers as triggers
from compliance.services.gate import decide
from compliance.types_gate import BonusFacts, DepositFacts, GateAction, WithdrawalFacts
from compliance.types_kyc import CaseState, Funds, StepKind, StepState, Trigger
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.fx import record_rates
from kernel.ids import uuid7
from kernel.money import Money
from players.models import Profile
from players.selectors import find_refusal, get_player, list_risk_assessments
from players.types import ConfirmStatus, PlayerAction, RiskLevel
from tests.compliance.packs_in_force import make_up, put_in_force
from tests.compliance.test_kyc_cases import accept_all, adult
from tests.factories import ACTOR, AT, _numbers, bet, fund, make_game
from tests.packs import pack_of
from wallet.services.deposits import DepositRefused, request_deposit

S, C, K = StepState, CaseState, StepKind
DAY, EUR = timedelta(days=1), "EUR"
OFFICER = Actor(ActorKind.STAFF, "7", frozenset({kyc.REVIEW, kyc.SECOND, triggers.CHANGE_RISK}))


def euro(text: str) -> Money:
    return Money.parse(text, EUR)


def deposited(player_id, amount: str, at=AT, currency: str = EUR) -> None:
    money = Money.parse(amount, currency)
    triggers.note_deposit(player_id=player_id, deposit_id=uuid7(), amount=money, actor=ACTOR, at=at)


def asked(player_id, action: GateAction, amount: str = "10.00", at=AT, currency: str = EUR) -> str:
    """What the gate says; "" when it allows."""
    money = Money.parse(amount, currency)
    facts = {
        GateAction.DEPOSIT: DepositFacts(money),
        GateAction.WITHDRAWAL: WithdrawalFacts(money),
        GateAction.BONUS: BonusFacts("reload", money),
    }[action]
    decision = decide(action=action, player_id=player_id, facts=facts, actor=ACTOR, at=at)
    return "" if decision.allowed else decision.refusal.code


# --- thresholds: rules 7 and 8 ---------------------------------------------------------------------------------------

EU = pack_of({"aml.cdd_threshold": "2000.00 EUR", "aml.cdd_basis": "transactions", "aml.cdd_linked": True})
MT = pack_of(
    {
        "aml.cdd_threshold": "2000.00 EUR",
        "aml.cdd_basis": "deposits",
        "aml.cdd_linked": True,
        "aml.cdd_window_days": 180,
    }
)
SINGLE = pack_of({"aml.cdd_threshold": "2000.00 EUR", "aml.cdd_basis": "transactions", "aml.cdd_linked": False})


@pytest.mark.rule(7)
@pytest.mark.parametrize(
    ("pack", "amounts", "due"),
    [
        (EU, [199_999], False),
        (EU, [200_000], True),
        (EU, [50_000] * 3, False),
        (EU, [50_000] * 4, True),
        (EU, [199_999, 1], True),
        (SINGLE, [50_000] * 4, False),
        (SINGLE, [200_000], True),
    ],
)
@pytest.mark.parametrize("kind", ["deposit", "payout"])
def test_due_diligence_from_2000_euro_on(pack, amounts: list[int], due: bool, kind: str) -> None:
    threshold = threshold_of(pack)
    assert threshold
    made = [(kind, AT + number * DAY, amount) for number, amount in enumerate(amounts)]
    assert reaches(threshold, made, AT + 1000 * DAY) is due


@pytest.mark.rule(8)
@pytest.mark.parametrize(
    ("days", "due"), [(0, True), (179, True), (180, True), (181, False), (1000, False)], ids=lambda value: str(value)
)
def test_deposits_of_180_days_are_summed_in_malta(days: int, due: bool) -> None:
    threshold = threshold_of(MT)
    assert threshold
    made = [("deposit", AT, 100_000), ("deposit", AT + days * DAY, 100_000)]
    assert reaches(threshold, made, AT + days * DAY) is due
    assert not reaches(threshold, [("payout", AT, 500_000)], AT)  # deposits alone count there


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(["deposit", "payout"]), st.integers(0, 400), st.integers(1, 300_000)), max_size=8
    )
)
def test_a_longer_window_is_never_reached_later(rows: list[tuple[str, int, int]]) -> None:
    made = [(kind, AT + day * DAY, amount) for kind, day, amount in rows]
    windows = [Threshold(200_000, timedelta(days=days)) for days in (30, 180, 400)] + [Threshold(200_000)]
    answers = [reaches(threshold, made, AT + 400 * DAY) for threshold in windows]
    assert answers == sorted(answers)


@pytest.mark.rule(7, 9)
@pytest.mark.django_db
def test_reaching_the_threshold_locks_the_money_in_the_same_transaction() -> None:
    make_up(
        "FR",
        aml__cdd_threshold="2000.00 EUR",
        aml__cdd_basis="transactions",
        aml__cdd_linked=True,
        verification__unfinished_locks_funds=True,
    )
    player = adult(country="FR")
    make_game()
    fund(player.id, "1999.99")
    assert find_unfinished_case(player.id) is None
    assert bet(player.id, "1.00").reason == ""
    fund(player.id, "0.01")
    case = find_unfinished_case(player.id)
    assert case
    assert (case.trigger, case.funds, case.due_at) == (Trigger.THRESHOLD, Funds.LOCKED, AT + rules.FINISH_WITHIN)
    assert [step.kind for step in case.steps] == [K.IDENTITY, K.AGE, K.ADDRESS]
    assert bet(player.id, "1.00").reason == "kyc_hold"
    assert asked(player.id, GateAction.WITHDRAWAL) == "kyc_hold"
    fund(player.id, "10.00")  # what comes in is locked too
    accept_all(case)
    assert bet(player.id, "1.00").reason == ""


@pytest.mark.rule(7)
@pytest.mark.django_db
def test_due_diligence_in_the_packs_that_have_it() -> None:
    put_in_force("MT", "2023-01-12", "aml.")
    player = adult(country="MT")
    deposited(player.id, "1000.00")
    deposited(player.id, "999.99", AT + 180 * DAY)
    assert find_unfinished_case(player.id) is None
    deposited(player.id, "0.01", AT + 180 * DAY)
    assert find_unfinished_case(player.id) is not None


@pytest.mark.django_db
def test_a_deposit_counts_once_and_in_euro() -> None:
    record_rates(rates={AT.date(): {"SEK": Decimal("11.5")}}, source="test", at=AT)
    assert worth_in_euro(Money.parse("1150.00", "SEK"), AT) == 10_000
    assert worth_in_euro(Money.parse("1150.00", "SEK"), AT + 400 * DAY) == 10_000  # the last one that is known
    assert worth_in_euro(Money.parse("100.00", "KWD"), AT) == 40_000  # unknown: never less than it can be
    player = adult()
    deposit_id = uuid7()
    for _ in range(2):
        triggers.note_deposit(player_id=player.id, deposit_id=deposit_id, amount=euro("7.00"), actor=ACTOR, at=AT)
    assert list(KycTransaction.objects.values_list("amount_eur_minor", flat=True)) == [700]


# --- before deposit and play: rule 1 ---------------------------------------------------------------------------------


@pytest.mark.rule(1)
@pytest.mark.django_db
def test_in_great_britain_nothing_goes_unverified() -> None:
    put_in_force("GB", "2026-01-19", "verification.")
    player = adult(country="GB")
    make_game()
    assert asked(player.id, GateAction.DEPOSIT) == "age_not_verified"
    assert asked(player.id, GateAction.BONUS) == "age_not_verified"
    with pytest.raises(DepositRefused):
        fund(player.id, "10.00")

    case = find_unfinished_case(player.id)  # who was refused finds what to prove
    assert case
    assert [step.kind for step in case.steps] == [K.IDENTITY, K.AGE, K.ADDRESS]
    age = case.step(K.AGE)
    assert age
    kyc.decide_step(step_id=age.id, to=S.ACCEPTED, actor=OFFICER, at=AT)
    assert asked(player.id, GateAction.DEPOSIT) == ""
    fund(player.id, "10.00")
    assert bet(player.id, "1.00").reason == "verification_required"  # the name and address as well
    accept_all(get_case(case.id))
    assert bet(player.id, "1.00").reason == ""


@pytest.mark.rule(2)
@pytest.mark.django_db
def test_in_great_britain_a_payout_waits_for_no_document_that_was_due_before() -> None:
    put_in_force("GB", "2026-01-19", "verification.")
    player = adult(country="GB")
    assert asked(player.id, GateAction.WITHDRAWAL) == ""
    pack = get_pack_of(player.id, AT)
    with pytest.raises(kyc.LateDemand):
        kyc.open_case(player_id=player.id, trigger=Trigger.FIRST_WITHDRAWAL, pack=pack, key="late", actor=ACTOR, at=AT)


@pytest.mark.rule(1)
@pytest.mark.django_db
def test_nobody_too_young_is_accepted_whatever_was_seen() -> None:
    put_in_force("GB", "2026-01-19", "verification.")
    turns_18 = AT.date().replace(year=AT.year - 18)
    for birth_date, state in ((turns_18, S.ACCEPTED), (turns_18 + DAY, S.REJECTED)):
        player = adult(country="GB")
        Profile.objects.filter(player_id=player.id).update(birth_date=birth_date)
        case = triggers.ask_player(player_id=player.id, actor=ACTOR, at=AT)
        assert case
        step = case.step(K.AGE)
        assert step
        found = kyc.decide_step(step_id=step.id, to=S.ACCEPTED, actor=OFFICER, at=AT).step(K.AGE)
        assert found
        assert found.state is state


@pytest.mark.django_db
def test_the_default_pack_asks_for_nothing() -> None:
    player = adult()
    make_game()
    fund(player.id, "5000.00")
    assert bet(player.id, "1.00").reason == ""
    assert asked(player.id, GateAction.WITHDRAWAL) == ""
    assert list_cases(player_id=player.id) == []


# --- grace: rule 3 -------------------------------------------------------------------------------------------------


@pytest.mark.rule(3)
@pytest.mark.django_db
def test_grace_play_in_germany() -> None:
    put_in_force("DE", "2026-07-01", "verification.")
    registered = datetime(2026, 8, 1, 12, tzinfo=UTC)
    player = adult(country="DE", at=registered)
    make_game()
    at = registered + timedelta(hours=1)
    assert asked(player.id, GateAction.DEPOSIT, at=at) == "verification_required"  # it is not acknowledged yet
    grace = triggers.acknowledge_grace(player_id=player.id, actor=ACTOR, at=at)
    assert (grace.until, grace.deposit_cap_minor) == (registered + timedelta(hours=72), 10_000)

    assert asked(player.id, GateAction.DEPOSIT, "100.01", at=at) == "verification_required"
    assert asked(player.id, GateAction.DEPOSIT, "100.00", at=at) == ""
    fund(player.id, "60.00", at=at)
    assert asked(player.id, GateAction.DEPOSIT, "40.01", at=at) == "verification_required"
    fund(player.id, "40.00", at=at)
    with pytest.raises(DepositRefused):
        fund(player.id, "0.01", at=at)
    assert asked(player.id, GateAction.WITHDRAWAL, at=at) == "verification_required"
    assert asked(player.id, GateAction.BONUS, at=at) == "verification_required"

    last = registered + timedelta(hours=71, minutes=59)
    assert bet(player.id, "1.00", at=last).reason == ""
    assert bet(player.id, "1.00", at=registered + timedelta(hours=72)).reason == "verification_required"
    with pytest.raises(triggers.NoGrace):
        triggers.acknowledge_grace(player_id=player.id, actor=ACTOR, at=registered + timedelta(hours=72))

    case = find_unfinished_case(player.id)
    assert case
    accept_all(case, at=registered + timedelta(hours=80))
    late = registered + timedelta(hours=81)
    assert bet(player.id, "1.00", at=late).reason == ""
    assert asked(player.id, GateAction.WITHDRAWAL, at=late) == ""


@pytest.mark.rule(3)
@pytest.mark.django_db
def test_what_fails_frees_the_grace_again_and_what_is_pending_does_not() -> None:
    put_in_force("DE", "2026-07-01", "verification.")
    at = datetime(2026, 8, 1, 12, tzinfo=UTC)
    player = adult(country="DE", at=at)
    triggers.acknowledge_grace(player_id=player.id, actor=ACTOR, at=at)

    def pay(token: str, amount: str) -> str:
        deposit = request_deposit(
            player_id=player.id,
            amount=euro(amount),
            provider="sandbox",
            instrument=token,
            source="test",
            idempotency_key=f"grace-{next(_numbers)}",
            actor=ACTOR,
            at=at,
        )
        return str(deposit.state)

    assert pay("tok_decline", "100.00") == "failed"
    assert pay("tok_pending", "100.00") == "pending"
    with pytest.raises(DepositRefused):
        pay("tok_ok", "0.01")


# --- risk ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_risk_has_factors_a_history_and_consequences(monkeypatch) -> None:
    monkeypatch.setattr(django_settings, "HIGH_RISK_COUNTRIES", ["MM"])
    player = adult(country="MM")
    assert triggers.assess_risk(player_id=player.id, actor=ACTOR, at=AT) is RiskLevel.HIGH
    case = find_unfinished_case(player.id)
    assert case
    assert (case.trigger, len(case.steps)) == (Trigger.RISK, 5)
    assert triggers.assess_risk(player_id=player.id, actor=ACTOR, at=AT + DAY) is RiskLevel.HIGH
    (newest,) = list_risk_assessments(player.id)  # the same again is not written again
    assert [factor.code for factor in newest.factors] == ["country"]


@pytest.mark.django_db
def test_a_person_s_level_is_not_undercut_by_the_rules() -> None:
    player = adult()
    triggers.change_risk_level(player_id=player.id, to=RiskLevel.MEDIUM, reason="Odd papers", actor=OFFICER, at=AT)
    assert triggers.assess_risk(player_id=player.id, actor=ACTOR, at=AT) is RiskLevel.MEDIUM
    with pytest.raises(FieldErrors):
        triggers.change_risk_level(player_id=player.id, to=RiskLevel.LOW, reason=" ", actor=OFFICER, at=AT)
    triggers.change_risk_level(player_id=player.id, to=RiskLevel.LOW, reason="Cleared", actor=OFFICER, at=AT)
    assert get_player(player.id).risk_level is RiskLevel.LOW


@pytest.mark.django_db
def test_the_prohibited_do_nothing() -> None:
    player = adult()
    make_game()
    fund(player.id, "10.00")
    assert bet(player.id, "1.00").reason == ""
    triggers.change_risk_level(player_id=player.id, to=RiskLevel.PROHIBITED, reason="Listed", actor=OFFICER, at=AT)
    assert bet(player.id, "1.00").reason == "kyc_hold"
    assert asked(player.id, GateAction.DEPOSIT) == "account_hold"
    assert asked(player.id, GateAction.WITHDRAWAL) == "kyc_hold"


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["country", "listed", "rejected", "young"]), unique=True), st.integers(0, 3_000_000))
def test_more_factors_never_lower_the_level(names: list[str], deposits: int) -> None:
    def level(chosen: list[str], amount: int) -> RiskLevel:
        facts = rules.RiskFacts(
            country="MM",
            high_risk_countries=frozenset({"MM"} if "country" in chosen else ()),
            deposited_30d_eur_minor=amount,
            listed="listed" in chosen,
            rejected_before="rejected" in chosen,
            age=20 if "young" in chosen else 40,
        )
        return rules.level_of(rules.factors_of(facts), "")

    for fewer in (names[:-1], []):
        assert not rules.is_higher(level(fewer, deposits), level(names, deposits))
    assert not rules.is_higher(level(names, 0), level(names, deposits))


# --- expiry --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_lapses_is_asked_for_anew() -> None:
    put_in_force("GB", "2026-01-19", "verification.")
    player = adult(country="GB")
    make_game()
    case = triggers.ask_player(player_id=player.id, actor=ACTOR, at=AT)
    assert case
    document = case.step(K.ADDRESS)
    assert document
    kyc.decide_step(step_id=document.id, to=S.ACCEPTED, document_until=AT + 90 * DAY, actor=OFFICER, at=AT)
    accept_all(get_case(case.id))
    fund(player.id, "50.00")
    assert bet(player.id, "1.00").reason == ""
    lapses = AT + 90 * DAY
    assert triggers.expire_due(actor=ACTOR, at=lapses - timedelta(seconds=1)) == 0
    assert bet(player.id, "1.00", at=lapses).reason == "verification_required"  # the job has not run yet
    assert triggers.expire_due(actor=ACTOR, at=lapses) == 1
    assert triggers.expire_due(actor=ACTOR, at=lapses) == 0
    assert get_player(player.id).confirm_status is ConfirmStatus.EXPIRED
    again = find_unfinished_case(player.id)
    assert again
    assert (again.trigger, [step.kind for step in again.steps]) == (Trigger.EXPIRY, [K.ADDRESS])  # only what lapsed
    accept_all(again, at=lapses)
    assert get_player(player.id).confirm_status is ConfirmStatus.CONFIRMED
    assert bet(player.id, "1.00", at=lapses).reason == ""
    assert find_refusal(player.id, PlayerAction.WITHDRAW, lapses) is None
