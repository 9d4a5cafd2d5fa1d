"""Corrections by staff: asked for with a reason and evidence, approved above a threshold, posted in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from compliance.services.approvals import request_approval
from compliance.types import ApprovalDetails
from events.audit import record
from events.catalogue.wallet import BalanceAdjusted
from events.services.log import holding, publish
from kernel.access import Subject, require
from kernel.actors import Actor
from kernel.context import request_id
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.money import Money
from kernel.pan import refuse_pans
from players.selectors import get_player
from players.types import Status
from wallet import rules_adjustments as rules
from wallet.models import Account
from wallet.models_adjustments import Adjustment
from wallet.selectors_adjustments import adjustment_details, sum_unapproved
from wallet.services.posting import OwnSource, check_references, post
from wallet.types import AccountKind, Outcome, TransferKind
from wallet.types_adjustments import AdjustmentDetails, AdjustmentNature, AdjustmentState

ADJUST, WRITE_OFF = "wallet.adjust_balance", "wallet.write_off_balance"

_ADJUSTABLE = (AccountKind.REAL, AccountKind.BONUS)
_HOUSE = {
    AdjustmentNature.ADJUSTMENT: (TransferKind.ADJUSTMENT, AccountKind.ADJUSTMENTS),
    AdjustmentNature.WRITE_OFF: (TransferKind.WRITE_OFF, AccountKind.WRITE_OFFS),
}


class BalanceTooLow(DomainError):
    """The purse holds less than what shall be taken: a correction never makes a balance negative."""

    code = "balance_too_low"
    title = "The purse does not hold so much"


class PurseClosed(DomainError):
    """The player has no such open purse."""

    code = "purse_closed"
    title = "There is no such open purse"
    status = 409


class NothingToWriteOff(DomainError):
    """Only the remaining real money of a closed account is written off."""

    code = "nothing_to_write_off"
    title = "There is nothing to write off"
    status = 409


class LedgerRefused(RuntimeError):
    """The ledger did not take a correction that was checked under the player's lock: a defect."""


def adjust(
    *,
    player_id: UUID,
    amount: Money,
    reason: str,
    evidence: str,
    actor: Actor,
    idempotency_key: str,
    at: datetime,
    purse_id: UUID | None = None,
    reference: str = "",
) -> AdjustmentDetails:
    """Credit (positive) or debit (negative) one purse of a player, the real-money purse unless named.

    Within the threshold it is posted at once; above it, counting what the same person corrected for the player in the
    last 24 hours, it waits for a second person. Publishes BalanceAdjusted when posted, else ApprovalRequested.
    Raises: AccessDenied, UnknownPlayer, FieldErrors, PurseClosed, BalanceTooLow, IdempotencyConflict.
    """
    require(actor, ADJUST, Subject(player_id=player_id, amount=amount), at)
    _check(amount, reason, settings.ADJUSTMENT_REASONS, evidence, reference, idempotency_key)
    digest = digest_of(
        {"player": player_id, "purse": purse_id, "amount": str(amount), "currency": amount.currency, "reason": reason,
         "evidence": evidence, "reference": reference}
    )  # fmt: skip
    with holding(player_id):
        currency = get_player(player_id).currency
        if amount.currency != currency:
            raise FieldErrors({"amount": [f"This player's currency is {currency}."]})
        known = _known(actor, idempotency_key, digest)
        if known:
            return known
        purse = _open_purse(player_id, purse_id)
        row = _row(
            player_id,
            purse,
            AdjustmentNature.ADJUSTMENT,
            amount,
            reason,
            evidence,
            reference,
            actor,
            idempotency_key,
            digest,
            at,
        )
        if would_wait(player_id=player_id, amount=amount, actor=actor, at=at):
            row.approval_id = _request_approval(row, purse, amount, actor, at).id
        else:
            _post(row, actor, at)
        row.save(force_insert=True)
        _record("wallet.adjust_balance", row, actor, at)
    return adjustment_details(row)


