"""The dialogue with verification providers: checks started, webhooks taken in, answers that never came asked for.

A provider is never called inside a transaction. What it says moves only the steps that it was asked about; a word that
came before, comes late or is not signed moves nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from compliance.models_kyc import KycApplicant, KycCase, KycNotice, KycStep
from compliance.ports_kyc import KycUnavailable, get_kyc_provider, list_kyc_providers
from compliance.rules_kyc import FREEZING_REASONS, STEP_MOVES
from compliance.selectors_kyc import find_unfinished_case
from compliance.services.kyc_moves import follow, move_step, settle_step
from compliance.types_kyc import (
    BY_PROVIDER,
    UNFINISHED,
    Answer,
    CaseState,
    Notice,
    Person,
    Review,
    StartedCheck,
    StepState,
)
from events.audit import record
from events.services.log import holding
from kernel.actors import Actor, system
from kernel.errors import DomainError
from players.selectors import UnknownPlayer, get_player

logger = logging.getLogger(__name__)

_FIRST_ASK, _LAST_ASK = timedelta(minutes=1), timedelta(hours=6)
_GIVE_UP = timedelta(days=14)
_WAITING = (StepState.REQUIRED, StepState.SUBMITTED, StepState.RETRY)
_CLOCKS_DIFFER = timedelta(minutes=5)


class NothingToCheck(DomainError):
    """No step of the player waits for a provider."""

    code = "nothing_to_check"
    title = "There is nothing to verify now"
    status = 409


class CheckUnavailable(DomainError):
    """The verification provider does not answer. Nothing has changed: try again in a few minutes."""

    code = "check_unavailable"
    title = "The verification provider does not answer"
    status = 503


def start_check(*, player_id: UUID, actor: Actor, at: datetime, provider: str = "") -> StartedCheck:
    """Make the player known to a provider and get what their browser needs to hand documents in. May be repeated.

    Without ``provider`` the one that is plugged in beside the sandbox. Raises: UnknownPlayer, NothingToCheck,
    UnknownProvider, CheckUnavailable.
    """
    player = get_player(player_id)
    _waiting_steps(player_id)
    chosen = get_kyc_provider(provider or _default_provider())
    person = Person(
        player_id=player.id,
        first_name=player.first_name,
        last_name=player.last_name,
        birth_date=player.birth_date,
        country=player.country,
        email=player.email,
        phone=player.phone,
    )
    try:
        started = chosen.start(person, at)
    except KycUnavailable as error:
        logger.warning("verification of %s was not started: %s", player_id, error)
        raise CheckUnavailable("Try again in a few minutes.") from None
    with holding(player_id):
        applicant = _applicant(player_id, chosen.name, started.applicant_id, at)
        if applicant is None:
            raise CheckUnavailable("The provider knows the player under another id. Contact support.")
        for step in _waiting_steps(player_id):
            step.provider, step.attempts = chosen.name, step.attempts + 1
            step.submitted_at, step.asked_from, step.ask_at = at, at, at + _FIRST_ASK
            step.save()
        record(
            action="compliance.start_kyc_check",
            actor=actor,
            at=at,
            player_id=player_id,
            object_type="compliance.kycapplicant",
            object_id=str(applicant.id),
            after={"provider": chosen.name},
        )
    return started


def receive_notice(*, provider: str, headers: Mapping[str, str], body: bytes, at: datetime) -> bool:
    """Take in a provider's webhook; whether it was about a player of ours. The same one may come any number of times.

    ``body`` is raw, as it was signed. Raises: UnknownProvider, InvalidSignature, FieldErrors.
    """
    notice = get_kyc_provider(provider).verify_webhook(headers, body)
    if notice is None:
        return False
    player_id = _find_player(notice)
    if player_id is None:
        logger.warning("%s tells of somebody who is no player: %s", provider, notice.review.applicant_id)
        return False
    with holding(player_id):
        applicant = _applicant(player_id, provider, notice.review.applicant_id, at)
        if applicant is None:
            logger.error("%s names another applicant of player %s", provider, player_id)
            return False
        if not KycNotice.objects.filter(provider=provider, key=notice.key).exists():
            _take(applicant, notice, at)
    return True


def chase_due(*, actor: Actor, at: datetime, limit: int = 100) -> int:
    """Ask providers what became of checks that they have not told about; how many were asked. Any number may run at once."""
    asked = 0
    for _ in range(limit):
        step = _claim(at)
        if step is None:
            break
        asked += 1
        _ask(step, actor, at)
    return asked


# --- inside --------------------------------------------------------------------------------------------------------


def _default_provider() -> str:
    names = list_kyc_providers()
    return next((name for name in names if name != "sandbox"), "sandbox")


def _waiting_steps(player_id: UUID) -> list[KycStep]:
    """Steps that a provider may be asked about. Raises: NothingToCheck."""
    case = find_unfinished_case(player_id)
    rows = KycStep.objects.filter(case_id=case.id, kind__in=BY_PROVIDER, state__in=_WAITING) if case else ()
    steps = list(rows)
    if not steps:
        raise NothingToCheck("Nothing waits for documents: see what is asked for at /api/v1/me/verification.")
    return steps


def _applicant(player_id: UUID, provider: str, applicant_id: str, at: datetime) -> KycApplicant | None:
    """The player as this provider knows them; None when it names another applicant than before, or somebody else's."""
    others = KycApplicant.objects.filter(provider=provider, applicant_id=applicant_id).exclude(player_id=player_id)
    if others.exists():
        return None
    applicant, _ = KycApplicant.objects.get_or_create(
        player_id=player_id, provider=provider, defaults={"applicant_id": applicant_id, "created_at": at}
    )
    return applicant if applicant.applicant_id == applicant_id else None


