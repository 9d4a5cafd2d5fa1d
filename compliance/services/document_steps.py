"""Which step of a verification a document is for, and what handing it in sets going."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from compliance.selectors_kyc import find_unfinished_case
from compliance.services.kyc import submit_step
from compliance.types_documents import DocumentKind
from compliance.types_kyc import CaseDetails, StepDetails, StepKind, StepState
from kernel.actors import Actor
from kernel.errors import FieldErrors

_IDENTITY = (StepKind.IDENTITY, StepKind.AGE)
_FUNDS = (StepKind.SOURCE_OF_FUNDS,)
# What a kind of document proves, the likeliest first; whoever means another step names it.
PROVES: Mapping[DocumentKind, tuple[StepKind, ...]] = {
    DocumentKind.PASSPORT: _IDENTITY,
    DocumentKind.ID_CARD: _IDENTITY,
    DocumentKind.DRIVING_LICENCE: _IDENTITY,
    DocumentKind.RESIDENCE_PERMIT: _IDENTITY,
    DocumentKind.SELFIE: (StepKind.IDENTITY,),
    DocumentKind.UTILITY_BILL: (StepKind.ADDRESS,),
    DocumentKind.BANK_STATEMENT: (StepKind.ADDRESS, StepKind.SOURCE_OF_FUNDS),
    DocumentKind.PAYSLIP: _FUNDS,
    DocumentKind.TAX_RETURN: _FUNDS,
    DocumentKind.OTHER: (),
}
_WAITS_FOR_PLAYER = frozenset({StepState.REQUIRED, StepState.RETRY})
_OPEN = _WAITS_FOR_PLAYER | {StepState.SUBMITTED, StepState.IN_REVIEW}


def find_step(*, player_id: UUID, kind: DocumentKind, step_id: UUID | None) -> StepDetails | None:
    """The named step of the player's unfinished case, or the one that this kind of document proves, what waits first.

    Raises: FieldErrors when the named one is not open.
    """
    case = find_unfinished_case(player_id)
    steps = [step for step in case.steps if step.state in _OPEN] if case else []
    if step_id:
        named = next((step for step in steps if step.id == step_id), None)
        if named is None:
            raise FieldErrors({"step_id": ["Choose an open step of the player's own verification, or leave it out."]})
        return named
    proved = [step for wanted in PROVES[kind] for step in steps if step.kind is wanted]
    return next((step for step in proved if step.state in _WAITS_FOR_PLAYER), proved[0] if proved else None)


def hand_over(*, step: StepDetails, actor: Actor, at: datetime) -> None:
    """The player has handed in something for this step: a person looks at it.

    An identity document shows the age too, and compliance's own look needs nothing more of the player once all else
    is handed in. The caller holds the player.
    """
    case = find_unfinished_case(step.player_id)
    assert case is not None  # noqa: S101  (the step is open)
    together = _IDENTITY if step.kind in _IDENTITY else (step.kind,)
    for each in case.steps:
        if each.kind in together and each.state in {*_WAITS_FOR_PLAYER, StepState.SUBMITTED}:
            case = submit_step(step_id=each.id, actor=actor, at=at)
    enhanced = case.step(StepKind.ENHANCED)
    if enhanced and enhanced.state in _WAITS_FOR_PLAYER and not _waits_else(case):
        submit_step(step_id=enhanced.id, actor=actor, at=at)


def _waits_else(case: CaseDetails) -> bool:
    return any(step.state in _WAITS_FOR_PLAYER for step in case.steps if step.kind is not StepKind.ENHANCED)
