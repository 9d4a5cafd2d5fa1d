"""Verifying the ledger: does every transfer balance, and does every balance equal its entries?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kernel.db import fetch_all, fetch_one

EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the ledger, as SQL that finds what breaks it: ``subject`` (an id) and ``detail`` in words."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How often a rule is broken, with examples."""

    check: str
    broken: int
    examples: tuple[str, ...]


CHECKS = (
    Check(
        "every transfer's entries sum to zero",
        """SELECT transfer_id AS subject, format('sums to %s', sum(amount_minor)) AS detail
           FROM wallet_entry GROUP BY transfer_id HAVING sum(amount_minor) <> 0""",
    ),
    Check(
        "every entry belongs to a transfer and an account of its currency",
        """SELECT e.id AS subject, CASE WHEN t.id IS NULL THEN 'has no transfer' WHEN a.id IS NULL THEN 'has no account'
                  ELSE format('is %s on an account in %s', t.currency, a.currency) END AS detail
           FROM wallet_entry e LEFT JOIN wallet_transfer t ON t.id = e.transfer_id
           LEFT JOIN wallet_account a ON a.id = e.account_id
           WHERE t.id IS NULL OR a.id IS NULL OR a.currency <> t.currency""",
    ),
    Check(
        "entries touch only the transfer's player and the house",
        """SELECT e.id AS subject, format('of player %s on a purse of %s', t.player_id, a.player_id) AS detail
           FROM wallet_entry e JOIN wallet_transfer t ON t.id = e.transfer_id JOIN wallet_account a ON a.id = e.account_id
           WHERE a.player_id <> t.player_id""",
    ),
    Check(
        "every money transfer has entries",
        """SELECT t.id AS subject, format('%s of %s moved nothing', t.kind, t.amount_minor) AS detail
           FROM wallet_transfer t WHERE t.amount_minor > 0 AND t.kind IN ('deposit', 'bet', 'bonus_grant', 'bonus_release')
             AND NOT EXISTS (SELECT FROM wallet_entry e WHERE e.transfer_id = t.id)""",
    ),
    Check(
        "every purse's entries follow each other without a gap, each balance being the one before plus the amount",
        """SELECT id AS subject, format('entry %s of purse %s: %s after %s %s', sequence, account_id, balance_after_minor,
                  coalesce(before_minor, 0), to_char(amount_minor, 'SG999999999999')) AS detail
           FROM (SELECT e.*, lag(balance_after_minor) OVER purse AS before_minor, lag(sequence) OVER purse AS before_sequence
                 FROM wallet_entry e WHERE sequence IS NOT NULL
                 WINDOW purse AS (PARTITION BY account_id ORDER BY sequence)) chain
           WHERE balance_after_minor <> coalesce(before_minor, 0) + amount_minor
              OR sequence <> coalesce(before_sequence, 0) + 1""",
    ),
    Check(
        "every purse's balance equals its entries",
        """SELECT a.id AS subject, format('holds %s, its %s entries give %s', a.balance_minor, a.sequence,
                  coalesce(e.total, 0)) AS detail
           FROM wallet_account a LEFT JOIN (
               SELECT account_id, sum(amount_minor) AS total, count(*) AS entries FROM wallet_entry
               WHERE sequence IS NOT NULL GROUP BY account_id
           ) e ON e.account_id = a.id
           WHERE a.player_id IS NOT NULL
             AND (a.balance_minor <> coalesce(e.total, 0) OR a.sequence <> coalesce(e.entries, 0))""",
    ),
    Check(
        "every deposit that was made is in the ledger once, with its amount",
        """SELECT d.id AS subject, format('%s %s, in the ledger %s', d.amount_minor, d.currency, t.amount_minor) AS detail
           FROM wallet_deposit d LEFT JOIN wallet_transferkey k ON k.source = 'deposits' AND k.key = d.id::text
           LEFT JOIN wallet_transfer t ON t.id = k.transfer_id
           WHERE (d.state IN ('made', 'charged_back')) <> (t.id IS NOT NULL)
              OR (t.id IS NOT NULL AND (t.amount_minor <> d.amount_minor OR t.player_id <> d.player_id))""",
    ),
    Check(
        "every player's held purse holds what open withdrawals set aside, and what was paid is in the ledger",
        """SELECT coalesce(held.player_id, wanted.player_id) AS subject,
                  format('%s set aside, open withdrawals ask for %s', coalesce(held.total, 0),
                         coalesce(wanted.total, 0)) AS detail
           FROM (SELECT t.player_id, sum(e.amount_minor) AS total FROM wallet_transfer t
                 JOIN wallet_entry e ON e.transfer_id = t.id AND e.id >= t.id
                 JOIN wallet_account a ON a.id = e.account_id AND a.kind = 'held'
                 WHERE t.kind IN ('withdrawal_hold', 'withdrawal', 'withdrawal_release') GROUP BY 1) held
           FULL JOIN (SELECT player_id, sum(amount_minor - paid_minor - returned_minor) AS total
                      FROM wallet_withdrawal WHERE state IN ('requested', 'in_review', 'approved', 'sent') GROUP BY 1) wanted
           ON wanted.player_id = held.player_id
           WHERE coalesce(held.total, 0) <> coalesce(wanted.total, 0)
           UNION ALL
           SELECT w.id, format('%s paid, %s returned of %s, in state %s; the ledger paid %s', w.paid_minor, w.returned_minor,
                               w.amount_minor, w.state, coalesce(sum(t.amount_minor), 0))
           FROM wallet_withdrawal w LEFT JOIN wallet_payout p ON p.withdrawal_id = w.id
           LEFT JOIN wallet_transferkey k ON k.source = 'withdrawals' AND k.key IN (p.id::text, p.id || ':return')
           LEFT JOIN LATERAL (SELECT CASE kind WHEN 'withdrawal' THEN amount_minor ELSE -amount_minor END AS amount_minor
                              FROM wallet_transfer WHERE id = k.transfer_id) t ON true
           GROUP BY w.id HAVING coalesce(sum(t.amount_minor), 0) <> w.paid_minor
              OR (w.state IN ('paid', 'rejected', 'failed', 'cancelled')
                  AND w.paid_minor + w.returned_minor <> w.amount_minor)""",
    ),
)


def verify() -> Iterator[Finding]:
    """Run every check over the whole ledger; one finding per check, ``broken`` 0 where all is well."""
    for check in CHECKS:
        rows = fetch_all(f"SELECT *, count(*) OVER () AS broken FROM ({check.sql}) AS found LIMIT {EXAMPLES}")
        yield Finding(
            check=check.name,
            broken=rows[0]["broken"] if rows else 0,
            examples=tuple(f"{row['subject']}: {row['detail']}" for row in rows),
        )


def count_entries() -> int:
    """Entries in the ledger, counted exactly."""
    count: int = fetch_one("SELECT count(*) FROM wallet_entry")[0]
    return count
