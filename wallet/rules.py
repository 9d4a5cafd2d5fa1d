"""Payments in plain Python: which state follows which, what makes a withdrawal risky, where money is paid back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kernel.money import Money
from wallet.types_payments import DepositState, InstrumentDetails, PayoutState, RiskReason, WithdrawalState

D, W, P = DepositState, WithdrawalState, PayoutState

# A failed or cancelled deposit may still be made: the provider has the money then, and so must the player.
DEPOSIT_MOVES: Mapping[DepositState, frozenset[DepositState]] = {
    D.REQUESTED: frozenset({D.PENDING, D.MADE, D.FAILED, D.CANCELLED}),
    D.PENDING: frozenset({D.MADE, D.FAILED, D.CANCELLED}),
    D.FAILED: frozenset({D.MADE}),
    D.CANCELLED: frozenset({D.MADE}),
    D.MADE: frozenset({D.CHARGED_BACK}),
    D.CHARGED_BACK: frozenset({D.CHARGED_BACK, D.REINSTATED}),  # in parts, until nothing is left
    D.REINSTATED: frozenset({D.CHARGED_BACK, D.REINSTATED}),
}

# A payout that came back makes a paid withdrawal a failed one.
WITHDRAWAL_MOVES: Mapping[WithdrawalState, frozenset[WithdrawalState]] = {
    W.REQUESTED: frozenset({W.IN_REVIEW, W.APPROVED}),
    W.IN_REVIEW: frozenset({W.APPROVED, W.REJECTED, W.CANCELLED}),
    W.APPROVED: frozenset({W.SENT, W.REJECTED, W.CANCELLED}),
    W.SENT: frozenset({W.PAID, W.FAILED}),
    W.PAID: frozenset({W.FAILED}),
    W.REJECTED: frozenset(),
    W.FAILED: frozenset(),
    W.CANCELLED: frozenset(),
}

PAYOUT_MOVES: Mapping[PayoutState, frozenset[PayoutState]] = {
    P.PLANNED: frozenset({P.SENT, P.DROPPED}),
    P.SENT: frozenset({P.PAID, P.FAILED}),
    P.PAID: frozenset({P.RETURNED}),
    P.FAILED: frozenset(),
    P.RETURNED: frozenset(),
    P.DROPPED: frozenset(),
}

NEW_INSTRUMENT = timedelta(days=7)
CHANGED_DETAILS = timedelta(days=7)
PLAY_WINDOW = timedelta(days=30)
VELOCITY_WINDOW = timedelta(hours=24)
VELOCITY = 3  # withdrawals within the window, this one counted
UNUSUAL_FACTOR = 3
MAX_SCORE = 100

_FIRST_TRY_AGAIN = timedelta(minutes=1)
_LAST_TRY_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """What is known of a player and a withdrawal when it is asked for. Windows as named above."""

    amount: Money
    at: datetime
    instrument: InstrumentDetails
    instrument_shared: bool  # another player uses the same card or account
    deposited: Money  # within PLAY_WINDOW
    staked: Money  # within PLAY_WINDOW
    recent_withdrawals: int  # within VELOCITY_WINDOW, without this one
    largest_paid: Money | None
    restrictions: tuple[str, ...]
    confirmed: bool
    risk_level: str
    changed_at: datetime | None  # last change of contact or personal data
    chargebacks: int


def assess(facts: RiskFacts) -> list[RiskReason]:
    """Why this withdrawal deserves a look; none for an ordinary one. The score is ``score_of`` them."""
    instrument, amount = facts.instrument, facts.amount
    found: list[tuple[bool, str, int, str]] = [
        (
            facts.at - instrument.added_at < NEW_INSTRUMENT,
            "new_instrument",
            15,
            f"The instrument was first seen less than {NEW_INSTRUMENT.days} days ago.",
        ),
        (
            not instrument.paid_in.amount_minor,
            "never_paid_in",
            20,
            "Nothing was ever paid in with the instrument that is to be paid to.",
        ),
        (facts.instrument_shared, "shared_instrument", 50, "Another player uses the same card or account."),
        (
            facts.staked < facts.deposited,
            "not_played",
            35,
            f"Staked {facts.staked} of {facts.deposited} {amount.currency} deposited in {PLAY_WINDOW.days} days.",
        ),
        (
            facts.recent_withdrawals + 1 >= VELOCITY,
            "velocity",
            20,
            f"The {facts.recent_withdrawals + 1}. withdrawal within 24 hours.",
        ),
        (
            facts.largest_paid is None,
            "first_withdrawal",
            10,
            "Nothing was paid out to this player before.",
        ),
        (
            facts.largest_paid is not None and amount.amount_minor > UNUSUAL_FACTOR * facts.largest_paid.amount_minor,
            "unusual_amount",
            20,
            f"More than {UNUSUAL_FACTOR} times the largest before ({facts.largest_paid or '-'} {amount.currency}).",
        ),
        (bool(facts.restrictions), "restricted", 40, f"Restrictions in force: {', '.join(facts.restrictions)}."),
        (not facts.confirmed, "unverified", 30, "The player's identity is not confirmed."),
        (facts.risk_level == "medium", "risk_level", 15, "The player's risk level is medium."),
        (
            facts.risk_level in ("high", "prohibited"),
            "risk_level",
            50,
            f"The player's risk level is {facts.risk_level}.",
        ),
        (
            facts.changed_at is not None and facts.at - facts.changed_at < CHANGED_DETAILS,
            "changed_details",
            25,
            f"Personal or contact data changed in the last {CHANGED_DETAILS.days} days.",
        ),
        (facts.chargebacks > 0, "chargebacks", 60, f"Deposits charged back: {facts.chargebacks}."),
    ]
    return [RiskReason(code, points, detail) for applies, code, points, detail in found if applies]


def score_of(reasons: Sequence[RiskReason]) -> int:
    """0 (nothing speaks against it) to 100."""
    return min(sum(reason.points for reason in reasons), MAX_SCORE)


@dataclass(frozen=True, slots=True)
class AutoApproval:
    """A rule: withdrawals of this ``level`` ("": any) up to an amount and a score need no person."""

    level: str
    up_to: Money
    max_score: int


def approves(rules: Sequence[AutoApproval], *, level: str, amount: Money, score: int) -> bool:
    """Whether any rule lets this withdrawal through without a person."""
    return any(
        rule.level in ("", level)
        and rule.up_to.currency == amount.currency
        and amount <= rule.up_to
        and score <= rule.max_score
        for rule in rules
    )


def plan_payouts(
    amount: Money, instruments: Sequence[InstrumentDetails], preferred_id: UUID
) -> list[tuple[UUID, Money]]:
    """The closed loop: back to what paid in, each up to what it is owed, then the rest to the preferred one.

    The preferred one comes first, then the others by last use. Amounts are positive and sum to ``amount``.
    """
    zero = Money.zero(amount.currency)
    owed = {row.id: row.owed_back for row in instruments if row.owed_back > zero}
    last_used = {row.id: row.last_used_at or row.added_at for row in instruments}
    order = sorted(owed, key=lambda id_: (id_ == preferred_id, last_used[id_]), reverse=True)
    parts: dict[UUID, Money] = {}
    left = amount
    for instrument_id in order:
        part = min(left, owed[instrument_id])
        if part > zero:
            parts[instrument_id] = part
            left -= part
    if left > zero:
        parts[preferred_id] = parts.get(preferred_id, zero) + left
    return list(parts.items())


def breaks_closed_loop(split: Sequence[tuple[UUID, Money]], instruments: Sequence[InstrumentDetails]) -> bool:
    """Whether an instrument gets more than it is owed while another that is owed goes short."""
    given = dict(split)
    owed = {row.id: row.owed_back for row in instruments}
    above = any(part > owed[instrument_id] for instrument_id, part in split)
    zero = [Money.zero(part.currency) for part in given.values()][:1]
    short = any(given.get(id_, *zero) < left for id_, left in owed.items()) if zero else False
    return above and short


def taken_back(deposited: Money, before: Money, refunded: Money, said: Money | None, *, so_far: bool) -> Money:
    """How much of a deposit a chargeback or refund takes now; nothing when it is no news. Never more than is left.

    ``before`` was taken back until now, ``refunded`` of it by refunds, which providers count ``so_far``: an older
    notice that comes late then says less than what is known, and takes nothing.
    """
    zero, left = Money.zero(deposited.currency), deposited - before
    if said is None:
        return left
    return max(zero, min(said - refunded if so_far else said, left))


def given_back(charged_back: Money, refunded: Money, said: Money | None) -> Money:
    """How much of what chargebacks hold of a deposit a won dispute gives back now; refunds of our own stay taken."""
    disputed = charged_back - refunded
    return disputed if said is None else max(Money.zero(said.currency), min(said, disputed))


def next_try(attempts: int) -> timedelta:
    """How long to wait before a payment is asked about again: a minute, doubling up to an hour."""
    return min(_FIRST_TRY_AGAIN * 2 ** min(max(attempts, 0), 10), _LAST_TRY_AGAIN)
