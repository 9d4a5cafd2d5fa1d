-- Adds a batch of bets, wins and rollbacks to the players' days and totals. Table names are unqualified: a rebuild puts
-- its shadows before them.
WITH input AS MATERIALIZED (
    SELECT player_id, (at AT TIME ZONE 'UTC')::date AS day, currency, bet_at, eur,
           (staked * power(10::numeric, exponent))::bigint AS staked, (won * power(10::numeric, exponent))::bigint AS won
    FROM json_to_recordset(%(rows)s::json) AS event (
        player_id uuid, at timestamptz, currency text, exponent integer, staked numeric, won numeric, eur numeric,
        bet_at timestamptz)
),
days AS (
    INSERT INTO bonuses_playday AS known (player_id, day, currency, staked_minor, won_minor)
    SELECT player_id, day, min(currency), sum(staked), sum(won) FROM input GROUP BY player_id, day
    ORDER BY player_id, day
    ON CONFLICT (player_id, day) DO UPDATE SET
        staked_minor = known.staked_minor + EXCLUDED.staked_minor, won_minor = known.won_minor + EXCLUDED.won_minor
)
INSERT INTO bonuses_playtotal AS known (player_id, turnover_eur, last_bet_at)
SELECT player_id, sum(eur), max(bet_at) FROM input GROUP BY player_id ORDER BY player_id
ON CONFLICT (player_id) DO UPDATE SET
    turnover_eur = known.turnover_eur + EXCLUDED.turnover_eur,
    last_bet_at = greatest(known.last_bet_at, EXCLUDED.last_bet_at)
