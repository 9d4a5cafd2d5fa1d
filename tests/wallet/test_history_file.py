"""The file of a player's history says of every movement what the API says of it."""

from __future__ import annotations

import csv
import io

import pytest

from tests.factories import ACTOR, AT, make_game, make_player
from tests.wallet.payments import pay_in, withdraw
from tests.wallet.purses import charge, eur, give_bonus, on, said
from tests.wallet.test_deposit_endings import say
from tests.wallet.test_services_adjustments import adjust
from wallet.ports import PaymentState
from wallet.selectors import get_balances
from wallet.selectors_history import list_history
from wallet.services.bets import credit_win, place_bet, roll_back_bet
from wallet.services.exports import export_history
from wallet.services.free_spins import end_free_spins, grant_free_spins, use_free_spins
from wallet.services.holds import capture, release, reserve
from wallet.services.payment_sending import send_due
from wallet.services.purses import close_bonus_purse
from wallet.services.tournaments import buy_in, refund_tournament, settle_tournament
from wallet.services.withdrawal_decisions import approve_withdrawal, reject_withdrawal
from wallet.types import HistoryFilter, TransferKind
from wallet.types_purses import FeeKind, FreeSpinsTerms

pytestmark = pytest.mark.usefixtures("db")

# Not made here: they are one entry on real money, as an adjustment is.
OTHERS = {TransferKind.WRITE_OFF, TransferKind.DORMANT_FEE, TransferKind.JACKPOT_WIN, TransferKind.WITHDRAWAL_RETURN}


def test_every_kind_of_movement_reads_alike_in_the_file_and_in_the_api() -> None:
    make_game()
    player = make_player().id
    for kind in FeeKind:
        charge(kind, percent="10")
    deposit = pay_in(player, "200.00")

    bonus = give_bonus(player, "5.00", priority=-1)
    place_bet(stake=eur("8.00"), **on(), **said(player, "mixed"))
    credit_win(bet_key="mixed", amount=eur("10.00"), raked=True, **said(player))
    close_bonus_purse(purse_id=bonus, release=True, currency="EUR", **said(player))
    lost = give_bonus(player, "5.00")
    close_bonus_purse(purse_id=lost, release=False, currency="EUR", **said(player))
    place_bet(stake=eur("3.00"), **on(), **said(player, "undone"))
    roll_back_bet(bet_key="undone", **said(player))

    spins, _ = grant_free_spins(terms=FreeSpinsTerms(3, eur("0.50")), **said(player))
    use_free_spins(value=eur("0.00"), **on(), **said(player, "spin"))
    credit_win(bet_key="spin", amount=eur("2.00"), **said(player))
    end_free_spins(purse_id=spins, why="forfeited", currency="EUR", **said(player))

    for cup in ("won", "called off"):
        assert buy_in(tournament=cup, amount=eur("10.00"), **said(player)).ok
        assert buy_in(tournament=cup, amount=eur("10.00"), rebuy=True, **said(player)).ok
    settle_tournament(tournament="won", prize=eur("30.00"), **said(player))
    refund_tournament(tournament="called off", currency="EUR", **said(player))

    reserve(amount=eur("6.00"), **on(), **said(player, "hold"))
    capture(hold_key="hold", amount=eur("2.00"), **said(player))
    release(hold_key="hold", currency="EUR", **said(player))

    paid, refused = withdraw(player, "40.00", key="paid"), withdraw(player, "10.00", key="refused")
    approve_withdrawal(withdrawal_id=paid.id, actor=ACTOR, at=AT)
    reject_withdrawal(withdrawal_id=refused.id, reason="No.", actor=ACTOR, at=AT)
    send_due(actor=ACTOR, at=AT)
    adjust(player, "1.50")
    say(deposit.id, PaymentState.CHARGED_BACK, "20.00")
    say(deposit.id, PaymentState.REINSTATED, "20.00", number=2)

    said_by_api = [
        {
            "id": str(row.id),
            "kind": row.kind.value,
            "amount": str(row.amount),
            "real_after": "" if row.real_after is None else str(row.real_after),
            "game": row.game,
            "round": row.round,
            "bet_id": str(row.bet_id or ""),
            "reference": row.reference,
        }
        for row in reversed(list_history(player, wanted=HistoryFilter(), limit=200).items)
    ]
    file = b"".join(export_history(player_id=player, since=None, until=None)).decode()
    rows = [{name: row[name] for name in said_by_api[0]} for row in csv.DictReader(io.StringIO(file))]
    assert rows == said_by_api
    assert {row["kind"] for row in rows} == set(TransferKind) - OTHERS
    assert rows[-1]["real_after"] == str(get_balances(player).real)
