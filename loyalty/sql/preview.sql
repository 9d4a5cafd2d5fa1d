-- Where the standings of a programme would be under other levels: how many by level now, level then, and whether 30 days of
-- turnover are below what would keep it.
WITH level AS MATERIALIZED (
    SELECT * FROM unnest(%(codes)s::text[], %(entries)s::numeric[], %(keeps)s::numeric[], %(places)s::integer[])
        AS row (code, entry_eur, keep_eur, place)
),
played AS MATERIALIZED (
    SELECT player_id, sum(turnover_eur) AS window_eur FROM loyalty_turnoverday
    WHERE day BETWEEN %(first_day)s AND %(day)s GROUP BY player_id
),
stand AS (
    SELECT standing.level, standing.held, standing.turnover_eur, coalesce(played.window_eur, 0) AS window_eur,
           coalesce(here.place, 0) AS place, coalesce(here.keep_eur, 0) AS keep_eur, coalesce(entered.place, 0) AS entered
    FROM loyalty_standing standing
    LEFT JOIN level here ON here.code = standing.level
    LEFT JOIN level entered ON entered.code = standing.entered
    LEFT JOIN played ON played.player_id = standing.player_id
    WHERE standing.programme = %(programme)s
),
moved AS (
    SELECT stand.*, CASE WHEN stand.held = 'forced' THEN stand.place ELSE greatest(stand.place, (
               SELECT max(higher.place) FROM level higher
               WHERE stand.turnover_eur >= higher.entry_eur
                 AND (higher.place > stand.entered OR stand.window_eur >= higher.keep_eur))) END AS to_place
    FROM stand
)
SELECT moved.level, level.code AS to_level,
       moved.held = '' AND moved.place > 0 AND moved.window_eur < moved.keep_eur AS falls, count(*) AS players
FROM moved JOIN level ON level.place = moved.to_place
GROUP BY 1, 2, 3
