"""The steps that all protocols share: admit, place, pay, undo. They turn canonical outcomes into ``Refused``."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from compliance.types_gate import ReasonCode
from compliance.types_limits import LimitKind
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.money import Money
from players.selectors import UnknownPlayer
from wallet.adapters.calls import BLOTTED_TOKEN, Call, Fault, Refused
from wallet.selectors import get_balances
from wallet.selectors_adapters import find_session_by_token, knows_transaction
from wallet.services import adapter_bets, bets, free_spins, rounds
from wallet.types import Outcome, Posting, RefusalReason
from wallet.types_adapters import GameSessionDetails, IntegrationStatus
from wallet.types_purses import RoundExtras

_LIMITS: Mapping[str, Fault] = {
    LimitKind.LOSS: Fault.LOSS_LIMIT,
    LimitKind.SESSION_TIME: Fault.TIME_LIMIT,
}
_FAULTS: Mapping[str, Fault] = {
    RefusalReason.INSUFFICIENT_FUNDS: Fault.INSUFFICIENT_FUNDS,
    RefusalReason.UNKNOWN_PLAYER: Fault.UNKNOWN_PLAYER,
    RefusalReason.UNKNOWN_GAME: Fault.UNKNOWN_GAME,
    RefusalReason.WRONG_CURRENCY: Fault.WRONG_CURRENCY,
    RefusalReason.STAKE_ABOVE_CAP: Fault.BET_LIMIT,
    RefusalReason.WINNINGS_SPENT: Fault.WINNINGS_SPENT,
    RefusalReason.ROUND_CLOSED: Fault.ROUND_CLOSED,
    ReasonCode.GAME_TYPE_NOT_OFFERED: Fault.UNKNOWN_GAME,
    # What passes with time, or once the player has answered.
    ReasonCode.TOO_FAST: Fault.TIME_LIMIT,
    ReasonCode.REALITY_CHECK_DUE: Fault.TIME_LIMIT,
    ReasonCode.BREAK_DUE: Fault.TIME_LIMIT,
    ReasonCode.SESSION_LIMIT_REACHED: Fault.TIME_LIMIT,
    ReasonCode.LOGIN_TIME_REACHED: Fault.TIME_LIMIT,
    ReasonCode.PARALLEL_PLAY: Fault.TIME_LIMIT,
}


def fault_of(reason: str, kind: str = "") -> Fault:
    """A refusal's reason as fault; ``kind`` is the reached limit's. Whatever else stops a player blocks them."""
    if reason == ReasonCode.LIMIT_REACHED:
        return _LIMITS.get(kind, Fault.BET_LIMIT)
    return _FAULTS.get(reason, Fault.PLAYER_BLOCKED)


def find_session(call: Call, token: str) -> GameSessionDetails:
    """The session of a token, open or not. Raises: Refused."""
    call.trace.tokens.append(token)
    if call.session and token == BLOTTED_TOKEN:
        session: GameSessionDetails | None = call.session
    else:
        session = find_session_by_token(call.integration.details.code, token)
    if session is None:
        raise Refused(Fault.UNKNOWN_SESSION, "There is no such session.")
    call.trace.session_id = session.id
    call.trace.player_id = session.player_id
    return session


def admit(call: Call, token: str, player_id: UUID | None = None, key: str = "") -> GameSessionDetails:
    """The open session of a token, of this player. Asked for bets and balances, never for wins and rollbacks.

    ``key`` is the bet's: one that was answered before gets its answer again, though the session has ended since.
    Raises: Refused.
    """
    try:
        need_active(call)
        session = find_session(call, token)
        if not session.open_at(call.at):
            raise Refused(Fault.SESSION_EXPIRED, "The session has ended.")
    except Refused:
        if not key or not knows_transaction(call.integration.details.source, key):
            raise
        session = find_session(call, token)
    if player_id is not None and session.player_id != player_id:
        raise Refused(Fault.UNKNOWN_SESSION, "The session is another player's.")
    return session


def need_active(call: Call) -> None:
    """Raises: Refused for a disabled integration."""
    if call.integration.details.status is not IntegrationStatus.ACTIVE:
        raise Refused(Fault.DISABLED, "This integration is disabled.")


def our_game(call: Call, their_code: str) -> str:
    """Raises: Refused."""
    try:
        return call.integration.games[their_code]
    except KeyError:
        raise Refused(Fault.UNKNOWN_GAME, "This game is not mapped.") from None


def our_currency(call: Call, their_code: str) -> str:
    """Raises: Refused."""
    known = call.integration.details.currencies
    if known and their_code not in known:
        raise Refused(Fault.WRONG_CURRENCY, "This currency is not mapped.")
    return known.get(their_code, their_code)


def their_currency(call: Call, currency: str) -> str:
    for theirs, ours in call.integration.details.currencies.items():
        if ours == currency:
            return theirs
    return currency


def held(player_id: UUID) -> Money:
    """Real and bonus money together. Raises: Refused."""
    try:
        return get_balances(player_id).total
    except UnknownPlayer:
        raise Refused(Fault.UNKNOWN_PLAYER, "There is no such player.") from None


def bet(
    call: Call,
    player_id: UUID,
    key: str,
    game: str,
    round_id: str,
    amount: Money,
    *,
    free: bool,
    promotion: bool = False,
    round_closed: bool = False,
) -> Posting:
    """Place a bet; a free one uses up the player's free spins where there are any for the game. Raises: Refused.

    A bet of nothing, and one of a ``promotion`` of the supplier's own, moves nothing: the game is played.
    """
    call.trace.names += [key, round_id]
    try:
        if free or amount.amount_minor == 0:
            posting = free_spins.place_free_bet(
                player_id=player_id,
                source=call.integration.details.source,
                idempotency_key=key,
                game=game,
                round_id=round_id,
                value=amount,
                draw="if_any" if free and not promotion else "never",
                actor=_actor(call),
                at=call.at,
            )
        else:
            posting = bets.place_bet(
                player_id=player_id,
                source=call.integration.details.source,
                idempotency_key=key,
                game=game,
                round_id=round_id,
                stake=amount,
                extras=RoundExtras(round_closed=round_closed),
                actor=_actor(call),
                at=call.at,
            )
        if round_closed and posting.ok and (free or amount.amount_minor == 0):
            close(call, player_id, key, game, round_id, amount.currency)
    except FieldErrors as error:
        raise Refused(Fault.WRONG_TYPES, error.detail) from None
    return _settled(call, posting)


def close(call: Call, player_id: UUID, key: str, game: str, round_id: str, currency: str) -> None:
    """The round is over, says what the aggregator calls ``key``. A round that can't be closed stays open."""
    rounds.close_round(
        player_id=player_id,
        game=game,
        round_id=round_id,
        currency=currency,
        source=call.integration.details.source,
        idempotency_key=f"{key[:190]}:closes",
        actor=_actor(call),
        at=call.at,
    )


