"""Postings in other currencies are told in EUR, by the rate that they were stamped with."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from pytest_django import Settings

from events.catalogue.base import CATALOGUE, Event
from kernel.db import fetch_one
from kernel.fx import find_rate, record_rates
from kernel.money import Money
from players.types import PlayerDetails
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.wallet.payments import instrument
from tests.wallet.purses import events, said
from tests.wallet.test_batches import rows_of
from tests.wallet.test_services_withdrawals import ANN
from tests.wallet.test_verify_ledger import broken, damage
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.selectors import list_payouts
from wallet.services import holds
from wallet.services.batches import place_batch
from wallet.services.bets import credit_win, place_bet, play, roll_back_bet
from wallet.services.deposits import request_deposit
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due, settle_payout
from wallet.services.purses import close_bonus_purse, open_bonus_purse
from wallet.services.withdrawal_decisions import approve_withdrawal
from wallet.services.withdrawals import request_withdrawal
from wallet.types import BatchBet, Outcome, PurseTerms

pytestmark = pytest.mark.usefixtures("db")

TODAY = AT.date()
RATES = {"GBP": Decimal("0.83421"), "SEK": Decimal("11.2345"), "JPY": Decimal("160.57"), "KWD": Decimal("0.35317")}
LATER = {"GBP": Decimal("0.9"), "SEK": Decimal(10), "JPY": Decimal(150)}


@pytest.fixture(autouse=True)
def casino(db: None, settings: Settings) -> None:
    settings.PLAYER_CURRENCIES = ["EUR", *RATES]
    settings.WITHDRAWAL_APPROVAL_ABOVE = {"GBP": "1000.00"}
    make_game()


def know(rates: dict[str, Decimal] = RATES, day: date = TODAY) -> None:
    record_rates(rates={day: rates}, source="test", at=AT)


def funded(currency: str, amount: str = "1000", bonus: str = "") -> PlayerDetails:
    player = make_player(currency=currency)
    fund(player.id, amount, currency=currency)
    if bonus:
        _give(player, bonus)
    return player


def _give(player: PlayerDetails, amount: str) -> UUID:
    purse_id, posting = open_bonus_purse(
        amount=Money.parse(amount, player.currency), terms=PurseTerms(), **said(player.id)
    )
    assert posting.ok
    return purse_id


def told(player: PlayerDetails, name: str) -> Any:
    """The player's last event of a name, read by its catalogue."""
    event = events(player.id, name)[-1]
    read: Event = CATALOGUE[event.type].from_log(event.player_id, event.occurred_at, event.payload)
    return read


