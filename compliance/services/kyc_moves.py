"""How verification cases move, whoever moves them: people (services.kyc), providers (kyc_checks), jobs (kyc_triggers).

The caller holds the player. Every move is kept in KycMove; with it go ``confirm_status``, the money and the gate's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from compliance import rules_kyc as rules
from compliance.models_kyc import KycCase, KycMove, KycStep
from compliance.selectors_kyc import list_states, stands_confirmed
from compliance.selectors_packs import get_pack_of
from compliance.services.play_gate import refresh
from compliance.types_kyc import UNFINISHED, CaseDetails, CaseState, Funds, StepKind, StepState, Trigger
from events.catalogue.compliance import KycDecided, KycFundsMoved
from events.services.log import publish
from kernel.actors import Actor
from kernel.errors import DomainError
from players.selectors import get_player
from players.services.restrictions import AlreadyLifted, impose, lift
from players.services.verification import set_confirm_status
from players.types import ConfirmStatus, PlayerDetails, RestrictionKind, RiskLevel

HOLD_REASON = "Verification is not finished"
MINIMUM_AGE = 18  # where a pack names none


class StepMoveRefused(DomainError):
    """A step can't go from its state to that one."""

    code = "step_move_refused"
    title = "This step cannot be decided so now"
    status = 409


class CaseMoveRefused(DomainError):
    """A case can't go from its state to that one."""

    code = "case_move_refused"
    title = "This case cannot be decided so now"
    status = 409


def needs_second_person(risk: RiskLevel, case: KycCase | CaseDetails) -> bool:
    """Whether the case takes two people: the player is, or was when it was opened, at high risk."""
    return risk in rules.FOUR_EYES or case.risk_level in rules.FOUR_EYES


def settle_step(
    case: KycCase,
    step: KycStep,
    to: StepState,
    reasons: Sequence[str],
    note: str,
    document_until: datetime | None,
    actor: Actor,
    at: datetime,
) -> None:
    """Decide a step; the caller has the case ``follow`` when all are decided. Raises: StepMoveRefused."""
    player = get_player(case.player_id)
    if to is StepState.ACCEPTED and document_until is not None and document_until <= at:
        to, reasons, document_until = StepState.RETRY, ("document_expired",), None
    if to is StepState.ACCEPTED and step.kind == StepKind.AGE:
        to, reasons = _judge_age(player, at)
    move_step(case, step, to, reasons, note, actor, at)
    accepted = to is StepState.ACCEPTED
    step.expires_at = rules.proof_until(player.risk_level, at, document_until) if accepted else None
    step.save()


def move_step(
    case: KycCase, step: KycStep, to: StepState, reasons: Sequence[str], note: str, actor: Actor, at: datetime
) -> None:
    """Move one step, and nothing else. Raises: StepMoveRefused."""
    before = StepState(step.state)
    if to not in rules.STEP_MOVES[before] or case.state not in {*UNFINISHED, CaseState.CONFIRMED}:
        raise StepMoveRefused(f"It is {before.replace('_', ' ')}, in a case that is {case.state}.", state=before)
    step.state, step.reasons, step.note = to, list(reasons), note
    if to is not StepState.SUBMITTED:
        step.ask_at = None
    if to in (StepState.ACCEPTED, StepState.RETRY, StepState.REJECTED):
        step.decided_at, step.decided_by = at, str(actor)
    step.save()
    keep_move(case, step.kind, before, to, reasons, note, actor, at)


def _judge_age(player: PlayerDetails, at: datetime) -> tuple[StepState, Sequence[str]]:
    """Whatever was seen on a document, nobody too young is accepted."""
    if player.birth_date is None:
        return StepState.RETRY, ("birth_date_missing",)
    minimum = get_pack_of(player.id, at).integer("age.min") or MINIMUM_AGE
    if rules.age_on(player.birth_date, at.date()) < minimum:
        return StepState.REJECTED, ("underage",)
    return StepState.ACCEPTED, ()


def follow(case: KycCase, actor: Actor, at: datetime) -> None:
    """The case goes where its steps say; a case of high risk waits for a second person where all is accepted.

    The row that bets are judged by follows: what is proved may let them through, or no longer.
    """
    states = list_states(case.steps.all())
    released = not needs_second_person(get_player(case.player_id).risk_level, case)
    to = rules.state_of(states, released=released or case.state == CaseState.CONFIRMED)
    if to != case.state:
        move_case(case, to, "", actor, at)
    else:
        case.save()
        refresh(player_id=case.player_id, at=at)


