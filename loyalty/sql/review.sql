-- Players whose level a review would move: it is not kept any more and the grace is over, or a new version of the programme
-- lets a higher one be entered or returned to. Levels travel as arrays, one place each.
WITH level AS MATERIALIZED (
    SELECT * FROM unnest(%(programmes)s::text[], %(levels)s::text[], %(keeps)s::numeric[], %(entries)s::numeric[],
                         %(places)s::integer[]) AS row (programme, code, keep_eur, entry_eur, place)
),
played AS MATERIALIZED (
    SELECT player_id, sum(turnover_eur) AS window_eur FROM loyalty_turnoverday
    WHERE day BETWEEN %(first_day)s AND %(day)s GROUP BY player_id
)
SELECT standing.player_id
FROM loyalty_standing standing
JOIN level ON level.programme = standing.programme AND level.code = standing.level
LEFT JOIN played ON played.player_id = standing.player_id
WHERE standing.held <> 'forced' AND (
    (level.place > 0 AND standing.held = '' AND (standing.grace_until IS NULL OR standing.grace_until <= %(at)s)
     AND coalesce(played.window_eur, 0) < level.keep_eur)
    OR EXISTS (
        SELECT FROM level higher
        LEFT JOIN level entered ON entered.programme = standing.programme AND entered.code = standing.entered
        WHERE higher.programme = standing.programme AND higher.place > level.place
          AND standing.turnover_eur >= higher.entry_eur
          AND (higher.place > coalesce(entered.place, 0) OR coalesce(played.window_eur, 0) >= higher.keep_eur)))
ORDER BY standing.player_id
