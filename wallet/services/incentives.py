"""Bonuses and free spins pass the gate before their purse is opened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from compliance.services.gate import decide
from compliance.types_gate import BonusFacts, GateAction
from kernel.actors import Actor
from players.selectors import UnknownPlayer
from wallet.models import Account
from wallet.selectors import get_balances
from wallet.types import AccountKind, Outcome, Posting

# What a player may have had as an incentive before.
INCENTIVES = (AccountKind.BONUS, AccountKind.FREE_SPINS)


def find_denial(*, player_id: UUID, purse_id: UUID, facts: BonusFacts, actor: Actor, at: datetime) -> Posting | None:
    """The refusal of an incentive that the player may not get; None where it may be posted, or was before.

    Whether it is the player's first is known here. The denial is kept.
    """
    before = Account.objects.filter(player_id=player_id, kind__in=INCENTIVES)
    if before.filter(id=purse_id).exists():
        return None  # a retry: the ledger answers as it did
    facts = replace(facts, first=not before.exists())
    try:
        decision = decide(action=GateAction.BONUS, player_id=player_id, facts=facts, actor=actor, at=at)
    except UnknownPlayer:
        return None  # the ledger says so
    if decision.allowed:
        return None
    held, reason = get_balances(player_id), decision.refusal
    return Posting(Outcome.REFUSED, reason.code, None, None, held.real, held.bonus, reason.data)
