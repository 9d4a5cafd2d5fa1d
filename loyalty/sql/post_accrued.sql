-- Brings players' points to what play has earned them: the difference to what play had brought before is posted. In the
-- caller's transaction, which holds the players. Returns what was posted, and the balance after it.
WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS row (
        id uuid, player_id uuid, accrued bigint, active_at timestamptz, occurred_at timestamptz)
),
known AS MATERIALIZED (
    SELECT input.*, account.player_id IS NOT NULL AS there, coalesce(account.held, 0) AS held,
           input.accrued - coalesce(account.accrued, 0) AS points,
           coalesce(account.balance, 0) + input.accrued - coalesce(account.accrued, 0) AS balance_after
    FROM input LEFT JOIN loyalty_pointsaccount account ON account.player_id = input.player_id
),
accounts AS (
    INSERT INTO loyalty_pointsaccount AS account (player_id, balance, held, accrued, active_at)
    SELECT player_id, balance_after, 0, accrued, coalesce(active_at, occurred_at) FROM known
    WHERE there OR accrued <> 0 ORDER BY player_id
    ON CONFLICT (player_id) DO UPDATE SET
        balance = EXCLUDED.balance, accrued = EXCLUDED.accrued,
        active_at = greatest(account.active_at, EXCLUDED.active_at),
        warned_days = CASE WHEN EXCLUDED.active_at > account.active_at THEN NULL ELSE account.warned_days END
),
entries AS (
    INSERT INTO loyalty_pointsentry (id, player_id, kind, points, held, balance_after, held_after, key, reference, actor,
                                     occurred_at)
    SELECT id, player_id, 'accrual', points, 0, balance_after, held, 'accrual:' || id, '', 'system:loyalty.accrual',
           occurred_at
    FROM known WHERE points <> 0
)
SELECT player_id, points, balance_after FROM known
