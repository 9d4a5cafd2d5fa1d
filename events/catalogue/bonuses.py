"""Events that bonuses publishes: one for each change of a grant, and of an offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class OfferChanged(Event):
    """An offer was released, paused, resumed or stopped. ``version`` is the one in force after it. Of no player."""

    wire_name = "bonuses.offer-changed.v1"
    offer: str
    change: str
    version: int | None
    actor: str


@dataclass(frozen=True, kw_only=True)
class BonusOffered(Event):
    """A bonus waits for the player to take it, until ``claim_until``."""

    wire_name = "bonuses.bonus-offered.v1"
    grant_id: UUID
    offer: str
    version: int
    occasion: str
    claim_until: datetime
    currency: str


@dataclass(frozen=True, kw_only=True)
class BonusQueued(Event):
    """A bonus was granted and waits for another one of the player's to end."""

    wire_name = "bonuses.bonus-queued.v1"
    grant_id: UUID
    offer: str
    version: int
    occasion: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class BonusGranted(Event):
    """A bonus was paid into its purse (or its free spins handed out), and is wagered from here on.

    ``amount`` is the bonus money, zero for free spins; ``to_wager`` what has to be staked, zero where nothing has.
    ``counts`` says whose stakes count: all, or bonus. What a euro of stake counts by game is the offer's version's.
    """

    wire_name = "bonuses.bonus-granted.v1"
    grant_id: UUID
    offer: str
    version: int
    occasion: str
    kind: str
    purse_id: UUID | None
    spins_purse_id: UUID | None
    amount: Decimal
    spins: int
    to_wager: Decimal
    expires_at: datetime | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class BonusWagered(Event):
    """All that had to be staked for a bonus was. ``wagered`` is what counted, never more than ``to_wager``."""

    wire_name = "bonuses.bonus-wagered.v1"
    grant_id: UUID
    offer: str
    bet_id: UUID
    wagered: Decimal
    to_wager: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class WageringBreached(Event):
    """A bet broke the terms of a bonus that is wagered: ``breach`` is max_stake or excluded_game. It did not count."""

    wire_name = "bonuses.wagering-breached.v1"
    grant_id: UUID
    offer: str
    bet_id: UUID
    breach: str
    stake: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class BonusRedeemed(Event):
    """A bonus became real money: ``amount`` of it; ``above_cap`` went back to the house."""

    wire_name = "bonuses.bonus-redeemed.v1"
    grant_id: UUID
    offer: str
    kind: str
    amount: Decimal
    above_cap: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class BonusForfeited(Event):
    """A bonus was given up or taken: ``by`` is player, staff, breach, exclusion, withdrawal or used_up."""

    wire_name = "bonuses.bonus-forfeited.v1"
    grant_id: UUID
    offer: str
    by: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class BonusExpired(Event):
    """A bonus was not taken, or not wagered, in time. ``amount`` went back to the house."""

    wire_name = "bonuses.bonus-expired.v1"
    grant_id: UUID
    offer: str
    amount: Decimal
    currency: str
