-- Accrues one batch of bets and rollbacks, in log order: one statement, run by loyalty/services/accrual.py.
--
-- A bet earns at the level that the turnover before it gives, so levels follow from running sums of turnover alone, and
-- points from the levels: nothing here is recursive. A rollback takes back what its bet moved, whether that bet stands in
-- this batch or was stored long ago. Table names are unqualified: a rebuild puts its shadows before them.
--
-- Returns a row per player: what the batch moved, and the level changes in order.
WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(events)s::json) AS event (
        number integer, id uuid, player_id uuid, kind text, bet_id uuid, real_eur numeric, game text, occurred_at timestamptz)
),
level AS MATERIALIZED (
    SELECT code, multiplier, threshold_eur, lead(threshold_eur) OVER (ORDER BY threshold_eur) AS until_eur FROM loyalty_level
),
moved AS (
    SELECT input.*, bet.coefficient AS bet_coefficient, bet.multiplier AS bet_multiplier, bet.earned AS bet_earned,
           CASE input.kind WHEN 'bet' THEN input.real_eur
                ELSE -coalesce(max(input.real_eur) OVER same_bet, bet.turnover_eur, 0) END AS turnover_eur
    FROM input
    LEFT JOIN LATERAL (
        SELECT entry.* FROM loyalty_pointsentry entry
        WHERE input.kind = 'rollback' AND entry.bet_id = input.bet_id AND entry.kind = 'bet' LIMIT 1
    ) bet ON true
    WINDOW same_bet AS (PARTITION BY input.bet_id ORDER BY input.number)
),
running AS (
    SELECT moved.*, coalesce(standing.turnover_eur, 0) + sum(moved.turnover_eur) OVER play AS turnover_after,
           coalesce(standing.earned, 0) AS earned_at_start, standing.level_id AS level_at_start
    FROM moved LEFT JOIN loyalty_standing standing ON standing.player_id = moved.player_id
    WINDOW play AS (PARTITION BY moved.player_id ORDER BY moved.number)
),
levelled AS (
    SELECT running.*, level.code AS to_level,
           coalesce(lag(level.code) OVER play, running.level_at_start, (SELECT code FROM level ORDER BY threshold_eur LIMIT 1))
               AS from_level
    FROM running LEFT JOIN level ON running.turnover_after >= level.threshold_eur
                                AND (level.until_eur IS NULL OR running.turnover_after < level.until_eur)
    WINDOW play AS (PARTITION BY running.player_id ORDER BY running.number)
),
priced AS (
    SELECT levelled.*, coefficient.coefficient, level.multiplier,
           CASE WHEN kind = 'bet'
                THEN turnover_eur * coefficient.coefficient * level.multiplier * programme.points_per_eur END AS bet_earns
    FROM levelled
    CROSS JOIN loyalty_programme programme
    JOIN level ON level.code = levelled.from_level
    LEFT JOIN loyalty_coefficient coefficient ON coefficient.category = levelled.game
),
earning AS (
    SELECT number, id, player_id, kind, bet_id, turnover_eur, turnover_after, earned_at_start, from_level, to_level, occurred_at,
           CASE kind WHEN 'bet' THEN coefficient ELSE coalesce(max(coefficient) FILTER (WHERE kind = 'bet') OVER same_bet,
                                                               bet_coefficient) END AS coefficient,
           CASE kind WHEN 'bet' THEN multiplier ELSE coalesce(max(multiplier) FILTER (WHERE kind = 'bet') OVER same_bet,
                                                              bet_multiplier) END AS multiplier,
           CASE kind WHEN 'bet' THEN bet_earns ELSE -coalesce(max(bet_earns) OVER same_bet, bet_earned, 0) END AS earned
    FROM priced
    WINDOW same_bet AS (PARTITION BY bet_id ORDER BY number)
),
posted AS (
    SELECT earning.*, earned_at_start + sum(earned) OVER play AS earned_after,
           floor(earned_at_start + sum(earned) OVER play)::bigint AS points_after,
           floor(earned_at_start + sum(earned) OVER play - earned)::bigint AS points_before
    FROM earning
    WINDOW play AS (PARTITION BY player_id ORDER BY number)
),
entries AS (
    INSERT INTO loyalty_pointsentry (id, player_id, bet_id, kind, turnover_eur, coefficient, multiplier, earned, points,
                                     balance_after, occurred_at)
    SELECT id, player_id, bet_id, kind, turnover_eur, coefficient, multiplier, earned, points_after - points_before,
           points_after, occurred_at
    FROM posted WHERE turnover_eur <> 0 ORDER BY number
),
changes AS (
    INSERT INTO loyalty_levelchange (id, player_id, from_level_id, to_level_id, turnover_eur, changed_at)
    SELECT id, player_id, from_level, to_level, turnover_after, occurred_at
    FROM posted WHERE from_level <> to_level ORDER BY number
),
player AS (
    SELECT player_id, sum(points_after - points_before)::bigint AS points, sum(turnover_eur) AS turnover_eur,
           (array_agg(turnover_after ORDER BY number DESC))[1] AS turnover_after,
           (array_agg(earned_after ORDER BY number DESC))[1] AS earned_after,
           (array_agg(points_after ORDER BY number DESC))[1] AS points_after,
           (array_agg(to_level ORDER BY number DESC))[1] AS level,
           (array_agg(occurred_at ORDER BY number DESC) FILTER (WHERE from_level <> to_level))[1] AS level_since,
           max(occurred_at) FILTER (WHERE kind = 'bet') AS last_bet_at,
           (array_agg(occurred_at ORDER BY number DESC))[1] AS occurred_at,
           jsonb_agg(jsonb_build_object('kind', kind, 'from', from_level, 'to', to_level, 'turnover_eur', turnover_after::text,
                                        'at', occurred_at) ORDER BY number)
               FILTER (WHERE from_level <> to_level) AS level_changes
    FROM posted GROUP BY player_id
),
standings AS (
    INSERT INTO loyalty_standing AS standing (player_id, turnover_eur, earned, points, level_id, level_since, last_bet_at)
    SELECT player_id, turnover_after, earned_after, points_after, level, level_since, last_bet_at FROM player
    ON CONFLICT (player_id) DO UPDATE SET
        turnover_eur = EXCLUDED.turnover_eur, earned = EXCLUDED.earned, points = EXCLUDED.points, level_id = EXCLUDED.level_id,
        level_since = coalesce(EXCLUDED.level_since, standing.level_since),
        last_bet_at = greatest(EXCLUDED.last_bet_at, standing.last_bet_at)
)
SELECT player_id, points, points_after, turnover_eur, occurred_at, level_changes FROM player
