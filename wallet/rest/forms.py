"""Forms of the hot path on the wire: what they are in the API's description, they are here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from wallet.types import Balances, Outcome, Posting

Amount = Annotated[str, Meta(description="Major units as a decimal string.", extra_json_schema={"examples": ["12.34"]})]
Currency = Annotated[str, Meta(description="ISO 4217.", extra_json_schema={"examples": ["EUR"]})]
Reference = Annotated[
    str, Meta(description="1 to 200 printable characters.", extra_json_schema={"minLength": 1, "maxLength": 200})
]
BetKey = Annotated[
    str,
    Meta(
        description="The Idempotency-Key of the bet's or play's own request.",
        extra_json_schema={"minLength": 1, "maxLength": 200},
    ),
]


class Contribution(msgspec.Struct, forbid_unknown_fields=True):
    """What of a stake goes to a jackpot, to a millionth of a cent."""

    jackpot: Reference
    amount: Annotated[
        str,
        Meta(
            description="Major units as a decimal string, with up to six decimals more than the currency has.",
            extra_json_schema={"examples": ["0.0125"]},
        ),
    ]


Contributions = Annotated[list[Contribution], Meta(description="To jackpots, out of the stake.", max_length=10)]
Closes = Annotated[bool, Meta(description="The round ends with it: no bet is placed on it any more.")]


class Play(msgspec.Struct, forbid_unknown_fields=True):
    """A bet and its result at once; a ``win`` of zero is a lost bet."""

    player_id: UUID
    game: Reference
    round: Reference
    stake: Amount
    win: Amount
    currency: Currency
    contributions: Contributions = []
    round_closed: Closes = False


class Bet(msgspec.Struct, forbid_unknown_fields=True):
    """A stake, taken from the player's purses."""

    player_id: UUID
    game: Reference
    round: Reference
    stake: Amount
    currency: Currency
    contributions: Contributions = []
    round_closed: Closes = False


class BatchItem(msgspec.Struct, forbid_unknown_fields=True):
    """A bet under a key of its own; with a ``win`` (zero: lost) a play."""

    key: Annotated[
        str, Meta(description="This item's idempotency key.", extra_json_schema={"minLength": 1, "maxLength": 200})
    ]
    player_id: UUID
    game: Reference
    round: Reference
    stake: Amount
    currency: Currency
    win: Amount | None = None


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """Up to 1,000 bets and plays of any players."""

    items: Annotated[list[BatchItem], Meta(extra_json_schema={"maxItems": 1000})]


class Win(msgspec.Struct, forbid_unknown_fields=True):
    """A win on a bet or free bet that was placed before."""

    player_id: UUID
    bet_key: BetKey
    amount: Amount
    currency: Currency
    raked: Annotated[bool, Meta(description="The amount is a pot: the house's commission is taken of it first.")] = (
        False
    )
    round_closed: Annotated[
        bool | None, Meta(description="The round ends with it. Left out: it does when the amount is zero.")
    ] = None


class Rollback(msgspec.Struct, forbid_unknown_fields=True):
    """The undoing of a bet and of its wins."""

    player_id: UUID
    bet_key: BetKey


class Reserve(msgspec.Struct, forbid_unknown_fields=True):
    """Money to be set aside for a bet, until ``expires_at`` (left out: as long as the operator has set).

    ``event_begins_at``: until then the bet is given back to a player who is excluded, where the jurisdiction asks for it.
    """

    player_id: UUID
    game: Reference
    round: Reference
    amount: Amount
    currency: Currency
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    event_begins_at: Annotated[datetime, Meta(tz=True)] | None = None


class Capture(msgspec.Struct, forbid_unknown_fields=True):
    """What of a hold becomes a bet."""

    amount: Amount
    currency: Currency


class Release(msgspec.Struct, forbid_unknown_fields=True):
    """What of a hold goes back; without an ``amount`` all that is left."""

    amount: Amount | None = None


class Balance(msgspec.Struct):
    """What a player holds: ``total`` is ``real`` and ``bonus`` together."""

    currency: Currency
    real: Amount
    bonus: Amount
    total: Amount


class Holding(Balance):
    """What a player holds in all purses. Free spins, tournaments and what is held are not in ``total``."""

    free_spins: Annotated[int, Meta(description="Spins left.")]
    free_spins_value: Annotated[str, Meta(description="What they are worth, in major units.")]
    tournament: Annotated[str, Meta(description="Paid into tournaments that are not settled, in major units.")]
    held: Annotated[str, Meta(description="Set aside for withdrawals and reserved bets, in major units.")]


class BatchItemAnswer(msgspec.Struct):
    """What became of one item, and the player's balance after it."""

    key: str
    outcome: Outcome
    reason: str
    transfer_id: UUID | None
    win_transfer_id: UUID | None
    balance: Balance | None


class PostingAnswer(msgspec.Struct):
    """What became of the movement, and the balance after it."""

    outcome: Outcome
    reason: str
    transfer_id: UUID | None
    win_transfer_id: UUID | None
    balance: Balance


class BatchAnswer(msgspec.Struct):
    """One answer per item, in their order; ``balance`` is None for a player who is unknown."""

    items: list[BatchItemAnswer]


def balance_of(held: Balances | Posting) -> Balance:
    return Balance(held.real.currency, str(held.real), str(held.bonus), str(held.real + held.bonus))


def holding_of(held: Balances) -> Holding:
    return Holding(
        held.real.currency,
        str(held.real),
        str(held.bonus),
        str(held.total),
        held.spins_left,
        str(held.free_spins),
        str(held.tournament),
        str(held.held),
    )
