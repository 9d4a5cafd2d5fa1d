"""Shorthand for tests of free spins, tournaments, fees, rounds and jackpots."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from events.selectors import Cursor, read_log
from events.types import RecordedEvent
from kernel.db import fetch_all
from kernel.money import Money
from tests.factories import ACTOR, AT
from wallet.models_fees import FeeRule
from wallet.selectors import get_balances, sum_house
from wallet.services.purses import open_bonus_purse
from wallet.types import AccountKind, Posting, PurseTerms
from wallet.types_purses import FeeKind

_numbers = count(1)


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def said(player_id: UUID, key: str = "", **more: Any) -> dict[str, Any]:
    """What every posting service wants."""
    key = key or f"key-{next(_numbers)}"
    return {"player_id": player_id, "source": "test", "idempotency_key": key, "actor": ACTOR, "at": AT} | more


def on(game: str = "fruits", round_id: str = "r1") -> dict[str, str]:
    return {"game": game, "round_id": round_id}


def give_bonus(player_id: UUID, amount: str, **terms: Any) -> UUID:
    purse_id, posting = open_bonus_purse(amount=eur(amount), terms=PurseTerms(**terms), **said(player_id))
    assert posting.ok
    return purse_id


def charge(kind: FeeKind, percent: str = "0", fixed: int = 0, **more: Any) -> FeeRule:
    """A fee rule that is in force."""
    row: FeeRule = FeeRule.objects.create(
        kind=kind, currency="EUR", percent=Decimal(percent), fixed_minor=fixed, effective_from=AT, **more
    )
    return row


def holds(player_id: UUID) -> tuple[str, str]:
    """Real and bonus money."""
    now = get_balances(player_id)
    return str(now.real), str(now.bonus)


def house(kind: AccountKind) -> str:
    return str(sum_house(kind).get("EUR", eur("0")))


def entries(transfer_id: UUID | None) -> dict[str, list[int]]:
    """A transfer's entries by kind of account."""
    rows = fetch_all(
        """SELECT a.kind, array_agg(e.amount_minor ORDER BY e.id) AS amounts FROM wallet_entry e
           JOIN wallet_account a ON a.id = e.account_id WHERE e.transfer_id = %s GROUP BY 1""",
        [transfer_id],
    )
    return {row["kind"]: row["amounts"] for row in rows}


def events(player_id: UUID, *names: str) -> list[RecordedEvent]:
    """What was published about a player, by the part of the name after ``wallet.``."""
    found = read_log(Cursor(), [f"wallet.{name}.v1" for name in names], 100_000)[0]
    return [event for event in found if event.player_id == player_id]


def outcome(posting: Posting) -> str:
    return f"{posting.outcome} {posting.reason}".strip()
