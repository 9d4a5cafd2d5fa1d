"""The ledger's rules, as SQL that finds what breaks them. Services.proofs runs them over everything, beside the seals.

The checks recompute digests and hashes by themselves: they do not trust the functions whose work they check.
"""

from __future__ import annotations

from collections.abc import Iterator

from events.services.checks import Check, Finding, run_check
from events.services.spans import END, Span, get_current_epoch
from kernel.db import fetch_one

SPAN_CHECKS = (
    Check(
        "every transfer's entries sum to zero",
        """SELECT transfer_id AS subject, format('sums to %%s', sum(amount_minor)) AS detail
           FROM wallet_entry e WHERE {e} GROUP BY transfer_id HAVING sum(amount_minor) <> 0""",
    ),
    Check(
        "every entry belongs to a transfer, and to an account of its currency: the transfer's player's or the house's",
        """SELECT e.id AS subject, CASE
                  WHEN t.id IS NULL THEN format('of account %%s has no transfer %%s', e.account_id, e.transfer_id)
                  WHEN a.id IS NULL THEN format('has no account %%s', e.account_id)
                  WHEN a.currency <> t.currency THEN format('is %%s on an account in %%s', t.currency, a.currency)
                  ELSE format('of player %%s on a purse of %%s', t.player_id, a.player_id) END AS detail
           FROM wallet_entry e LEFT JOIN wallet_transfer t ON t.id = e.transfer_id AND {t}
           LEFT JOIN wallet_account a ON a.id = e.account_id
           WHERE {e} AND (t.id IS NULL OR a.id IS NULL OR a.currency <> t.currency OR a.player_id <> t.player_id)""",
    ),
    Check(
        "every money transfer has entries",
        """SELECT t.id AS subject, format('%%s of %%s moved nothing', t.kind, t.amount_minor) AS detail
           FROM wallet_transfer t WHERE {t} AND t.amount_minor > 0
             AND t.kind NOT IN ('win', 'jackpot_win', 'rollback')  -- of a bonus that was forfeited they move nothing
             AND NOT EXISTS (SELECT FROM wallet_entry e WHERE e.transfer_id = t.id AND {e})""",
    ),
    Check(
        "every transfer is what its key has led to",
        """SELECT t.id AS subject, format('%%s under key %%s of %%s: %%s', t.kind, t.reference, t.source, CASE
                  WHEN k.key IS NULL THEN 'the key is gone, the same call would be carried out again'
                  ELSE format('the key leads to %%s, %%s', coalesce(k.transfer_id::text, 'nothing'), k.outcome) END) AS detail
           FROM wallet_transfer t LEFT JOIN wallet_transferkey k ON k.key = t.reference AND k.source = t.source
           WHERE {t} AND (k.key IS NULL OR k.outcome <> 'applied' OR k.digest IS NULL
              OR (k.transfer_id IS DISTINCT FROM t.id AND k.win_transfer_id IS DISTINCT FROM t.id
                  AND NOT (t.kind = 'release' AND EXISTS (  -- a capture: out of the hold and into the bet, under one key
                      SELECT FROM wallet_transfer b WHERE b.id = k.transfer_id AND b.kind = 'bet' AND b.bet_id = t.bet_id))))""",
    ),
    Check(
        "free spins move against spins issued alone, tournaments' buy-ins and fees in transfers of their own",
        """SELECT t.id AS subject, format('%%s: %%s spins issued, %%s in free-spins purses, %%s in tournaments', t.kind,
                  sum(e.amount_minor) FILTER (WHERE a.kind = 'spins_issued'),
                  sum(e.amount_minor) FILTER (WHERE a.kind = 'free_spins'),
                  sum(e.amount_minor) FILTER (WHERE a.kind = 'tournament')) AS detail
           FROM wallet_account a JOIN wallet_entry e ON e.account_id = a.id AND {e}
           JOIN wallet_transfer t ON t.id = e.transfer_id AND {t}
           WHERE a.kind IN ('free_spins', 'spins_issued', 'tournament') GROUP BY t.id, t.kind
           HAVING coalesce(sum(e.amount_minor) FILTER (WHERE a.kind <> 'tournament'), 0) <> 0
              OR (bool_or(a.kind = 'tournament') AND t.kind NOT LIKE 'tournament%%')
              OR (bool_or(a.kind <> 'tournament') AND t.kind NOT IN ('spins_grant', 'spins_forfeit', 'free_bet', 'rollback'))""",
    ),
    Check(
        "every transfer's digest is that of its content",
        """SELECT t.id AS subject, format('%%s of %%s: the digest is that of another content', t.kind, t.amount_minor) AS detail
           FROM wallet_transfer t WHERE {t} AND digest <> sha256(convert_to(ROW(id, kind, player_id, currency, amount_minor,
               source, reference, game, round, bet_id, actor, request_id, timestamptz_send(occurred_at))::text, 'UTF8'))""",
    ),
    Check(
        "every transfer's exchange rate is one of its currency and its day, or that of the bet which it follows",
        # The digest is older than the rate and does not cover it; what it has to be follows from what the digest covers.
        """SELECT t.id AS subject, format('%%s in %%s on %%s: rate %%s, 1 EUR = %%s %%s on %%s', t.kind, t.currency,
                  (t.occurred_at AT TIME ZONE 'UTC')::date, t.rate_id, r.per_euro, r.currency, r.day) AS detail
           FROM wallet_transfer t LEFT JOIN kernel_exchangerate r ON r.id = t.rate_id
           LEFT JOIN wallet_transfer b ON b.id = t.bet_id AND t.kind IN ('win', 'rollback')
           WHERE {t} AND (t.rate_id IS NOT NULL OR t.currency <> 'EUR')
             AND ((t.rate_id IS NOT NULL AND r.currency IS DISTINCT FROM t.currency)
                  OR (b.id IS NOT NULL AND b.rate_id IS DISTINCT FROM t.rate_id)
                  OR (t.kind IN ('bet', 'deposit', 'withdrawal_hold')
                      AND (t.occurred_at AT TIME ZONE 'UTC')::date NOT BETWEEN r.day AND r.day + 7))""",
    ),
    Check(
        "every purse's entries follow each other without a gap: number, balance and hash",
        """WITH line AS (
               SELECT e.*, t.digest, lag(e.sequence) OVER purse AS known, lag(e.balance_after_minor) OVER purse AS known_balance,
                      lag(e.hash) OVER purse AS known_hash
               FROM wallet_entry e LEFT JOIN wallet_transfer t ON t.id = e.transfer_id AND {t}
               WHERE {e} AND e.sequence IS NOT NULL WINDOW purse AS (PARTITION BY e.account_id ORDER BY e.sequence, e.id)
           ), linked AS MATERIALIZED (  -- where the entry before lies in an earlier span, it is looked up
               SELECT *, CASE WHEN sequence = 1 THEN 0 WHEN known = sequence - 1 THEN known_balance ELSE (
                          SELECT p.balance_after_minor FROM wallet_entry p
                          WHERE p.account_id = line.account_id AND p.sequence = line.sequence - 1 LIMIT 1) END AS before_minor,
                      CASE WHEN sequence = 1 THEN '' WHEN known = sequence - 1 THEN known_hash ELSE (
                          SELECT p.hash FROM wallet_entry p
                          WHERE p.account_id = line.account_id AND p.sequence = line.sequence - 1 LIMIT 1) END AS before_hash
               FROM line
           )
           SELECT id AS subject, format('entry %%s of purse %%s: %%s', sequence, account_id, CASE
                      WHEN before_hash IS NULL THEN format('there is no entry %%s', sequence - 1)
                      WHEN known = sequence THEN 'there are two of this number'
                      WHEN balance_after_minor <> before_minor + amount_minor
                      THEN format('%%s after %%s %%s', balance_after_minor, before_minor, to_char(amount_minor, 'SG999999999999'))
                      ELSE 'its hash is not that of its content, its transfer and the entry before' END) AS detail
           FROM linked WHERE before_hash IS NULL OR known = sequence OR balance_after_minor <> before_minor + amount_minor
              OR digest IS NULL OR hash <> sha256('\\x00'::bytea || before_hash || digest || uuid_send(id)
                 || uuid_send(account_id) || int8send(amount_minor) || int8send(balance_after_minor) || int8send(sequence))""",
    ),
    Check(
        "every entry of the house has the hash of its content and its transfer",
        """SELECT e.id AS subject, format('%%s on account %%s', e.amount_minor, e.account_id) AS detail
           FROM wallet_entry e LEFT JOIN wallet_transfer t ON t.id = e.transfer_id AND {t}
           WHERE {e} AND e.sequence IS NULL AND (t.digest IS NULL OR e.hash <> sha256('\\x00'::bytea || t.digest
                 || uuid_send(e.id) || uuid_send(e.account_id) || int8send(e.amount_minor)))""",
    ),
)

