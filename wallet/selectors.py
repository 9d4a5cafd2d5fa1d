"""Reads of the wallet. None of them grows with a player's history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from kernel.db import fetch_all, fetch_one
from kernel.errors import NotFound
from kernel.ids import uuid7_unix_ms
from kernel.money import Money
from players.selectors import UnknownPlayer
from wallet.models import Account, Game
from wallet.models_payments import Deposit, Instrument, Payout, ProviderMessage, Withdrawal
from wallet.models_rounds import Jackpot
from wallet.selectors_instruments import label_of
from wallet.types import (
    AccountKind,
    Balances,
    GameCategory,
    GameDetails,
    LedgerLine,
    PurseDetails,
    TransactionDetails,
    TransferKind,
)
from wallet.types_payments import (
    DepositDetails,
    DepositState,
    Funding,
    InstrumentDetails,
    InstrumentKind,
    Ownership,
    PayoutDetails,
    PayoutState,
    ProviderMessageDetails,
    RiskReason,
    WithdrawalDetails,
    WithdrawalState,
)
from wallet.types_purses import JackpotDetails


def get_balances(player_id: UUID) -> Balances:
    """What the player holds now: open purses only, and no bonus whose time is over. Raises: UnknownPlayer."""
    rows = fetch_all(
        """
        SELECT p.currency,
               coalesce(sum(a.balance_minor) FILTER (WHERE a.kind = 'real'), 0)::bigint AS real_minor,
               coalesce(sum(a.balance_minor) FILTER (WHERE a.kind = 'bonus'), 0)::bigint AS bonus_minor,
               coalesce(sum(a.balance_minor) FILTER (WHERE a.kind = 'free_spins'), 0)::bigint AS spins_minor,
               coalesce(sum(a.balance_minor / a.spin_value_minor) FILTER (WHERE a.kind = 'free_spins'), 0)::bigint AS spins,
               coalesce(sum(a.balance_minor) FILTER (WHERE a.kind = 'tournament'), 0)::bigint AS tournament_minor,
               coalesce(sum(a.balance_minor) FILTER (WHERE a.kind = 'held'), 0)::bigint AS held_minor
        FROM players_player p LEFT JOIN wallet_account a ON a.player_id = p.id AND a.closed_at IS NULL
             AND (a.kind <> 'bonus' OR a.active_until IS NULL OR a.active_until > now())
        WHERE p.id = %s GROUP BY p.id
        """,
        [player_id],
    )
    if not rows:
        raise UnknownPlayer(f"There is no player {player_id}.", player_id=str(player_id))
    row = rows[0]
    real, bonus, spins, tournament, held = (
        Money(row[f"{name}_minor"], row["currency"]) for name in ("real", "bonus", "spins", "tournament", "held")
    )
    return Balances(player_id, real, bonus, spins, row["spins"], tournament, held)


def list_purses(player_id: UUID) -> list[PurseDetails]:
    """Open purses in the order in which they are drawn, then closed ones."""
    accounts = Account.objects.filter(player_id=player_id).order_by("closed_at", "priority", "opened_at", "id")
    purses = [
        PurseDetails(
            id=account.id,
            kind=AccountKind(account.kind),
            balance=Money(account.balance_minor or 0, account.currency),
            priority=account.priority,
            stake_cap=None if account.stake_cap_minor is None else Money(account.stake_cap_minor, account.currency),
            game_categories=tuple(account.game_categories or ()),
            game_codes=tuple(account.game_codes or ()),
            spin_value=Money(account.spin_value_minor, account.currency) if account.spin_value_minor else None,
            winnings_id=account.winnings_id,
            subject=account.subject,
            active_until=account.active_until,
            opened_at=account.opened_at,
            closed_at=account.closed_at,
        )
        for account in accounts
    ]
    return sorted(purses, key=lambda purse: purse.closed_at is not None)


def find_purse_balance(purse_id: UUID) -> Money | None:
    """What is in one open purse; None when it is closed or there is none."""
    row = Account.objects.filter(id=purse_id, player__isnull=False, closed_at=None).first()
    return None if row is None or row.balance_minor is None else Money(row.balance_minor, row.currency)


def list_transactions(
    player_id: UUID, *, before: UUID | None = None, limit: int = 50, kinds: list[TransferKind] | None = None
) -> list[TransactionDetails]:
    """A player's transfers, newest first, older than ``before`` (a transfer's id)."""
    rows = fetch_all(
        """
        SELECT t.*, coalesce(e.amount, 0)::bigint AS change_minor, e.fee_minor, e.real_after FROM (
            SELECT * FROM wallet_transfer
            WHERE player_id = %(player)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
              AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s))
            ORDER BY id DESC LIMIT %(limit)s
        ) t LEFT JOIN LATERAL (
            SELECT sum(e.amount_minor) FILTER (WHERE a.player_id IS NOT NULL) AS amount,
                   coalesce(sum(e.amount_minor) FILTER (WHERE a.kind = 'fees'), 0)::bigint AS fee_minor,
                   (array_agg(e.balance_after_minor ORDER BY e.id DESC) FILTER (WHERE a.kind = 'real'))[1] AS real_after
            FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id
            WHERE e.transfer_id = t.id AND e.id >= t.id
        ) e ON true ORDER BY t.id DESC
        """,
        {"player": player_id, "before": before, "kinds": kinds, "limit": limit},
    )
    return [transaction_details(row) for row in rows]


def list_ledger(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[LedgerLine]:
    """A player's purse entries with the running balance of each purse, newest first, older than entry ``before``."""
    rows = fetch_all(
        """
        SELECT e.id, e.transfer_id, e.amount_minor, e.balance_after_minor, e.sequence, a.kind AS purse, a.currency,
               t.kind, t.game, t.round, t.source, t.occurred_at
        FROM (SELECT * FROM wallet_transfer WHERE player_id = %(player)s
              AND (%(before)s::uuid IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s) t
        JOIN wallet_entry e ON e.transfer_id = t.id AND e.id >= t.id
        JOIN wallet_account a ON a.id = e.account_id AND a.player_id IS NOT NULL
        WHERE (%(before)s::uuid IS NULL OR e.id < %(before)s)
        ORDER BY e.id DESC LIMIT %(limit)s
        """,
        {"player": player_id, "before": before, "limit": limit},
    )
    return [
        LedgerLine(
            id=row["id"],
            transfer_id=row["transfer_id"],
            transfer_kind=TransferKind(row["kind"]),
            purse=AccountKind(row["purse"]),
            amount=Money(row["amount_minor"], row["currency"]),
            balance_after=Money(row["balance_after_minor"], row["currency"]),
            sequence=row["sequence"],
            game=row["game"],
            round=row["round"],
            source=row["source"],
            occurred_at=row["occurred_at"],
        )
        for row in rows
    ]


