"""Amounts in EUR, by the exchange rate that a transfer was stamped with when it was posted."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from kernel.db import fetch_all
from kernel.fx import EURO
from kernel.money import Money


def find_eur(amount: Money, *, transfer_id: UUID) -> Decimal | None:
    """This amount in EUR at the transfer's rate, to six decimals (kernel/sql/fx.sql); None when it was stamped with none."""
    return _eur(amount, "SELECT rate_id FROM wallet_transfer WHERE id = %(transfer)s", {"transfer": transfer_id})


def find_eur_of_key(amount: Money, *, source: str, key: str) -> Decimal | None:
    """As ``find_eur``, by the transfer that a key has led to."""
    return _eur(
        amount,
        """SELECT t.rate_id FROM wallet_transferkey k JOIN wallet_transfer t ON t.id = k.transfer_id
           WHERE k.key = %(key)s AND k.source = %(source)s""",
        {"source": source, "key": key},
    )


def _eur(amount: Money, stamped: str, params: dict[str, object]) -> Decimal | None:
    if amount.currency == EURO:
        return amount.major
    rows = fetch_all(
        f"SELECT kernel_eur(%(minor)s, %(currency)s, s.rate_id) AS eur FROM ({stamped}) s",
        {**params, "minor": amount.amount_minor, "currency": amount.currency},
    )
    return Decimal(rows[0]["eur"]) if rows and rows[0]["eur"] is not None else None