def _find_player(notice: Notice) -> UUID | None:
    try:
        return get_player(UUID(notice.external_id)).id
    except (ValueError, UnknownPlayer):
        return None


def _take(applicant: KycApplicant, notice: Notice, at: datetime) -> None:
    """A notice that is new: applied unless a newer word was taken before."""
    stale = applicant.heard_at is not None and notice.sent_at < applicant.heard_at
    outcome = "stale"
    if not stale:
        moved = _apply(applicant, notice.review, system(f"webhook of {applicant.provider}"), at)
        outcome = "taken" if moved else "no_news"
        _heard(applicant, notice.sent_at, at)
    KycNotice.objects.create(
        provider=applicant.provider,
        key=notice.key,
        kind=notice.kind,
        applicant=applicant,
        answer=notice.review.answer,
        labels=list(notice.review.labels),
        outcome=outcome,
        sent_at=notice.sent_at,
        received_at=at,
    )


def _heard(applicant: KycApplicant, sent_at: datetime, at: datetime) -> None:
    """A clock there that runs ahead must not make all that follows look late."""
    heard = min(sent_at, at + _CLOCKS_DIFFER)
    if applicant.heard_at is None or heard > applicant.heard_at:
        applicant.heard_at = heard
        applicant.save(update_fields=["heard_at"])


def _apply(applicant: KycApplicant, review: Review, actor: Actor, at: datetime) -> bool:
    """Move the steps that this provider was asked about, in the newest case that has some; whether anything moved."""
    newest = (
        KycStep.objects.filter(case__player_id=applicant.player_id, provider=applicant.provider)
        .order_by("-case_id")
        .values_list("case_id", flat=True)
        .first()
    )
    if newest is None:
        return False
    case = KycCase.objects.select_for_update().get(id=newest)
    if case.state not in {*UNFINISHED, CaseState.CONFIRMED}:
        return False
    moved = False
    for step in KycStep.objects.select_for_update().filter(case=case, provider=applicant.provider).order_by("id"):
        to = _target(step, review)
        same = step.state == to and (to is StepState.ACCEPTED or step.reasons == list(review.reasons))
        if to is None or same or to not in STEP_MOVES[StepState(step.state)]:
            continue
        reasons = () if to in (StepState.ACCEPTED, StepState.SUBMITTED) else review.reasons
        if to is StepState.SUBMITTED:
            move_step(case, step, to, (), "", actor, at)
        else:
            settle_step(case, step, to, reasons, " ".join(review.labels), None, actor, at)
        moved = True
    follow(case, actor, at)
    return moved


def _target(step: KycStep, review: Review) -> StepState | None:
    """Where the provider's word takes a step; None: nowhere."""
    by_staff = step.decided_by.startswith("staff:")
    match review.answer:
        case Answer.STARTED:
            return None
        case Answer.PENDING:
            return StepState.SUBMITTED if step.state in (StepState.REQUIRED, StepState.RETRY) else None
        case Answer.ACCEPTED:
            return None if FREEZING_REASONS & {*step.reasons} else StepState.ACCEPTED  # a person cleared it, or nobody
        case Answer.ON_HOLD:
            return None if step.state == StepState.ACCEPTED and by_staff else StepState.IN_REVIEW
        case Answer.REJECTED if FREEZING_REASONS & {*review.reasons}:
            return StepState.IN_REVIEW  # a hit on a list is looked at by a person, and told to nobody
    if step.state == StepState.ACCEPTED and by_staff:
        return StepState.IN_REVIEW
    return StepState.RETRY if review.answer is Answer.RETRY else StepState.REJECTED


@transaction.atomic
def _claim(at: datetime) -> KycStep | None:
    """Take the next due step, and with it its case's others, by moving their moment."""
    due = KycStep.objects.filter(ask_at__lte=at).exclude(provider="")
    step = due.select_for_update(skip_locked=True).order_by("ask_at", "id").first()
    if step is None:
        return None
    waited = at - (step.asked_from or at)
    next_ask = None if waited > _GIVE_UP else at + max(_FIRST_ASK, min(waited, _LAST_ASK))
    KycStep.objects.filter(case_id=step.case_id, provider=step.provider, ask_at__lte=at).update(ask_at=next_ask)
    return step


def _ask(step: KycStep, actor: Actor, at: datetime) -> None:
    player_id = KycCase.objects.values_list("player_id", flat=True).get(id=step.case_id)
    found = KycApplicant.objects.filter(player_id=player_id, provider=step.provider).first()
    if found is None:
        return
    try:
        review = get_kyc_provider(step.provider).status(found.applicant_id)
    except KycUnavailable as error:
        logger.warning("%s does not say what became of %s: %s", step.provider, found.applicant_id, error)
        return
    if review is None:
        return
    with holding(player_id):
        applicant = KycApplicant.objects.get(id=found.id)
        if applicant.heard_at is not None and applicant.heard_at > at:
            return  # a webhook was newer than our question
        if _apply(applicant, review, actor, at):
            _heard(applicant, at, at)
