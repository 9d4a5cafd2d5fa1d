"""What has a player prove something: thresholds reached, an action refused for want of proof, a raised risk, a proof lapsed."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from compliance import rules_kyc as rules
from compliance.models_kyc import KycCase, KycStep, KycTransaction
from compliance.selectors_gate import sum_played
from compliance.selectors_kyc import find_unfinished_case, list_transactions, was_rejected, worth_in_euro
from compliance.selectors_kyc_gate import find_grace
from compliance.selectors_packs import get_pack_of
from compliance.services.kyc import open_case
from compliance.services.kyc_moves import follow, move_step
from compliance.services.play_gate import refresh
from compliance.types_gate import LONG_AGO
from compliance.types_kyc import (
    CaseDetails,
    CaseState,
    Grace,
    LegalReason,
    StepKind,
    StepState,
    Trigger,
)
from events.services.log import holding
from kernel.access import Subject, require
from kernel.actors import Actor
from kernel.errors import DomainError
from kernel.money import Money
from players.selectors import get_player, list_risk_assessments
from players.services.verification import set_risk_level
from players.types import ConfirmStatus, RiskFactor, RiskLevel

CHANGE_RISK = "compliance.change_risk_level"
MANUAL = "manual"


class NoGrace(DomainError):
    """Where the player lives nobody plays before verification, or the time for it is over."""

    code = "no_grace"
    title = "There is no play before verification"
    status = 409


def note_deposit(*, player_id: UUID, deposit_id: UUID, amount: Money, at: datetime, actor: Actor) -> None:
    """Count a deposit that was made towards the thresholds; in the wallet's transaction, which holds the player.

    Opens a case and locks the money where one is reached. Publishes KycCaseOpened, KycFundsMoved, RiskLevelChanged.
    """
    _count("deposit", player_id, deposit_id, amount, actor, at)
    assess_risk(player_id=player_id, actor=actor, at=at)


def note_withdrawal(*, player_id: UUID, withdrawal_id: UUID, amount: Money, at: datetime, actor: Actor) -> None:
    """Count a withdrawal that was asked for; in the wallet's transaction, which holds the player."""
    _count("payout", player_id, withdrawal_id, amount, actor, at)


def ask_for_proof(*, player_id: UUID, action: str, actor: Actor, at: datetime) -> CaseDetails | None:
    """Open the case that an action waits for; None where nothing is missing. For who was refused for want of proof."""
    if _refused_for_good(player_id):
        return None
    trigger = Trigger.FIRST_WITHDRAWAL if action == "withdrawal" else Trigger.REGISTRATION
    pack = get_pack_of(player_id, at)
    if trigger is Trigger.FIRST_WITHDRAWAL and not pack.flag("verification.late_documents", True):
        trigger = Trigger.REGISTRATION  # it was due before: this is no demand of the payout's
    return open_case(
        player_id=player_id, trigger=trigger, pack=pack, key=f"{trigger}:{action}:{at.date()}", actor=actor, at=at
    )


def ask_player(*, player_id: UUID, actor: Actor, at: datetime) -> CaseDetails | None:
    """The case that the player has to finish; one of their own wish where there is none.

    None: all is proved, or the player was refused for good: then only staff opens another case.
    """
    unfinished = find_unfinished_case(player_id)
    if unfinished or _refused_for_good(player_id):
        return unfinished
    return open_case(
        player_id=player_id,
        trigger=Trigger.PLAYER,
        pack=get_pack_of(player_id, at),
        key=f"player:{at.isoformat()}",
        actor=actor,
        at=at,
    )


def acknowledge_grace(*, player_id: UUID, actor: Actor, at: datetime) -> Grace:
    """The player knows that play before verification is bounded and that nothing is paid out. Raises: NoGrace."""
    with holding(player_id):
        player = get_player(player_id)
        pack = get_pack_of(player_id, at)
        grace = find_grace(player, pack, at)
        if grace is None or at >= grace.until:
            raise NoGrace("Finish the verification to play.")
        case = find_unfinished_case(player_id) or open_case(
            player_id=player_id,
            trigger=Trigger.REGISTRATION,
            pack=pack,
            key="grace",
            actor=actor,
            at=at,
        )
        if case is None:
            raise NoGrace("The verification is finished: nothing has to be acknowledged.")
        KycCase.objects.filter(id=case.id, grace_acknowledged_at=None).update(grace_acknowledged_at=at)
        refresh(player_id=player_id, at=at)
        acknowledged = find_grace(player, pack, at)
    assert acknowledged  # noqa: S101  (it was there a moment ago, under the same lock)
    return acknowledged


def change_risk_level(*, player_id: UUID, to: RiskLevel, reason: str, actor: Actor, at: datetime) -> None:
    """A person sets the least level that the rules may not undercut; LOW leaves it to the rules again.

    A raised level asks for what it needs. Publishes RiskLevelChanged, KycCaseOpened.
    Raises: UnknownPlayer, AccessDenied, FieldErrors.
    """
    require(actor, CHANGE_RISK, Subject(player_id=player_id), at)
    with holding(player_id):
        factors = [factor for factor in _rule_factors(player_id, at) if factor.code != MANUAL]
        level = rules.level_of(factors, to)
        if to is not RiskLevel.LOW:
            factors.append(RiskFactor(MANUAL, 0, to))
        _set_level(player_id, level, factors, reason, actor, at)


