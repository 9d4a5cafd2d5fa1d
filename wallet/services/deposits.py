"""Deposits: requested here, authorised by a payment provider, credited once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from compliance.services.deposit_counters import (
    confirm_deposit,
    count_deposit,
    deposit_still_fits,
    release_deposit,
)
from compliance.services.gate import decide
from compliance.services.kyc_triggers import note_deposit
from compliance.services.limit_file import release_centrally, reserve_centrally
from compliance.types_gate import DepositFacts, GateAction, ReasonCode
from compliance.types_limits import CentralAnswer
from events.catalogue.wallet import (
    DepositCancelled,
    DepositFailed,
    DepositMade,
    DepositPending,
    DepositRequested,
)
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.money import Money
from kernel.pan import mask_pans
from players.selectors import get_player
from wallet.models_payments import Deposit, Instrument
from wallet.ports import (
    Direction,
    PaymentAnswer,
    PaymentOrder,
    PaymentState,
    ProviderUnavailable,
    check_provider,
    get_provider,
)
from wallet.rules import DEPOSIT_MOVES, next_try
from wallet.selectors import get_balances, get_deposit
from wallet.selectors_instruments import open_instrument
from wallet.selectors_rates import find_eur
from wallet.services.deposit_reversals import amount_given_back, amount_taken_back, charge_back, post_for, reinstate
from wallet.services.payment_dialogue import NO_ANSWER, keep_message
from wallet.services.payment_instruments import check_token, ensure_instrument, learn, note_payment
from wallet.services.payment_means import Looked, look_up, report_foreign
from wallet.services.posting import check_amount, check_references
from wallet.types_payments import DepositDetails, DepositState

logger = logging.getLogger(__name__)

# A deposit that the provider has not seen for so long never reached it. Should it come after all, it is credited.
NEVER_ARRIVED = timedelta(hours=1)
_NEVER_TAKEN = (ReasonCode.CREDIT_REFUSED, ReasonCode.ANONYMOUS_REFUSED)
_OPEN = (DepositState.REQUESTED, DepositState.PENDING)


class DepositMoved(DomainError):
    """It is made, or was taken back: there is nothing left to cancel."""

    code = "deposit_moved"
    title = "This deposit can no longer be cancelled"
    status = 409


class DepositRefused(DomainError):
    """The player may not pay in now."""

    code = "deposit_refused"
    title = "Deposits are not possible for this player now"
    status = 403


def request_deposit(
    *,
    player_id: UUID,
    amount: Money,
    provider: str,
    instrument: str,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> DepositDetails:
    """Take a payment in through a provider and credit it when the provider says so. ``instrument`` is a token.

    The same key and content returns the same deposit, taken up again where it was left.
    Publishes DepositRequested, then what ``settle_deposit`` names. A provider that does not answer leaves the deposit
    pending; ``chase_pending`` asks again. Raises: UnknownPlayer, FieldErrors, DepositRefused, IdempotencyConflict.
    """
    check_references(source=source, idempotency_key=idempotency_key)
    check_token(instrument)
    check_amount("amount", amount)
    check_provider(provider)
    deposit_id = _request(player_id, amount, provider, instrument, source, idempotency_key, actor, at)
    return _advance(deposit_id, actor, at)


def cancel_deposit(*, deposit_id: UUID, actor: Actor, at: datetime) -> DepositDetails:
    """Give up a deposit that is not made yet; one that failed or is cancelled already stays as it is.

    The provider is asked to give it up. When it says that the money was taken, the deposit is made and credited. When
    it does not answer, the deposit is cancelled here; should the provider take the money after all, its late notice
    still credits the player. Publishes DepositCancelled, or what the provider's word asks for.
    Raises: NotFound, DepositMoved.
    """
    deposit = get_deposit(deposit_id)
    if deposit.state in _OPEN:
        row = Deposit.objects.get(id=deposit_id)
        order = _order(row)
        try:
            answer = get_provider(row.provider).cancel(order)
        except ProviderUnavailable:
            answer = PaymentAnswer(PaymentState.UNKNOWN, reason="no_answer")
        _settle(row.player_id, deposit_id, answer, "cancel", actor, at)
        deposit = get_deposit(deposit_id)
    if deposit.state in _OPEN:  # nobody there knows it, or nobody answered
        given_up = PaymentAnswer(PaymentState.CANCELLED, reason="cancelled_by_player")
        _settle(deposit.player_id, deposit_id, given_up, "cancel", actor, at)
        deposit = get_deposit(deposit_id)
    if deposit.state in (DepositState.MADE, DepositState.CHARGED_BACK, DepositState.REINSTATED):
        raise DepositMoved("The money was taken: it is credited.", state=deposit.state)
    return deposit


def chase_pending(*, actor: Actor, at: datetime, limit: int = 100) -> int:
    """Ask providers again about open deposits that are due; how many were settled. Any number may run at once."""
    settled = 0
    for _ in range(limit):
        deposit_id = _claim(at)
        if deposit_id is None:
            break
        settled += _advance(deposit_id, actor, at).state not in _OPEN
    return settled


@transaction.atomic
def _claim(at: datetime) -> UUID | None:
    """Take the next due deposit for ourselves by moving its moment: whoever dies over it is followed by another."""
    due = Deposit.objects.filter(state__in=_OPEN, next_try_at__lte=at)
    deposit = due.select_for_update(skip_locked=True).order_by("next_try_at").first()
    if deposit is None:
        return None
    deposit.attempts += 1
    deposit.next_try_at = at + next_try(deposit.attempts)
    deposit.save(update_fields=["attempts", "next_try_at"])
    return deposit.id


def _request(
    player_id: UUID, amount: Money, provider: str, instrument: str, source: str, key: str, actor: Actor, at: datetime
) -> UUID:
    digest = digest_of(
        {"player": player_id, "amount": str(amount), "currency": amount.currency, "by": provider, "with": instrument}
    )
    known = Deposit.objects.filter(source=source, key=key).first()
    if known is None:
        player = get_player(player_id)
        if player.currency != amount.currency:
            raise FieldErrors({"currency": [f"This player's currency is {player.currency}."]})
        looked = look_up(player_id=player_id, provider=provider, token=instrument, at=at)
        central = reserve_centrally(player_id=player_id, amount=amount, key=f"{source}:{key}", at=at)
        try:
            return _open(player_id, amount, provider, instrument, looked, source, key, digest, central, actor, at)
        except IntegrityError:
            known = Deposit.objects.get(source=source, key=key)
    if bytes(known.digest) != digest:
        raise IdempotencyConflict("This idempotency key was used for another deposit.")
    return known.id


def _open(
    player_id: UUID,
    amount: Money,
    provider: str,
    instrument: str,
    looked: Looked,
    source: str,
    key: str,
    digest: bytes,
    central: CentralAnswer | None,
    actor: Actor,
    at: datetime,
) -> UUID:
    reservation = central.reservation if central else ""
    with holding(player_id):
        paid_with = ensure_instrument(player_id=player_id, provider=provider, token=instrument, at=at)
        learn(instrument=paid_with, facts=looked.facts, at=at)
        facts = DepositFacts(
            amount,
            provider,
            means=paid_with.kind,
            funding=paid_with.funding,
            ownership=paid_with.ownership,
            looked_up=looked.answered,
            balance=get_balances(player_id).real,
            central=central,
        )
        decision = decide(action=GateAction.DEPOSIT, player_id=player_id, facts=facts, actor=actor, at=at)
        if decision.allowed:
            return _create(player_id, amount, paid_with, source, key, digest, reservation, at)
        if decision.refusal.code == ReasonCode.FOREIGN_ACCOUNT:
            report_foreign(paid_with, actor, at)
        elif decision.refusal.code in _NEVER_TAKEN and paid_with.added_at == at:
            paid_with.delete()  # it came with this deposit: nobody is to choose it again
    release_centrally(player_id=player_id, reservation=reservation, failed=False, at=at)
    # Only now: the denial is kept.
    refusal = decision.refusal
    raise DepositRefused(f"Deposits are refused: {refusal.public_code}. {refusal.public_text}", **decision.problem)


def _create(
    player_id: UUID,
    amount: Money,
    paid_with: Instrument,
    source: str,
    key: str,
    digest: bytes,
    reservation: str,
    at: datetime,
) -> UUID:
    deposit = Deposit.objects.create(
        id=uuid7(),
        player_id=player_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        provider=paid_with.provider,
        paid_with=paid_with,
        next_try_at=at + next_try(0),
        source=source,
        key=key,
        digest=digest,
        requested_at=at,
    )
    count_deposit(deposit_id=deposit.id, player_id=player_id, amount=amount, at=at, reservation=reservation)
    publish(
        DepositRequested(
            player_id=player_id,
            occurred_at=at,
            deposit_id=deposit.id,
            provider=deposit.provider,
            amount=amount.major,
            currency=amount.currency,
        )
    )
    return deposit.id


def _advance(deposit_id: UUID, actor: Actor, at: datetime) -> DepositDetails:
    """Talk to the provider outside any transaction, then keep what it said."""
    deposit = Deposit.objects.select_related("paid_with").get(id=deposit_id)
    if deposit.state not in _OPEN:
        return get_deposit(deposit_id)
    provider = get_provider(deposit.provider)
    order = _order(deposit)
    # One that was left lying is only asked about: nobody is charged hours after they have given up.
    fresh = at - deposit.requested_at <= NEVER_ARRIVED
    call = "authorise" if deposit.state == DepositState.REQUESTED and fresh else "status"
    try:
        answer = provider.authorise(order) if call == "authorise" else provider.status(Direction.IN, order)
        if answer.state is PaymentState.AUTHORISED:
            _settle(deposit.player_id, deposit_id, answer, call, actor, at)
            order = replace(order, reference=answer.reference or order.reference)
            # Cancelled meanwhile, or a limit was lowered: what was reserved is given up, not taken.
            wanted = get_deposit(deposit_id).state in _OPEN and deposit_still_fits(deposit_id=deposit_id, at=at)
            call = "capture" if wanted else "cancel"
            answer = provider.capture(order) if wanted else provider.cancel(order)
    except ProviderUnavailable:
        answer = NO_ANSWER
    if answer.state is PaymentState.UNKNOWN and not fresh:
        answer = PaymentAnswer(PaymentState.FAILED, reason="never_reached_provider")
    _settle(deposit.player_id, deposit_id, answer, call, actor, at)
    return get_deposit(deposit_id)


def _order(deposit: Deposit) -> PaymentOrder:
    amount = Money(deposit.amount_minor, deposit.currency)
    return PaymentOrder(deposit.id, amount, open_instrument(deposit.paid_with).token, deposit.provider_reference)


def settle_deposit(*, deposit_id: UUID, answer: PaymentAnswer, notice_id: str, actor: Actor, at: datetime) -> None:
    """Take in what a provider says by itself. A notice that came before, or that comes late, changes nothing.

    Publishes what the change is: DepositPending, DepositMade, DepositFailed, DepositCancelled, DepositChargedBack,
    DepositReinstated. A chargeback also holds the player's withdrawals until somebody lifts that.
    """
    player_id = Deposit.objects.values_list("player_id", flat=True).get(id=deposit_id)
    _settle(player_id, deposit_id, answer, "webhook", actor, at, notice_id)


def _settle(
    player_id: UUID,
    deposit_id: UUID,
    answer: PaymentAnswer,
    call: str,
    actor: Actor,
    at: datetime,
    notice_id: str = "",
) -> None:
    with holding(player_id):
        deposit = Deposit.objects.select_for_update().get(id=deposit_id)
        if not keep_message(
            payment_id=deposit_id, provider=deposit.provider, call=call, answer=answer, at=at, notice_id=notice_id
        ):
            return
        if answer.amount and answer.amount.currency != deposit.currency:
            logger.error("deposit %s is in %s there, not in %s", deposit_id, answer.amount.currency, deposit.currency)
            return  # the dialogue shows it; nobody is credited by guess
        if answer.reference and not deposit.provider_reference:
            deposit.provider_reference = answer.reference[:120]
        learn(instrument=deposit.paid_with, facts=answer.instrument, at=at)
        for to in _path(deposit, answer):
            deposit.state = to
            _ENTERED[to](deposit, answer, actor, at)
        deposit.save()


def _path(deposit: Deposit, answer: PaymentAnswer) -> list[DepositState]:
    """The moves that the provider's word asks for: none when it is no news, two when a notice overtook another."""
    state, to = DepositState(deposit.state), _STATES.get(answer.state)
    if to is None or (to is DepositState.CHARGED_BACK and not amount_taken_back(deposit, answer).amount_minor):
        return []
    if to is DepositState.REINSTATED and not amount_given_back(deposit, answer).amount_minor:
        return []
    if to in DEPOSIT_MOVES[state]:
        return [to]
    if to is DepositState.CHARGED_BACK and DepositState.MADE in DEPOSIT_MOVES[state]:
        return [DepositState.MADE, to]
    return []


