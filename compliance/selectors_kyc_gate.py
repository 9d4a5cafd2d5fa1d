"""What verification has to say at the gate: before deposits, bonuses and withdrawals, and in the row that bets are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Min, Sum

from compliance import rules_kyc as rules
from compliance.models_kyc import KycCase, KycStep
from compliance.models_payment_use import DepositUse
from compliance.rules_gate import CompileContext, Compiled
from compliance.selectors_gate import GateContext
from compliance.selectors_kyc import find_unfinished_case, list_cases, list_proved, list_proved_of
from compliance.selectors_packs import get_pack_of
from compliance.types_gate import DepositFacts, GateAction, Reason, ReasonCode, WithdrawalFacts
from compliance.types_kyc import Funds, Grace, Progress, StepKind, StepState
from compliance.types_packs import EffectivePack, PackIncomplete
from players.selectors import get_player
from players.types import ConfirmStatus, PlayerDetails, RiskLevel

ACCOUNT_HOLD = "account_hold"
_HELD = "The account cannot be used. Contact support."
_FAILED = "The verification was refused, or not finished in time: the money goes back to where it came from."
_RETURNED = (Funds.REFUND_DUE, Funds.REFUNDED)
_WHERE = "See /api/v1/me/verification for what to prove."


def check_verification(context: GateContext) -> Reason | None:
    """Rules 1 and 3: what the pack wants proved before this action, but for grace play where the pack has it."""
    player, pack = context.known, context.pack
    to_origin = isinstance(context.facts, WithdrawalFacts) and context.facts.to_origin
    if stopped := _stopped(player, not to_origin and _goes_back(player)):
        return stopped
    demanded = rules.demanded_before(pack, context.action)
    missing = demanded - list_proved(player.id, context.at) if demanded else demanded
    if not missing:
        return None
    grace = find_grace(player, pack, context.at)
    if grace is None or context.at >= grace.until or context.action is GateAction.BONUS:
        return _reason(missing)
    if context.action is GateAction.WITHDRAWAL:
        return None if pack.flag("verification.grace_withdrawal") else _reason(missing)
    if not grace.acknowledged:
        return _reason(missing, "Confirm first that play before verification is bounded.", grace="acknowledge")
    if isinstance(context.facts, DepositFacts):
        amount = context.facts.amount
        left = grace.deposit_cap_minor - grace.deposited_minor
        if not rules.fits_grace(grace.deposited_minor, amount.amount_minor, grace.deposit_cap_minor):
            return _reason(
                missing, "Before verification no more may be deposited.", grace="cap", left_minor=max(left, 0)
            )
    return None


def _stopped(player: PlayerDetails, goes_back: bool) -> Reason | None:
    """What stands against everything, whatever was proved."""
    if player.risk_level is RiskLevel.PROHIBITED:
        return Reason(ACCOUNT_HOLD, _HELD)
    return Reason(ReasonCode.VERIFICATION_REQUIRED, _FAILED) if goes_back else None


def list_bonus_reasons(
    players: Mapping[UUID, PlayerDetails], packs: Mapping[UUID, EffectivePack], at: datetime
) -> dict[UUID, Reason | PackIncomplete]:
    """As ``check_verification`` before bonuses, for many players at once: those against whom something stands."""
    sent_back = set(
        KycCase.objects.filter(player_id__in=list(players), funds__in=_RETURNED).values_list("player_id", flat=True)
    )
    proved = list_proved_of(players, at)
    found: dict[UUID, Reason | PackIncomplete] = {}
    for player_id, player in players.items():
        reason: Reason | PackIncomplete | None = _stopped(player, player_id in sent_back)
        if reason is None:
            try:
                missing = rules.demanded_before(packs[player_id], GateAction.BONUS) - proved.get(player_id, set())
                reason = _reason(missing) if missing else None
            except PackIncomplete as incomplete:
                reason = incomplete
        if reason is not None:
            found[player_id] = reason
    return found


def compile_verification(context: CompileContext, row: Compiled) -> None:
    """Whether bets are let through, and until when that holds."""
    player, pack, at = context.player, context.pack, context.at
    if player.risk_level is RiskLevel.PROHIBITED:
        row.refuse(ACCOUNT_HOLD)
    if _goes_back(player):
        row.refuse(ReasonCode.VERIFICATION_REQUIRED)
    demanded = rules.demanded_before(pack, GateAction.BET)
    if not demanded:
        return
    missing = demanded - list_proved(player.id, at)
    if not missing:
        row.until(_lapses_at(player, demanded, at))
        return
    grace = find_grace(player, pack, at)
    if grace is None or at >= grace.until or not grace.acknowledged:
        row.refuse(_code(missing))
    else:
        row.until(grace.until)


def find_grace(player: PlayerDetails, pack: EffectivePack, at: datetime) -> Grace | None:
    """What the pack allows before verification; None where it allows nothing. Deposits count from their request on."""
    hours, cap = pack.integer("verification.grace_hours"), pack.amount("verification.grace_deposit_cap")
    if hours is None or cap is None or cap.currency != player.currency:
        return None
    deposits = DepositUse.objects.filter(player_id=player.id, released_at=None)
    deposited_minor: int = deposits.aggregate(sum=Sum("amount_minor"))["sum"] or 0
    acknowledged = not pack.flag("verification.grace_ack_required") or (
        KycCase.objects.filter(player_id=player.id, grace_acknowledged_at__isnull=False).exists()
    )
    until = rules.grace_until(player.registered_at, hours)
    return Grace(until, cap.amount_minor, deposited_minor, cap.currency, acknowledged)


def _goes_back(player: PlayerDetails) -> bool:
    """Whether a case has, or had, the player's money go back: nothing new comes in and nothing is played (rule 9)."""
    return KycCase.objects.filter(player_id=player.id, funds__in=_RETURNED).exists()


def _lapses_at(player: PlayerDetails, demanded: set[StepKind], at: datetime) -> datetime | None:
    """When the first of these proofs lapses."""
    steps = KycStep.objects.filter(
        case__player_id=player.id, kind__in=demanded, state=StepState.ACCEPTED, expires_at__gt=at
    )
    lapses_at: datetime | None = steps.aggregate(first=Min("expires_at"))["first"]
    return lapses_at


def _code(missing: set[StepKind]) -> ReasonCode:
    return ReasonCode.AGE_NOT_VERIFIED if missing == {StepKind.AGE} else ReasonCode.VERIFICATION_REQUIRED


def _reason(missing: set[StepKind], more: str = "", **data: object) -> Reason:
    what = "age" if missing == {StepKind.AGE} else "identity"
    text = f"The player's {what} has to be verified first. {more or _WHERE}"
    return Reason(_code(missing), text, {"missing": sorted(missing), **data})


def get_progress(player_id: UUID, at: datetime) -> Progress:
    """How far the player's verification is. Raises: UnknownPlayer."""
    player = get_player(player_id)
    case = find_unfinished_case(player_id) or next(iter(list_cases(player_id=player_id, limit=1)), None)
    grace = find_grace(player, get_pack_of(player_id, at), at)
    unproved = player.confirm_status is not ConfirmStatus.CONFIRMED
    return Progress(
        status=player.confirm_status,
        funds=case.funds if case else Funds.FREE,
        due_at=case.due_at if case and case.funds is Funds.LOCKED else None,
        steps=case.steps if case else (),
        grace=grace if grace and unproved and at < grace.until else None,
    )