def write_off(
    *,
    player_id: UUID,
    reason: str,
    evidence: str,
    actor: Actor,
    idempotency_key: str,
    at: datetime,
    reference: str = "",
) -> AdjustmentDetails:
    """Ask for all real money of a closed account to go to the house's write-offs; always takes a second person.

    Publishes ApprovalRequested. Raises: AccessDenied, UnknownPlayer, FieldErrors, NothingToWriteOff,
    IdempotencyConflict.
    """
    require(actor, WRITE_OFF, player_id, at)
    _check(Money(1, "EUR"), reason, settings.WRITE_OFF_REASONS, evidence, reference, idempotency_key)
    digest = digest_of({"player": player_id, "reason": reason, "evidence": evidence, "reference": reference})
    with holding(player_id):
        known = _known(actor, idempotency_key, digest)
        if known:
            return known
        purse = Account.objects.filter(player_id=player_id, kind=AccountKind.REAL).first()
        if get_player(player_id).status is not Status.CLOSED or purse is None or not purse.balance_minor:
            raise NothingToWriteOff("Only the remaining real money of a closed account can be written off.")
        amount = Money(-purse.balance_minor, purse.currency)
        row = _row(
            player_id,
            purse,
            AdjustmentNature.WRITE_OFF,
            amount,
            reason,
            evidence,
            reference,
            actor,
            idempotency_key,
            digest,
            at,
        )
        row.approval_id = _request_approval(row, purse, amount, actor, at).id
        row.save(force_insert=True)
        _record("wallet.write_off_balance", row, actor, at)
    return adjustment_details(row)


def would_wait(*, player_id: UUID, amount: Money, actor: Actor, at: datetime) -> bool:
    """Does a correction of ``amount`` by this actor need a second person now? Only reads."""
    configured = settings.ADJUSTMENT_APPROVAL_ABOVE.get(amount.currency)
    threshold = None if configured is None else Money.parse(configured, amount.currency)
    moved = sum_unapproved(player_id, str(actor), at - rules.COUNTED_TOGETHER, amount.currency)
    return rules.needs_approval(amount, moved, threshold)


def _check(amount: Money, reason: str, reasons: list[str], evidence: str, reference: str, key: str) -> None:
    check_references(idempotency_key=key, **({"reference": reference} if reference else {}))
    refuse_pans(evidence=evidence, reference=reference)
    errors = {}
    if amount.amount_minor == 0:
        errors["amount"] = ["The amount must not be zero."]
    if reason not in reasons:
        errors["reason"] = [f"Choose one of: {', '.join(reasons)}."]
    if not evidence.strip():
        errors["evidence"] = ["Say what shows that this is right: it is what an auditor reads."]
    if errors:
        raise FieldErrors(errors)


def _known(actor: Actor, key: str, digest: bytes) -> AdjustmentDetails | None:
    row = Adjustment.objects.filter(requested_by=str(actor), key=key).first()
    if row is None:
        return None
    if bytes(row.digest) != digest:
        raise IdempotencyConflict("This idempotency key was used for another correction.")
    return adjustment_details(row)


def _open_purse(player_id: UUID, purse_id: UUID | None) -> Account:
    """The open purse that may be corrected, the real-money purse unless named. Raises: PurseClosed."""
    purses = Account.objects.filter(player_id=player_id, closed_at=None)
    wanted = purses.filter(id=purse_id, kind__in=_ADJUSTABLE) if purse_id else purses.filter(kind=AccountKind.REAL)
    purse = wanted.first()
    if purse is None:
        raise PurseClosed("The player has no such open purse; the first deposit opens the real-money purse.")
    return purse


def _check_balance(purse: Account, amount: Money) -> Money:
    """What the purse holds. Raises: BalanceTooLow."""
    balance = Money(purse.balance_minor or 0, purse.currency)
    if (balance + amount).amount_minor < 0:
        raise BalanceTooLow(f"The purse holds {balance} {balance.currency}.", balance=str(balance))
    return balance


def _row(
    player_id: UUID,
    purse: Account,
    nature: AdjustmentNature,
    amount: Money,
    reason: str,
    evidence: str,
    reference: str,
    actor: Actor,
    key: str,
    digest: bytes,
    at: datetime,
) -> Adjustment:
    """The correction, not saved yet."""
    return Adjustment(
        id=uuid7(),
        player_id=player_id,
        purse=purse,
        nature=nature,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        reason=reason,
        evidence=evidence,
        reference=reference,
        state=AdjustmentState.AWAITING_APPROVAL,
        key=key,
        digest=digest,
        requested_by=str(actor),
        requested_at=at,
    )


def _request_approval(row: Adjustment, purse: Account, amount: Money, actor: Actor, at: datetime) -> ApprovalDetails:
    balance = _check_balance(purse, amount)
    what = f"{purse.kind.replace('_', ' ')} balance"
    return request_approval(
        kind=f"wallet.{row.nature}",
        player_id=row.player_id,
        subject=f"{'Write off' if row.nature == AdjustmentNature.WRITE_OFF else 'Adjust'} {_signed(amount)}",
        content={
            "adjustment_id": str(row.id),
            "purse_id": str(row.purse_id),
            "nature": str(row.nature),
            "amount": str(amount),
            "currency": amount.currency,
            "reason": row.reason,
            "evidence": row.evidence,
            "reference": row.reference,
        },
        before={what: f"{balance} {balance.currency}"},
        after={what: f"{balance + amount} {balance.currency}"},
        comment=f"{row.reason.replace('_', ' ').capitalize()}: {row.evidence}",
        idempotency_key=str(row.id),
        actor=actor,
        at=at,
    )


