"""People review verification: documents reach their step, the queue goes by the clock, decisions are made beside the profile."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from compliance.models_documents import Document
from compliance.models_kyc import KycCase
from compliance.selectors import list_approvals
from compliance.selectors_kyc import find_unfinished_case, get_case
from compliance.services import kyc
from compliance.services.approvals import SelfApproval, approve, reject
from compliance.services.documents import store_document
from compliance.services.kyc_approvals import KIND, find_waiting, settle_case
from compliance.types import ApprovalState
from compliance.types_documents import DocumentDetails, DocumentKind, DocumentSide
from compliance.types_kyc import CaseDetails, CaseState, StepKind, StepState, Trigger
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from players.selectors import get_player
from players.services.sealed import keep_sealed
from players.services.verification import set_risk_level
from players.types import ConfirmStatus, RiskLevel
from tests.compliance.uploads import picture
from tests.factories import ACTOR, make_player
from tests.packs import pack_of
from tests.staff import client_of, staff_client, staff_id, text_of

pytestmark = pytest.mark.usefixtures("db")

FIELDS = ("name", "address", "birth_date")
ASKS, DECIDES = (
    Actor(ActorKind.STAFF, number, frozenset({kyc.REVIEW, kyc.SECOND, "players.view_player"})) for number in "78"
)
S, K = StepState, StepKind


def person(**more: object):  # type: ignore[no-untyped-def]
    born = clock.now().date().replace(year=1990, day=1)
    return make_player(at=clock.now(), birth_date=born, first_name="Ann", last_name="Berg", city="Linz", **more)


def open_for(player_id: UUID, *, at: datetime | None = None) -> CaseDetails:
    case = kyc.open_case(
        player_id=player_id,
        trigger=Trigger.REGISTRATION,
        pack=pack_of({"verification.fields": list(FIELDS)}, pack_id="GB"),
        key="one",
        actor=ACTOR,
        at=at or clock.now(),
    )
    assert case
    return case


def hand_in(player_id: UUID, kind: DocumentKind, step_id: UUID | None = None) -> DocumentDetails:
    return store_document(
        player_id=player_id,
        kind=kind,
        side=DocumentSide.WHOLE,
        content=picture(),
        idempotency_key=f"{kind} {step_id}",
        step_id=step_id,
        actor=ACTOR,
        at=clock.now(),
    )


def states(player_id: UUID) -> str:
    case = find_unfinished_case(player_id)
    assert case
    return " ".join(f"{step.kind}:{step.state}" for step in case.steps)


def at_high_risk(player_id: UUID) -> None:
    set_risk_level(player_id=player_id, to=RiskLevel.HIGH, factors=(), reason="test", actor=ACTOR, at=clock.now())


# --- documents and steps -----------------------------------------------------------------------------------------------


def test_a_document_goes_to_the_step_that_it_proves_and_that_step_to_review() -> None:
    player = person()
    case = open_for(player.id)
    passport = hand_in(player.id, DocumentKind.PASSPORT)
    assert passport.step_id == case.step(K.IDENTITY).id  # type: ignore[union-attr]
    assert states(player.id) == "identity:in_review age:in_review address:required"
    assert get_case(case.id).state is CaseState.OPEN  # the player still has something to do
    bill = hand_in(player.id, DocumentKind.BANK_STATEMENT)
    assert bill.step_id == case.step(K.ADDRESS).id  # type: ignore[union-attr]
    assert get_case(case.id).state is CaseState.IN_REVIEW
    assert get_player(player.id).confirm_status is ConfirmStatus.IN_REVIEW
    assert hand_in(player.id, DocumentKind.OTHER).step_id is None


def test_a_named_step_wins_and_must_be_the_players_own_and_open() -> None:
    player, other = person(), person()
    case, foreign = open_for(player.id), open_for(other.id)
    address, identity = case.step(K.ADDRESS), foreign.step(K.IDENTITY)
    assert address
    assert identity
    assert hand_in(player.id, DocumentKind.OTHER, address.id).step_id == address.id
    with pytest.raises(FieldErrors):
        hand_in(player.id, DocumentKind.PASSPORT, identity.id)
    kyc.decide_step(step_id=address.id, to=S.ACCEPTED, actor=ASKS, at=clock.now())
    with pytest.raises(FieldErrors):
        hand_in(player.id, DocumentKind.UTILITY_BILL, address.id)
    assert Document.objects.count() == 1


def test_of_high_risk_the_look_of_compliance_follows_once_all_else_is_handed_in() -> None:
    player = person()
    at_high_risk(player.id)
    case = open_for(player.id)
    for kind in (DocumentKind.PASSPORT, DocumentKind.UTILITY_BILL):
        hand_in(player.id, kind)
    assert "enhanced:required" in states(player.id)
    hand_in(player.id, DocumentKind.PAYSLIP)
    assert get_case(case.id).state is CaseState.IN_REVIEW
    assert {step.state for step in get_case(case.id).steps} == {S.IN_REVIEW}


def test_one_more_try_is_a_new_document_on_the_same_step() -> None:
    player = person()
    case = open_for(player.id)
    identity = case.step(K.IDENTITY)
    assert identity
    hand_in(player.id, DocumentKind.PASSPORT)
    kyc.decide_step(step_id=identity.id, to=S.RETRY, reasons=["document_unreadable"], actor=ASKS, at=clock.now())
    again = hand_in(player.id, DocumentKind.ID_CARD)
    assert again.step_id == identity.id
    step = get_case(case.id).step(K.IDENTITY)
    assert step
    assert (step.state, step.attempts) == (S.IN_REVIEW, 2)


# --- four eyes ---------------------------------------------------------------------------------------------------------


def accepted_at_high_risk() -> CaseDetails:
    player = person()
    at_high_risk(player.id)
    case = open_for(player.id)
    for step in case.steps:
        case = kyc.decide_step(step_id=step.id, to=S.ACCEPTED, actor=ASKS, at=clock.now())
    assert case.state is CaseState.IN_REVIEW
    return case


def ask(case: CaseDetails, to: CaseState = CaseState.CONFIRMED, key: str = "k"):  # type: ignore[no-untyped-def]
    return settle_case(case_id=case.id, to=to, reason="All looked at.", idempotency_key=key, actor=ASKS, at=clock.now())


def test_at_high_risk_one_asks_and_another_confirms() -> None:
    case = accepted_at_high_risk()
    waiting = ask(case)
    assert waiting
    assert ask(case, key="again") == waiting  # one request, however often it is asked for
    assert get_case(case.id).state is CaseState.IN_REVIEW
    how = {"approval_id": waiting.id, "seen_digest": waiting.digest, "comment": "", "at": clock.now()}
    with pytest.raises(SelfApproval):
        approve(actor=ASKS, **how)
    approve(actor=DECIDES, **how)
    done = get_case(case.id)
    assert (done.state, done.decided_by) == (CaseState.CONFIRMED, str(DECIDES))
    assert find_waiting(done) is None
    assert get_player(case.player_id).confirm_status is ConfirmStatus.CONFIRMED


def test_a_second_persons_no_leaves_the_case_in_the_queue() -> None:
    case = accepted_at_high_risk()
    waiting = ask(case)
    assert waiting
    reject(approval_id=waiting.id, comment="The payslip is of another year.", actor=DECIDES, at=clock.now())
    assert get_case(case.id).state is CaseState.IN_REVIEW
    anew = ask(case, CaseState.REJECTED_FINAL, key="another")
    assert anew
    approve(approval_id=anew.id, seen_digest=anew.digest, comment="", actor=DECIDES, at=clock.now())
    assert get_case(case.id).state is CaseState.REJECTED_FINAL


def test_at_low_risk_one_person_decides() -> None:
    case = open_for(person().id)
    assert ask(case, CaseState.CANCELLED) is None
    assert get_case(case.id).state is CaseState.CANCELLED
    assert list_approvals(kind=KIND) == []


# --- the back office ---------------------------------------------------------------------------------------------------


def page(name: str, *args: object) -> str:
    return reverse(f"admin:compliance_kyccase_{name}", args=args)


def in_review(since: timedelta = timedelta(0)) -> KycCase:
    player = person()
    case = open_for(player.id)
    for step in case.steps:
        kyc.submit_step(step_id=step.id, actor=ACTOR, at=clock.now())
    KycCase.objects.filter(id=case.id).update(
        opened_at=clock.now() - since, review_due_at=clock.now() - since + timedelta(hours=72)
    )
    return KycCase.objects.get(id=case.id)


def test_next_takes_what_is_due_first_and_nobody_takes_the_same() -> None:
    young, old = in_review(timedelta(hours=1)), in_review(timedelta(hours=80))
    one, two = staff_client("compliance_officer"), staff_client("mlro")
    queue = text_of(one.get(page("changelist")))
    assert queue.index(str(old.id)) < queue.index(str(young.id))
    assert "8 h late" in queue
    assert "Due in 2 d" in queue
    assert one.post(page("next"))["Location"] == page("change", old.id)
    assert two.post(page("next"))["Location"] == page("change", young.id)
    assert one.post(page("claim", young.id), follow=True).context["claimed_by"] == "mlro-1"
    assert one.post(page("next"))["Location"] == page("change", old.id)  # still theirs
    two.post(page("release", young.id))
    one.post(page("release", old.id))
    assert {row.claimed_by for row in KycCase.objects.all()} == {""}


def test_who_has_the_case_in_hand_sees_documents_beside_the_profile() -> None:
    player = person()
    keep_sealed(player_id=player.id, values={"street": "Ring 7"}, actor=ACTOR, at=clock.now())
    case = open_for(player.id)
    passport = hand_in(player.id, DocumentKind.PASSPORT)
    officer = staff_client("compliance_officer")
    image = reverse("admin:compliance_document_page", args=[passport.id, 1])
    before = text_of(officer.get(page("change", case.id)))
    assert "Ring 7" not in before
    assert image not in before
    officer.post(page("claim", case.id))
    shown = text_of(officer.get(page("change", case.id)))
    for seen in ("Ann Berg", "Ring 7", image, "age 3"):
        assert seen in shown
    assert officer.get(image).status_code == 200
    actions = {row.action for row in list_audit(AuditQuery(player_id=player.id), limit=50)}
    assert {"compliance.claim_kyc_case", "compliance.view_document", "players.view_personal_data"} <= actions
    auditor = text_of(staff_client("auditor").get(page("change", case.id)))
    assert "Ann Berg" not in auditor
    assert "Ring 7" not in auditor


def test_a_step_is_decided_with_reasons_and_the_case_follows() -> None:
    case = in_review()
    officer = staff_client("compliance_officer")
    steps = {step.kind: step for step in get_case(case.id).steps}
    address = page("step", case.id, steps[K.IDENTITY].id)
    refused = officer.post(address, {"to": "retry"})
    assert "at least one reason" in text_of(refused)
    answer = officer.post(address, {"to": "retry", "reasons": ["document_unreadable"], "note": "glare"}, follow=True)
    assert "glare" in text_of(answer)
    assert get_case(case.id).state is CaseState.REJECTED_RETRY
    until = (clock.now() + timedelta(days=100)).date()
    officer.post(address, {"to": "accepted", "document_until": until.isoformat()})
    accepted = get_case(case.id).step(K.IDENTITY)
    assert accepted
    assert accepted.expires_at
    assert accepted.expires_at.date() == until + timedelta(days=1)  # valid through its last day
    for kind in (K.AGE, K.ADDRESS):
        officer.post(page("step", case.id, steps[kind].id), {"to": "accepted"})
    assert get_case(case.id).state is CaseState.CONFIRMED
    assert officer.get(page("changelist") + "?tab=settled").context["lines"][0].row.id == case.id


def test_of_high_risk_the_page_asks_for_a_second_person() -> None:
    case = accepted_at_high_risk()
    officer, second = staff_client("compliance_officer"), staff_client("mlro")
    form = officer.get(page("decide", case.id)).context["form"]
    data = {"to": "confirmed", "reason": "All looked at.", "key": form.initial["key"]}
    for _ in range(2):  # sent twice, asked for once
        officer.post(page("decide", case.id), data)
    (waiting,) = list_approvals(kind=KIND, state=ApprovalState.REQUESTED)
    assert "waits for a second person" in text_of(officer.get(page("change", case.id)))
    approval = reverse("admin:compliance_approval_approve", args=[waiting.id])
    officer.post(approval, {"digest": waiting.digest})
    assert get_case(case.id).state is CaseState.IN_REVIEW
    second.post(approval, {"digest": waiting.digest})
    assert get_case(case.id).state is CaseState.CONFIRMED


def test_support_reads_what_the_player_is_told_and_never_the_suspicion() -> None:
    case = in_review()
    identity = get_case(case.id).steps[0]
    kyc.decide_step(
        step_id=identity.id,
        to=S.RETRY,
        reasons=["forged", "document_unreadable"],
        note="matches the ring of March",
        actor=ASKS,
        at=clock.now(),
    )
    tab = reverse("admin:players_player_tab", args=[case.player_id, "verification"])
    for browser, told in ((staff_client("support_lead"), False), (staff_client("mlro"), True)):
        shown = text_of(browser.get(page("change", case.id)))
        assert ("Forged" in shown, "ring of March" in shown) == (told, told)
        panel = text_of(browser.get(tab))
        assert "Take it again in good light" in panel
        assert "orged" not in panel
    assert staff_client("finance").get(page("changelist")).status_code == 403
    assert staff_client("support_lead").post(page("claim", case.id)).status_code == 403


@pytest.mark.parametrize("tab", ["review", "players", "settled"])
def test_an_empty_queue_says_what_will_stand_there(tab: str) -> None:
    officer: Client = client_of(staff_id("compliance_officer"))
    assert "pms-empty" in text_of(officer.get(page("changelist") + f"?tab={tab}"))
    assert "Nothing found" in text_of(officer.get(page("changelist") + f"?tab={tab}&q=nobody"))
    assert "Nothing waits" in text_of(officer.post(page("next"), follow=True))
