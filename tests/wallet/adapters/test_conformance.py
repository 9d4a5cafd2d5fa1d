"""What holds for every protocol, in its own words: the rows of the table of differences, and the ways money gets lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from kernel.money import Money
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, fund, make_game
from tests.wallet.adapters.conftest import issue
from wallet.selectors import list_ledger, list_purses, list_transactions
from wallet.selectors_adapters import find_session_by_token
from wallet.selectors_history import list_rounds
from wallet.services.game_sessions import revoke_session
from wallet.services.integrations import change_integration
from wallet.services.purses import open_bonus_purse
from wallet.types import AccountKind, HistoryFilter, PurseTerms, TransferKind
from wallet.types_adapters import IntegrationStatus

pytestmark = pytest.mark.usefixtures("db")

WORDS = {
    "insufficient": {
        "hub88": (200, "RS_ERROR_NOT_ENOUGH_MONEY"),
        "swipegames": (402, "insufficient_funds"),
        "igsp": (402, "insufficient_funds"),
    },
    "spent": {
        "hub88": (200, "RS_ERROR_NOT_ENOUGH_MONEY"),
        "swipegames": (402, "insufficient_funds"),
        "igsp": (402, "winnings_spent"),
    },
    "unknown bet": {
        "hub88": (200, "RS_ERROR_TRANSACTION_DOES_NOT_EXIST"),
        "swipegames": (404, "404"),
        "igsp": (404, "unknown_transaction"),
    },
    "other content": {
        "hub88": (200, "RS_ERROR_DUPLICATE_TRANSACTION"),
        "swipegames": (409, "409"),
        "igsp": (409, "conflict"),
    },
    "buried": {"hub88": (200, "RS_ERROR_DUPLICATE_TRANSACTION"), "swipegames": (409, "409"), "igsp": (409, "buried")},
    "unknown session": {
        "hub88": (200, "RS_ERROR_INVALID_TOKEN"),
        "swipegames": (404, "session_not_found"),
        "igsp": (404, "unknown_session"),
    },
    "expired": {
        "hub88": (200, "RS_ERROR_TOKEN_EXPIRED"),
        "swipegames": (401, "session_expired"),
        "igsp": (401, "session_expired"),
    },
    "blocked": {
        "hub88": (200, "RS_ERROR_USER_DISABLED"),
        "swipegames": (403, "account_blocked"),
        "igsp": (403, "player_blocked"),
    },
    "limit": {"hub88": (200, "RS_ERROR_LIMIT_REACHED"), "swipegames": (403, "bet_limit"), "igsp": (403, "bet_limit")},
    "unknown game": {
        "hub88": (200, "RS_ERROR_INVALID_GAME"),
        "swipegames": (404, "game_not_found"),
        "igsp": (404, "unknown_game"),
    },
    "wrong currency": {
        "hub88": (200, "RS_ERROR_WRONG_CURRENCY"),
        "swipegames": None,  # its calls name no currency: it is the session's
        "igsp": (400, "wrong_currency"),
    },
    "signature": {
        "hub88": (200, "RS_ERROR_INVALID_SIGNATURE"),
        "swipegames": (401, "401"),
        "igsp": (401, "bad_signature"),
    },
    "disabled": {
        "hub88": (200, "RS_ERROR_INVALID_PARTNER"),
        "swipegames": (403, "client_connection_error"),
        "igsp": (403, "disabled"),
    },
}


def says(reply: Any, case: str, aggregator: Any) -> None:
    assert (reply.status, reply.error) == WORDS[case][aggregator.protocol], reply.body


def kinds(player: PlayerDetails) -> Counter[str]:
    return Counter(row.kind for row in list_transactions(player.id))


def test_a_round_bet_win_balance(aggregator: Any, player: PlayerDetails) -> None:
    placed, won = aggregator.bet("b1", "10.00"), aggregator.win("w1", "b1", "25.50")
    assert (placed.ok, placed.balance) == (True, "90.00"), placed.body
    assert (won.ok, won.balance) == (True, "115.50"), won.body
    assert aggregator.balance().balance == "115.50"
    bet = next(row for row in list_transactions(player.id) if row.kind == TransferKind.BET)
    assert (bet.source, bet.reference, bet.game, bet.round) == (f"adapter:{aggregator.code}", "b1", "fruits", "r1")


def test_a_retry_gets_the_same_answer_and_moves_nothing(aggregator: Any, player: PlayerDetails) -> None:
    """Everything is sent again, byte for byte."""
    body = aggregator.bet_body("b1", "10.00")
    first = aggregator.post(aggregator.bet_endpoint, body)
    again = aggregator.post(aggregator.bet_endpoint, body)
    assert first.body == again.body
    assert first.ok
    win = aggregator.win_body("w1", "b1", "5.00")
    assert aggregator.post(aggregator.win_endpoint, win).body == aggregator.post(aggregator.win_endpoint, win).body
    assert kinds(player) == {"deposit": 1, "bet": 1, "win": 1}


def test_an_answer_that_was_lost_after_the_commit_is_given_again(aggregator: Any, player: PlayerDetails) -> None:
    """The connection breaks before anything of the answer is read; what was done is done, once."""
    bet, win = aggregator.bet_body("b1", "10.00"), aggregator.win_body("w1", "b1", "5.00")
    for endpoint, body, kind, balance in (
        (aggregator.bet_endpoint, bet, "bet", "90.00"),
        (aggregator.win_endpoint, win, "win", "95.00"),
    ):
        aggregator.post_and_hang_up(endpoint, body)
        patiently(lambda kind=kind: kinds(player)[kind] == 1)
        again = aggregator.post(endpoint, body)
        assert (again.ok, again.balance) == (True, balance), again.body
    assert kinds(player) == {"deposit": 1, "bet": 1, "win": 1}


def patiently(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_refused_bet_stays_refused_on_a_retry(aggregator: Any, player: PlayerDetails) -> None:
    body = aggregator.bet_body("b1", "100.01")
    first = aggregator.post(aggregator.bet_endpoint, body)
    says(first, "insufficient", aggregator)
    assert first.balance == "100.00"
    fund(player.id, "50.00")
    again = aggregator.post(aggregator.bet_endpoint, body)
    says(again, "insufficient", aggregator)
    assert again.balance == "150.00"


def test_the_same_id_with_another_amount_is_refused(aggregator: Any) -> None:
    aggregator.bet("b1", "10.00")
    says(aggregator.bet("b1", "11.00"), "other content", aggregator)
    aggregator.win("w1", "b1", "5.00")
    says(aggregator.win("w1", "b1", "6.00"), "other content", aggregator)
    assert aggregator.balance().balance == "95.00"


def test_a_hundred_parallel_copies_of_a_bet_have_one_effect(aggregator: Any, player: PlayerDetails) -> None:
    body = aggregator.bet_body("b1", "10.00")
    replies = in_parallel([lambda: aggregator.post(aggregator.bet_endpoint, body)] * 100, threads=12)
    assert all(reply.ok for reply in replies)
    assert {reply.balance for reply in replies} == {"90.00"}
    assert kinds(player) == {"deposit": 1, "bet": 1}


def test_two_wins_on_one_bet_are_both_credited(aggregator: Any) -> None:
    aggregator.bet("b1", "10.00")
    assert aggregator.win("w1", "b1", "3.00").balance == "93.00"
    assert aggregator.win("w2", "b1", "3.00").balance == "96.00"


def test_a_win_without_a_bet_is_refused_until_the_bet_is_there(aggregator: Any) -> None:
    says(aggregator.win("w1", "b1", "5.00"), "unknown bet", aggregator)
    aggregator.bet("b1", "10.00")
    assert aggregator.win("w1", "b1", "5.00").balance == "95.00"


def test_a_win_of_zero_closes_the_round(aggregator: Any, player: PlayerDetails) -> None:
    aggregator.bet("b1", "10.00")
    closed = aggregator.win("w1", "b1", "0")
    assert (closed.ok, closed.balance) == (True, "90.00")
    assert kinds(player)["win"] == 1
    assert len(list_ledger(player.id)) == 2  # the deposit's and the bet's: a win of nothing moves nothing
    (round_,) = list_rounds(player.id, wanted=HistoryFilter()).items
    assert round_.closed_at is not None
    assert not aggregator.bet("b2", "1.00").ok, "a round that is over takes no more bets"
    assert aggregator.bet("b3", "1.00", round_id="r2").ok
    assert aggregator.win("w2", "b1", "1.00").ok, "what was won before is still paid"


def test_an_undone_bet_gives_the_stake_and_takes_the_win(aggregator: Any) -> None:
    aggregator.bet("b1", "10.00")
    aggregator.win("w1", "b1", "4.00")
    undone = aggregator.undo("u1", "b1")
    assert (undone.ok, undone.balance) == (True, "100.00")


def test_undoing_twice_is_one_undoing(aggregator: Any, player: PlayerDetails) -> None:
    aggregator.bet("b1", "10.00")
    replies = [aggregator.undo("u1", "b1"), aggregator.undo("u1", "b1"), aggregator.undo("u2", "b1")]
    assert [(reply.ok, reply.balance) for reply in replies] == [(True, "100.00")] * 3
    assert kinds(player)["rollback"] == 1


def test_undoing_an_unknown_bet_bars_it(aggregator: Any, player: PlayerDetails) -> None:
    early = aggregator.undo("u1", "b1")
    if aggregator.protocol == "igsp":
        says(early, "unknown bet", aggregator)
    else:
        assert (early.ok, early.balance) == (True, "100.00"), early.body
    says(aggregator.bet("b1", "10.00"), "buried", aggregator)
    says(aggregator.bet("b1", "10.00", free=True), "buried", aggregator)
    again = aggregator.undo("u1", "b1")
    assert again.error == early.error
    assert again.balance == early.balance
    assert kinds(player) == {"deposit": 1}


def test_a_win_after_the_undoing_is_refused(aggregator: Any) -> None:
    aggregator.bet("b1", "10.00")
    aggregator.undo("u1", "b1")
    says(aggregator.win("w1", "b1", "5.00"), "unknown bet", aggregator)
    assert aggregator.balance().balance == "100.00"


def test_winnings_that_are_spent_cannot_be_undone_until_there_is_money(aggregator: Any, player: PlayerDetails) -> None:
    aggregator.bet("b1", "10.00")
    aggregator.win("w1", "b1", "50.00")
    aggregator.bet("b2", "140.00", round_id="r2")
    says(aggregator.undo("u1", "b1"), "spent", aggregator)
    fund(player.id, "40.00")
    assert aggregator.undo("u1", "b1").balance == "0.00"


# --- sessions -----------------------------------------------------------------------------------------------------


def test_an_expired_session_places_no_bet_and_takes_wins_and_undoings(
    connect: Callable[..., Any], aggregator: Any, player: PlayerDetails
) -> None:
    past = clock.now() - timedelta(hours=2)
    open_token = aggregator.token
    aggregator.bet("b1", "10.00")
    aggregator.bet("b2", "10.00", round_id="r2")
    aggregator.token = issue(player, aggregator.code, at=past, ttl=3600)
    says(aggregator.bet("b3", "10.00"), "expired", aggregator)
    says(aggregator.balance(), "expired", aggregator)
    assert aggregator.win("w1", "b1", "5.00").balance == "85.00"
    assert aggregator.undo("u2", "b2").balance == "95.00"
    aggregator.token = open_token
    assert aggregator.balance().balance == "95.00"


def test_a_revoked_session_is_treated_as_expired(aggregator: Any) -> None:
    aggregator.bet("b1", "10.00")
    session = find_session_by_token(aggregator.code, aggregator.token)
    revoke_session(session_id=session.id, actor=ACTOR, at=clock.now())
    says(aggregator.bet("b2", "10.00"), "expired", aggregator)
    assert aggregator.win("w1", "b1", "5.00").balance == "95.00"


def test_a_retry_of_a_placed_bet_is_answered_though_the_session_has_ended(aggregator: Any) -> None:
    body = aggregator.bet_body("b1", "10.00")
    first = aggregator.post(aggregator.bet_endpoint, body)
    session = find_session_by_token(aggregator.code, aggregator.token)
    revoke_session(session_id=session.id, actor=ACTOR, at=clock.now())
    assert aggregator.post(aggregator.bet_endpoint, body).body == first.body
    says(aggregator.bet("b1", "11.00"), "other content", aggregator)


def test_a_token_is_good_for_its_own_integration_only(connect: Callable[..., Any], aggregator: Any) -> None:
    other = connect(aggregator.protocol, code="other")
    other.token = aggregator.token
    says(other.bet("b1", "10.00"), "unknown session", aggregator)
    aggregator.token = "made up"
    says(aggregator.bet("b1", "10.00"), "unknown session", aggregator)


def test_one_integrations_keys_say_nothing_about_anothers(connect: Callable[..., Any], aggregator: Any) -> None:
    other = connect(aggregator.protocol, code="other")
    assert aggregator.bet("b1", "10.00").balance == "90.00"
    assert other.bet("b1", "20.00").balance == "70.00"
    assert other.undo("u1", "b1", "20.00").balance == "90.00"


def test_the_game_may_change_within_a_session(connect: Callable[..., Any], player: PlayerDetails) -> None:
    for protocol in ("hub88", "igsp"):  # the third one's calls name no game
        aggregator = connect(protocol)
        assert aggregator.bet("b1", "1.00").ok
        aggregator.game = "their-bells"
        assert aggregator.bet("b2", "1.00", round_id="r2").ok
        assert aggregator.win("w2", "b2", "0.50", round_id="r2").ok
        games = [row.game for row in list_transactions(player.id) if row.source == f"adapter:{protocol}"]
        assert games == ["bells", "bells", "fruits"]


# --- refusals -----------------------------------------------------------------------------------------------------


def test_a_player_who_is_restricted_places_no_bet_and_is_paid(aggregator: Any, player: PlayerDetails) -> None:
    aggregator.bet("b1", "10.00")
    impose(
        player_id=player.id,
        kind=RestrictionKind.SELF_EXCLUDED,
        reason="asked for it",
        source="player",
        idempotency_key="exclude",
        actor=ACTOR,
        at=clock.now(),
    )
    says(aggregator.bet("b2", "10.00"), "blocked", aggregator)
    says(aggregator.bet("b3", "10.00", free=True), "blocked", aggregator)
    assert aggregator.win("w1", "b1", "5.00").balance == "95.00"


def test_a_limit_is_told_as_a_limit(aggregator: Any, player: PlayerDetails) -> None:
    open_bonus_purse(
        player_id=player.id,
        amount=Money(1000, "EUR"),
        terms=PurseTerms(priority=-1, stake_cap=Money(500, "EUR")),
        source="test",
        idempotency_key="bonus",
        actor=ACTOR,
        at=clock.now(),
    )
    says(aggregator.bet("b1", "6.00"), "limit", aggregator)
    assert aggregator.bet("b2", "5.00").balance == "105.00"


def test_an_unknown_or_inactive_game(connect: Callable[..., Any], aggregator: Any) -> None:
    if aggregator.protocol != "swipegames":
        aggregator.game = "never heard of"
        says(aggregator.bet("b1", "1.00"), "unknown game", aggregator)
        aggregator.game = "their-fruits"
    make_game("fruits", active=False)
    says(aggregator.bet("b2", "1.00"), "unknown game", aggregator)


@pytest.mark.parametrize("currency", ["SEK", "XXX", "eur", ""])
def test_another_currency(connect: Callable[..., Any], currency: str) -> None:
    for protocol in ("hub88", "igsp"):
        aggregator = connect(protocol)
        aggregator.currency = currency
        says(aggregator.bet("b1", "1.00"), "wrong currency", aggregator)


def test_currencies_may_have_other_names(connect: Callable[..., Any]) -> None:
    for protocol in ("hub88", "igsp"):
        aggregator = connect(protocol, currencies={"EU1": "EUR"})
        says(aggregator.bet("b1", "1.00"), "wrong currency", aggregator)
        aggregator.currency = "EU1"
        assert aggregator.bet("b2", "1.00").body["currency"] == "EU1"


def test_a_disabled_integration_places_no_bet_and_takes_wins(aggregator: Any) -> None:
    from wallet.adapters.dispatch import forget_integrations

    aggregator.bet("b1", "10.00")
    change_integration(
        code=aggregator.code,
        name="off",
        status=IntegrationStatus.DISABLED,
        currencies={},
        amount_scale=100_000,
        allowed_ips=(),
        actor=ACTOR,
        at=AT,
    )
    forget_integrations()
    says(aggregator.bet("b2", "10.00"), "disabled", aggregator)
    assert aggregator.win("w1", "b1", "5.00").balance == "95.00"


# --- free rounds ----------------------------------------------------------------------------------------------------


def test_a_free_bet_leaves_the_cash_untouched_and_its_win_is_real(aggregator: Any, player: PlayerDetails) -> None:
    assert aggregator.bet("f1", "2.00", free=True).balance == "100.00"
    assert aggregator.win("w1", "f1", "7.00", free=True).balance == "107.00"
    assert kinds(player) == {"deposit": 1, "free_bet": 1, "free_win": 1}
    assert {purse.kind: str(purse.balance) for purse in list_purses(player.id)} == {AccountKind.REAL: "107.00"}


def test_a_free_bet_can_be_placed_without_money(aggregator: Any) -> None:
    aggregator.bet("b1", "100.00")
    assert aggregator.bet("f1", "2.00", free=True, round_id="r2").balance == "0.00"


def test_free_bets_are_as_exact_as_others(aggregator: Any, player: PlayerDetails) -> None:
    for _ in range(2):
        assert aggregator.bet("f1", "2.00", free=True).balance == "100.00"
    says(aggregator.bet("f1", "3.00", free=True), "other content", aggregator)
    says(aggregator.bet("f1", "2.00"), "other content", aggregator)
    for _ in range(2):
        assert aggregator.win("w1", "f1", "7.00", free=True).balance == "107.00"
    says(aggregator.win("w1", "f1", "8.00", free=True), "other content", aggregator)
    assert aggregator.win("w2", "f1", "0", free=True).balance == "107.00"
    for _ in range(2):
        assert aggregator.undo("u1", "f1", "2.00").balance == "100.00"
    assert aggregator.undo("u2", "f1", "2.00").balance == "100.00"
    says(aggregator.win("w3", "f1", "1.00", free=True), "unknown bet", aggregator)
    assert kinds(player) == {"deposit": 1, "free_bet": 1, "free_win": 2, "rollback": 1}


def test_winnings_of_a_free_bet_that_are_spent(aggregator: Any) -> None:
    aggregator.bet("f1", "2.00", free=True)
    aggregator.win("w1", "f1", "7.00", free=True)
    aggregator.bet("b1", "105.00", round_id="r2")
    says(aggregator.undo("u1", "f1", "2.00"), "spent", aggregator)
    assert aggregator.balance().balance == "2.00"


def test_a_bet_of_nothing_is_played_for_free(aggregator: Any) -> None:
    assert aggregator.bet("b1", "0").balance == "100.00"
    assert aggregator.win("w1", "b1", "1.00").balance == "101.00"
