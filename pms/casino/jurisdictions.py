"""Jurisdictions in the demo: the shipped packs in force, and players who have what these ask for, but for some.

Everything goes through the public services, and once: what is there already stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from compliance.selectors_limits import get_terms, list_missing, offered_periods
from compliance.selectors_packs import get_pack, get_pack_of
from compliance.services.kyc import decide_step, open_case, submit_step
from compliance.services.limits import set_limit
from compliance.services.packs import activate_all
from compliance.types_kyc import StepState, Trigger
from compliance.types_limits import LimitKind, LimitPeriod, Wanted
from compliance.types_packs import DEFAULT
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError
from kernel.money import Money
from players.selectors import list_players
from players.types import PlayerDetails, Status

REASON = "Data of a demonstration; no pack was read by a lawyer."
# What players of the demo set for themselves, in minor units or minutes.
_AMOUNTS = {LimitKind.DEPOSIT: 30_000, LimitKind.BALANCE: 500_000}
_OTHER_AMOUNT = 100_000
_MINUTES = 240
_TIMED = (LimitKind.SESSION_TIME, LimitKind.LOGIN_TIME)
IN_REVIEW = 6  # of the players whom a pack asks to be verified: these wait for a person


@dataclass(frozen=True, slots=True)
class Jurisdictions:
    """Puts packs in force by two people, and readies the players who live under them."""

    asking: Actor
    deciding: Actor
    at: datetime

    def settle(self) -> int:
        """How many players live under a pack of their own."""
        activate_all(reason=REASON, asking=self.asking, deciding=self.deciding, at=self.at)
        players = [row for row in list_players(status=Status.ACTIVE, limit=1000) if self._has_pack(row)]
        for number, player in enumerate(players):
            ready(player, self.deciding, self.at, waits=number < IN_REVIEW)
        return len(players)

    def _has_pack(self, player: PlayerDetails) -> bool:
        return get_pack(country=player.country, region=player.region, at=self.at).pack_id != DEFAULT


def ready(player: PlayerDetails, reviewer: Actor, at: datetime, *, waits: bool = False) -> None:
    """Verify the player where their pack asks for it (``waits``: only as far as the review), and set what limits it wants."""
    try:
        _verify(player.id, reviewer, at, waits)
        _set_limits(player, at)
    except DomainError:  # at high risk, on hold, excluded: such players wait for people, as in life
        return


def _verify(player_id: UUID, reviewer: Actor, at: datetime, waits: bool) -> None:
    pack = get_pack_of(player_id, at)
    if not pack.texts("verification.identity_before") and not pack.texts("verification.age_before"):
        return
    themself = Actor(ActorKind.PLAYER, str(player_id))
    case = open_case(player_id=player_id, trigger=Trigger.REGISTRATION, pack=pack, key="demo", actor=themself, at=at)
    for step in case.steps if case else ():
        if waits:
            submit_step(step_id=step.id, actor=themself, at=at)
        else:
            decide_step(step_id=step.id, to=StepState.ACCEPTED, actor=reviewer, at=at)


def _set_limits(player: PlayerDetails, at: datetime) -> None:
    terms = get_terms(player, at)
    for kind, named in list_missing(player, at):
        period = named or LimitPeriod(offered_periods(kind, terms)[-1])
        amount = None if kind in _TIMED else Money(_AMOUNTS.get(kind, _OTHER_AMOUNT), player.currency)
        wanted = Wanted(kind=kind, period=period, amount=amount, minutes=_MINUTES if kind in _TIMED else None)
        set_limit(player_id=player.id, wanted=wanted, actor=Actor(ActorKind.PLAYER, str(player.id)), at=at)
