"""Bets, wins and rollbacks: the canonical outcomes, and what each does to the purses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from events.catalogue.base import CATALOGUE
from events.catalogue.wallet import BetPlaced, BetRolledBack, WinCredited
from events.selectors import Cursor, read_log
from kernel.errors import FieldErrors
from kernel.ids import uuid7
from kernel.money import Money
from players.services.accounts import change_status
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind, Status
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import get_balances, list_ledger, list_purses, list_transactions
from wallet.services.bets import credit_win, place_bet, play, roll_back_bet
from wallet.services.games import upsert_games
from wallet.services.purses import close_bonus_purse, open_bonus_purse
from wallet.types import GameCategory, Outcome, Posting, PurseTerms, TransferKind

pytestmark = pytest.mark.usefixtures("db")


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    return player


def win(player: PlayerDetails, bet_key: str, amount: str, key: str = "win") -> Posting:
    return credit_win(
        player_id=player.id, source="test", idempotency_key=key, bet_key=bet_key, amount=eur(amount), actor=ACTOR, at=AT
    )


def rollback(player: PlayerDetails, bet_key: str, key: str = "rollback") -> Posting:
    return roll_back_bet(
        player_id=player.id, source="test", idempotency_key=key, bet_key=bet_key, currency="EUR", actor=ACTOR, at=AT
    )


def play_once(player: PlayerDetails, stake: str, won: str, key: str = "play") -> Posting:
    return play(
        player_id=player.id,
        source="test",
        idempotency_key=key,
        game="fruits",
        round_id="r1",
        stake=eur(stake),
        win=eur(won),
        actor=ACTOR,
        at=AT,
    )


def bonus(player: PlayerDetails, amount: str, key: str = "grant", **terms: object) -> object:
    purse_id, posting = open_bonus_purse(
        player_id=player.id,
        amount=eur(amount),
        terms=PurseTerms(**terms),  # type: ignore[arg-type]
        source="test",
        idempotency_key=key,
        actor=ACTOR,
        at=AT,
    )
    assert posting.ok
    return purse_id


def balances(player: PlayerDetails) -> tuple[str, str]:
    now = get_balances(player.id)
    return str(now.real), str(now.bonus)


def test_a_bet_debits_at_once(player: PlayerDetails) -> None:
    posting = bet(player.id, "30.00")
    assert (posting.outcome, posting.real) == (Outcome.APPLIED, eur("70.00"))
    assert balances(player) == ("70.00", "0.00")


def test_a_lost_play_and_a_won_play(player: PlayerDetails) -> None:
    assert play_once(player, "10.00", "0.00", "p1").win_transfer_id is None
    won = play_once(player, "10.00", "25.50", "p2")
    assert won.win_transfer_id is not None
    assert balances(player) == ("105.50", "0.00")


def test_the_same_key_and_content_is_replayed(player: PlayerDetails) -> None:
    first = play_once(player, "10.00", "5.00")
    again = play_once(player, "10.00", "5.00")
    assert again.outcome is Outcome.REPLAYED
    assert (again.transfer_id, again.win_transfer_id) == (first.transfer_id, first.win_transfer_id)
    assert balances(player) == ("95.00", "0.00")


@pytest.mark.parametrize(("stake", "won"), [("10.01", "5.00"), ("10.00", "5.01"), ("10.00", "0.00")])
def test_the_same_key_with_other_content_is_a_conflict(player: PlayerDetails, stake: str, won: str) -> None:
    play_once(player, "10.00", "5.00")
    assert play_once(player, stake, won).outcome is Outcome.CONFLICT
    assert balances(player) == ("95.00", "0.00")


def test_a_bet_and_a_play_under_one_key_conflict(player: PlayerDetails) -> None:
    play_once(player, "10.00", "0.00", "k")
    assert bet(player.id, "10.00", key="k").outcome is Outcome.CONFLICT


def test_another_players_key_is_a_conflict(player: PlayerDetails) -> None:
    other = make_player()
    fund(other.id)
    bet(player.id, "1.00", key="shared")
    assert bet(other.id, "1.00", key="shared").outcome is Outcome.CONFLICT


def test_sources_do_not_share_keys(player: PlayerDetails) -> None:
    bet(player.id, "1.00", key="k", source="one")
    assert bet(player.id, "1.00", key="k", source="two").outcome is Outcome.APPLIED


def test_a_stake_beyond_the_balance_is_refused_for_good(player: PlayerDetails) -> None:
    refused = bet(player.id, "100.01", key="k")
    assert (refused.outcome, refused.reason, refused.real) == (
        Outcome.REFUSED,
        "insufficient_funds",
        eur("100.00"),
    )
    fund(player.id, "50.00")
    # A late copy of the refused bet must not be placed after a deposit: the game has long told the player "no".
    assert bet(player.id, "100.01", key="k").outcome is Outcome.REFUSED
    assert bet(player.id, "100.01").outcome is Outcome.APPLIED


def test_refusals_name_their_reason(player: PlayerDetails) -> None:
    make_game("retired", active=False)
    assert bet(player.id, "1.00", game="retired").reason == "unknown_game"
    assert bet(player.id, "1.00", game="nowhere").reason == "unknown_game"
    assert bet(uuid7(), "1.00").reason == "unknown_player"
    assert bet(player.id, "1", currency="JPY").reason == "wrong_currency"


@pytest.mark.parametrize(
    "kind", [RestrictionKind.PLAY_BLOCK, RestrictionKind.SELF_EXCLUDED, RestrictionKind.FRAUD_HOLD]
)
def test_a_restricted_player_cannot_bet_but_is_paid(player: PlayerDetails, kind: RestrictionKind) -> None:
    bet(player.id, "10.00", key="before")
    impose(player_id=player.id, kind=kind, reason="test", source="staff", actor=ACTOR, at=AT)
    assert bet(player.id, "1.00").reason == kind
    assert win(player, "before", "20.00").outcome is Outcome.APPLIED
    assert rollback(player, "before").outcome is Outcome.APPLIED


def test_a_restriction_holds_from_its_beginning_until_its_end(player: PlayerDetails) -> None:
    day = timedelta(days=1)
    impose(
        player_id=player.id,
        kind=RestrictionKind.COOLING_OFF,
        reason="asked for it",
        source="player",
        actor=ACTOR,
        at=AT,
        active_until=AT + day,
    )
    assert bet(player.id, "1.00", at=AT - timedelta(seconds=1)).outcome is Outcome.APPLIED
    assert bet(player.id, "1.00", at=AT).reason == "cooling_off"
    assert bet(player.id, "1.00", at=AT + day - timedelta(seconds=1)).reason == "cooling_off"
    assert bet(player.id, "1.00", at=AT + day).outcome is Outcome.APPLIED


def test_a_marketing_block_does_not_stop_play(player: PlayerDetails) -> None:
    impose(player_id=player.id, kind=RestrictionKind.MARKETING_BLOCK, reason="x", source="staff", actor=ACTOR, at=AT)
    assert bet(player.id, "1.00").ok


def test_a_suspended_account_cannot_bet(player: PlayerDetails) -> None:
    change_status(player_id=player.id, to=Status.SUSPENDED, reason="test", actor=ACTOR, at=AT)
    assert bet(player.id, "1.00").reason == "status_suspended"


def test_a_bet_draws_real_money_first_and_its_win_returns_in_proportion(player: PlayerDetails) -> None:
    bonus(player, "50.00")
    bet(player.id, "130.00", key="b")  # 100 real, 30 bonus
    assert balances(player) == ("0.00", "20.00")
    win(player, "b", "100.01")  # 30/130 of it, rounded down, to the bonus purse
    assert balances(player) == ("76.94", "43.07")


def test_an_odd_cent_goes_to_real_money(player: PlayerDetails) -> None:
    bonus(player, "100.00")
    bet(player.id, "200.00", key="b")
    win(player, "b", "0.01")
    assert balances(player) == ("0.01", "0.00")


def test_a_win_on_a_stake_of_bonus_alone_is_bonus(player: PlayerDetails) -> None:
    bet(player.id, "100.00")
    bonus(player, "10.00", "g1")
    bonus(player, "10.00", "g2")
    bet(player.id, "15.00", key="b")
    win(player, "b", "30.01")  # 2/3 and 1/3: the cent that is left goes to the first
    assert balances(player) == ("0.00", "35.01")
    assert [str(purse.balance) for purse in list_purses(player.id)] == ["0.00", "20.01", "15.00"]


def test_a_purse_that_does_not_fit_the_game_is_skipped(player: PlayerDetails) -> None:
    make_game("roulette", GameCategory.TABLE)
    bonus(player, "50.00", game_categories=(GameCategory.SLOTS,))
    assert bet(player.id, "120.00", game="roulette").reason == "insufficient_funds"
    assert bet(player.id, "120.00").ok


def test_an_expired_purse_is_skipped(player: PlayerDetails) -> None:
    bonus(player, "50.00", active_until=AT)
    assert bet(player.id, "120.00", at=AT).reason == "insufficient_funds"


def test_a_stake_above_the_cap_of_a_purse_it_draws_on_is_refused(player: PlayerDetails) -> None:
    bonus(player, "50.00", stake_cap=eur("5.00"))
    assert bet(player.id, "100.00").ok  # real money alone
    assert bet(player.id, "5.01").reason == "stake_above_cap"
    assert bet(player.id, "5.00").ok


def test_several_wins_on_one_bet_are_all_paid(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    assert win(player, "b", "5.00", "w1").outcome is Outcome.APPLIED
    assert win(player, "b", "7.00", "w2").outcome is Outcome.APPLIED
    assert win(player, "b", "7.00", "w2").outcome is Outcome.REPLAYED
    assert win(player, "b", "8.00", "w2").outcome is Outcome.CONFLICT
    assert balances(player) == ("102.00", "0.00")


def test_a_zero_win_is_kept(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    assert win(player, "b", "0.00").outcome is Outcome.APPLIED
    assert win(player, "b", "0.00").outcome is Outcome.REPLAYED


def test_a_win_before_its_bet_goes_through_once_the_bet_is_there(player: PlayerDetails) -> None:
    assert win(player, "b", "5.00").outcome is Outcome.UNKNOWN_REFERENCE
    bet(player.id, "10.00", key="b")
    assert win(player, "b", "5.00").outcome is Outcome.APPLIED


def test_a_win_on_anothers_bet_is_unknown(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    assert win(make_player(), "b", "5.00").outcome is Outcome.UNKNOWN_REFERENCE


def test_a_win_in_another_currency_is_refused(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    posting = credit_win(
        player_id=player.id,
        source="test",
        idempotency_key="w",
        bet_key="b",
        amount=Money(5, "JPY"),
        actor=ACTOR,
        at=AT,
    )
    assert (posting.outcome, posting.reason) == (Outcome.REFUSED, "wrong_currency")


def test_a_rollback_takes_back_bet_and_wins(player: PlayerDetails) -> None:
    bonus(player, "50.00")
    bet(player.id, "130.00", key="b")
    win(player, "b", "130.00", "w1")
    win(player, "b", "13.00", "w2")
    assert rollback(player, "b").outcome is Outcome.APPLIED
    assert balances(player) == ("100.00", "50.00")


def test_a_rollback_is_done_once_whatever_its_keys(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    first = rollback(player, "b", "r1")
    again = rollback(player, "b", "r2")
    assert (again.outcome, again.transfer_id) == (Outcome.REPLAYED, first.transfer_id)
    assert rollback(player, "b", "r2").outcome is Outcome.REPLAYED
    assert balances(player) == ("100.00", "0.00")


def test_a_rollback_of_an_unknown_bet_buries_it(player: PlayerDetails) -> None:
    assert rollback(player, "never").outcome is Outcome.TOMBSTONED
    assert rollback(player, "never").outcome is Outcome.TOMBSTONED
    assert rollback(player, "never", "again").outcome is Outcome.TOMBSTONED
    assert bet(player.id, "10.00", key="never").outcome is Outcome.TOMBSTONED
    assert win(player, "never", "10.00").outcome is Outcome.UNKNOWN_REFERENCE
    assert balances(player) == ("100.00", "0.00")


def test_a_rollback_of_a_refused_bet_moves_nothing(player: PlayerDetails) -> None:
    bet(player.id, "1000.00", key="b")
    assert rollback(player, "b").outcome is Outcome.TOMBSTONED
    assert balances(player) == ("100.00", "0.00")


def test_a_rollback_of_anothers_bet_is_unknown(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    assert rollback(make_player(), "b").outcome is Outcome.UNKNOWN_REFERENCE
    assert balances(player) == ("90.00", "0.00")


def test_a_rollback_of_a_win_or_a_deposit_is_unknown(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    win(player, "b", "5.00", "w")
    assert rollback(player, "w").outcome is Outcome.UNKNOWN_REFERENCE


def test_a_win_after_the_rollback_is_unknown(player: PlayerDetails) -> None:
    bet(player.id, "10.00", key="b")
    rollback(player, "b")
    assert win(player, "b", "5.00").outcome is Outcome.UNKNOWN_REFERENCE


def test_a_rollback_waits_until_spent_winnings_are_there_again(player: PlayerDetails) -> None:
    bet(player.id, "100.00", key="b")
    win(player, "b", "500.00", "w")
    bet(player.id, "450.00")
    refused = rollback(player, "b")
    assert (refused.outcome, refused.reason, refused.real) == (Outcome.REFUSED, "winnings_spent", eur("50.00"))
    fund(player.id, "350.00")
    assert rollback(player, "b").outcome is Outcome.APPLIED
    assert balances(player) == ("0.00", "0.00")


def test_late_money_of_a_released_purse_is_real(player: PlayerDetails) -> None:
    bet(player.id, "100.00")
    purse_id = bonus(player, "20.00")
    bet(player.id, "10.00", key="b")
    close_bonus_purse(
        player_id=player.id,
        purse_id=purse_id,  # type: ignore[arg-type]
        release=True,
        currency="EUR",
        source="test",
        idempotency_key="release",
        actor=ACTOR,
        at=AT,
    )
    assert balances(player) == ("10.00", "0.00")
    win(player, "b", "7.00")
    assert balances(player) == ("17.00", "0.00")


def test_late_money_of_a_forfeited_purse_is_the_houses(player: PlayerDetails) -> None:
    bet(player.id, "100.00")
    purse_id = bonus(player, "20.00")
    bet(player.id, "10.00", key="b")
    for _ in range(2):
        close_bonus_purse(
            player_id=player.id,
            purse_id=purse_id,  # type: ignore[arg-type]
            release=False,
            currency="EUR",
            source="test",
            idempotency_key="forfeit",
            actor=ACTOR,
            at=AT,
        )
    assert win(player, "b", "7.00").outcome is Outcome.APPLIED
    assert rollback(player, "b").outcome is Outcome.APPLIED
    assert balances(player) == ("0.00", "0.00")


def test_a_retried_grant_is_one_purse(player: PlayerDetails) -> None:
    assert bonus(player, "20.00") == bonus(player, "20.00")
    assert balances(player) == ("100.00", "20.00")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("stake", {"stake": Money(0, "EUR")}),
        ("stake", {"stake": Money(-1, "EUR")}),
        ("win", {"win": Money(-1, "EUR")}),
        ("win", {"win": Money(1, "JPY")}),
        ("idempotency_key", {"idempotency_key": ""}),
        ("idempotency_key", {"idempotency_key": "x" * 201}),
        ("round_id", {"round_id": "a\x00b"}),
        ("game", {"game": ""}),
    ],
)
def test_bad_input_names_its_field(player: PlayerDetails, field: str, change: dict[str, object]) -> None:
    good = {
        "player_id": player.id,
        "source": "test",
        "idempotency_key": "k",
        "game": "fruits",
        "round_id": "r",
        "stake": eur("1.00"),
        "win": eur("0.00"),
        "actor": ACTOR,
        "at": AT,
    }
    with pytest.raises(FieldErrors) as caught:
        play(**(good | change))  # type: ignore[arg-type]
    assert list(caught.value.errors) == [field]


def test_events_tell_what_happened_in_amounts_of_money(player: PlayerDetails) -> None:
    bonus(player, "50.00")
    bet(player.id, "130.00", key="b")
    win(player, "b", "13.00")
    rollback(player, "b")
    names = [BetPlaced.wire_name, WinCredited.wire_name, BetRolledBack.wire_name]
    placed, won, undone = (
        CATALOGUE[event.type].from_log(event.player_id, event.occurred_at, event.payload)
        for event in read_log(Cursor(), names, 10)[0]
    )
    assert isinstance(placed, BetPlaced)
    assert isinstance(won, WinCredited)
    assert isinstance(undone, BetRolledBack)
    assert (str(placed.stake), str(placed.real), str(placed.bonus), str(placed.real_eur)) == (
        "130.00",
        "100.00",
        "30.00",
        "100.00",
    )
    assert (str(won.amount), str(won.real), str(won.bonus), won.bet_id) == ("13.00", "10.00", "3.00", placed.bet_id)
    assert (str(undone.real), str(undone.bonus), str(undone.won_real), str(undone.won_bonus)) == (
        "100.00",
        "30.00",
        "10.00",
        "3.00",
    )


def test_currencies_of_no_and_of_three_decimals(db: None, settings: object) -> None:
    settings.PLAYER_CURRENCIES = ["JPY", "KWD"]  # type: ignore[attr-defined]
    make_game()
    for currency, deposit, stake, left in (("JPY", "1000", "1", "999"), ("KWD", "1.000", "0.001", "0.999")):
        rich = make_player(currency=currency)
        fund(rich.id, deposit, currency=currency)
        posting = bet(rich.id, stake, currency=currency)
        assert str(posting.real) == left


def test_history_shows_each_movement_with_the_running_balance(player: PlayerDetails) -> None:
    bet(player.id, "30.00", key="b")
    win(player, "b", "45.00")
    lines = list_ledger(player.id)
    assert [(str(line.amount), str(line.balance_after), line.sequence) for line in lines] == [
        ("45.00", "115.00", 3),
        ("-30.00", "70.00", 2),
        ("100.00", "100.00", 1),
    ]
    transactions = list_transactions(player.id)
    assert [(t.kind, str(t.amount), str(t.real_after)) for t in transactions] == [
        (TransferKind.WIN, "45.00", "115.00"),
        (TransferKind.BET, "-30.00", "70.00"),
        (TransferKind.DEPOSIT, "100.00", "100.00"),
    ]
    older = list_transactions(player.id, before=transactions[0].id, limit=1)
    assert [t.kind for t in older] == [TransferKind.BET]
    assert [t.kind for t in list_transactions(player.id, kinds=[TransferKind.DEPOSIT])] == [TransferKind.DEPOSIT]
    assert [str(line.amount) for line in list_ledger(player.id, before=lines[0].id)] == ["-30.00", "100.00"]


def test_a_bet_is_one_round_trip(player: PlayerDetails, django_assert_num_queries: object) -> None:
    play_once(player, "1.00", "2.00")  # the first one has the gate's row compiled
    with django_assert_num_queries(1):  # type: ignore[operator]
        play_once(player, "1.00", "2.00")


def test_games_are_brought_up_to_date(player: PlayerDetails) -> None:
    make_game("fruits", GameCategory.LIVE)
    assert upsert_games([]) == 0
    bet(player.id, "1.00")
    [event] = read_log(Cursor(), [BetPlaced.wire_name], 10)[0]
    assert event.payload["category"] == "live"


def test_place_bet_takes_keywords_only() -> None:
    with pytest.raises(TypeError):
        place_bet("x")  # type: ignore[call-arg,misc]