def _pending(deposit: Deposit, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
    publish(
        DepositPending(
            player_id=deposit.player_id,
            occurred_at=at,
            deposit_id=deposit.id,
            provider=deposit.provider,
            amount=Money(deposit.amount_minor, deposit.currency).major,
            currency=deposit.currency,
        )
    )


def _ended(event: type[DepositFailed] | type[DepositCancelled]) -> Callable[..., None]:
    def end(deposit: Deposit, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
        deposit.settled_at, deposit.failure_reason = at, mask_pans(answer.reason)[:200]
        _uncount(deposit, at)
        publish(
            event(
                player_id=deposit.player_id,
                occurred_at=at,
                deposit_id=deposit.id,
                provider=deposit.provider,
                amount=Money(deposit.amount_minor, deposit.currency).major,
                currency=deposit.currency,
                reason=deposit.failure_reason,
            )
        )

    return end


def _uncount(deposit: Deposit, at: datetime) -> None:
    """What came to nothing counts against no limit, here and, once this is committed, in a register of all operators."""
    reservation = release_deposit(deposit_id=deposit.id, at=at)
    if reservation:
        player_id = deposit.player_id
        transaction.on_commit(
            lambda: release_centrally(player_id=player_id, reservation=reservation, failed=True, at=at)
        )


def _credit(deposit: Deposit, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
    if answer.state is PaymentState.MADE and answer.amount and answer.amount.amount_minor > 0:
        deposit.amount_minor = answer.amount.amount_minor  # what was really taken, which may be less than asked for
    amount = Money(deposit.amount_minor, deposit.currency)
    confirm_deposit(deposit_id=deposit.id, player_id=deposit.player_id, amount=amount, at=at)
    last = Deposit.objects.filter(player_id=deposit.player_id, number__isnull=False).order_by("-number").first()
    deposit.number = (last.number or 0) + 1 if last else 1
    deposit.settled_at, deposit.failure_reason = at, ""
    posting = post_for(
        "wallet_move",
        ["deposit", deposit.player_id, None, "payments", amount.currency, amount.amount_minor],
        deposit,
        str(deposit.id),
        actor,
        at,
    )
    note_payment(instrument_id=deposit.paid_with_id, at=at, paid_in_minor=amount.amount_minor)
    note_deposit(player_id=deposit.player_id, deposit_id=deposit.id, amount=amount, actor=actor, at=at)
    publish(
        DepositMade(
            player_id=deposit.player_id,
            occurred_at=at,
            deposit_id=deposit.id,
            transfer_id=posting,
            provider=deposit.provider,
            amount=amount.major,
            amount_eur=find_eur(amount, transfer_id=posting),
            currency=amount.currency,
            number=deposit.number,
        )
    )


_STATES = {
    PaymentState.AUTHORISED: DepositState.PENDING,
    PaymentState.PENDING: DepositState.PENDING,
    PaymentState.MADE: DepositState.MADE,
    PaymentState.FAILED: DepositState.FAILED,
    PaymentState.CANCELLED: DepositState.CANCELLED,
    PaymentState.CHARGED_BACK: DepositState.CHARGED_BACK,
    PaymentState.REINSTATED: DepositState.REINSTATED,
}
_ENTERED: dict[DepositState, Callable[[Deposit, PaymentAnswer, Actor, datetime], None]] = {
    DepositState.PENDING: _pending,
    DepositState.MADE: _credit,
    DepositState.FAILED: _ended(DepositFailed),
    DepositState.CANCELLED: _ended(DepositCancelled),
    DepositState.CHARGED_BACK: charge_back,
    DepositState.REINSTATED: reinstate,
}
