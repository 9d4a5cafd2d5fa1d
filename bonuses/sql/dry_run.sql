-- Who would have had an offer. The occasions give who, when and the deposit or loss. As in services.grants, every reason
-- against an occasion counts; the caps of players and households go by what would have been given, the first first.
WITH occasion AS MATERIALIZED ({{occasions}}),
priced AS (
    SELECT occasion.player_id, occasion.at, occasion.base, player.status, player.country, player.region,
           player.confirm_status, money.currency, money.min_deposit,
           CASE %(kind)s
               WHEN 'fixed' THEN floor(money.amount * scale.scale)
               WHEN 'free_spins' THEN floor(%(spins)s * scale.scale) * money.spin
               ELSE least(floor(coalesce(occasion.base, 0) * scale.percent * scale.scale / 100), floor(money.cap * scale.scale))
           END AS worth
    FROM occasion
    JOIN players_player player ON player.id = occasion.player_id
    LEFT JOIN json_to_recordset(%(amounts)s) AS money (currency text, cap bigint, amount bigint, min_deposit bigint, spin bigint)
      ON money.currency = player.currency
    LEFT JOIN players_label level
      ON level.player_id = player.id AND level.namespace = 'loyalty' AND level.key = 'level'
    JOIN json_to_recordset(%(levels)s) AS scale (level text, percent numeric, scale numeric)
      ON scale.level = coalesce(level.value, '')
),
looked AS (
    SELECT player_id, at, currency, worth, array_remove(ARRAY[
        CASE WHEN status <> 'active' THEN 'status_' || status END,
        CASE WHEN at < %(starts_at)s::timestamptz THEN 'not_yet' END,
        CASE WHEN at >= %(ends_at)s::timestamptz THEN 'over' END,
        CASE WHEN currency IS NULL THEN 'currency' END,
        CASE WHEN cardinality(%(places)s::text[]) > 0 AND NOT country = ANY(%(places)s::text[])
                  AND NOT country || '-' || region = ANY(%(places)s::text[]) THEN 'jurisdiction' END,
        CASE WHEN EXISTS (
            SELECT FROM json_to_recordset(%(labels)s) AS wanted (namespace text, key text, allowed text[])
            WHERE NOT EXISTS (
                SELECT FROM players_label label WHERE label.player_id = priced.player_id
                AND label.namespace = wanted.namespace AND label.key = wanted.key AND label.value = ANY(wanted.allowed))
        ) THEN 'label' END,
        CASE WHEN %(confirmed_only)s AND confirm_status <> 'confirmed' THEN 'not_confirmed' END,
        CASE WHEN currency IS NOT NULL AND (coalesce(worth, 0) <= 0
                  OR (%(kind)s <> 'cashback' AND min_deposit IS NOT NULL AND (base IS NULL OR base < min_deposit)))
             THEN %(too_small)s END
    ], NULL) AS why
    FROM priced
),
by_player AS (
    SELECT *, row_number() OVER (PARTITION BY player_id, why = '{}' ORDER BY at) AS turn FROM looked
),
capped AS (
    SELECT player_id, at, currency, worth,
           CASE WHEN why = '{}' AND %(per_player)s > 0 AND turn > %(per_player)s THEN ARRAY['player_cap'] ELSE why END AS why
    FROM by_player
),
by_household AS (
    SELECT capped.*, home.household, row_number() OVER (PARTITION BY home.household, why = '{}' ORDER BY at) AS turn
    FROM capped LEFT JOIN LATERAL (
        SELECT concat_ws(chr(1), player.country, lower(regexp_replace(profile.postcode, '[^[:alnum:]]', '', 'g')),
                         lower(regexp_replace(profile.last_name, '[^[:alnum:]]', '', 'g'))) AS household
        FROM players_player player JOIN players_profile profile ON profile.player_id = player.id
        WHERE %(per_household)s > 0 AND player.id = capped.player_id AND profile.postcode <> '' AND profile.last_name <> ''
    ) home ON true
),
final AS (
    SELECT player_id, currency, worth,
           CASE WHEN why = '{}' AND %(per_household)s > 0 AND household IS NOT NULL AND turn > %(per_household)s
                THEN ARRAY['household_cap'] ELSE why END AS why
    FROM by_household
)
SELECT 'given' AS what, currency AS name, count(*) AS occasions, count(DISTINCT player_id) AS players,
       sum(worth)::bigint AS worth
FROM final WHERE why = '{}' GROUP BY currency
UNION ALL
SELECT 'excluded', reason, count(*), count(DISTINCT player_id), 0 FROM final CROSS JOIN unnest(why) AS reason GROUP BY reason
UNION ALL
SELECT 'all', '', count(*), count(DISTINCT player_id), 0 FROM final
ORDER BY 1, 3 DESC, 2
