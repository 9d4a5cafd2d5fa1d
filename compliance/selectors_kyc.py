"""Reads of verification: cases, what is proved, what waits for staff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_CEILING
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from compliance.models_kyc import KycCase, KycMove, KycStep, KycTransaction
from compliance.types_cases import QueueLength
from compliance.types_kyc import (
    UNFINISHED,
    CaseDetails,
    CaseState,
    Funds,
    MoveDetails,
    StepDetails,
    StepKind,
    StepState,
    Trigger,
)
from kernel.errors import NotFound
from kernel.fx import EURO
from kernel.models_fx import ExchangeRate
from kernel.money import Money

_ORDER = {kind.value: place for place, kind in enumerate(StepKind)}


def get_case(case_id: UUID) -> CaseDetails:
    """Raises: NotFound."""
    row = _cases().filter(id=case_id).first()
    if row is None:
        raise NotFound(f"There is no verification case {case_id}.")
    return details(row)


def get_step(step_id: UUID) -> StepDetails:
    """Raises: NotFound."""
    row = KycStep.objects.select_related("case").filter(id=step_id).first()
    if row is None:
        raise NotFound(f"There is no step {step_id} of a verification.")
    return step_details(row, row.case.player_id)


def find_unfinished_case(player_id: UUID) -> CaseDetails | None:
    """The one case that the player has to finish, if there is one."""
    row = _cases().filter(player_id=player_id, state__in=UNFINISHED).first()
    return details(row) if row else None


def list_cases(
    *,
    player_id: UUID | None = None,
    state: CaseState | None = None,
    trigger: Trigger | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[CaseDetails]:
    """Newest first, older than ``before``."""
    rows = _cases().order_by("-id")
    for name, value in {"player_id": player_id, "state": state, "trigger": trigger, "id__lt": before}.items():
        if value:
            rows = rows.filter(**{name: value})
    return [details(row) for row in rows[:limit]]


def count_waiting(at: datetime) -> QueueLength:
    """Verification cases that wait for a person's decision, in hand or not."""
    late = Count("id", filter=Q(review_due_at__lte=at))
    return QueueLength(**KycCase.objects.filter(state=CaseState.IN_REVIEW).aggregate(waiting=Count("id"), late=late))


def review_queue(at: datetime, actor_id: str = "") -> QuerySet[KycCase]:
    """Cases that wait for staff, what is due first first; without what is in somebody else's hands."""
    free = Q(claimed_until=None) | Q(claimed_until__lte=at) | Q(claimed_by=actor_id)
    return _cases().filter(free, state=CaseState.IN_REVIEW).order_by("review_due_at", "id")


def list_moves(case_id: UUID) -> list[MoveDetails]:
    """Everything that happened to a case, oldest first."""
    return [
        MoveDetails(row.step, row.from_state, row.to_state, row.actor, tuple(row.reasons), row.note, row.moved_at)
        for row in KycMove.objects.filter(case_id=case_id).order_by("id")
    ]


def list_proved(player_id: UUID, at: datetime) -> frozenset[StepKind]:
    """What is proved of the player now: accepted, not lapsed, in a case that was not refused."""
    steps = _proved(at).filter(case__player_id=player_id)
    return frozenset(StepKind(kind) for kind in steps.values_list("kind", flat=True))


def _proved(at: datetime) -> QuerySet[KycStep]:
    return KycStep.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=at),
        state=StepState.ACCEPTED,
        case__state__in=[*UNFINISHED, CaseState.CONFIRMED, CaseState.EXPIRED],
    )


def list_proved_of(player_ids: Iterable[UUID], at: datetime) -> dict[UUID, set[StepKind]]:
    """As ``list_proved`` for many players at once; who has proved nothing is left out."""
    found: dict[UUID, set[StepKind]] = defaultdict(set)
    steps = _proved(at).filter(case__player_id__in=list(player_ids))
    for player_id, kind in steps.values_list("case__player_id", "kind"):
        found[player_id].add(StepKind(kind))
    return found


def stands_confirmed(player_id: UUID, *, without: UUID | None = None) -> bool:
    """Whether a confirmed case stands (another than ``without``)."""
    rows = KycCase.objects.filter(player_id=player_id, state=CaseState.CONFIRMED)
    return (rows.exclude(id=without) if without else rows).exists()


def details(row: KycCase) -> CaseDetails:
    steps = sorted(row.steps.all(), key=lambda step: _ORDER[step.kind])
    return CaseDetails(
        id=row.id,
        player_id=row.player_id,
        trigger=Trigger(row.trigger),
        state=CaseState(row.state),
        funds=Funds(row.funds),
        risk_level=row.risk_level,
        pack=row.pack,
        reason=row.reason,
        legal_reason=row.legal_reason,
        steps=tuple(step_details(step, row.player_id) for step in steps),
        opened_at=row.opened_at,
        due_at=row.due_at,
        review_due_at=row.review_due_at,
        claimed_by=row.claimed_by,
        claimed_until=row.claimed_until,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision_reason=row.decision_reason,
        expires_at=row.expires_at,
        grace_acknowledged_at=row.grace_acknowledged_at,
    )


def step_details(row: KycStep, player_id: UUID) -> StepDetails:
    return StepDetails(
        id=row.id,
        case_id=row.case_id,
        player_id=player_id,
        kind=StepKind(row.kind),
        state=StepState(row.state),
        reasons=tuple(row.reasons),
        note=row.note,
        provider=row.provider,
        attempts=row.attempts,
        submitted_at=row.submitted_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        expires_at=row.expires_at,
    )


def list_states(steps: Iterable[KycStep]) -> list[StepState]:
    return [StepState(step.state) for step in steps]


def _cases() -> QuerySet[KycCase]:
    return KycCase.objects.prefetch_related(Prefetch("steps", KycStep.objects.all()))


# --- what counts towards thresholds ----------------------------------------------------------------------------------

# No currency is worth more than four euro: who has none of its rates must not come out below a threshold.
_UNKNOWN_WORTH = 4


def list_transactions(player_id: UUID, *, since: datetime | None = None) -> list[tuple[str, datetime, int]]:
    """Deposits and payouts as (kind, moment, euro minor units)."""
    rows = KycTransaction.objects.filter(player_id=player_id)
    if since:
        rows = rows.filter(made_at__gte=since)
    return list(rows.values_list("kind", "made_at", "amount_eur_minor"))


def worth_in_euro(amount: Money, at: datetime) -> int:
    """Euro minor units at the newest rate that is known, whatever its age; without any, more than it can be."""
    if amount.currency == EURO:
        return amount.amount_minor
    row = ExchangeRate.objects.filter(currency=amount.currency, day__lte=at.date()).order_by("-day").first()
    euros = amount.major / row.per_euro if row else amount.major * _UNKNOWN_WORTH
    return int((euros * 100).to_integral_value(ROUND_CEILING))


def was_rejected(player_id: UUID) -> bool:
    """Whether a verification of the player was refused for good."""
    return KycCase.objects.filter(player_id=player_id, state=CaseState.REJECTED_FINAL).exists()