def win(
    call: Call,
    player_id: UUID,
    key: str,
    bet_key: str | None,
    game: str,
    round_id: str,
    amount: Money,
    *,
    round_closed: bool | None = None,
) -> Posting:
    """Pay a win, whatever became of session, game and player since. Raises: Refused.

    Where the protocol does not say whether the round is over, a win of zero closes it.
    """
    call.trace.names += [key, bet_key or "", round_id]
    try:
        posting = adapter_bets.credit_any_win(
            player_id=player_id,
            source=call.integration.details.source,
            idempotency_key=key,
            bet_key=bet_key,
            game=game,
            round_id=round_id,
            amount=amount,
            round_closed=amount.amount_minor == 0 if round_closed is None else round_closed,
            actor=_actor(call),
            at=call.at,
        )
    except FieldErrors as error:
        raise Refused(Fault.WRONG_TYPES, error.detail) from None
    return _settled(call, posting)


def undo(call: Call, player_id: UUID, key: str, bet_key: str, currency: str, stake: Money | None) -> Posting:
    """Undo a bet. ``tombstoned`` is returned: whether that is a success is the protocol's matter. Raises: Refused."""
    call.trace.names += [key, bet_key]
    try:
        posting = adapter_bets.roll_back_any_bet(
            player_id=player_id,
            source=call.integration.details.source,
            idempotency_key=key,
            bet_key=bet_key,
            currency=currency,
            stake=stake,
            actor=_actor(call),
            at=call.at,
        )
    except FieldErrors as error:
        raise Refused(Fault.WRONG_TYPES, error.detail) from None
    if posting.outcome is Outcome.TOMBSTONED:
        call.trace.outcome = posting.outcome
        return posting
    return _settled(call, posting)


def _settled(call: Call, posting: Posting) -> Posting:
    call.trace.outcome = posting.outcome
    if posting.ok:
        return posting
    if posting.outcome is Outcome.CONFLICT:
        raise Refused(Fault.CONFLICT, "This transaction id was used with other content.")
    if posting.outcome is Outcome.TOMBSTONED:
        raise Refused(Fault.BURIED, "This bet was rolled back before it came.")
    if posting.outcome is Outcome.UNKNOWN_REFERENCE:
        raise Refused(Fault.UNKNOWN_TRANSACTION, "There is no such bet that stands.")
    fault = fault_of(posting.reason, posting.details.get("kind", ""))
    # In another currency than the player's, the posting cannot tell what they hold.
    balance = posting.real + posting.bonus if fault is not Fault.WRONG_CURRENCY else None
    raise Refused(fault, posting.reason, balance)


def _actor(call: Call) -> Actor:
    return Actor(ActorKind.CLIENT, call.integration.details.source)
