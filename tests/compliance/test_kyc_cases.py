"""Cases and their steps: what is asked for, how decisions move them, and what follows for the player."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.rules_kyc import CASE_MOVES, STEP_MOVES, requirements, state_of
from compliance.selectors_kyc import find_unfinished_case, get_case, list_moves, list_proved
from compliance.services import gate, kyc
from compliance.services.kyc_triggers import ask_player
from compliance.types_gate import BonusFacts, DepositFacts, GateAction, WithdrawalFacts
from compliance.types_kyc import UNFINISHED, CaseDetails, CaseState, Funds, LegalReason, StepKind, StepState, Trigger
from events.services.log import holding
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.money import Money
from players.selectors import find_refusal, get_player
from players.services.verification import set_risk_level
from players.types import ConfirmStatus, PlayerAction, RiskLevel
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.packs import pack_of

GB_FIELDS = ("name", "address", "birth_date")
GB = pack_of({"verification.fields": list(GB_FIELDS)}, pack_id="GB", currency="GBP")
REVIEWER = Actor(ActorKind.STAFF, "7", frozenset({kyc.REVIEW, kyc.SECOND}))
OTHER = Actor(ActorKind.STAFF, "8", frozenset({kyc.REVIEW, kyc.SECOND}))
S, C, K = StepState, CaseState, StepKind


def open_for(player_id, trigger=Trigger.REGISTRATION, *, at=AT, key="one", **more) -> CaseDetails:
    case = kyc.open_case(player_id=player_id, trigger=trigger, pack=GB, key=key, actor=ACTOR, at=at, **more)
    assert case is not None
    return case


def decide(
    case: CaseDetails, kind: StepKind, to: StepState, *reasons: str, actor=REVIEWER, at=AT, **more
) -> CaseDetails:
    step = case.step(kind)
    assert step
    return kyc.decide_step(step_id=step.id, to=to, reasons=reasons, actor=actor, at=at, **more)


def accept_all(case: CaseDetails, at=AT) -> CaseDetails:
    for step in case.steps:
        if step.state is not S.ACCEPTED:
            case = decide(case, step.kind, S.ACCEPTED, at=at)
    return case


def adult(**more):
    return make_player(birth_date=AT.date().replace(year=1990), first_name="Ann", last_name="Berg", **more)


# --- tables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "risk", "trigger", "wanted"),
    [
        ((), RiskLevel.LOW, Trigger.REGISTRATION, "identity age"),
        (GB_FIELDS, RiskLevel.LOW, Trigger.REGISTRATION, "identity age address"),
        ((), RiskLevel.LOW, Trigger.THRESHOLD, "identity age address"),
        ((), RiskLevel.MEDIUM, Trigger.REGISTRATION, "identity age"),
        ((), RiskLevel.MEDIUM, Trigger.THRESHOLD, "identity age address source_of_funds"),
        ((), RiskLevel.HIGH, Trigger.REGISTRATION, "identity age address source_of_funds enhanced"),
        ((), RiskLevel.PROHIBITED, Trigger.RISK, "identity age address source_of_funds enhanced"),
    ],
)
def test_requirements_follow_pack_risk_and_trigger(fields, risk, trigger, wanted: str) -> None:
    assert " ".join(requirements(fields, risk, trigger)) == wanted


@pytest.mark.parametrize(
    ("steps", "released", "state"),
    [
        ((S.REQUIRED, S.ACCEPTED), True, C.OPEN),
        ((S.SUBMITTED, S.ACCEPTED), True, C.SUBMITTED),
        ((S.SUBMITTED, S.IN_REVIEW), True, C.SUBMITTED),
        ((S.IN_REVIEW, S.ACCEPTED), True, C.IN_REVIEW),
        ((S.ACCEPTED, S.ACCEPTED), True, C.CONFIRMED),
        ((S.ACCEPTED, S.ACCEPTED), False, C.IN_REVIEW),
        ((S.RETRY, S.REQUIRED), True, C.REJECTED_RETRY),
        ((S.RETRY, S.REJECTED, S.ACCEPTED), True, C.REJECTED_FINAL),
        ((S.EXPIRED, S.ACCEPTED), True, C.EXPIRED),
    ],
)
def test_a_case_stands_where_its_steps_say(steps, released: bool, state: CaseState) -> None:
    assert state_of(steps, released=released) is state


def test_what_is_final_stays_final() -> None:
    assert not STEP_MOVES[S.REJECTED]
    assert not STEP_MOVES[S.EXPIRED]
    for state in (C.REJECTED_FINAL, C.EXPIRED, C.CANCELLED):
        assert not CASE_MOVES[state]
    # Wherever the steps of an unfinished case can take it, the table lets it go.
    for state in UNFINISHED:
        assert CASE_MOVES[state] >= (UNFINISHED | {C.CONFIRMED, C.REJECTED_FINAL}) - {state}


# --- cases ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_case_from_opening_to_confirmation() -> None:
    player = adult()
    case = open_for(player.id)
    assert (case.state, [step.kind for step in case.steps]) == (C.OPEN, [K.IDENTITY, K.AGE, K.ADDRESS])
    assert get_player(player.id).confirm_status is ConfirmStatus.UNVERIFIED

    identity = case.step(K.IDENTITY)
    assert identity
    kyc.submit_step(step_id=identity.id, actor=ACTOR, at=AT)
    case = decide(case, K.IDENTITY, S.ACCEPTED)
    case = decide(case, K.AGE, S.ACCEPTED)
    assert case.state is C.OPEN
    case = decide(case, K.ADDRESS, S.RETRY, "address_not_shown")
    assert (case.state, get_player(player.id).confirm_status) == (C.REJECTED_RETRY, ConfirmStatus.REJECTED_RETRY)

    case = decide(case, K.ADDRESS, S.ACCEPTED, document_until=AT + timedelta(days=90))
    assert (case.state, case.expires_at) == (C.CONFIRMED, AT + timedelta(days=90))
    assert get_player(player.id).confirm_status is ConfirmStatus.CONFIRMED
    assert list_proved(player.id, AT) == {K.IDENTITY, K.AGE, K.ADDRESS}
    assert K.ADDRESS not in list_proved(player.id, AT + timedelta(days=90))
    assert [(move.step, move.to_state) for move in list_moves(case.id)][:3] == [
        ("", "open"),
        ("identity", "in_review"),
        ("identity", "accepted"),
    ]


@pytest.mark.django_db
def test_a_document_that_has_expired_proves_nothing() -> None:
    case = decide(open_for(adult().id), K.IDENTITY, S.ACCEPTED, document_until=AT)
    step = case.step(K.IDENTITY)
    assert step
    assert (step.state, step.reasons) == (S.RETRY, ("document_expired",))


@pytest.mark.django_db
def test_no_age_is_accepted_without_a_birth_date() -> None:
    case = decide(open_for(make_player().id), K.AGE, S.ACCEPTED)
    step = case.step(K.AGE)
    assert step
    assert (step.state, step.reasons) == (S.RETRY, ("birth_date_missing",))


@pytest.mark.django_db
def test_a_player_has_one_unfinished_case_that_takes_new_demands_in() -> None:
    player = adult()
    first = open_for(player.id)
    again = open_for(player.id)
    wider = open_for(player.id, Trigger.STAFF, key="two", steps=(K.SOURCE_OF_FUNDS,), locks_funds=True)
    assert again.id == wider.id == first.id
    assert K.SOURCE_OF_FUNDS in [step.kind for step in wider.steps]
    assert wider.funds is Funds.LOCKED


@pytest.mark.django_db
def test_parallel_triggers_open_one_case() -> None:
    player = adult()

    def work(number: int):
        return lambda: open_for(player.id, key=f"trigger-{number}").id

    assert len(set(in_parallel([work(number) for number in range(8)], threads=4))) == 1


@pytest.mark.django_db
def test_nobody_is_asked_twice_for_what_is_proved() -> None:
    player = adult()
    accept_all(open_for(player.id))
    assert (
        kyc.open_case(
            player_id=player.id,
            trigger=Trigger.THRESHOLD,
            pack=GB,
            key="threshold",
            actor=ACTOR,
            at=AT,
        )
        is None
    )
    more = open_for(player.id, key="funds", steps=(K.SOURCE_OF_FUNDS,))
    assert [step.kind for step in more.steps] == [K.SOURCE_OF_FUNDS]
    assert get_player(player.id).confirm_status is ConfirmStatus.CONFIRMED  # a further demand takes nothing away
    decide(more, K.SOURCE_OF_FUNDS, S.REJECTED, "fraud_pattern")
    assert get_player(player.id).confirm_status is ConfirmStatus.REJECTED_FINAL


@pytest.mark.rule(9)
@pytest.mark.django_db
def test_money_is_locked_until_the_case_is_confirmed() -> None:
    player = adult()
    case = open_for(player.id, Trigger.THRESHOLD, locks_funds=True, due_at=AT + timedelta(days=30))
    assert case.funds is Funds.LOCKED
    refused = {action: find_refusal(player.id, action, AT) for action in PlayerAction}
    assert refused[PlayerAction.WITHDRAW] == refused[PlayerAction.PLAY] == refused[PlayerAction.BONUS] == "kyc_hold"
    assert refused[PlayerAction.DEPOSIT] is None  # what is paid in now is locked too
    assert accept_all(case).funds is Funds.FREE
    assert find_refusal(player.id, PlayerAction.WITHDRAW, AT) is None


@pytest.mark.rule(9)
@pytest.mark.django_db
def test_a_final_refusal_has_the_money_go_back() -> None:
    player = adult()
    fund(player.id, "10.00")
    case = open_for(player.id, Trigger.THRESHOLD, locks_funds=True)
    case = decide(case, K.IDENTITY, S.REJECTED, "forged")
    assert (case.state, case.funds) == (C.REJECTED_FINAL, Funds.REFUND_DUE)
    asked = {
        GateAction.DEPOSIT: DepositFacts(Money.parse("10.00", "EUR")),
        GateAction.WITHDRAWAL: WithdrawalFacts(Money.parse("10.00", "EUR")),
        GateAction.BONUS: BonusFacts("reload", Money.parse("10.00", "EUR")),
    }
    for action, facts in asked.items():
        decision = gate.decide(action=action, player_id=player.id, facts=facts, actor=ACTOR, at=AT)
        assert decision.refusal.code == "verification_required"
    back = WithdrawalFacts(Money.parse("10.00", "EUR"), to_origin=True)
    assert gate.decide(action=GateAction.WITHDRAWAL, player_id=player.id, facts=back, actor=ACTOR, at=AT).allowed
    make_game()
    assert bet(player.id, "1.00").reason == "verification_required"
    with pytest.raises(kyc.StepMoveRefused):
        decide(case, K.IDENTITY, S.ACCEPTED)
    assert find_unfinished_case(player.id) is None  # being refused again opens no new case, nor does the player
    assert ask_player(player_id=player.id, actor=ACTOR, at=AT) is None


@pytest.mark.django_db
def test_money_of_somebody_on_a_list_is_frozen_not_returned() -> None:
    player = adult()
    case = decide(open_for(player.id), K.IDENTITY, S.REJECTED, "sanctions")
    assert (case.state, case.funds) == (C.REJECTED_FINAL, Funds.LOCKED)
    assert find_refusal(player.id, PlayerAction.WITHDRAW, AT) == "kyc_hold"


@pytest.mark.rule(2)
@pytest.mark.django_db
def test_a_payout_asks_for_nothing_that_could_have_been_asked_before() -> None:
    late = pack_of({"verification.late_documents": False}, pack_id="GB", currency="GBP")
    player = adult()
    words = {"player_id": player.id, "trigger": Trigger.FIRST_WITHDRAWAL, "key": "late", "actor": ACTOR, "at": AT}
    with pytest.raises(kyc.LateDemand):
        kyc.open_case(pack=late, **words)
    case = kyc.open_case(pack=late, legal_reason=LegalReason.AML, **words)
    assert case is not None
    assert case.legal_reason == "aml"


@pytest.mark.django_db
def test_high_risk_takes_two_people() -> None:
    player = adult()
    set_risk_level(player_id=player.id, to=RiskLevel.HIGH, factors=(), reason="listed", actor=ACTOR, at=AT)
    case = accept_all(open_for(player.id))
    assert case.state is C.IN_REVIEW
    words = {"case_id": case.id, "to": C.CONFIRMED, "reason": "All seen", "at": AT}
    with pytest.raises(kyc.SecondPersonNeeded):
        kyc.decide_case(**words, actor=REVIEWER)
    with pytest.raises(kyc.SecondPersonNeeded):
        kyc.decide_case(**words, actor=REVIEWER, asked_by=str(REVIEWER))
    assert kyc.decide_case(**words, actor=OTHER, asked_by=str(REVIEWER)).state is C.CONFIRMED


@pytest.mark.django_db
def test_what_a_decision_needs() -> None:
    player = adult()
    case = open_for(player.id)
    with pytest.raises(AccessDenied):
        decide(case, K.IDENTITY, S.ACCEPTED, actor=Actor(ActorKind.STAFF, "9"))
    with pytest.raises(FieldErrors, match="at least one reason"):
        decide(case, K.IDENTITY, S.RETRY)
    with pytest.raises(FieldErrors, match="no reason"):
        decide(case, K.IDENTITY, S.RETRY, "ugly")
    with pytest.raises(kyc.CaseMoveRefused):
        kyc.decide_case(case_id=case.id, to=C.CONFIRMED, reason="Looks fine", actor=REVIEWER, at=AT)
    kyc.claim_case(case_id=case.id, actor=OTHER, at=AT)
    with pytest.raises(kyc.CaseClaimed):
        decide(case, K.IDENTITY, S.ACCEPTED)
    assert decide(case, K.IDENTITY, S.ACCEPTED, at=AT + timedelta(minutes=30)).step(K.IDENTITY).state is S.ACCEPTED


@pytest.mark.django_db
def test_two_reviewers_at_once_decide_once() -> None:
    case = open_for(adult().id)
    step = case.step(K.IDENTITY)
    assert step

    def work(to: StepState, actor: Actor):
        def decide_it() -> str:
            try:
                kyc.decide_step(step_id=step.id, to=to, reasons=("forged",), actor=actor, at=AT)
            except kyc.StepMoveRefused:
                return "refused"
            return to

        return decide_it

    answers = in_parallel([work(S.REJECTED, REVIEWER), work(S.REJECTED, OTHER)], threads=2)
    assert sorted(answers) == ["refused", "rejected"]
    assert [move.step for move in list_moves(case.id)].count("identity") == 1


@pytest.mark.django_db
def test_a_cancelled_case_leaves_no_trace_on_the_player() -> None:
    player = adult()
    case = open_for(player.id, Trigger.STAFF, locks_funds=True)
    kyc.decide_case(case_id=case.id, to=C.CANCELLED, reason="Wrong player", actor=REVIEWER, at=AT)
    assert get_case(case.id).funds is Funds.FREE
    assert find_refusal(player.id, PlayerAction.WITHDRAW, AT) is None


@pytest.mark.django_db
def test_history_is_never_rewritten() -> None:
    from django.db import DatabaseError

    from compliance.models_kyc import KycMove

    case = open_for(adult().id)
    with pytest.raises(DatabaseError), holding(case.player_id):
        KycMove.objects.filter(case_id=case.id).update(actor="nobody")
