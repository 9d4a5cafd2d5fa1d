"""Bets, wins and rollbacks: each one call of a posting function, with one of the canonical outcomes as the answer.

``source`` names the integration whose keys these are; ``round_id`` is the game's own name for the round.
None of these raises for what a game server must be told: read ``Posting.outcome``.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.actors import Actor
from kernel.context import request_id
from kernel.currencies import exponent
from kernel.errors import FieldErrors
from kernel.money import Money
from wallet.rules_fees import micro_of
from wallet.services.fees import quote_rake
from wallet.services.posting import check_amount, check_references, post
from wallet.types import Outcome, Posting
from wallet.types_purses import RoundExtras

_NOTHING_ELSE = RoundExtras()


def place_bet(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    game: str,
    round_id: str,
    stake: Money,
    extras: RoundExtras = _NOTHING_ELSE,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Take a stake from the player's purses; it counts at once. Publishes BetPlaced.

    ``extras``: what of the stake goes to jackpots (publishes JackpotContributed), and whether the round ends with it
    (publishes RoundSettled). Raises: FieldErrors. Outcomes: applied, replayed, conflict, tombstoned, refused.
    """
    return _bet(player_id, source, idempotency_key, game, round_id, stake, None, extras, actor, at)


def play(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    game: str,
    round_id: str,
    stake: Money,
    win: Money,
    extras: RoundExtras = _NOTHING_ELSE,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Bet and result in one transaction under one key; a ``win`` of zero is a lost bet.

    Publishes BetPlaced, and WinCredited when something was won. Raises: FieldErrors. Extras, outcomes as ``place_bet``.
    """
    check_amount("win", win, zero_allowed=True)
    if win.currency != stake.currency:
        raise FieldErrors({"win": ["Stake and win must be in one currency."]})
    return _bet(player_id, source, idempotency_key, game, round_id, stake, win.amount_minor, extras, actor, at)


def credit_win(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    bet_key: str,
    amount: Money,
    raked: bool = False,
    round_closed: bool | None = None,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Pay a win on the bet or free bet that ``bet_key`` placed, to its purses in the proportion of the stake.

    Several wins may be paid on one bet; restrictions never stop a win. ``raked``: the amount is a pot, of which the
    commission of the rule in force is taken first. ``round_closed`` says whether the round ends with it; where nobody
    says, a win of zero ends it. Publishes WinCredited or FreeWinCredited, RakeTaken, RoundSettled.
    Raises: FieldErrors. Outcomes: applied, replayed, conflict, unknown_reference, refused.
    """
    check_references(source=source, idempotency_key=idempotency_key, bet_key=bet_key)
    check_amount("amount", amount, zero_allowed=True)
    closes = amount.amount_minor == 0 if round_closed is None else round_closed
    ids: list[object] = [player_id, source, idempotency_key, bet_key, amount.currency, amount.amount_minor]
    told: list[object] = [at, str(actor), request_id.get()]
    if not raked and not closes:
        posting = post("wallet_win", [*ids, *told], amount.currency)
        if posting.outcome is not Outcome.UNKNOWN_REFERENCE:
            return posting  # else it may be a free bet's
    rake = (
        quote_rake(player_id=player_id, source=source, bet_key=bet_key, pot=amount, at=at).amount_minor if raked else 0
    )
    return post("wallet_win_with", [*ids, raked, rake, closes, *told], amount.currency)


def roll_back_bet(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    bet_key: str,
    currency: str = "EUR",
    actor: Actor,
    at: datetime,
) -> Posting:
    """Undo a bet or free bet and its wins. An unknown one leaves a tombstone, so that it cannot be placed later.

    Publishes BetRolledBack or FreeBetRolledBack. Raises: FieldErrors. Outcomes: applied, replayed, conflict, tombstoned,
    unknown_reference (another player's bet), refused (``winnings_spent``: call again when the player has the money).
    ``currency`` labels the balances of a player who is unknown.
    """
    check_references(source=source, idempotency_key=idempotency_key, bet_key=bet_key)
    return post(
        "wallet_adapter_rollback",
        [player_id, source, idempotency_key, bet_key, None, at, str(actor), request_id.get()],
        currency,
    )


def _bet(
    player_id: UUID,
    source: str,
    key: str,
    game: str,
    round_id: str,
    stake: Money,
    win_minor: int | None,
    extras: RoundExtras,
    actor: Actor,
    at: datetime,
) -> Posting:
    check_references(source=source, idempotency_key=key, game=game, round_id=round_id)
    check_amount("stake", stake)
    what: list[object] = [player_id, source, key, game, round_id, stake.currency, stake.amount_minor, win_minor]
    told: list[object] = [at, str(actor), request_id.get()]
    if extras is _NOTHING_ELSE or extras == _NOTHING_ELSE:
        return post("wallet_bet", [*what, *told], stake.currency)
    jackpots, exact = _contributions(extras, stake)
    return post("wallet_bet_with", [*what, jackpots, exact, extras.round_closed, *told], stake.currency)


def _contributions(extras: RoundExtras, stake: Money) -> tuple[list[str], list[int]]:
    """Jackpots by code, and what each gets in millionths of a minor unit."""
    shares = sorted(extras.contributions, key=lambda share: share.jackpot)
    exact = [micro_of(share.amount, exponent(stake.currency)) for share in shares]
    whole = [micro for micro in exact if micro is not None and micro > 0]
    if len(whole) < len(exact) or len({share.jackpot for share in shares}) < len(shares):
        raise FieldErrors({"contributions": ["Name each jackpot once, with more than zero, to a millionth of a cent."]})
    if sum(whole) > stake.amount_minor * 1_000_000:
        raise FieldErrors({"contributions": ["A stake can't give more than itself."]})
    return [share.jackpot for share in shares], whole