def assess_risk(*, player_id: UUID, actor: Actor, at: datetime) -> RiskLevel:
    """Work the level out anew from what is known. Publishes RiskLevelChanged, KycCaseOpened."""
    with holding(player_id):
        factors = _rule_factors(player_id, at)
        manual = next((factor.text for factor in factors if factor.code == MANUAL), "")
        level = rules.level_of(factors, manual)
        _set_level(player_id, level, factors, "What is known was assessed", actor, at)
    return level


def expire_due(*, actor: Actor, at: datetime, limit: int = 500) -> int:
    """Cases whose proof has lapsed expire, and what lapsed is asked for anew; how many.

    Publishes KycDecided, ConfirmStatusChanged, KycCaseOpened.
    """
    rows = KycCase.objects.filter(state=CaseState.CONFIRMED, expires_at__lte=at).order_by("expires_at")[:limit]
    expired = 0
    for case_id, player_id in rows.values_list("id", "player_id"):
        with holding(player_id):
            case = KycCase.objects.select_for_update().get(id=case_id)
            if case.state != CaseState.CONFIRMED:
                continue
            lapsed = list(KycStep.objects.filter(case=case, state=StepState.ACCEPTED, expires_at__lte=at))
            for step in lapsed:
                move_step(case, step, StepState.EXPIRED, (), "", actor, at)
            follow(case, actor, at)
            open_case(
                player_id=player_id,
                trigger=Trigger.EXPIRY,
                pack=get_pack_of(player_id, at),
                key=f"expiry:{case.id}",
                steps=[StepKind(step.kind) for step in lapsed],
                actor=actor,
                at=at,
            )
            expired += 1
    return expired


# --- inside --------------------------------------------------------------------------------------------------------


def _refused_for_good(player_id: UUID) -> bool:
    return get_player(player_id).confirm_status is ConfirmStatus.REJECTED_FINAL


def _count(kind: str, player_id: UUID, reference: UUID, amount: Money, actor: Actor, at: datetime) -> None:
    with holding(player_id):
        KycTransaction.objects.get_or_create(
            player_id=player_id,
            kind=kind,
            reference=reference,
            defaults={"amount_eur_minor": worth_in_euro(amount, at), "made_at": at},
        )
        look_at_threshold(player_id=player_id, actor=actor, at=at)


def look_at_threshold(*, player_id: UUID, actor: Actor, at: datetime) -> None:
    """Ask for due diligence where what the pack sums of a player has reached its threshold; once.

    Publishes KycCaseOpened, KycFundsMoved.
    """
    pack = get_pack_of(player_id, at)
    threshold = rules.threshold_of(pack)
    if threshold is None:
        return
    transactions = list_transactions(player_id)
    if rules.STAKE in threshold.basis:
        staked, _, _ = sum_played(player_id, at - threshold.window if threshold.window else LONG_AGO)
        worth = worth_in_euro(Money(staked, get_player(player_id).currency), at)
        transactions.append((rules.STAKE, at, worth))
    if not rules.reaches(threshold, transactions, at):
        return
    with holding(player_id):
        locks = pack.flag("verification.unfinished_locks_funds")
        open_case(
            player_id=player_id,
            trigger=Trigger.THRESHOLD,
            pack=pack,
            key="threshold",
            locks_funds=locks,
            due_at=at + rules.FINISH_WITHIN if locks else None,
            legal_reason=LegalReason.AML,
            actor=actor,
            at=at,
        )


def _rule_factors(player_id: UUID, at: datetime) -> list[RiskFactor]:
    """What the rules say now, and what a person has set before."""
    player = get_player(player_id)
    month = [
        amount
        for kind, moment, amount in list_transactions(player_id, since=at - timedelta(days=30))
        if kind == "deposit" and moment <= at
    ]
    newest = next(iter(list_risk_assessments(player_id, limit=1)), None)
    known = {factor.code: factor for factor in newest.factors} if newest else {}
    facts = rules.RiskFacts(
        country=player.country,
        high_risk_countries=frozenset(settings.HIGH_RISK_COUNTRIES),
        deposited_30d_eur_minor=sum(month),
        listed="listed" in known,
        rejected_before=was_rejected(player_id),
        age=rules.age_on(player.birth_date, at.date()) if player.birth_date else None,
    )
    found = rules.factors_of(facts)
    return [*found, known[MANUAL]] if MANUAL in known else found


def _set_level(
    player_id: UUID, level: RiskLevel, factors: list[RiskFactor], reason: str, actor: Actor, at: datetime
) -> None:
    before = get_player(player_id).risk_level
    moved = set_risk_level(player_id=player_id, to=level, factors=factors, reason=reason, actor=actor, at=at)
    if moved:
        refresh(player_id=player_id, at=at)
    if rules.is_higher(level, before) and level in rules.FOUR_EYES:
        pack = get_pack_of(player_id, at)
        locks = pack.flag("verification.unfinished_locks_funds") or level is RiskLevel.PROHIBITED
        open_case(
            player_id=player_id,
            trigger=Trigger.RISK,
            pack=pack,
            key=f"risk:{level}:{at.isoformat()}",
            reason=reason,
            locks_funds=locks,
            due_at=at + rules.FINISH_WITHIN if locks else None,
            legal_reason=LegalReason.AML,
            actor=actor,
            at=at,
        )
