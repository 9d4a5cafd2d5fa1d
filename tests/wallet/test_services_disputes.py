"""Disputes about money: from the complaint to its end, with a correction where one is due."""

from __future__ import annotations

from uuid import UUID

import pytest

from events.models import Event
from kernel.access import AccessDenied
from kernel.errors import FieldErrors, IdempotencyConflict
from kernel.money import Money
from tests.factories import AT
from tests.wallet.test_services_adjustments import RIGHTS, approve, funded, real, staff
from wallet.selectors_adjustments import get_adjustment, list_disputes
from wallet.services import adjustments, disputes
from wallet.types_adjustments import DisputeDetails

pytestmark = pytest.mark.usefixtures("db")

AGENT, OTHER = (staff(number, RIGHTS | {"wallet.work_disputes"}) for number in (1, 2))


def opened(player_id: UUID, key: str = "k") -> DisputeDetails:
    return disputes.open_dispute(
        player_id=player_id,
        subject="A win is missing",
        story="The wheel stopped on 50.",
        claimed=Money(5000, "EUR"),
        reference="round-7",
        actor=AGENT,
        idempotency_key=key,
        at=AT,
    )


def settle(found: DisputeDetails, *, resolved: bool = True, amount: str = "", actor: object = AGENT) -> DisputeDetails:
    redress = disputes.Redress(Money.parse(amount, "EUR"), "Provider's log.") if amount else None
    return disputes.settle(
        dispute_id=found.id, resolved=resolved, resolution="The log shows it.", redress=redress, actor=actor, at=AT
    )  # type: ignore[arg-type]


def states() -> list[str]:
    rows = Event.objects.filter(type="wallet.dispute-state-changed.v1").order_by("position")
    return [row.payload["state"] for row in rows]


def test_a_dispute_is_opened_investigated_and_resolved_with_money() -> None:
    player_id = funded()
    found = opened(player_id)
    assert opened(player_id) == found
    taken = disputes.investigate(dispute_id=found.id, actor=AGENT, at=AT)
    assert (taken.state, taken.assignee) == ("investigating", "staff:1")
    done = settle(found, amount="50.00")
    assert (done.state, done.resolution) == ("resolved", "The log shows it.")
    assert done.adjustment_id
    assert real(player_id) == "150.00"
    assert get_adjustment(done.adjustment_id).reason == "dispute"
    assert states() == ["open", "investigating", "resolved"]
    assert list_disputes(player_id) == [done]


def test_a_large_redress_waits_for_a_second_person() -> None:
    player_id = funded()
    done = settle(opened(player_id), amount="500.00")
    assert done.adjustment_id
    assert real(player_id) == "100.00"
    approve(get_adjustment(done.adjustment_id), OTHER)
    assert real(player_id) == "600.00"


def test_a_rejected_dispute_moves_no_money() -> None:
    player_id = funded()
    found = opened(player_id)
    with pytest.raises(FieldErrors):
        settle(found, resolved=False, amount="1.00")
    assert settle(found, resolved=False).state == "rejected"
    for again in (True, False):
        with pytest.raises(disputes.DisputeSettled):
            settle(found, resolved=again)
    assert real(player_id) == "100.00"


def test_a_redress_that_cannot_be_made_leaves_the_dispute_open() -> None:
    player_id = funded()
    found = opened(player_id)
    with pytest.raises(adjustments.BalanceTooLow):
        settle(found, amount="-100.01")
    assert list_disputes(player_id)[0].state == "open"


def test_one_investigates_until_another_takes_over() -> None:
    found = opened(funded())
    disputes.investigate(dispute_id=found.id, actor=AGENT, at=AT)
    with pytest.raises(disputes.TakenByAnother):
        disputes.investigate(dispute_id=found.id, actor=OTHER, at=AT)
    with pytest.raises(disputes.TakenByAnother):
        settle(found, actor=OTHER)
    disputes.investigate(dispute_id=found.id, actor=OTHER, at=AT, take_over=True)
    assert settle(found, actor=OTHER).settled_by == "staff:2"
    with pytest.raises(AccessDenied):
        disputes.investigate(dispute_id=found.id, actor=staff(3), at=AT)


def test_one_key_is_one_dispute_and_other_content_a_conflict() -> None:
    first, second = funded(), funded()
    assert opened(first).id == opened(first).id
    with pytest.raises(IdempotencyConflict):
        opened(second)
    assert len(list_disputes(first)) == 1
    assert list_disputes(second) == []