def get_deposit(deposit_id: UUID) -> DepositDetails:
    """Raises: NotFound."""
    deposit = Deposit.objects.filter(id=deposit_id).first()
    if deposit is None:
        raise NotFound(f"There is no deposit {deposit_id}.")
    return _deposit(deposit)


def list_deposits(player_id: UUID, limit: int = 50) -> list[DepositDetails]:
    """Newest first."""
    return [_deposit(row) for row in Deposit.objects.filter(player_id=player_id).order_by("-id")[:limit]]


def list_latest_deposits(limit: int = 10) -> list[DepositDetails]:
    """Of all players, newest first."""
    return [_deposit(row) for row in Deposit.objects.order_by("-id")[:limit]]


def get_instrument(instrument_id: UUID) -> InstrumentDetails:
    """Raises: NotFound."""
    row = _instruments().filter(id=instrument_id).first()
    if row is None:
        raise NotFound(f"There is no instrument {instrument_id}.")
    return _instrument(row)


def list_deposit_sizes(*, currency: str, since: datetime, parts: int = 100) -> tuple[int, list[int]]:
    """How many deposits of a currency were made since, and their sizes at ``parts`` even steps, in minor units."""
    row = fetch_one(
        """SELECT count(*), percentile_disc(ARRAY(SELECT (part + 0.5) / %(parts)s FROM generate_series(0, %(parts)s - 1) part))
               WITHIN GROUP (ORDER BY amount_minor)
           FROM wallet_deposit WHERE number IS NOT NULL AND currency = %(currency)s AND settled_at >= %(since)s""",
        {"parts": parts, "currency": currency, "since": since},
    )
    return row[0], row[1] or []


