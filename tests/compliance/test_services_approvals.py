"""Four eyes: what was approved is carried out once, and nothing else is ever."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError

from compliance.models import Approval
from compliance.selectors import count_open, get_approval, list_approvals, list_next_open
from compliance.services import approvals
from compliance.types import ApprovalDetails, ApprovalState
from events.models import Event
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind, system
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict, NotFound
from players.selectors import list_labels
from tests.compliance.conftest import LabelHandler, Refused, staff
from tests.connections import in_parallel
from tests.factories import AT, make_player

pytestmark = pytest.mark.usefixtures("db", "handler")

ASKER, DECIDER, THIRD = staff(1), staff(2), staff(3)
LATER = AT + timedelta(hours=1)
KIND = "test.label"


def ask(player_id: UUID, value: str = "trusted", key: str = "k", actor: Actor = ASKER) -> ApprovalDetails:
    return approvals.request_approval(
        kind=KIND,
        player_id=player_id,
        subject=f"Label {value}",
        content={"value": value},
        before={"label": None},
        after={"label": value},
        comment="They asked for it.",
        idempotency_key=key,
        actor=actor,
        at=AT,
    )


def approve(found: ApprovalDetails, actor: Actor = DECIDER, **changes: object) -> ApprovalDetails:
    call = {"approval_id": found.id, "seen_digest": found.digest, "comment": "", "actor": actor, "at": LATER}
    return approvals.approve(**{**call, **changes})  # type: ignore[arg-type]


def reject(found: ApprovalDetails, actor: Actor = DECIDER, comment: str = "No.") -> ApprovalDetails:
    return approvals.reject(approval_id=found.id, comment=comment, actor=actor, at=LATER)


def labels(player_id: UUID) -> list[str]:
    return [label.value for label in list_labels(player_id)]


def published() -> list[tuple[str, str]]:
    rows = Event.objects.filter(type__startswith="compliance.").order_by("position")
    return [(row.type, row.payload.get("state", "")) for row in rows]


def test_what_was_approved_is_carried_out_and_told() -> None:
    player = make_player()
    found = ask(player.id)
    assert labels(player.id) == []
    assert found.expires_at == AT + timedelta(hours=48)
    done = approve(found, comment="Fine.")
    assert labels(player.id) == ["trusted"]
    assert (done.state, done.decided_by, done.decision_comment, done.result) == ("approved", "staff:2", "Fine.", "1")
    assert done.decided_at == LATER
    assert published() == [
        ("compliance.approval-requested.v1", ""),
        ("compliance.approval-decided.v1", "approved"),
    ]


def test_asking_twice_under_one_key_is_one_request() -> None:
    player = make_player()
    assert ask(player.id) == ask(player.id)
    assert len(published()) == 1
    with pytest.raises(IdempotencyConflict):
        ask(player.id, value="other")


def test_nobody_approves_or_rejects_what_they_asked_for() -> None:
    player = make_player()
    found = ask(player.id)
    for decide in (approve, reject):
        with pytest.raises(approvals.SelfApproval):
            decide(found, ASKER)
    assert labels(player.id) == []
    assert get_approval(found.id).state is ApprovalState.REQUESTED


def test_the_database_itself_refuses_a_self_approval() -> None:
    found = ask(make_player().id)
    with pytest.raises(DatabaseError, match="compliance_approval_four_eyes"):
        Approval.objects.filter(id=found.id).update(state="approved", decided_at=LATER, decided_by="staff:1")


@pytest.mark.parametrize(
    "actor",
    [
        staff(2, frozenset()),
        staff(2, frozenset({"test.ask"})),
        Actor(ActorKind.CLIENT, "robot", frozenset({"test.decide"})),
        system("job"),
    ],
)
def test_only_a_person_with_the_right_decides(actor: Actor) -> None:
    found = ask(make_player().id)
    for decide in (approve, reject):
        with pytest.raises(AccessDenied):
            decide(found, actor)


def test_asking_takes_a_right_and_a_reason() -> None:
    player = make_player()
    with pytest.raises(AccessDenied):
        ask(player.id, actor=staff(1, frozenset({"test.decide"})))
    found = ask(player.id)
    with pytest.raises(FieldErrors):
        reject(found, comment=" ")


def test_a_rejection_changes_nothing_and_tells_whoever_waits(handler: LabelHandler) -> None:
    player = make_player()
    found = ask(player.id)
    done = reject(found)
    assert (done.state, done.decision_comment, done.result) == ("rejected", "No.", "")
    assert labels(player.id) == []
    assert handler.declined_ids == [str(found.id)]
    with pytest.raises(approvals.AlreadyDecided):
        approve(found)
    assert published()[-1] == ("compliance.approval-decided.v1", "rejected")


def test_an_action_that_fails_leaves_the_approval_open_and_nothing_done(handler: LabelHandler) -> None:
    player = make_player()
    found = ask(player.id)
    handler.refuse = True
    with pytest.raises(Refused):
        approve(found)
    assert get_approval(found.id).state is ApprovalState.REQUESTED
    assert labels(player.id) == []
    handler.refuse = False
    approve(found)
    assert labels(player.id) == ["trusted"]


def test_too_late_is_too_late_even_before_the_job_has_run(handler: LabelHandler) -> None:
    player = make_player()
    found = ask(player.id)
    with pytest.raises(approvals.ApprovalExpired):
        approve(found, at=found.expires_at)
    assert approve(ask(player.id, key="k2"), at=found.expires_at - timedelta(seconds=1)).state == "approved"


def test_the_job_closes_what_nobody_decided(handler: LabelHandler) -> None:
    player = make_player()
    found, decided = ask(player.id), ask(player.id, key="k2")
    approve(decided)
    assert approvals.expire_due(actor=system("job"), at=found.expires_at - timedelta(seconds=1)) == 0
    assert approvals.expire_due(actor=system("job"), at=found.expires_at) == 1
    assert approvals.expire_due(actor=system("job"), at=found.expires_at) == 0
    assert get_approval(found.id).state is ApprovalState.EXPIRED
    assert get_approval(decided.id).state is ApprovalState.APPROVED
    assert handler.declined_ids == [str(found.id)]
    assert published()[-1] == ("compliance.approval-decided.v1", "expired")


def test_what_was_not_seen_is_not_approved() -> None:
    player = make_player()
    found, other = ask(player.id), ask(player.id, value="vip", key="k2")
    for seen in (other.digest, "", "nonsense", found.digest[:-2]):
        with pytest.raises(approvals.ContentChanged):
            approve(found, seen_digest=seen)
    assert labels(player.id) == []


@pytest.mark.parametrize(
    "change",
    [{"content": {"value": "vip"}}, {"after": {}}, {"player_id": None}, {"requested_by": "staff:9"}, {"digest": b"x"}],
)
def test_what_was_asked_for_cannot_be_rewritten(change: dict[str, object]) -> None:
    found = ask(make_player().id)
    with pytest.raises(DatabaseError, match="cannot be changed"):
        Approval.objects.filter(id=found.id).update(**change)
    with pytest.raises(DatabaseError, match="never deleted"):
        Approval.objects.filter(id=found.id).delete()


def test_content_put_under_another_digest_is_never_carried_out() -> None:
    """Somebody with the database in their hands puts in a row whose content is not what its digest names."""
    player = make_player()
    row = Approval.objects.get(id=ask(player.id).id)
    row.pk, row.key, row.content = uuid4(), "forged", {"value": "vip"}
    row.save(force_insert=True)
    forged = get_approval(row.pk)
    with pytest.raises(approvals.ContentChanged):
        approve(forged)
    assert labels(player.id) == []


def test_a_decision_is_made_once() -> None:
    found = ask(make_player().id)
    reject(found)
    with pytest.raises(DatabaseError, match="decided before"):
        Approval.objects.filter(id=found.id).update(state="approved")


def test_two_approvers_at_once_carry_it_out_once() -> None:
    player = make_player()
    found = ask(player.id)

    def decide(number: int) -> str:
        try:
            approve(found, staff(number))
        except DomainError as error:
            return error.code
        return "approved"

    works = [lambda n=n: decide(n) for n in range(2, 22)]
    assert Counter(in_parallel(works, 10)) == {"approved": 1, "already_decided": 19}
    assert published().count(("compliance.approval-decided.v1", "approved")) == 1


def test_yes_and_no_at_once_is_one_of_them() -> None:
    for _ in range(5):
        player = make_player()
        found = ask(player.id, key=str(player.id))

        def tried(decide: object, actor: Actor, found: ApprovalDetails = found) -> str:
            try:
                return str(decide(found, actor).state)  # type: ignore[operator]
            except approvals.AlreadyDecided:
                return ""

        answers = set(in_parallel([lambda: tried(approve, DECIDER), lambda: tried(reject, THIRD)], 2))
        assert answers in ({"", "approved"}, {"", "rejected"})
        assert labels(player.id) == (["trusted"] if "approved" in answers else [])


def test_a_claim_keeps_others_away_until_it_lapses() -> None:
    found = ask(make_player().id)
    claimed = approvals.claim(approval_id=found.id, actor=DECIDER, at=LATER)
    assert claimed.claimed_by == "staff:2"
    with pytest.raises(approvals.ClaimedByAnother):
        approve(found, THIRD)
    with pytest.raises(approvals.ClaimedByAnother):
        approvals.claim(approval_id=found.id, actor=THIRD, at=LATER)
    assert approve(found, THIRD, at=LATER + timedelta(minutes=30)).decided_by == "staff:3"


def test_the_queue_hands_out_what_expires_first_and_nothing_twice() -> None:
    player = make_player()
    first, second = ask(player.id), ask(player.id, key="k2")
    own = ask(player.id, key="k3", actor=DECIDER)

    def following(actor: Actor) -> UUID | None:
        found = list_next_open(kinds=[KIND], actor_id=str(actor), at=LATER)
        return found[0].id if found else None

    assert following(DECIDER) == first.id
    approvals.claim(approval_id=first.id, actor=DECIDER, at=LATER)
    assert following(DECIDER) == first.id
    assert following(THIRD) == second.id
    approvals.claim(approval_id=second.id, actor=THIRD, at=LATER)
    assert following(staff(4)) == own.id
    assert following(ASKER) == own.id
    approvals.release(approval_id=first.id, actor=DECIDER, at=LATER)
    assert following(staff(4)) == first.id
    assert list_next_open(kinds=["other"], actor_id="staff:4", at=LATER) == []
    assert count_open(kinds=[KIND], at=LATER) == 3


def withdraw(found: ApprovalDetails, actor: Actor = DECIDER) -> ApprovalDetails:
    return approvals.withdraw(approval_id=found.id, comment="It has ended.", actor=actor, at=LATER)


@pytest.mark.parametrize("actor", [ASKER, DECIDER, system("player")])
def test_what_has_ended_waits_for_nobody(actor: Actor, handler: LabelHandler) -> None:
    player = make_player()
    found = ask(player.id)
    done = withdraw(found, actor)
    assert (done.state, done.decided_by, done.decision_comment) == ("withdrawn", str(actor), "It has ended.")
    assert count_open(kinds=[KIND], at=LATER) == 0
    assert published()[-1] == ("compliance.approval-decided.v1", "withdrawn")
    with pytest.raises(approvals.AlreadyDecided):
        approve(found)
    assert withdraw(found) == done
    assert (labels(player.id), handler.declined_ids) == ([], [])


def test_what_was_decided_is_not_withdrawn_after_all() -> None:
    found = ask(make_player().id)
    approve(found)
    assert withdraw(found).state is ApprovalState.APPROVED


def test_only_who_asked_takes_it_back_and_once(handler: LabelHandler) -> None:
    found = ask(make_player().id)

    def take_back(actor: Actor) -> ApprovalDetails:
        return approvals.take_back(approval_id=found.id, comment="A mistake.", actor=actor, at=LATER)

    with pytest.raises(AccessDenied):
        take_back(DECIDER)
    assert take_back(ASKER).state is ApprovalState.WITHDRAWN
    assert handler.declined_ids == [str(found.id)]
    with pytest.raises(approvals.AlreadyDecided):
        take_back(ASKER)


def test_lists_filter_and_page() -> None:
    one, two = make_player(), make_player()
    rows = [ask(player.id, key=f"k{number}") for number, player in enumerate((one, two, one))]
    reject(rows[0])
    assert [row.id for row in list_approvals()] == [row.id for row in reversed(rows)]
    assert [row.id for row in list_approvals(state=ApprovalState.REQUESTED)] == [rows[2].id, rows[1].id]
    assert [row.id for row in list_approvals(player_id=one.id, before=rows[2].id)] == [rows[0].id]
    with pytest.raises(NotFound):
        get_approval(uuid4())
