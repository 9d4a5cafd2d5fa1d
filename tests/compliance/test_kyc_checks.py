"""The dialogue with providers, against a server that speaks Sumsub's protocol: what is not signed, late, doubled or lost
changes nothing wrongly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from compliance import ports_kyc
from compliance.models_kyc import KycNotice
from compliance.ports_kyc import InvalidSignature
from compliance.providers.kyc_sandbox import KycSandbox
from compliance.providers.sumsub import SumsubProvider
from compliance.selectors_kyc import get_case, list_moves
from compliance.services import kyc
from compliance.services.kyc_checks import CheckUnavailable, NothingToCheck, chase_due, receive_notice, start_check
from compliance.types_kyc import CaseDetails, CaseState, StepKind, StepState
from kernel.actors import Actor, ActorKind
from players.selectors import get_player
from players.types import ConfirmStatus
from tests.compliance.fake_sumsub import SECRET, TOKEN, WEBHOOK_SECRET, FakeSumsub
from tests.compliance.test_kyc_cases import accept_all, adult, decide, open_for
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, make_player

S, C, K = StepState, CaseState, StepKind
MINUTE = timedelta(minutes=1)


@pytest.fixture
def fake(settings: Settings, db: None) -> Iterator[FakeSumsub]:
    settings.OUTGOING_PRIVATE_HOSTS = ["127.0.0.1"]
    server = FakeSumsub()
    provider = SumsubProvider(
        app_token=TOKEN,
        secret_key=SECRET,
        webhook_secrets=["the old secret", WEBHOOK_SECRET],
        base=server.base,
        level="basic",
        timeout_s=(1.0, 0.3),
    )
    ports_kyc.register_kyc_provider(provider)
    yield server
    del ports_kyc._providers["sumsub"]
    server.close()


def started(fake: FakeSumsub) -> tuple[CaseDetails, str]:
    """A case whose check has begun, and its player."""
    player = adult()
    case = open_for(player.id)
    start_check(player_id=player.id, actor=ACTOR, at=AT)
    return case, str(player.id)


def post(notice: tuple[dict[str, str], bytes], at=AT) -> bool:
    headers, body = notice
    return receive_notice(provider="sumsub", headers=headers, body=body, at=at)


def reviewed(fake: FakeSumsub, player: str, answer: str, kind: str = "", labels=(), at=AT, **more):
    result = fake.review(player, answer, kind, labels)
    return fake.webhook(player, "applicantReviewed", at, reviewResult=result, **more)


def states(case: CaseDetails) -> list[str]:
    return [str(step.state) for step in get_case(case.id).steps]


# --- how it goes well ----------------------------------------------------------------------------------------------


def test_from_start_to_green(fake: FakeSumsub) -> None:
    case, player = started(fake)
    applicant = fake.of(player)
    assert applicant["fixedInfo"] == {"firstName": "Ann", "lastName": "Berg", "dob": "1990-03-14", "country": "DEU"}
    assert states(case) == ["required"] * 3  # nothing has been handed in yet

    assert post(fake.webhook(player, "applicantPending", AT + MINUTE))
    assert states(case) == ["submitted"] * 3
    assert get_player(case.player_id).confirm_status is ConfirmStatus.SUBMITTED
    assert post(reviewed(fake, player, "GREEN", at=AT + 2 * MINUTE))
    assert get_case(case.id).state is C.CONFIRMED
    assert get_player(case.player_id).confirm_status is ConfirmStatus.CONFIRMED


def test_a_player_is_one_applicant_however_often_it_begins(fake: FakeSumsub) -> None:
    case, player = started(fake)
    again = start_check(player_id=case.player_id, actor=ACTOR, at=AT + MINUTE)
    assert (len(fake.applicants), again.applicant_id) == (1, fake.of(player)["id"])
    assert again.token == f"_act-{player}"


@pytest.mark.parametrize(
    ("kind", "labels", "state", "reasons"),
    [
        ("RETRY", ("UNSATISFACTORY_PHOTOS",), S.RETRY, ("document_unreadable",)),
        ("RETRY", ("EXPIRATION_DATE", "BAD_SELFIE"), S.RETRY, ("document_expired", "selfie_needed")),
        ("RETRY", ("SOMETHING_NEW",), S.RETRY, ("not_accepted",)),
        ("FINAL", ("FORGERY",), S.REJECTED, ("forged",)),
        ("FINAL", ("AGE_REQUIREMENT_MISMATCH",), S.REJECTED, ("underage",)),
        ("FINAL", ("SANCTIONS",), S.IN_REVIEW, ("sanctions",)),  # a person looks; nobody is told
        ("EXTERNAL", ("FORGERY",), S.IN_REVIEW, ("forged",)),  # a kind that is not documented decides nothing
    ],
)
def test_red_in_our_words(fake: FakeSumsub, kind: str, labels, state: StepState, reasons) -> None:
    case, player = started(fake)
    post(reviewed(fake, player, "RED", kind, labels))
    step = get_case(case.id).step(K.IDENTITY)
    assert step is not None
    assert (step.state, step.reasons) == (state, reasons)


def test_after_a_retry_the_player_tries_again(fake: FakeSumsub) -> None:
    case, player = started(fake)
    post(reviewed(fake, player, "RED", "RETRY", ("LOW_QUALITY",)))
    start_check(player_id=case.player_id, actor=ACTOR, at=AT + MINUTE)
    assert states(case) == ["retry"] * 3
    post(fake.webhook(player, "applicantPending", AT + 2 * MINUTE))
    assert states(case) == ["submitted"] * 3
    post(reviewed(fake, player, "GREEN", at=AT + 3 * MINUTE))
    assert get_case(case.id).state is C.CONFIRMED


def test_a_provider_takes_its_word_back(fake: FakeSumsub) -> None:
    case, player = started(fake)
    post(reviewed(fake, player, "GREEN"))
    post(reviewed(fake, player, "RED", "FINAL", ("FORGERY",), at=AT + timedelta(days=30)), at=AT + timedelta(days=30))
    assert get_case(case.id).state is C.REJECTED_FINAL
    assert get_player(case.player_id).confirm_status is ConfirmStatus.REJECTED_FINAL


# --- what changes nothing ------------------------------------------------------------------------------------------


def forged_body(headers, body):
    return headers, body.replace(b"RED", b"GREEN")


def forged_secret(headers, body):
    return {**headers, "X-Payload-Digest": "0" * 64}, body


def weak_digest(headers, body):
    import hashlib
    import hmac

    digest = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha1).hexdigest()
    return {"X-Payload-Digest": digest, "X-Payload-Digest-Alg": "HMAC_SHA1_HEX"}, body


@pytest.mark.parametrize(
    "forge",
    [forged_body, forged_secret, weak_digest, lambda _, body: ({}, body), lambda h, b: (h, b + b" ")],
    ids=["other body", "other digest", "sha-1", "no signature", "one byte more"],
)
def test_a_forged_webhook_changes_nothing(fake: FakeSumsub, forge) -> None:
    case, player = started(fake)
    headers, body = forge(*reviewed(fake, player, "RED", "RETRY", ("LOW_QUALITY",)))
    before = list_moves(case.id)
    with pytest.raises(InvalidSignature):
        receive_notice(provider="sumsub", headers=headers, body=body, at=AT)
    assert (list_moves(case.id), KycNotice.objects.count()) == (before, 0)


def test_no_secret_means_no_webhook(fake: FakeSumsub) -> None:
    _, player = started(fake)
    open_door = SumsubProvider(app_token=TOKEN, secret_key=SECRET, webhook_secrets=[""], base=fake.base, level="basic")
    headers, body = fake.webhook(player, "applicantReviewed", AT, secret="", reviewResult={"reviewAnswer": "GREEN"})
    with pytest.raises(InvalidSignature):
        open_door.verify_webhook(headers, body)


def test_the_same_webhook_counts_once(fake: FakeSumsub) -> None:
    case, player = started(fake)
    notice = reviewed(fake, player, "GREEN")
    assert all(in_parallel([lambda: post(notice) for _ in range(6)], threads=3))
    assert KycNotice.objects.count() == 1
    assert [move.to_state for move in list_moves(case.id) if move.step == ""] == ["open", "confirmed"]


def test_a_late_webhook_does_not_undo_a_newer_one(fake: FakeSumsub) -> None:
    case, player = started(fake)
    old_pending = fake.webhook(player, "applicantPending", AT + MINUTE)
    old_red = reviewed(fake, player, "RED", "RETRY", ("LOW_QUALITY",), at=AT + 2 * MINUTE)
    green = reviewed(fake, player, "GREEN", at=AT + 3 * MINUTE)
    for notice in (green, old_red, old_pending):
        assert post(notice, at=AT + 4 * MINUTE)
    assert get_case(case.id).state is C.CONFIRMED
    assert list(KycNotice.objects.order_by("id").values_list("outcome", flat=True)) == ["taken", "stale", "stale"]


def test_a_late_webhook_does_not_undo_what_was_asked_for_since(fake: FakeSumsub) -> None:
    case, player = started(fake)
    old_red = reviewed(fake, player, "RED", "RETRY", ("LOW_QUALITY",), at=AT + MINUTE)
    fake.review(player, "GREEN")
    chase_due(actor=ACTOR, at=AT + 10 * MINUTE)
    post(old_red, at=AT + 11 * MINUTE)
    assert get_case(case.id).state is C.CONFIRMED


def test_what_was_final_stays_final(fake: FakeSumsub) -> None:
    case, player = started(fake)
    post(reviewed(fake, player, "RED", "FINAL", ("FORGERY",)))
    post(reviewed(fake, player, "GREEN", at=AT + MINUTE))
    assert get_case(case.id).state is C.REJECTED_FINAL


def test_a_person_s_word_is_not_overruled_by_a_machine(fake: FakeSumsub) -> None:
    case, player = started(fake)
    case = accept_all(case)
    post(reviewed(fake, player, "RED", "RETRY", ("LOW_QUALITY",)))
    assert states(case) == ["in_review"] * 3  # it is looked at again, and decided by a person


def test_the_provider_s_sandbox_is_not_believed(fake: FakeSumsub) -> None:
    case, player = started(fake)
    assert not post(reviewed(fake, player, "GREEN", sandboxMode=True))
    assert states(case) == ["required"] * 3


def test_words_about_strangers_change_nothing(fake: FakeSumsub) -> None:
    case, player = started(fake)
    other = make_player()
    for more in (
        {"externalUserId": "not-an-id"},
        {"externalUserId": "00000000-0000-7000-8000-000000000000"},
        {"externalUserId": str(other.id)},  # our applicant, another player
        {"applicantId": "f" * 24},  # our player, another applicant
    ):
        assert not post(reviewed(fake, player, "GREEN", **more))
    assert not post(fake.webhook(player, "applicantTagsChanged", AT))
    assert not post(reviewed(fake, player, "YELLOW"))
    assert (states(case), get_player(other.id).confirm_status) == (["required"] * 3, ConfirmStatus.UNVERIFIED)


def test_high_risk_is_not_confirmed_by_a_machine(fake: FakeSumsub) -> None:
    from players.services.verification import set_risk_level
    from players.types import RiskLevel

    player = adult()
    set_risk_level(player_id=player.id, to=RiskLevel.HIGH, factors=(), reason="listed", actor=ACTOR, at=AT)
    case = open_for(player.id)
    start_check(player_id=player.id, actor=ACTOR, at=AT)
    post(reviewed(fake, str(player.id), "GREEN"))
    assert states(case) == ["accepted", "accepted", "accepted", "required", "required"]
    accept_all(get_case(case.id))
    assert get_case(case.id).state is C.IN_REVIEW


# --- no answer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lose", "slow", 500, 429, 401, 200])
def test_a_provider_that_does_not_answer_changes_nothing(fake: FakeSumsub, fault: str | int) -> None:
    player = adult()
    case = open_for(player.id)
    fake.faults = [fault]
    before = list_moves(case.id)
    with pytest.raises(CheckUnavailable):
        start_check(player_id=player.id, actor=ACTOR, at=AT)
    assert (states(case), list_moves(case.id)) == (["required"] * 3, before)
    start_check(player_id=player.id, actor=ACTOR, at=AT + MINUTE)  # and then it works
    assert len(fake.applicants) == 1


def test_an_answer_that_got_lost_makes_no_second_applicant(fake: FakeSumsub) -> None:
    player = adult()
    open_for(player.id)
    fake.faults = [404, "drop"]  # it is made there, and we do not learn of it
    with pytest.raises(CheckUnavailable):
        start_check(player_id=player.id, actor=ACTOR, at=AT)
    assert start_check(player_id=player.id, actor=ACTOR, at=AT).applicant_id == fake.of(player.id)["id"]
    assert len(fake.applicants) == 1


def test_webhooks_that_never_came_are_asked_for(fake: FakeSumsub) -> None:
    case, player = started(fake)
    assert chase_due(actor=ACTOR, at=AT) == 0  # not due yet
    fake.faults = ["slow"]
    chase_due(actor=ACTOR, at=AT + MINUTE)
    assert states(case) == ["required"] * 3
    fake.review(player, "GREEN")
    chase_due(actor=ACTOR, at=AT + 3 * MINUTE)
    assert get_case(case.id).state is C.CONFIRMED
    asked = fake.calls.total()
    assert chase_due(actor=ACTOR, at=AT + timedelta(days=1)) == 0
    assert fake.calls.total() == asked


def test_nothing_is_checked_where_nothing_waits(fake: FakeSumsub) -> None:
    with pytest.raises(NothingToCheck):
        start_check(player_id=adult().id, actor=ACTOR, at=AT)


# --- the sandbox, and the webhook's address ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_name", "state"),
    [
        ("Berg", C.CONFIRMED),
        ("Retry", C.REJECTED_RETRY),
        ("Reject", C.REJECTED_FINAL),
        ("Hold", C.IN_REVIEW),
        ("Pending", C.SUBMITTED),
        ("Lost", C.OPEN),
    ],
)
@pytest.mark.django_db
def test_the_sandbox_does_what_the_name_says(last_name: str, state: CaseState) -> None:
    player = make_player(birth_date=AT.date().replace(year=1990), first_name="Ann", last_name=last_name)
    case = open_for(player.id)
    start_check(player_id=player.id, provider="sandbox", actor=ACTOR, at=AT)
    chase_due(actor=ACTOR, at=AT + MINUTE)
    assert get_case(case.id).state is state


def test_webhooks_over_http(fake: FakeSumsub) -> None:
    case, player = started(fake)
    headers, body = reviewed(fake, player, "GREEN")
    browser = Client(raise_request_exception=False)

    def send(path: str, headers: dict[str, str], body: bytes):
        return browser.post(path, body, content_type="application/json", headers=headers)

    assert send("/api/v1/webhooks/kyc/nobody", headers, body).status_code == 404
    refused = send("/api/v1/webhooks/kyc/sumsub", {}, body)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_signature")
    assert browser.get("/api/v1/webhooks/kyc/sumsub").status_code == 405
    bad_headers, bad_body = fake.webhook(
        player, "applicantReviewed", AT, createdAtMs="yesterday", reviewResult={"reviewAnswer": "GREEN"}
    )
    assert send("/api/v1/webhooks/kyc/sumsub", bad_headers, bad_body).status_code == 422
    assert states(case) == ["required"] * 3
    assert send("/api/v1/webhooks/kyc/sumsub", headers, body).json() == {"taken": True}
    assert get_case(case.id).state is C.CONFIRMED


def test_a_decided_step_of_a_machine_can_be_looked_at_by_a_person(fake: FakeSumsub) -> None:
    case, player = started(fake)
    post(reviewed(fake, player, "RED", "FINAL", ("SANCTIONS",)))
    reviewer = Actor(ActorKind.STAFF, "7", frozenset({kyc.REVIEW}))
    for kind in (K.IDENTITY, K.AGE, K.ADDRESS):
        decide(get_case(case.id), kind, S.ACCEPTED, actor=reviewer)
    assert get_case(case.id).state is C.CONFIRMED


def test_the_sandbox_s_webhooks_are_signed(db: None) -> None:
    sandbox = KycSandbox()
    from compliance.types_kyc import Answer

    headers, body = sandbox.notice(adult().id, Answer.ACCEPTED, AT)
    assert sandbox.verify_webhook(headers, body) is not None
    with pytest.raises(InvalidSignature):
        sandbox.verify_webhook(headers, json.dumps(json.loads(body)).encode() + b" ")