def list_instruments(player_id: UUID) -> list[InstrumentDetails]:
    """A player's instruments, oldest first."""
    return [_instrument(row) for row in _instruments().filter(player_id=player_id).order_by("id")]


def get_withdrawal(withdrawal_id: UUID) -> WithdrawalDetails:
    """Raises: NotFound."""
    row = Withdrawal.objects.filter(id=withdrawal_id).first()
    if row is None:
        raise NotFound(f"There is no withdrawal {withdrawal_id}.")
    return _withdrawal(row)


def list_withdrawals(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[WithdrawalDetails]:
    """Newest first, older than ``before`` (a withdrawal's id)."""
    rows = Withdrawal.objects.filter(Q(id__lt=before) if before else Q(), player_id=player_id)
    return [_withdrawal(row) for row in rows.order_by("-id")[:limit]]


def list_payouts(withdrawal_id: UUID) -> list[PayoutDetails]:
    """In the order of planning."""
    rows = Payout.objects.filter(withdrawal_id=withdrawal_id).select_related("withdrawal").order_by("id")
    return [_payout(row) for row in rows]


def list_provider_messages(
    payment_ids: list[UUID], limit: int = 200, currency: str = ""
) -> list[ProviderMessageDetails]:
    """What was said about these deposits or payouts, oldest first; with amounts where their ``currency`` is named."""
    rows = ProviderMessage.objects.filter(payment_id__in=payment_ids).order_by("id")[:limit]
    return [
        ProviderMessageDetails(
            payment_id=row.payment_id,
            provider=row.provider,
            call=row.call,
            answer=row.answer,
            reference=row.reference,
            reason=row.reason,
            notice_id=row.notice_id,
            said_at=row.said_at,
            amount=Money(row.amount_minor, currency) if currency and row.amount_minor is not None else None,
        )
        for row in rows
    ]


def list_games(*, active: bool | None = None) -> list[GameDetails]:
    games = Game.objects.filter(Q() if active is None else Q(active=active)).order_by("code")
    return [
        GameDetails(g.code, g.name, g.provider, GameCategory(g.category), g.rtp, g.exclusive, g.active) for g in games
    ]


def sum_house(kind: AccountKind) -> dict[str, Money]:
    """What the accounts of a kind of the house hold, by currency."""
    sums: dict[str, Money] = {}
    for _, balance in _house_accounts(kind):
        sums[balance.currency] = sums.get(balance.currency, Money.zero(balance.currency)) + balance
    return sums


def list_jackpots() -> list[JackpotDetails]:
    """All jackpots by code, with what is in them."""
    held = dict(_house_accounts(AccountKind.JACKPOT))
    return [
        JackpotDetails(row.code, row.name, held.get(row.code, Money.zero(row.currency)))
        for row in Jackpot.objects.order_by("code")
    ]


def _house_accounts(kind: AccountKind) -> list[tuple[str, Money]]:
    """Subject and holding of each: its last checkpoint, and the entries that are not sealed yet."""
    rows = fetch_all(
        """
        WITH sealed AS (
            SELECT s.xid_until, (SELECT kernel_uuid7_floor(started_at) FROM events_epoch
                                 WHERE number = s.epoch AND number > 1) AS moved_here,
                   (SELECT kernel_uuid7_floor(min(started_at)) FROM events_epoch WHERE number > s.epoch) AS moved_on
            FROM (SELECT epoch, xid_until FROM wallet_seal ORDER BY number DESC LIMIT 1) s
            UNION ALL SELECT 0, NULL, NULL WHERE NOT EXISTS (SELECT FROM wallet_seal))
        SELECT a.subject, a.currency, (coalesce(c.total_minor, 0) + coalesce(e.total, 0))::bigint AS total
        FROM sealed CROSS JOIN wallet_account a LEFT JOIN LATERAL (
            SELECT total_minor FROM wallet_housecheckpoint WHERE account_id = a.id ORDER BY seal_id DESC LIMIT 1) c ON true
        LEFT JOIN LATERAL (
            SELECT sum(amount_minor) AS total FROM wallet_entry
            WHERE account_id = a.id AND sequence IS NULL AND (
                (xid >= sealed.xid_until AND (moved_here IS NULL OR id >= moved_here) AND (moved_on IS NULL OR id < moved_on))
                OR id >= moved_on)) e ON true
        WHERE a.player_id IS NULL AND a.kind = %s
        """,
        [kind],
    )
    return [(row["subject"], Money(row["total"], row["currency"])) for row in rows]


def find_seal_of(xid: int, row_id: UUID) -> int | None:
    """The number of the seal over a row that this transaction wrote, or None: it is not sealed yet."""
    number: int | None = fetch_one(
        """SELECT min(number) FROM wallet_seal WHERE xid_until > %s AND epoch = (
               SELECT max(number) FROM events_epoch WHERE number = 1 OR kernel_uuid7_floor(started_at) <= %s)""",
        [xid, row_id],
    )[0]
    return number


def _deposit(row: Deposit) -> DepositDetails:
    return DepositDetails(
        id=row.id,
        player_id=row.player_id,
        amount=Money(row.amount_minor, row.currency),
        taken_back=Money(row.charged_back_minor - row.reinstated_minor, row.currency),
        provider=row.provider,
        state=DepositState(row.state),
        failure_reason=row.failure_reason,
        provider_reference=row.provider_reference,
        number=row.number,
        requested_at=row.requested_at,
        settled_at=row.settled_at,
    )


def _instruments() -> QuerySet[Instrument]:
    return Instrument.objects.select_related("player")


def _instrument(row: Instrument) -> InstrumentDetails:
    currency = row.player.currency
    return InstrumentDetails(
        id=row.id,
        player_id=row.player_id,
        provider=row.provider,
        kind=InstrumentKind(row.kind),
        label=label_of(row),
        paid_in=Money(row.paid_in_minor, currency),
        owed_back=Money(max(row.paid_in_minor - row.paid_out_minor, 0), currency),
        added_at=row.added_at,
        last_used_at=row.last_used_at,
        funding=Funding(row.funding),
        ownership=Ownership(row.ownership),
    )


def _payout(row: Payout) -> PayoutDetails:
    currency = row.withdrawal.currency
    return PayoutDetails(
        id=row.id,
        withdrawal_id=row.withdrawal_id,
        instrument_id=row.instrument_id,
        amount=Money(row.amount_minor, currency),
        fee=Money(row.fee_minor, currency),
        paid=Money(row.paid_minor, currency),
        charged=Money(row.charged_minor, currency),
        state=PayoutState(row.state),
        provider_reference=row.provider_reference,
        failure_reason=row.failure_reason,
        attempts=row.attempts,
        settled_at=row.settled_at,
    )


def _withdrawal(row: Withdrawal) -> WithdrawalDetails:
    return WithdrawalDetails(
        id=row.id,
        player_id=row.player_id,
        amount=Money(row.amount_minor, row.currency),
        approved=Money(row.approved_minor, row.currency),
        paid=Money(row.paid_minor, row.currency),
        fee=Money(row.fee_minor, row.currency),
        charged=Money(row.charged_minor, row.currency),
        returned=Money(row.returned_minor, row.currency),
        instrument_id=row.instrument_id,
        state=WithdrawalState(row.state),
        score=row.score,
        reasons=tuple(RiskReason(**reason) for reason in row.reasons),
        level=row.level,
        automatic=row.automatic,
        cancellable=row.cancellable,
        decision_reason=row.decision_reason,
        failure_reason=row.failure_reason,
        claimed_by=row.claimed_by,
        claimed_until=row.claimed_until,
        approval_id=row.approval_id,
        requested_at=row.requested_at,
        sends_from=row.sends_from,
        settled_at=row.settled_at,
    )


def transaction_details(row: dict[str, Any]) -> TransactionDetails:
    return TransactionDetails(
        id=row["id"],
        kind=TransferKind(row["kind"]),
        amount=Money(row["change_minor"], row["currency"]),
        fee=Money(row["fee_minor"], row["currency"]),
        real_after=None if row["real_after"] is None else Money(row["real_after"], row["currency"]),
        game=row["game"],
        round=row["round"],
        bet_id=row["bet_id"],
        source=row["source"],
        reference=row["reference"],
        occurred_at=row["occurred_at"],
        recorded_at=datetime.fromtimestamp(uuid7_unix_ms(row["id"]) / 1000, UTC),
    )
