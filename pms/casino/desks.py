"""Work for the desks of the demo: withdrawals with reasons, a chargeback, a report that does not agree, a dispute, a
correction and a large payout that wait for a second person, an aggregator that has called.

Everything goes through the public services, and once: what the keys of an earlier run have made is found again.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.test import Client

from kernel.actors import Actor, system
from kernel.errors import DomainError
from kernel.money import Money
from players.selectors import find_refusal, list_players
from players.types import PlayerAction, PlayerDetails, Status
from pms.casino.extras import contributions, ensure_extras, welcome
from pms.casino.games import catalogue
from pms.casino.seeding import CURRENCY, SOURCE
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.selectors import get_balances, list_deposits, list_games, list_instruments
from wallet.services import reconciliation
from wallet.services.adjustments import adjust
from wallet.services.bets import play
from wallet.services.deposits import request_deposit
from wallet.services.disputes import open_dispute
from wallet.services.game_sessions import issue_session
from wallet.services.holds import reserve
from wallet.services.integrations import add_key, create_integration, map_games
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due
from wallet.services.period_exports import request_export, write_exports
from wallet.services.tournaments import buy_in
from wallet.services.withdrawal_decisions import approve_withdrawal, reject_withdrawal
from wallet.services.withdrawals import request_withdrawal
from wallet.types_adapters import AdapterProtocol
from wallet.types_exports import ExportFilter
from wallet.types_payments import DepositState, WithdrawalDetails
from wallet.types_purses import RoundExtras
from wallet.types_reconciliation import MappingTerms, ReportSide

ACTOR = system("casino")
INTEGRATION = "demo-games"
# Amount paid in, amount asked for, the sandbox's instrument, hours ago.
_WITHDRAWALS = (
    ("200.00", "150.00", "tok_ok~visa", 30),
    ("90.00", "90.00", "tok_ok~shared", 11),
    ("50.00", "40.00", "tok_ok~shared", 9),
    ("800.00", "620.00", "tok_ok~bank", 5),
    ("60.00", "25.00", "tok_ok~wallet", 2),
    ("9000.00", "7500.00", "tok_ok~highroller", 1),
    ("300.00", "120.00", "tok_payout_pending", 20),
    ("300.00", "200.00", "tok_payout_partial", 26),
    ("300.00", "80.00", "tok_ok~refused", 28),
    ("300.00", "110.00", "tok_payout_timeout", 22),
)
_LARGE, _APPROVED, _REJECTED = 5, (6, 7, 9), 8


@dataclass(frozen=True, slots=True)
class Desks:
    """Fills them, as ``clerk`` (staff who may do all of it) at ``at``."""

    clerk: Actor
    at: datetime

    def fill(self) -> None:
        """Raises: what a service refuses unexpectedly."""
        found = [row for row in list_players(status=Status.ACTIVE, limit=200) if row.currency == CURRENCY]
        players = [row for row in found if not self._restricted(row)][: len(_WITHDRAWALS) + 4]
        if len(players) < len(_WITHDRAWALS) + 4:
            return
        self._withdrawals(players)
        charged_back, disputing, corrected, playing = players[len(_WITHDRAWALS) :]
        self._chargeback(charged_back)
        self._dispute(disputing)
        self._correction(corrected)
        self._report()
        self._aggregator(playing)
        self._purses(playing)
        self._export()

    def _purses(self, player: PlayerDetails) -> None:
        """Fees and jackpots in force; one who paid into a jackpot, has free spins and plays in a tournament."""
        ensure_extras(self.at)
        key = f"desks.extras.{player.id}"
        self._pay_in(player.id, "150.00", "tok_ok", "tournament", 1)
        game, stake = catalogue()[0], Money.parse("2.00", CURRENCY)
        play(
            player_id=player.id,
            source=SOURCE,
            idempotency_key=f"{key}.bet",
            game=game.code,
            round_id=f"{key}.bet",
            stake=stake,
            win=Money.parse("3.00", CURRENCY),
            extras=RoundExtras(contributions(game, stake.amount_minor), True),
            actor=ACTOR,
            at=self.at,
        )
        welcome(player.id, source=SOURCE, key=key, actor=ACTOR, at=self.at)
        buy_in(
            player_id=player.id,
            tournament="Saturday cup",
            amount=Money.parse("20.00", CURRENCY),
            source=SOURCE,
            idempotency_key=f"{key}.cup",
            actor=ACTOR,
            at=self.at,
        )

    def _export(self) -> None:
        """The file of the last day, as an auditor asks for it."""
        wanted = ExportFilter(self.at - timedelta(days=1), self.at)
        request_export(wanted=wanted, actor=self.clerk, at=self.at)
        write_exports(at=self.at)

    def _restricted(self, player: PlayerDetails) -> bool:
        """Whoever may not take money out, or pay in: the second is asked by paying in."""
        if find_refusal(player.id, PlayerAction.WITHDRAW, self.at):
            return True
        try:
            return self._pay_in(player.id, "20.00", "tok_ok", "probe", 40).state is not DepositState.MADE
        except DomainError:
            return True

    def _pay_in(self, player_id: UUID, amount: str, token: str, key: str, hours: float):  # type: ignore[no-untyped-def]
        return request_deposit(
            player_id=player_id,
            amount=Money.parse(amount, CURRENCY),
            provider="sandbox",
            instrument=token,
            source=SOURCE,
            idempotency_key=f"desks.{key}.{player_id}",
            actor=ACTOR,
            at=self.at - timedelta(hours=hours),
        )

    def _withdrawals(self, players: list[PlayerDetails]) -> None:
        asked = [self._withdraw(player.id, *row) for player, row in zip(players, _WITHDRAWALS, strict=False)]
        approve_withdrawal(
            withdrawal_id=asked[_LARGE].id, reason="Won on a live table, seen in play.", actor=self.clerk, at=self.at
        )
        for number in _APPROVED:
            approve_withdrawal(withdrawal_id=asked[number].id, actor=self.clerk, at=self.at - timedelta(hours=18))
        reject_withdrawal(
            withdrawal_id=asked[_REJECTED].id,
            reason="The card's owner has another name.",
            actor=self.clerk,
            at=self.at - timedelta(hours=3),
        )
        send_due(actor=ACTOR, at=self.at - timedelta(hours=17))

    def _withdraw(self, player_id: UUID, paid_in: str, amount: str, token: str, hours: int) -> WithdrawalDetails:
        self._pay_in(player_id, paid_in, token, "deposit", hours + 1)
        instrument = max(list_instruments(player_id), key=lambda row: row.added_at)
        return request_withdrawal(
            player_id=player_id,
            amount=Money.parse(amount, CURRENCY),
            instrument_id=instrument.id,
            source=SOURCE,
            idempotency_key=f"desks.withdrawal.{player_id}",
            actor=ACTOR,
            at=self.at - timedelta(hours=hours),
        )

    def _chargeback(self, player: PlayerDetails) -> None:
        deposit = self._pay_in(player.id, "120.00", "tok_ok~stolen", "stolen", 50)
        for number, amount in enumerate(("45.00", "75.00"), 1):
            answer = PaymentAnswer(
                PaymentState.CHARGED_BACK, deposit.provider_reference, "fraudulent", Money.parse(amount, CURRENCY)
            )
            headers, body = SandboxProvider().webhook(Direction.IN, deposit.id, answer, self.at, number)
            receive_notice(provider="sandbox", headers=headers, body=body, at=self.at)

    def _dispute(self, player: PlayerDetails) -> None:
        open_dispute(
            player_id=player.id,
            subject="A round ended without a win",
            story="Says that the wheel stopped on their number and nothing was paid; sent a picture.",
            claimed=Money.parse("35.00", CURRENCY),
            actor=self.clerk,
            idempotency_key=f"desks.dispute.{player.id}",
            at=self.at - timedelta(hours=7),
        )

    def _correction(self, player: PlayerDetails) -> None:
        adjust(
            player_id=player.id,
            amount=Money.parse("250.00", CURRENCY),
            reason="game_malfunction",
            evidence="The provider confirms that the bonus round of 14:20 was lost.",
            actor=self.clerk,
            idempotency_key=f"desks.correction.{player.id}",
            at=self.at - timedelta(hours=2),
        )
        reserve(
            player_id=player.id,
            source=SOURCE,
            idempotency_key=f"desks.hold.{player.id}",
            game=list_games(active=True)[0].code,
            round_id="demo-match",
            amount=min(Money.parse("10.00", CURRENCY), get_balances(player.id).real),
            actor=ACTOR,
            at=self.at - timedelta(hours=1),
        )

    def _report(self) -> None:
        """The sandbox's own list of the last days, with what real ones have: other amounts, gaps, strangers, noise."""
        terms = MappingTerms(
            name="Sandbox, daily",
            side=ReportSide.PAYMENTS,
            source="sandbox",
            reference_column="id",
            amount_column="amount",
            time_column="created",
            currency_column="currency",
            covers=("deposit", "payout", "chargeback"),
            kind_column="type",
            kinds={"charge": "deposit", "payout": "payout", "dispute": "chargeback", "fee": "fee"},
            fee_column="fee",
        )
        mapping_id = reconciliation.ensure_mapping(terms=terms, actor=self.clerk, at=self.at)
        first_day = self.at - timedelta(days=2)
        deposits = [
            deposit
            for player in list_players(limit=1000)
            for deposit in list_deposits(player.id)
            if deposit.state is DepositState.MADE and deposit.settled_at and deposit.settled_at > first_day
        ]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("id", "type", "amount", "fee", "currency", "created"))
        for number, deposit in enumerate(deposits):
            amount = deposit.amount + Money(500, CURRENCY) if number % 40 == 7 else deposit.amount
            if number % 50 != 11:
                moment = deposit.settled_at.isoformat() if deposit.settled_at else ""
                writer.writerow((deposit.provider_reference, "charge", amount, "0.35", CURRENCY, moment))
        moment = (self.at - timedelta(hours=4)).isoformat()
        writer.writerow(("sbx_of_nobody", "charge", "49.90", "0.35", CURRENCY, moment))
        writer.writerow(("sbx_of_nobody_2", "payout", "-80.00", "0.10", CURRENCY, moment))
        writer.writerow(("monthly", "fee", "-29.00", "", CURRENCY, moment))
        writer.writerow(("broken", "charge", "12,5O", "", CURRENCY, moment))
        reconciliation.upload_report(
            mapping_id=mapping_id,
            file_name=f"sandbox-{self.at:%Y-%m-%d}.csv",
            content=text.getvalue().encode(),
            actor=self.clerk,
            at=self.at,
        )
        reconciliation.match_reports(at=self.at)

    def _aggregator(self, player: PlayerDetails) -> None:
        """Calls of a game provider over HTTP, as they come: good ones, a late one, one signed wrongly."""
        create_integration(
            code=INTEGRATION, name="Demo games", protocol=AdapterProtocol.SWIPEGAMES, actor=self.clerk, at=self.at
        )
        secret = add_key(integration=INTEGRATION, name="first", actor=self.clerk, at=self.at)
        games = list_games(active=True)[:5]
        map_games(
            integration=INTEGRATION,
            games={f"dg-{game.code}": game.code for game in games},
            actor=self.clerk,
            at=self.at,
        )
        _, token = issue_session(
            player_id=player.id,
            integration=INTEGRATION,
            game=games[0].code,
            ttl_seconds=3600,
            source=SOURCE,
            idempotency_key=f"desks.session.{player.id}",
            actor=ACTOR,
            at=self.at,
        )
        base = {"type": "regular", "sessionID": token, "roundID": "demo-round-1"}
        calls = [
            ("bet", base | {"amount": "2.00", "txID": "demo-1"}, secret),
            ("win", base | {"amount": "5.00", "txID": "demo-2"}, secret),
            ("bet", base | {"amount": "3.00", "txID": "demo-1"}, secret),
            ("bet", base | {"amount": "900000.00", "txID": "demo-3"}, secret),
            ("win", base | {"amount": "1.00", "txID": "demo-4", "roundID": "never-seen"}, secret),
            ("refund", {"sessionID": token, "txID": "demo-5", "origTxID": "demo-unknown", "amount": "2.00"}, secret),
            ("bet", base | {"amount": "2.00", "txID": "demo-6"}, "not the secret"),
        ]
        host = next(
            (host for host in settings.ALLOWED_HOSTS if host not in ("*",) and not host.startswith(".")), "localhost"
        )
        logging.disable(logging.WARNING)  # what is refused here is refused on purpose
        for call, body, key in calls:
            raw = json.dumps(body).encode()
            sign = hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()
            Client(raise_request_exception=False, headers={"host": host}).post(
                f"/adapters/swipegames/{INTEGRATION}/{call}",
                raw,
                content_type="application/json",
                headers={"X-REQUEST-SIGN": sign},
            )
        logging.disable(logging.NOTSET)