END_CHECKS = (
    Check(
        "every purse holds what its last entry says",
        """SELECT a.id AS subject, format('holds %%s after %%s entries, its last entry says %%s after %%s', a.balance_minor,
                  a.sequence, coalesce(e.balance_after_minor, 0), coalesce(e.sequence, 0)) AS detail
           FROM wallet_account a LEFT JOIN LATERAL (
               SELECT balance_after_minor, sequence, hash FROM wallet_entry
               WHERE account_id = a.id AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1) e ON true
           WHERE a.player_id IS NOT NULL AND (a.balance_minor <> coalesce(e.balance_after_minor, 0)
              OR a.sequence <> coalesce(e.sequence, 0) OR a.last_hash IS DISTINCT FROM e.hash)""",
    ),
    Check(
        "every player's held purse holds at least what is left of the player's holds",
        """SELECT h.player_id AS subject, format('holds have %%s, the held purse %%s', h.total, a.balance_minor) AS detail
           FROM (SELECT player_id, sum(amount_minor - captured_minor - released_minor) AS total FROM wallet_hold GROUP BY 1) h
           LEFT JOIN wallet_account a ON a.player_id = h.player_id AND a.kind = 'held'
           WHERE h.total > coalesce(a.balance_minor, 0)""",
    ),
    Check(
        "every free-spins purse holds whole spins",
        """SELECT id AS subject, format('holds %%s, a spin is %%s', balance_minor, spin_value_minor) AS detail
           FROM wallet_account WHERE kind = 'free_spins' AND balance_minor %% spin_value_minor <> 0""",
    ),
)

