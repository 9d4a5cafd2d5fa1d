-- Writes what one batch of events came to, computed by loyalty/services/accrual.py: standings, accruals, days of turnover
-- and level changes, in one statement. Table names are unqualified: a rebuild puts its shadows before them.
WITH standings AS (
    INSERT INTO loyalty_standing AS standing (player_id, programme, turnover_eur, earned, level, entered, level_since,
                                              grace_until, held, held_until, last_bet_at)
    SELECT * FROM json_to_recordset(%(standings)s::json) AS row (
        player_id uuid, programme text, turnover_eur numeric, earned numeric, level text, entered text,
        level_since timestamptz, grace_until timestamptz, held text, held_until timestamptz, last_bet_at timestamptz)
    ON CONFLICT (player_id) DO UPDATE SET
        programme = EXCLUDED.programme, turnover_eur = EXCLUDED.turnover_eur, earned = EXCLUDED.earned,
        level = EXCLUDED.level, entered = EXCLUDED.entered, level_since = EXCLUDED.level_since,
        grace_until = EXCLUDED.grace_until, held = EXCLUDED.held, held_until = EXCLUDED.held_until,
        last_bet_at = EXCLUDED.last_bet_at
),
accruals AS (
    INSERT INTO loyalty_accrual (id, player_id, bet_id, kind, turnover_eur, coefficient, multiplier, promotion, earned,
                                 occurred_at)
    SELECT * FROM json_to_recordset(%(accruals)s::json) AS row (
        id uuid, player_id uuid, bet_id uuid, kind text, turnover_eur numeric, coefficient numeric, multiplier numeric,
        promotion numeric, earned numeric, occurred_at timestamptz)
),
days AS (
    INSERT INTO loyalty_turnoverday AS known (player_id, day, turnover_eur)
    SELECT player_id, day, turnover_eur
    FROM json_to_recordset(%(days)s::json) AS row (player_id uuid, day date, turnover_eur numeric)
    ORDER BY player_id, day
    ON CONFLICT (player_id, day) DO UPDATE SET turnover_eur = known.turnover_eur + EXCLUDED.turnover_eur
)
INSERT INTO loyalty_levelchange (id, player_id, programme, from_level, to_level, cause, turnover_eur, changed_at)
SELECT * FROM json_to_recordset(%(changes)s::json) AS row (
    id uuid, player_id uuid, programme text, from_level text, to_level text, cause text, turnover_eur numeric,
    changed_at timestamptz)