def move_case(case: KycCase, to: CaseState, reason: str, actor: Actor, at: datetime) -> None:
    """Move a case and all that follows it. Publishes KycDecided, KycFundsMoved. Raises: CaseMoveRefused."""
    before = CaseState(case.state)
    if to not in rules.CASE_MOVES[before]:
        raise CaseMoveRefused(f"The case is {before.replace('_', ' ')} already.", state=before)
    case.state = to
    keep_move(case, "", before, to, (), reason, actor, at)
    risk = get_player(case.player_id).risk_level
    case.review_due_at = at + rules.REVIEW_WITHIN[risk] if to is CaseState.IN_REVIEW else None
    if to not in UNFINISHED and to is not CaseState.EXPIRED:
        case.decided_at, case.decided_by, case.decision_reason = at, str(actor), reason
        case.claimed_by, case.claimed_until = "", None
    if to is CaseState.CONFIRMED:
        case.expires_at = min((step.expires_at for step in case.steps.all() if step.expires_at), default=None)
    if to in (CaseState.CONFIRMED, CaseState.CANCELLED) and case.funds != Funds.FREE:
        move_funds(case, Funds.FREE, actor, at)
    if to is CaseState.REJECTED_FINAL and case.funds in (Funds.FREE, Funds.LOCKED):
        frozen = any(rules.FREEZING_REASONS & {*step.reasons} for step in case.steps.all())
        if not frozen:
            move_funds(case, Funds.REFUND_DUE, actor, at)
        elif case.funds == Funds.FREE:
            move_funds(case, Funds.LOCKED, actor, at)
    case.save()
    set_status(case, to, actor, at)
    refresh(player_id=case.player_id, at=at)
    publish(
        KycDecided(
            player_id=case.player_id,
            occurred_at=at,
            case_id=case.id,
            trigger=case.trigger,
            state=to,
            expires_at=case.expires_at,
        )
    )


def move_funds(case: KycCase, to: Funds, actor: Actor, at: datetime) -> None:
    """The hold stands while the money is locked; on its way back it may leave, and the gate lets nothing else happen."""
    before = Funds(case.funds)
    if to not in rules.FUNDS_MOVES[before]:
        raise CaseMoveRefused(f"The money of this case is {before.replace('_', ' ')}.", funds=before)
    case.funds = to
    if to is Funds.LOCKED and case.hold_id is None:
        case.hold_id = impose(
            player_id=case.player_id,
            kind=RestrictionKind.KYC_HOLD,
            reason=HOLD_REASON,
            source="verification",
            actor=actor,
            at=at,
        )
    elif to is not Funds.LOCKED and case.hold_id is not None:
        with suppress(AlreadyLifted):  # staff was quicker
            lift(restriction_id=case.hold_id, reason=f"The case's money is {to.replace('_', ' ')}", actor=actor, at=at)
        case.hold_id = None
    case.save(update_fields=["funds", "hold_id"])
    refresh(player_id=case.player_id, at=at)
    publish(KycFundsMoved(player_id=case.player_id, occurred_at=at, case_id=case.id, from_funds=before, to_funds=to))


def set_status(case: KycCase, state: CaseState, actor: Actor, at: datetime) -> None:
    """What the case means for the player: a further demand takes nothing from who is confirmed already, until it fails."""
    another = stands_confirmed(case.player_id, without=case.id)
    if state is CaseState.CANCELLED:
        status = ConfirmStatus.CONFIRMED if another else ConfirmStatus.UNVERIFIED
    elif state in UNFINISHED and another:
        status = ConfirmStatus.CONFIRMED
    elif state is CaseState.OPEN and case.trigger == Trigger.EXPIRY:
        status = ConfirmStatus.EXPIRED
    else:
        status = rules.CONFIRM_STATUS[state]
    set_confirm_status(player_id=case.player_id, to=status, reason=f"verification {case.id}", actor=actor, at=at)


def keep_move(
    case: KycCase,
    step: str,
    before: str,
    to: str,
    reasons: Sequence[str],
    note: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Write down one change of a case (``step`` is "") or of a step."""
    KycMove.objects.create(
        case=case,
        step=step,
        from_state=before,
        to_state=to,
        actor=str(actor),
        reasons=list(reasons),
        note=note,
        moved_at=at,
    )
