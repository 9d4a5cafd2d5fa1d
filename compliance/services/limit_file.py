"""Registers that count a person's deposits with all operators: asked before the deposit's own transaction begins."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from compliance.ports_limits import RegisterUnavailable, get_limit_file
from compliance.selectors_limits import get_terms
from compliance.types_limits import CentralAnswer, CentralPerson
from compliance.types_packs import PackIncomplete
from kernel.money import Money
from players.selectors import get_player
from players.types import PlayerDetails

logger = logging.getLogger(__name__)


def reserve_centrally(*, player_id: UUID, amount: Money, key: str, at: datetime) -> CentralAnswer | None:
    """Have the register count a deposit, where the player's pack has one; None where it has none.

    Call it outside any transaction, and tell the gate the answer (``DepositFacts.central``): it decides what a refusal
    or silence means. ``key`` names the deposit. What is not needed after all, is given back by ``release_centrally``.
    """
    player = get_player(player_id)
    try:
        terms = get_terms(player, at)
    except PackIncomplete:
        return None  # the gate says so
    if not terms.central:
        return None
    try:
        return get_limit_file(terms.central).reserve(person=person_of(player), amount=amount, key=key, at=at)
    except RegisterUnavailable as error:
        logger.warning("limit file %s: %s", terms.central, error)
        return CentralAnswer(accepted=False, available=False)


def release_centrally(*, player_id: UUID, reservation: str, failed: bool, at: datetime) -> None:
    """Give back what the register counted: the deposit was refused here, or (``failed``) its payment came to nothing.

    Where the pack says that failed deposits stay counted, they do. A register that does not answer keeps it counted:
    the player then has less room, never more.
    """
    if not reservation:
        return
    terms = get_terms(get_player(player_id), at)
    if not terms.central or (failed and terms.central_counts_failed):
        return
    try:
        get_limit_file(terms.central).release(reservation=reservation, at=at)
    except RegisterUnavailable as error:
        logger.error("limit file %s keeps %s counted: %s", terms.central, reservation, error)


def person_of(player: PlayerDetails) -> CentralPerson:
    """Who the registers are asked about."""
    return CentralPerson(player.first_name, player.last_name, player.birth_date, player.country)
