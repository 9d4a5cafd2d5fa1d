"""Deposits: requested here, authorised by a payment provider, credited once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError

from events.catalogue.wallet import DepositFailed, DepositMade, DepositRequested
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.context import request_id
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import find_refusal, get_player
from players.types import PlayerAction, public_reason
from wallet.models import Deposit
from wallet.ports import Authorisation, AuthorisationState, ProviderUnavailable, get_provider
from wallet.selectors import get_deposit
from wallet.services.posting import check_amount, check_references, post
from wallet.types import DepositDetails, DepositState, Outcome

MAX_INSTRUMENT_LENGTH = 120

_OPEN = (DepositState.REQUESTED, DepositState.PENDING)


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
    Publishes DepositRequested, then DepositMade or DepositFailed. A provider that does not answer leaves the deposit
    pending; ``chase_pending`` asks again. Raises: UnknownPlayer, FieldErrors, DepositRefused, IdempotencyConflict.
    """
    check_references(source=source, idempotency_key=idempotency_key, instrument=instrument)
    check_amount("amount", amount)
    if len(instrument) > MAX_INSTRUMENT_LENGTH or instrument.replace(" ", "").isdigit():
        raise FieldErrors({"instrument": ["Give the provider's token, never a card or account number."]})
    get_provider(provider)
    deposit_id = _request(player_id, amount, provider, instrument, source, idempotency_key, at)
    return _advance(deposit_id, actor, at)


def chase_pending(*, actor: Actor, at: datetime, limit: int = 100) -> int:
    """Ask providers again about deposits open for more than a minute; how many were settled."""
    waiting = Deposit.objects.filter(state__in=_OPEN, requested_at__lt=at - timedelta(minutes=1))
    settled = 0
    for deposit_id in waiting.order_by("requested_at").values_list("id", flat=True)[:limit]:
        settled += _advance(deposit_id, actor, at).state not in _OPEN
    return settled


def _request(
    player_id: UUID, amount: Money, provider: str, instrument: str, source: str, key: str, at: datetime
) -> UUID:
    digest = digest_of(
        {"player": player_id, "amount": str(amount), "currency": amount.currency, "by": provider, "with": instrument}
    )
    known = Deposit.objects.filter(source=source, key=key).first()
    if known is None:
        player = get_player(player_id)
        if player.currency != amount.currency:
            raise FieldErrors({"currency": [f"This player's currency is {player.currency}."]})
        try:
            return _open(player_id, amount, provider, instrument, source, key, digest, at)
        except IntegrityError:
            known = Deposit.objects.get(source=source, key=key)
    if bytes(known.digest) != digest:
        raise IdempotencyConflict("This idempotency key was used for another deposit.")
    return known.id


def _open(
    player_id: UUID, amount: Money, provider: str, instrument: str, source: str, key: str, digest: bytes, at: datetime
) -> UUID:
    with holding(player_id):
        refusal = find_refusal(player_id, PlayerAction.DEPOSIT, at)
        if refusal:
            reason = public_reason(refusal)
            raise DepositRefused(f"Deposits are refused: {reason}.", reason=reason)
        deposit = Deposit.objects.create(
            id=uuid7(),
            player_id=player_id,
            amount_minor=amount.amount_minor,
            currency=amount.currency,
            provider=provider,
            instrument=instrument,
            source=source,
            key=key,
            digest=digest,
            requested_at=at,
        )
        publish(
            DepositRequested(
                player_id=player_id,
                occurred_at=at,
                deposit_id=deposit.id,
                provider=provider,
                amount=amount.major,
                currency=amount.currency,
            )
        )
    return deposit.id


def _advance(deposit_id: UUID, actor: Actor, at: datetime) -> DepositDetails:
    """Talk to the provider outside any transaction, then keep what it said."""
    deposit = Deposit.objects.get(id=deposit_id)
    if deposit.state not in _OPEN:
        return get_deposit(deposit_id)
    provider = get_provider(deposit.provider)
    try:
        if deposit.state == DepositState.REQUESTED:
            amount = Money(deposit.amount_minor, deposit.currency)
            answer = provider.authorise(deposit.id, amount, deposit.instrument)
        else:
            answer = provider.status(deposit.id)
    except ProviderUnavailable:
        answer = Authorisation(AuthorisationState.PENDING)
    _settle(deposit.player_id, deposit_id, answer, actor, at)
    return get_deposit(deposit_id)


def _settle(player_id: UUID, deposit_id: UUID, answer: Authorisation, actor: Actor, at: datetime) -> None:
    with holding(player_id):
        deposit = Deposit.objects.select_for_update().get(id=deposit_id)
        if deposit.state not in _OPEN:
            return  # a parallel call was quicker
        deposit.provider_reference = answer.reference or deposit.provider_reference
        deposit.state = DepositState(answer.state)
        if answer.state is AuthorisationState.MADE:
            _credit(deposit, actor, at)
        elif answer.state is AuthorisationState.FAILED:
            deposit.settled_at, deposit.failure_reason = at, answer.reason
            publish(
                DepositFailed(
                    player_id=player_id,
                    occurred_at=at,
                    deposit_id=deposit_id,
                    provider=deposit.provider,
                    amount=Money(deposit.amount_minor, deposit.currency).major,
                    currency=deposit.currency,
                    reason=answer.reason,
                )
            )
        deposit.save()


class LedgerRefused(RuntimeError):
    """The ledger did not take a payment that the provider has taken: a defect, or a key used by hand."""


def _credit(deposit: Deposit, actor: Actor, at: datetime) -> None:
    amount = Money(deposit.amount_minor, deposit.currency)
    last = Deposit.objects.filter(player_id=deposit.player_id, number__isnull=False).order_by("-number").first()
    deposit.number = (last.number or 0) + 1 if last else 1
    deposit.settled_at = at
    posting = post(
        "wallet_move",
        [
            "deposit",
            deposit.player_id,
            None,
            "payments",
            deposit.currency,
            deposit.amount_minor,
            "deposits",
            str(deposit.id),
            at,
            str(actor),
            request_id.get(),
        ],
        deposit.currency,
    )
    if posting.outcome is not Outcome.APPLIED or posting.transfer_id is None:
        raise LedgerRefused(f"deposit {deposit.id}: {posting.outcome} {posting.reason}")
    publish(
        DepositMade(
            player_id=deposit.player_id,
            occurred_at=at,
            deposit_id=deposit.id,
            transfer_id=posting.transfer_id,
            provider=deposit.provider,
            amount=amount.major,
            amount_eur=amount.major if amount.currency == "EUR" else None,
            currency=amount.currency,
            number=deposit.number,
        )
    )
