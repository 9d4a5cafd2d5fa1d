"""Reads of the wallet. None of them grows with a player's history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from kernel.db import fetch_all
from kernel.errors import NotFound
from kernel.ids import uuid7_unix_ms
from kernel.money import Money
from players.selectors import UnknownPlayer
from wallet.models import Account, Deposit, Game
from wallet.types import (
    AccountKind,
    Balances,
    DepositDetails,
    DepositState,
    GameCategory,
    GameDetails,
    LedgerLine,
    PurseDetails,
    TransactionDetails,
    TransferKind,
)


def get_balances(player_id: UUID) -> Balances:
    """What the player holds now, open purses only. Raises: UnknownPlayer."""
    rows = fetch_all(
        """
        SELECT p.currency,
               coalesce(sum(a.balance_minor) FILTER (WHERE a.kind = 'real'), 0)::bigint AS real_minor,
               coalesce(sum(a.balance_minor) FILTER (WHERE a.kind = 'bonus'), 0)::bigint AS bonus_minor
        FROM players_player p LEFT JOIN wallet_account a ON a.player_id = p.id AND a.closed_at IS NULL
        WHERE p.id = %s GROUP BY p.id
        """,
        [player_id],
    )
    if not rows:
        raise UnknownPlayer(f"There is no player {player_id}.", player_id=str(player_id))
    row = rows[0]
    return Balances(player_id, Money(row["real_minor"], row["currency"]), Money(row["bonus_minor"], row["currency"]))


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
            active_until=account.active_until,
            opened_at=account.opened_at,
            closed_at=account.closed_at,
        )
        for account in accounts
    ]
    return sorted(purses, key=lambda purse: purse.closed_at is not None)


def list_transactions(
    player_id: UUID, *, before: UUID | None = None, limit: int = 50, kinds: list[TransferKind] | None = None
) -> list[TransactionDetails]:
    """A player's transfers, newest first, older than ``before`` (a transfer's id)."""
    rows = fetch_all(
        """
        SELECT t.*, coalesce(e.amount, 0)::bigint AS change_minor, e.real_after FROM (
            SELECT * FROM wallet_transfer
            WHERE player_id = %(player)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
              AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s))
            ORDER BY id DESC LIMIT %(limit)s
        ) t LEFT JOIN LATERAL (
            SELECT sum(e.amount_minor) AS amount, max(e.balance_after_minor) FILTER (WHERE a.kind = 'real') AS real_after
            FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id
            WHERE e.transfer_id = t.id AND e.id >= t.id AND a.player_id IS NOT NULL
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
               t.kind, t.game, t.round, t.occurred_at
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


def list_games(*, active: bool | None = None) -> list[GameDetails]:
    games = Game.objects.filter(Q() if active is None else Q(active=active)).order_by("code")
    return [
        GameDetails(g.code, g.name, g.provider, GameCategory(g.category), g.rtp, g.exclusive, g.active) for g in games
    ]


def sum_house(kind: AccountKind) -> dict[str, Money]:
    """What an account of the house holds, by currency. Reads all its entries: for reports, not for pages."""
    rows = fetch_all(
        """SELECT a.currency, coalesce(sum(e.amount_minor), 0)::bigint AS total FROM wallet_account a
           LEFT JOIN wallet_entry e ON e.account_id = a.id WHERE a.player_id IS NULL AND a.kind = %s GROUP BY 1""",
        [kind],
    )
    return {row["currency"]: Money(row["total"], row["currency"]) for row in rows}


def _deposit(row: Deposit) -> DepositDetails:
    return DepositDetails(
        id=row.id,
        player_id=row.player_id,
        amount=Money(row.amount_minor, row.currency),
        provider=row.provider,
        state=DepositState(row.state),
        failure_reason=row.failure_reason,
        provider_reference=row.provider_reference,
        number=row.number,
        requested_at=row.requested_at,
        settled_at=row.settled_at,
    )


def transaction_details(row: dict[str, Any]) -> TransactionDetails:
    return TransactionDetails(
        id=row["id"],
        kind=TransferKind(row["kind"]),
        amount=Money(row["change_minor"], row["currency"]),
        real_after=None if row["real_after"] is None else Money(row["real_after"], row["currency"]),
        game=row["game"],
        round=row["round"],
        bet_id=row["bet_id"],
        source=row["source"],
        reference=row["reference"],
        occurred_at=row["occurred_at"],
        recorded_at=datetime.fromtimestamp(uuid7_unix_ms(row["id"]) / 1000, UTC),
    )