def _record(action: str, row: Adjustment, actor: Actor, at: datetime) -> None:
    record(
        action=action,
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="wallet.adjustment",
        object_id=str(row.id),
        reason=f"{row.reason}: {row.evidence}",
        after={
            "amount": _signed(Money(row.amount_minor, row.currency)),
            "state": row.state,
            "purse": str(row.purse_id),
        },
    )


def _signed(amount: Money) -> str:
    return f"{'+' if amount.amount_minor > 0 else ''}{amount} {amount.currency}"


def _post(row: Adjustment, actor: Actor, at: datetime) -> None:
    """One movement between purse and house, and its event. The caller holds the player and saves the row."""
    purse = _open_purse(row.player_id, row.purse_id)
    _check_balance(purse, Money(row.amount_minor, row.currency))
    kind, house = _HOUSE[AdjustmentNature(row.nature)]
    posting = post(
        "wallet_move",
        [
            kind,
            row.player_id,
            row.purse_id,
            house,
            row.currency,
            row.amount_minor,
            OwnSource.ADJUSTMENTS,
            str(row.id),
            at,
            str(actor),
            request_id.get(),
        ],
        row.currency,
    )
    if posting.outcome is not Outcome.APPLIED or posting.transfer_id is None:
        raise LedgerRefused(f"adjustment {row.id}: {posting.outcome} {posting.reason}")
    row.state, row.transfer_id, row.settled_at = AdjustmentState.POSTED, posting.transfer_id, at
    publish(
        BalanceAdjusted(
            player_id=row.player_id,
            occurred_at=at,
            adjustment_id=row.id,
            transfer_id=posting.transfer_id,
            nature=row.nature,
            reason=row.reason,
            purse=purse.kind,
            amount=Money(row.amount_minor, row.currency).major,
            currency=row.currency,
        )
    )


class AdjustmentApproval:
    """How an approved correction is carried out. One instance per nature, registered at start-up."""

    expires_after = timedelta(days=3)

    def __init__(self, nature: AdjustmentNature) -> None:
        write_off = nature is AdjustmentNature.WRITE_OFF
        self.kind = f"wallet.{nature}"
        self.title = "Write-off of a balance" if write_off else "Correction of a balance"
        self.request_permission = WRITE_OFF if write_off else ADJUST
        self.decide_permission = f"wallet.approve_{nature}"

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        content = approval.content
        amount = Money.parse(content["amount"], content["currency"])
        purse = Account.objects.get(id=content["purse_id"])
        balance = Money(purse.balance_minor or 0, purse.currency)
        unsigned = Money(abs(amount.amount_minor), amount.currency)
        verb = "is credited with" if amount.amount_minor > 0 else "is debited by"
        house = _HOUSE[AdjustmentNature(content["nature"])][1].replace("_", " ")
        lines = [f"The player's {purse.kind} purse {verb} {unsigned} {amount.currency}, against the house's {house}."]
        after = balance + amount
        if purse.closed_at or after.amount_minor < 0:
            lines.append(f"It cannot be carried out now: the purse holds {balance} {balance.currency}.")
        else:
            lines.append(f"Its balance now is {balance}, and will be {after} {after.currency}.")
        return [*lines, "The entry can never be changed; it can only be corrected by another one."]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        row = Adjustment.objects.get(id=approval.content["adjustment_id"])
        _apply(row, approval.content)
        if row.nature == AdjustmentNature.WRITE_OFF and get_player(row.player_id).status is not Status.CLOSED:
            raise NothingToWriteOff("The account is open again: its money is the player's to use.")
        _post(row, actor, at)
        row.save()
        return str(row.transfer_id)

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        if approval.requested_by == str(actor):  # nobody rejects their own: it is taken back
            state = AdjustmentState.WITHDRAWN
        else:
            state = AdjustmentState.EXPIRED if at >= approval.expires_at else AdjustmentState.REJECTED
        Adjustment.objects.filter(approval_id=approval.id).update(state=state, settled_at=at)


def _apply(row: Adjustment, content: dict[str, Any]) -> None:
    """What is posted is what was approved, whatever became of the row since."""
    amount = Money.parse(content["amount"], content["currency"])
    row.purse_id, row.nature, row.reason = UUID(content["purse_id"]), content["nature"], content["reason"]
    row.amount_minor, row.currency = amount.amount_minor, amount.currency
