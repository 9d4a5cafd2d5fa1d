"""Verification cases: opened, their steps decided, the case decided, with all that follows for the player.

Each change of a case sets ``confirm_status`` of the player, locks or frees the money, and is kept in KycMove.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from compliance import rules_kyc as rules
from compliance.models_kyc import KycCase, KycStep
from compliance.selectors_kyc import (
    find_unfinished_case,
    get_case,
    get_step,
    list_proved,
    list_states,
)
from compliance.services.kyc_moves import (
    CaseMoveRefused,
    StepMoveRefused,  # noqa: F401  (raised here)
    follow,
    keep_move,
    move_case,
    move_funds,
    move_step,
    needs_second_person,
    set_status,
    settle_step,
)
from compliance.types_kyc import (
    CaseDetails,
    CaseState,
    Funds,
    LegalReason,
    StepKind,
    StepState,
    Trigger,
)
from compliance.types_packs import EffectivePack
from events.audit import record
from events.catalogue.compliance import KycCaseOpened
from events.services.log import holding, publish
from kernel.access import Subject, require
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError, FieldErrors
from kernel.pan import holds_pan
from players.selectors import get_player

REVIEW, SECOND = "compliance.review_kyccase", "compliance.approve_kyccase"
_DECIDABLE = frozenset({StepState.ACCEPTED, StepState.RETRY, StepState.REJECTED, StepState.IN_REVIEW})


class CaseClaimed(DomainError):
    """Somebody else works on the case."""

    code = "claimed_by_another"
    title = "Somebody else is working on this"
    status = 409


class SecondPersonNeeded(DomainError):
    """The player is at high risk: one person asks, another decides."""

    code = "awaits_second_person"
    title = "It takes a second person"
    status = 409


class LateDemand(DomainError):
    """The pack forbids to ask at a payout for what could have been asked before, without a reason in law."""

    code = "late_demand"
    title = "This may not be asked for only at a payout"
    status = 409


def open_case(
    *,
    player_id: UUID,
    trigger: Trigger,
    pack: EffectivePack,
    key: str,
    actor: Actor,
    at: datetime,
    reason: str = "",
    steps: Sequence[StepKind] = (),
    locks_funds: bool = False,
    due_at: datetime | None = None,
    legal_reason: LegalReason | None = None,
) -> CaseDetails | None:
    """Ask the player to prove what the pack and their risk level want and what is not proved yet; None: nothing is missing.

    ``pack`` is the one that holds for the player now; ``steps`` are asked for whatever the rules say.
    An unfinished case takes the new demands in: a player never has two. ``locks_funds``: neither play nor payout until
    it is confirmed; at ``due_at`` the money goes back. The same ``key`` gives the case that was opened first.
    Publishes KycCaseOpened, KycFundsMoved. Raises: UnknownPlayer, AccessDenied, FieldErrors, LateDemand.
    """
    if trigger is Trigger.FIRST_WITHDRAWAL and not legal_reason and not pack.flag("verification.late_documents", True):
        raise LateDemand(
            f"{pack.label}: what could have been asked before is not asked at a payout without a legal reason."
        )
    if actor.kind is ActorKind.STAFF:
        require(actor, REVIEW, Subject(player_id=player_id), at)
        _check_text("reason", reason, needed=True)
    with holding(player_id):
        player = get_player(player_id)
        known = KycCase.objects.filter(player_id=player_id, key=key).first()
        if known:
            return get_case(known.id)
        proved = list_proved(player_id, at)
        unfinished = find_unfinished_case(player_id)
        wanted = rules.requirements(pack.texts("verification.fields"), player.risk_level, trigger)
        missing = rules.still_open({*wanted, *steps}, proved - set(steps))
        missing = tuple(kind for kind in StepKind if kind in missing)
        if unfinished:
            return _widen(unfinished, missing, locks_funds, due_at, actor, at)
        if not missing:
            return None
        case = KycCase.objects.create(
            player_id=player_id,
            key=key,
            trigger=trigger,
            risk_level=player.risk_level,
            pack=pack.label[:80],
            reason=reason,
            legal_reason=legal_reason or "",
            opened_by=str(actor),
            opened_at=at,
            due_at=due_at,
        )
        for kind in missing:
            KycStep.objects.create(case=case, kind=kind)
        keep_move(case, "", "", CaseState.OPEN, (), reason, actor, at)
        if locks_funds:
            move_funds(case, Funds.LOCKED, actor, at)
        set_status(case, CaseState.OPEN, actor, at)
        case.save()
        publish(
            KycCaseOpened(
                player_id=player_id,
                occurred_at=at,
                case_id=case.id,
                trigger=trigger,
                steps=" ".join(missing),
                funds=case.funds,
                due_at=due_at,
            )
        )
        _audit("open_kyc_case", case, reason, actor, at, after={"steps": " ".join(missing), "trigger": trigger})
    return get_case(case.id)


def submit_step(*, step_id: UUID, actor: Actor, at: datetime) -> CaseDetails:
    """The player has handed in documents for this step: a person looks at them. Nothing happens to one that waits already.

    Publishes KycDecided (in_review). Raises: NotFound, StepMoveRefused.
    """
    found = get_step(step_id)
    with holding(found.player_id):
        case, step = _lock(found.case_id, step_id)
        if step.state in (StepState.IN_REVIEW, StepState.ACCEPTED):
            return get_case(case.id)
        move_step(case, step, StepState.IN_REVIEW, (), "", actor, at)
        step.submitted_at, step.attempts = at, step.attempts + 1
        step.save()
        follow(case, actor, at)
    return get_case(found.case_id)


def decide_step(
    *,
    step_id: UUID,
    to: StepState,
    reasons: Sequence[str] = (),
    note: str = "",
    document_until: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> CaseDetails:
    """Accept a step, ask the player to try again, reject it for good, or leave it to a person (in_review).

    ``reasons`` are codes of ``rules_kyc.REASONS`` or ``CONFIDENTIAL_REASONS``, needed to refuse; ``note`` is for staff.
    An accepted step holds until ``document_until``, at the longest as the risk level allows. The case follows its steps.
    Publishes KycDecided, KycFundsMoved, ConfirmStatusChanged. Raises: NotFound, AccessDenied, FieldErrors, CaseClaimed,
    StepMoveRefused.
    """
    found = get_step(step_id)
    require(actor, REVIEW, Subject(player_id=found.player_id), at)
    _check_text("note", note, needed=False)
    if to not in _DECIDABLE:
        raise FieldErrors({"to": ["Choose accepted, retry, rejected or in_review."]})
    unknown = set(reasons) - rules.REASONS.keys() - rules.CONFIDENTIAL_REASONS
    if unknown:
        raise FieldErrors({"reasons": [f"There is no reason {', '.join(sorted(unknown))}."]})
    if to in (StepState.RETRY, StepState.REJECTED) and not reasons:
        raise FieldErrors({"reasons": ["Say at least one reason, so that the player knows what to do."]})
    with holding(found.player_id):
        case, step = _lock(found.case_id, step_id)
        _check_claim(case, actor, at)
        settle_step(case, step, to, reasons, note, document_until, actor, at)
        follow(case, actor, at)
        _audit(
            "decide_kyc_step",
            case,
            note or " ".join(reasons),
            actor,
            at,
            before={"step": f"{step.kind} {found.state}"},
            after={"step": f"{step.kind} {step.state}"},
        )
    return get_case(found.case_id)


def decide_case(
    *,
    case_id: UUID,
    to: CaseState,
    reason: str,
    actor: Actor,
    at: datetime,
    asked_by: str = "",
) -> CaseDetails:
    """Confirm a case whose steps are all accepted, reject it for good, or cancel one that was opened by mistake.

    Of a player at high risk this takes two: ``asked_by`` is who asked ("staff:7"), ``actor`` who approves.
    Publishes KycDecided, KycFundsMoved, ConfirmStatusChanged.
    Raises: NotFound, AccessDenied, FieldErrors, CaseClaimed, CaseMoveRefused, SecondPersonNeeded.
    """
    found = get_case(case_id)
    require(actor, REVIEW, Subject(player_id=found.player_id), at)
    _check_text("reason", reason, needed=True)
    if to not in (CaseState.CONFIRMED, CaseState.REJECTED_FINAL, CaseState.CANCELLED):
        raise FieldErrors({"to": ["Choose confirmed, rejected_final or cancelled."]})
    with holding(found.player_id):
        case = KycCase.objects.select_for_update().get(id=case_id)
        if not asked_by:
            _check_claim(case, actor, at)
        if needs_second_person(get_player(found.player_id).risk_level, case) and asked_by in ("", str(actor)):
            raise SecondPersonNeeded("The player is at high risk: ask for an approval, somebody else decides.")
        if to is CaseState.CONFIRMED and {*list_states(case.steps.all())} != {StepState.ACCEPTED}:
            raise CaseMoveRefused("Accept every step first.", state=case.state)
        move_case(case, to, reason, actor, at)
        _audit("decide_kyc_case", case, reason, actor, at, before={"state": found.state}, after={"state": case.state})
    return get_case(case_id)


def claim_case(*, case_id: UUID, actor: Actor, at: datetime) -> CaseDetails:
    """Say that this person works on it, for half an hour. Raises: NotFound, AccessDenied, CaseClaimed."""
    found = get_case(case_id)
    require(actor, REVIEW, Subject(player_id=found.player_id), at)
    with holding(found.player_id):
        case = KycCase.objects.select_for_update().get(id=case_id)
        _check_claim(case, actor, at)
        case.claimed_by, case.claimed_until = str(actor), at + rules.CLAIM_STANDS
        case.save(update_fields=["claimed_by", "claimed_until"])
        _audit("claim_kyc_case", case, "", actor, at)
    return get_case(case_id)


def release_case(*, case_id: UUID, actor: Actor, at: datetime) -> CaseDetails:
    """Leave it to others again. Raises: NotFound, AccessDenied, CaseClaimed."""
    found = get_case(case_id)
    require(actor, REVIEW, Subject(player_id=found.player_id), at)
    with holding(found.player_id):
        case = KycCase.objects.select_for_update().get(id=case_id)
        _check_claim(case, actor, at)
        case.claimed_by, case.claimed_until = "", None
        case.save(update_fields=["claimed_by", "claimed_until"])
        _audit("release_kyc_case", case, "", actor, at)
    return get_case(case_id)


# --- inside --------------------------------------------------------------------------------------------------------


def _lock(case_id: UUID, step_id: UUID) -> tuple[KycCase, KycStep]:
    case = KycCase.objects.select_for_update().get(id=case_id)
    return case, KycStep.objects.select_for_update().get(id=step_id)


def _widen(
    case: CaseDetails,
    missing: Sequence[StepKind],
    locks_funds: bool,
    due_at: datetime | None,
    actor: Actor,
    at: datetime,
) -> CaseDetails:
    """An unfinished case takes in what is asked for now."""
    row = KycCase.objects.select_for_update().get(id=case.id)
    for kind in missing:
        if case.step(kind) is None:
            step = KycStep.objects.create(case=row, kind=kind)
            keep_move(row, kind, "", step.state, (), "", actor, at)
    if locks_funds and row.funds == Funds.FREE:
        row.due_at = due_at
        move_funds(row, Funds.LOCKED, actor, at)
        row.save()
    follow(row, actor, at)
    return get_case(case.id)


def _check_claim(case: KycCase, actor: Actor, at: datetime) -> None:
    mine = case.claimed_by in ("", str(actor))
    if not mine and case.claimed_until is not None and case.claimed_until > at:
        raise CaseClaimed("Somebody else has claimed it; it is free again within half an hour.")


def _check_text(field: str, text: str, *, needed: bool) -> None:
    if needed and not text.strip():
        raise FieldErrors({field: ["Say in a few words why."]})
    if len(text) > 1000 or holds_pan(text):
        raise FieldErrors({field: ["Use at most 1,000 characters, and no card number."]})


def _audit(
    deed: str,
    case: KycCase,
    reason: str,
    actor: Actor,
    at: datetime,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    record(
        action=f"compliance.{deed}",
        actor=actor,
        at=at,
        player_id=case.player_id,
        object_type="compliance.kyccase",
        object_id=str(case.id),
        reason=reason,
        before=before,
        after=after,
    )