def eur(amount: str, per_euro: Decimal) -> Decimal:
    """By hand, with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        return (Decimal(amount) / per_euro).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def stamped(player: PlayerDetails, kind: str) -> int | None:
    rate: int | None = fetch_one(
        "SELECT rate_id FROM wallet_transfer WHERE player_id = %s AND kind = %s ORDER BY id DESC LIMIT 1",
        [player.id, kind],
    )[0]
    return rate


def rate_id(currency: str, day: date = TODAY) -> int:
    found: int = fetch_one("SELECT id FROM kernel_exchangerate WHERE currency = %s AND day = %s", [currency, day])[0]
    return found


def won(player: PlayerDetails, bet_key: str, amount: str) -> None:
    credited = credit_win(bet_key=bet_key, amount=Money.parse(amount, player.currency), **said(player.id))
    assert credited.outcome is Outcome.APPLIED


def undo(player: PlayerDetails, bet_key: str) -> None:
    undone = roll_back_bet(bet_key=bet_key, currency=player.currency, **said(player.id))
    assert undone.outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    ("currency", "real", "bonus", "stake"),
    [
        ("GBP", "70.01", "50.00", "100.00"),
        ("SEK", "70.01", "50.00", "100.00"),
        ("JPY", "7001", "5000", "10000"),
        ("KWD", "70.011", "50.000", "100.000"),
    ],
)
def test_a_bet_tells_its_parts_in_eur(currency: str, real: str, bonus: str, stake: str) -> None:
    know()
    player = funded(currency, real, bonus)
    bet(player.id, stake, currency=currency)
    placed = told(player, "bet-placed")
    assert str(placed.real) == real
    assert placed.real_eur == eur(real, RATES[currency])
    assert placed.bonus_eur == eur(str(Decimal(stake) - Decimal(real)), RATES[currency])
    assert stamped(player, "bet") == rate_id(currency)


def test_a_thousand_small_bets_are_worth_what_one_large_one_is() -> None:
    """One yen is less than a cent: rounded to cents it would be worth 60 % more, or nothing."""
    know()
    player = funded("JPY", "2000")
    bet(player.id, "1", currency="JPY")
    each = told(player, "bet-placed").real_eur
    bet(player.id, "1000", currency="JPY")
    together = told(player, "bet-placed").real_eur
    assert abs(each * 1000 - together) <= Decimal("0.0005")
    assert together > Decimal("6.2")


def test_euros_are_told_to_the_cent_and_ask_for_no_rate() -> None:
    def reads() -> int:
        """Of the table of rates, by this session."""
        return int(
            fetch_one("SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'kernel_exchangerate'")[
                0
            ]
        )

    def asked(currency: str, player: PlayerDetails) -> int:
        bet(player.id, "1.00", currency=currency)  # has the gate compiled, which may ask for rates itself
        with transaction.atomic():
            before = reads()
            stake, win = Money.parse("10.00", currency), Money.parse("4.00", currency)
            assert play(stake=stake, win=win, game="fruits", round_id="r", **said(player.id)).ok
            return reads() - before

    know()
    player = funded("EUR", "7.00", "10.00")
    assert asked("EUR", player) == 0
    placed, win = told(player, "bet-placed").payload(), told(player, "win-credited").payload()
    assert (placed["real_eur"], placed["bonus_eur"], win["real_eur"]) == ("6.00", "4.00", win["real"])
    assert stamped(player, "bet") is stamped(player, "win") is None
    assert asked("GBP", funded("GBP")) > 0


def test_without_a_rate_the_bet_stands_and_is_told_without_euros() -> None:
    know(day=TODAY - timedelta(days=8))
    player = funded("GBP", "100.00", "50.00")
    bet(player.id, "120.00", key="b", currency="GBP")
    placed = told(player, "bet-placed")
    assert (placed.real, placed.bonus, placed.real_eur, placed.bonus_eur) == (100, 20, None, None)
    assert told(player, "deposit-made").amount_eur is None
    know(day=TODAY)
    won(player, "b", "12.00")
    undo(player, "b")
    assert told(player, "win-credited").real_eur is None  # what follows a bet is told as the bet was
    assert told(player, "bet-rolled-back").real_eur is None
    bet(player.id, "10.00", currency="GBP")
    assert told(player, "bet-placed").real_eur == eur("10.00", RATES["GBP"])


def test_nothing_is_nothing_in_any_currency() -> None:
    """A bet from bonus money alone has no real turnover, whether a rate is known or not."""
    player = make_player(currency="GBP")
    _give(player, "20.00")
    bet(player.id, "5.00", currency="GBP")
    placed = told(player, "bet-placed")
    assert (placed.real_eur, placed.bonus_eur) == (0, None)


def test_wins_and_rollbacks_are_told_at_the_rate_of_their_bet() -> None:
    know(day=TODAY - timedelta(days=1))
    player = funded("SEK", "500.00")
    bet(player.id, "333.33", key="b", currency="SEK")
    know(LATER)
    won(player, "b", "77.77")
    undo(player, "b")
    assert told(player, "win-credited").real_eur == eur("77.77", RATES["SEK"])
    assert (
        told(player, "bet-rolled-back").real_eur == told(player, "bet-placed").real_eur == eur("333.33", RATES["SEK"])
    )
    of_bet = rate_id("SEK", TODAY - timedelta(days=1))
    assert stamped(player, "win") == stamped(player, "rollback") == of_bet
    bet(player.id, "333.33", currency="SEK")
    assert told(player, "bet-placed").real_eur == eur("333.33", LATER["SEK"])


def test_a_late_win_into_real_money_is_told_too() -> None:
    know()
    player = make_player(currency="GBP")
    purse = _give(player, "20.00")
    bet(player.id, "5.00", key="b", currency="GBP")
    close_bonus_purse(purse_id=purse, release=True, currency="GBP", **said(player.id))
    won(player, "b", "8.00")
    assert told(player, "win-credited").real_eur == eur("8.00", RATES["GBP"])


def test_a_captured_bet_takes_the_rate_of_its_capture() -> None:
    know(day=TODAY - timedelta(days=1))
    player = funded("GBP", "100.00")
    pounds = Money.parse("60.00", "GBP")
    holds.reserve(game="fruits", round_id="match", amount=pounds, **said(player.id, "hold"))
    know(LATER)
    holds.capture(hold_key="hold", amount=pounds, **said(player.id, "capture"))
    assert told(player, "bet-placed").real_eur == eur("60.00", LATER["GBP"])
    undo(player, "capture")
    assert told(player, "bet-rolled-back").real_eur == eur("60.00", LATER["GBP"])


@pytest.mark.parametrize(("currency", "unit"), [("GBP", "1.00"), ("SEK", "1.00"), ("JPY", "1"), ("EUR", "1.00")])
@pytest.mark.parametrize("known", [True, False])
def test_a_batch_tells_what_one_call_per_item_tells(currency: str, unit: str, *, known: bool) -> None:
    if known:
        know()
    stake = Money.parse(unit, currency)
    bet(funded(currency).id, str(stake), currency=currency)  # the house's account: without it no batch posts together
    together, apart = funded(currency), funded(currency)
    results = [None, Money.zero(currency), Money(321, currency), None, Money(7, currency)]
    place_batch(
        items=[
            BatchBet(together.id, f"k{n}", "fruits", f"r{n}", Money(37 * n + 1, currency), win)
            for n, win in enumerate(results)
        ],
        source="batch",
        actor=ACTOR,
        at=AT,
    )
    for n, win in enumerate(results):
        what = {"game": "fruits", "round_id": f"r{n}", "stake": Money(37 * n + 1, currency)}
        key = {"player_id": apart.id, "source": "single", "idempotency_key": f"k{n}", "actor": ACTOR, "at": AT}
        assert (play(**what, **key, win=win) if win is not None else place_bet(**what, **key)).ok  # type: ignore[arg-type]
    batch, single = rows_of([together.id]), rows_of([apart.id])
    assert [row["rate_id"] for row in batch["transfers"]] == [row["rate_id"] for row in single["transfers"]]
    assert [row["payload"] for row in batch["events"]] == [row["payload"] for row in single["events"]]
    euros = {json.loads(row["payload"])["real_eur"] is not None for row in batch["events"]}
    assert euros == {known or currency == "EUR"}


def test_sql_and_python_find_the_same_rate() -> None:
    random = Random(7)
    for ago in random.sample(range(60), 15):
        know({code: rate + ago for code, rate in RATES.items()}, TODAY - timedelta(days=ago))
    for _ in range(200):
        at = AT - timedelta(hours=random.randrange(-10 * 24, 70 * 24))
        for currency in ("EUR", "GBP", "JPY", "USD"):
            found = find_rate(currency, at)
            assert fetch_one("SELECT kernel_rate_id(%s, %s)", [currency, at])[0] == (found.id if found else None)


def say(deposit_id: UUID, state: PaymentState, amount: str, reason: str, number: int) -> None:
    """A notice of the provider; without an amount it is about all that is left."""
    answer = PaymentAnswer(state, "ref", reason, Money.parse(amount, "GBP") if amount else None)
    headers, body = SandboxProvider().webhook(Direction.IN, deposit_id, answer, AT, number)
    receive_notice(provider="sandbox", headers=headers, body=body, at=AT)


@pytest.mark.breaks_ledger
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallet_transfer SET rate_id = NULL WHERE kind = 'win'",
        "UPDATE wallet_transfer SET rate_id = (SELECT id FROM kernel_exchangerate WHERE currency = 'SEK') WHERE kind = 'bet'",
        "UPDATE wallet_transfer SET rate_id = (SELECT id FROM kernel_exchangerate ORDER BY day LIMIT 1) WHERE kind = 'deposit'",
        "UPDATE wallet_transfer SET rate_id = 4711 WHERE kind = 'deposit'",
    ],
)
def test_a_rate_that_a_hand_has_changed_is_found(statement: str) -> None:
    know({"GBP": Decimal("0.1")}, TODAY - timedelta(days=9))
    know()
    player = funded("GBP")
    bet(player.id, "10.00", key="b", currency="GBP")
    won(player, "b", "2.00")
    assert not broken()
    damage(statement)
    assert broken() == {
        "every transfer's exchange rate is one of its currency and its day, or that of the bet which it follows"
    }


class TestPayments:
    def test_a_deposit_and_what_follows_it_are_told_at_one_rate(self) -> None:
        know(day=TODAY - timedelta(days=1))
        player = make_player(currency="GBP")
        deposit = request_deposit(
            amount=Money.parse("100.01", "GBP"), provider="sandbox", instrument="tok_ok", **said(player.id)
        )
        know(LATER)
        say(deposit.id, PaymentState.CHARGED_BACK, "40.00", "fraudulent", 1)
        say(deposit.id, PaymentState.CHARGED_BACK, "", "fraudulent", 2)
        say(deposit.id, PaymentState.REINSTATED, "", "", 3)
        told_of = [event.payload["amount_eur"] for event in events(player.id, "deposit-made", "deposit-charged-back")]
        assert [Decimal(text) for text in told_of] == [eur(part, RATES["GBP"]) for part in ("100.01", "40.00", "60.01")]
        rates = {stamped(player, kind) for kind in ("deposit", "chargeback", "reinstatement")}
        assert rates == {rate_id("GBP", TODAY - timedelta(days=1))}

    def test_a_withdrawal_is_told_at_the_rate_of_its_request(self) -> None:
        know(day=TODAY - timedelta(days=1))
        player = funded("GBP", "500.00")
        withdrawal = request_withdrawal(
            amount=Money.parse("60.01", "GBP"),
            instrument_id=instrument(player.id).id,
            **said(player.id),
        )
        know(LATER)
        approve_withdrawal(withdrawal_id=withdrawal.id, actor=ANN, at=AT)
        send_due(actor=ACTOR, at=AT)
        (payout,) = list_payouts(withdrawal.id)
        back = PaymentAnswer(PaymentState.RETURNED, payout.provider_reference, "account_closed")
        settle_payout(payout_id=payout.id, answer=back, notice_id="back", actor=ACTOR, at=AT + timedelta(hours=2))
        names = ("withdrawal-requested", "withdrawal-paid", "payout-returned")
        assert [event.type.split(".")[1] for event in events(player.id, *names)] == list(names)
        assert {Decimal(event.payload["amount_eur"]) for event in events(player.id, *names)} == {
            eur("60.01", RATES["GBP"])
        }
