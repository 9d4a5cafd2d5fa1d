-- Adds one batch of figures (analytics/rules.py) to the totals by day and by player and day: one statement.
-- Table names are unqualified: a rebuild puts its shadows before them.
WITH input AS MATERIALIZED (
    SELECT day, currency, player_id, coalesce(registrations, 0) AS registrations, coalesce(bets, 0) AS bets,
           coalesce(wins_count, 0) AS wins_count, coalesce(rollbacks, 0) AS rollbacks, coalesce(deposits, 0) AS deposits,
           coalesce(deposits_failed, 0) AS deposits_failed,
           (coalesce(stakes, 0) * unit)::bigint AS stakes, (coalesce(stakes_real, 0) * unit)::bigint AS stakes_real,
           (coalesce(wins, 0) * unit)::bigint AS wins, (coalesce(wins_real, 0) * unit)::bigint AS wins_real,
           (coalesce(rolled_back, 0) * unit)::bigint AS rolled_back, (coalesce(deposited, 0) * unit)::bigint AS deposited,
           (coalesce(jackpot_contributions, 0) * unit)::bigint AS jackpot_contributions
    FROM json_to_recordset(%(figures)s::json) AS event (
        day date, currency text, player_id uuid, registrations integer, bets integer, wins_count integer,
        rollbacks integer, deposits integer, deposits_failed integer,
        stakes numeric, stakes_real numeric, wins numeric, wins_real numeric, rolled_back numeric, deposited numeric,
        jackpot_contributions numeric)
    CROSS JOIN LATERAL (SELECT power(10::numeric, kernel_exponent(currency)) AS unit) currency_unit
),
player AS (
    SELECT player_id, day, currency, sum(bets) AS bets, sum(stakes_real) AS stakes_real, sum(wins_real) AS wins_real,
           sum(deposited) AS deposited
    FROM input WHERE bets + wins_count + rollbacks + deposits > 0
    GROUP BY player_id, day, currency
),
newly_active AS (
    SELECT player.day, player.currency, count(*) AS players
    FROM player LEFT JOIN LATERAL (
        SELECT known.bets FROM analytics_playerday known WHERE known.player_id = player.player_id AND known.day = player.day LIMIT 1
    ) known ON true
    WHERE player.bets > 0 AND coalesce(known.bets, 0) = 0
    GROUP BY player.day, player.currency
),
player_days AS (
    INSERT INTO analytics_playerday AS kept (player_id, day, currency, bets, stakes_real_minor, wins_real_minor, deposited_minor)
    SELECT player_id, day, currency, bets, stakes_real, wins_real, deposited FROM player
    ON CONFLICT (player_id, day) DO UPDATE SET
        bets = kept.bets + EXCLUDED.bets, stakes_real_minor = kept.stakes_real_minor + EXCLUDED.stakes_real_minor,
        wins_real_minor = kept.wins_real_minor + EXCLUDED.wins_real_minor,
        deposited_minor = kept.deposited_minor + EXCLUDED.deposited_minor
)
INSERT INTO analytics_daytotals AS kept (
    day, currency, registrations, active_players, bets, stakes_minor, stakes_real_minor, wins_count, wins_minor,
    wins_real_minor, rollbacks, rolled_back_minor, deposits, deposited_minor, deposits_failed,
    jackpot_contributions_minor)
SELECT day, currency, sum(registrations), coalesce(max(newly_active.players), 0), sum(bets), sum(stakes), sum(stakes_real),
       sum(wins_count), sum(wins), sum(wins_real), sum(rollbacks), sum(rolled_back), sum(deposits), sum(deposited),
       sum(deposits_failed), sum(jackpot_contributions)
FROM input LEFT JOIN newly_active USING (day, currency)
GROUP BY day, currency
ON CONFLICT (day, currency) DO UPDATE SET
    registrations = kept.registrations + EXCLUDED.registrations,
    active_players = kept.active_players + EXCLUDED.active_players,
    bets = kept.bets + EXCLUDED.bets,
    stakes_minor = kept.stakes_minor + EXCLUDED.stakes_minor,
    stakes_real_minor = kept.stakes_real_minor + EXCLUDED.stakes_real_minor,
    wins_count = kept.wins_count + EXCLUDED.wins_count,
    wins_minor = kept.wins_minor + EXCLUDED.wins_minor,
    wins_real_minor = kept.wins_real_minor + EXCLUDED.wins_real_minor,
    rollbacks = kept.rollbacks + EXCLUDED.rollbacks,
    rolled_back_minor = kept.rolled_back_minor + EXCLUDED.rolled_back_minor,
    deposits = kept.deposits + EXCLUDED.deposits,
    deposited_minor = kept.deposited_minor + EXCLUDED.deposited_minor,
    deposits_failed = kept.deposits_failed + EXCLUDED.deposits_failed,
    jackpot_contributions_minor = kept.jackpot_contributions_minor + EXCLUDED.jackpot_contributions_minor