# These read every payment and every entry of a jackpot that there ever was: for full runs.
WHOLE_CHECKS = (
    Check(
        "every deposit that was made is in the ledger once, with its amount",
        """SELECT d.id AS subject, format('%%s %%s, in the ledger %%s', d.amount_minor, d.currency, t.amount_minor) AS detail
           FROM wallet_deposit d LEFT JOIN wallet_transferkey k ON k.source = 'pms:deposits' AND k.key = d.id::text
           LEFT JOIN wallet_transfer t ON t.id = k.transfer_id
           WHERE (d.state IN ('made', 'charged_back', 'reinstated')) <> (t.id IS NOT NULL)
              OR (t.id IS NOT NULL AND (t.amount_minor <> d.amount_minor OR t.player_id <> d.player_id))""",
    ),
    Check(
        "every player's held purse holds what open withdrawals set aside, and what was paid is in the ledger",
        """SELECT coalesce(held.player_id, wanted.player_id) AS subject,
                  format('%%s set aside, open withdrawals ask for %%s', coalesce(held.total, 0),
                         coalesce(wanted.total, 0)) AS detail
           FROM (SELECT t.player_id, sum(e.amount_minor) AS total FROM wallet_transfer t
                 JOIN wallet_entry e ON e.transfer_id = t.id AND e.id >= t.id
                 JOIN wallet_account a ON a.id = e.account_id AND a.kind = 'held'
                 WHERE t.kind IN ('withdrawal_hold', 'withdrawal', 'withdrawal_release') GROUP BY 1) held
           FULL JOIN (SELECT player_id, sum(amount_minor - paid_minor - charged_minor - returned_minor) AS total
                      FROM wallet_withdrawal WHERE state IN ('requested', 'in_review', 'approved', 'sent') GROUP BY 1) wanted
           ON wanted.player_id = held.player_id
           WHERE coalesce(held.total, 0) <> coalesce(wanted.total, 0)
           UNION ALL
           SELECT w.id, format('%%s paid, %%s returned of %%s, in state %%s; the ledger paid %%s', w.paid_minor, w.returned_minor,
                               w.amount_minor, w.state, coalesce(sum(t.amount_minor), 0))
           FROM wallet_withdrawal w LEFT JOIN wallet_payout p ON p.withdrawal_id = w.id
           LEFT JOIN wallet_transferkey k ON k.source = 'pms:withdrawals' AND k.key IN (p.id::text, p.id || ':return')
           LEFT JOIN LATERAL (SELECT CASE kind WHEN 'withdrawal' THEN amount_minor ELSE -amount_minor END AS amount_minor
                              FROM wallet_transfer WHERE id = k.transfer_id) t ON true
           GROUP BY w.id HAVING coalesce(sum(t.amount_minor), 0) <> w.paid_minor
              OR (w.state IN ('paid', 'rejected', 'failed', 'cancelled')
                  AND w.paid_minor + w.charged_minor + w.returned_minor <> w.amount_minor)
           UNION ALL
           SELECT w.id, format('%%s charged; the ledger charged %%s', w.charged_minor, coalesce(sum(f.fee), 0))
           FROM wallet_withdrawal w JOIN wallet_payout p ON p.withdrawal_id = w.id AND w.fee_minor > 0
           JOIN wallet_transferkey k ON k.source = 'pms:withdrawals' AND k.key IN (p.id::text, p.id || ':return')
           LEFT JOIN LATERAL (SELECT sum(e.amount_minor) AS fee FROM wallet_entry e JOIN wallet_account a
                              ON a.id = e.account_id AND a.kind = 'fees'
                              WHERE e.transfer_id = k.transfer_id AND e.id >= k.transfer_id) f ON true
           GROUP BY w.id HAVING coalesce(sum(f.fee), 0) <> w.charged_minor""",
    ),
    Check(
        "what was put into a jackpot stands on its account and is carried, to a millionth of a minor unit",
        """SELECT j.code AS subject, format('%%s millionths put in; %%s moved, %%s carried', coalesce(put.exact, 0),
                  coalesce(moved.minor, 0), coalesce(carried.micro, 0)) AS detail
           FROM wallet_jackpot j
           LEFT JOIN (SELECT jackpot_id, sum(exact_micro) AS exact FROM wallet_jackpotcontribution c
                      WHERE NOT EXISTS (SELECT FROM wallet_transfer r
                                        WHERE r.bet_id = c.bet_id AND r.id >= c.bet_id AND r.kind = 'rollback')
                      GROUP BY 1) put ON put.jackpot_id = j.code
           LEFT JOIN (SELECT jackpot_id, sum(carry_micro) AS micro FROM wallet_jackpotcarry GROUP BY 1) carried
           ON carried.jackpot_id = j.code
           LEFT JOIN (SELECT a.subject AS code, sum(e.amount_minor) FILTER (WHERE t.kind <> 'jackpot_win' OR EXISTS (
                          SELECT FROM wallet_transfer r
                          WHERE r.bet_id = t.bet_id AND r.id >= t.bet_id AND r.kind = 'rollback')) AS minor
                      FROM wallet_account a JOIN wallet_entry e ON e.account_id = a.id
                      JOIN wallet_transfer t ON t.id = e.transfer_id WHERE a.kind = 'jackpot' GROUP BY 1) moved
           ON moved.code = j.code
           WHERE coalesce(put.exact, 0) <> coalesce(moved.minor, 0) * 1000000 + coalesce(carried.micro, 0)""",
    ),
)


def check_span(span: Span) -> Iterator[Finding]:
    """One finding per rule over the rows of a span, ``broken`` 0 where all is well."""
    params = span.params()
    for check in SPAN_CHECKS:
        yield run_check(check, params)


def check_end(*, whole: bool) -> Iterator[Finding]:
    """One finding per rule over what the ledger has come to: balances; of the ``whole`` also payments and jackpots."""
    for check in (*END_CHECKS, *(WHOLE_CHECKS if whole else ())):
        yield run_check(check, {})


def verify() -> Iterator[Finding]:
    """Every rule over the whole ledger in one go; one finding per rule and epoch. Large ledgers: services.proofs."""
    for epoch in range(1, get_current_epoch() + 1):
        yield from check_span(Span(epoch, 0, END))
    yield from check_end(whole=True)


def count_entries() -> int:
    """Entries in the ledger, counted exactly."""
    count: int = fetch_one("SELECT count(*) FROM wallet_entry")[0]
    return count
