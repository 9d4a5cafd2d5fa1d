-- The gate on the bet path: asked by the wallet's posting functions in their transaction, under the player's lock, and as the
-- database's owner, like them.
--
-- A player with nothing to check (plain) costs one update of one row, found by its key. Everything else is judged by
-- compliance_bet_refusal; rules_gate.py says the same in Python, and one table of cases tests both.
-- What was staked and won of real money is counted by hour. The hour that runs is kept in the gate's row and goes into
-- compliance_playactivity when another one begins, whichever way the clock went.

-- Running state is updated with every bet: leave room in the page, and clean it often. An index would end cheap updates.
ALTER TABLE compliance_playgate SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE compliance_gatedecision (
    id uuid PRIMARY KEY DEFAULT kernel_uuid7(),
    action text NOT NULL,
    player_id uuid,
    verdict text NOT NULL,
    reasons jsonb NOT NULL,
    inputs jsonb NOT NULL,
    packs text NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    decided_at timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX compliance_gatedecision_player ON compliance_gatedecision (player_id, id DESC);
INSERT INTO kernel_partitioned_table VALUES ('compliance_gatedecision', true);
CALL kernel_make_append_only('compliance_gatedecision');
SELECT kernel_ensure_partitions((now() - interval '1 month')::date, 13);

-- What counts, is counted by the functions below; services may add what they compile and nothing else.
CALL kernel_make_function_only('compliance_playactivity');

-- Where a window that ends at p_at began. Rolling months are 30 days; calendar periods are those of the zone.
CREATE FUNCTION compliance_window_start(p_period text, p_zone text, p_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE p_period
        WHEN '24h' THEN p_at - interval '24 hours'
        WHEN '7d' THEN p_at - interval '168 hours'
        WHEN '30d' THEN p_at - interval '720 hours'
        WHEN 'day' THEN date_trunc('day', p_at AT TIME ZONE p_zone) AT TIME ZONE p_zone
        WHEN 'week' THEN date_trunc('week', p_at AT TIME ZONE p_zone) AT TIME ZONE p_zone
        WHEN 'month' THEN date_trunc('month', p_at AT TIME ZONE p_zone) AT TIME ZONE p_zone END
$$;

-- When a calendar period ends; NULL of a rolling window, which frees bit by bit.
CREATE FUNCTION compliance_window_end(p_period text, p_zone text, p_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_period IN ('day', 'week', 'month') THEN
        (date_trunc(p_period, p_at AT TIME ZONE p_zone) + ('1 ' || p_period)::interval) AT TIME ZONE p_zone END
$$;

-- What a player staked, won and how long they played since a moment. There is no upper end: what was counted ahead of a
-- clock that was set back still counts. The oldest hour counts whole; its wins do not where only a part of it is meant.
CREATE FUNCTION compliance_played(p_player uuid, p_since timestamptz, OUT staked bigint, OUT lost bigint, OUT played_ms bigint)
LANGUAGE sql STABLE AS $$
    WITH since AS (SELECT date_trunc('hour', p_since, 'UTC') AS hour_at), counted AS (
        SELECT a.hour_at, a.staked_minor, a.won_minor, a.played_ms FROM compliance_playactivity a, since
        WHERE a.player_id = p_player AND a.hour_at >= since.hour_at
        UNION ALL
        SELECT g.hour_at, g.hour_staked_minor, g.hour_won_minor, g.hour_played_ms FROM compliance_playgate g, since
        WHERE g.player_id = p_player AND g.hour_at >= since.hour_at
    )
    SELECT coalesce(sum(staked_minor), 0)::bigint,
           coalesce(sum(staked_minor - CASE WHEN hour_at < p_since THEN 0 ELSE won_minor END), 0)::bigint,
           coalesce(sum(counted.played_ms), 0)::bigint FROM counted
$$;

-- Adds to what was played in the hour of p_at; amounts below zero take back. Never refuses.
CREATE FUNCTION compliance_gate_count(p_player uuid, p_at timestamptz, p_bets integer, p_staked bigint, p_won bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE compliance_playgate SET
        hour_bets = hour_bets + p_bets,
        hour_staked_minor = hour_staked_minor + p_staked,
        hour_won_minor = hour_won_minor + p_won,
        session_bets = session_bets + CASE WHEN p_at >= session_started_at THEN p_bets ELSE 0 END,
        session_staked_minor = session_staked_minor + CASE WHEN p_at >= session_started_at THEN p_staked ELSE 0 END,
        session_won_minor = session_won_minor + CASE WHEN p_at >= session_started_at THEN p_won ELSE 0 END
    WHERE player_id = p_player AND p_at >= hour_at AND p_at < hour_at + interval '1 hour';
    IF NOT FOUND THEN
        INSERT INTO compliance_playactivity (player_id, hour_at, bets, staked_minor, won_minor, played_ms)
        VALUES (p_player, date_trunc('hour', p_at, 'UTC'), p_bets, p_staked, p_won, 0)
        ON CONFLICT (player_id, hour_at) DO UPDATE SET bets = compliance_playactivity.bets + EXCLUDED.bets,
            staked_minor = compliance_playactivity.staked_minor + EXCLUDED.staked_minor,
            won_minor = compliance_playactivity.won_minor + EXCLUDED.won_minor;
        UPDATE compliance_playgate SET session_bets = session_bets + p_bets,
            session_staked_minor = session_staked_minor + p_staked, session_won_minor = session_won_minor + p_won
        WHERE player_id = p_player AND p_at >= session_started_at;
    END IF;
END
$$;

-- Puts what was counted in the gates' hour into the activity and begins the hour of p_at, where that is another one.
CREATE FUNCTION compliance_gate_turn(p_players uuid[], p_at timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO compliance_playactivity AS a (player_id, hour_at, bets, staked_minor, won_minor, played_ms)
    SELECT player_id, hour_at, hour_bets, hour_staked_minor, hour_won_minor, hour_played_ms FROM compliance_playgate
    WHERE player_id = ANY (p_players) AND NOT (p_at >= hour_at AND p_at < hour_at + interval '1 hour')
      AND (hour_bets, hour_staked_minor, hour_won_minor, hour_played_ms) <> (0, 0, 0, 0)
    ON CONFLICT (player_id, hour_at) DO UPDATE SET bets = a.bets + EXCLUDED.bets,
        staked_minor = a.staked_minor + EXCLUDED.staked_minor, won_minor = a.won_minor + EXCLUDED.won_minor,
        played_ms = a.played_ms + EXCLUDED.played_ms;
    UPDATE compliance_playgate SET hour_at = date_trunc('hour', p_at, 'UTC'), hour_bets = 0, hour_staked_minor = 0,
        hour_won_minor = 0, hour_played_ms = 0
    WHERE player_id = ANY (p_players) AND NOT (p_at >= hour_at AND p_at < hour_at + interval '1 hour');
$$;

-- Keeps that a bet was denied, and why.
CREATE FUNCTION compliance_keep_bet_denial(p_player uuid, p_reason text, p_data jsonb, p_game text, p_category text,
    p_stake bigint, p_real bigint, p_at timestamptz, p_actor text, p_request_id text) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO compliance_gatedecision (action, player_id, verdict, reasons, inputs, packs, actor, request_id, decided_at)
    SELECT 'bet', p_player, 'deny', jsonb_build_array(jsonb_build_object('code', p_reason, 'data',
               coalesce(p_data, '{}') - 'limit_minor' - 'cap_minor' || jsonb_strip_nulls(jsonb_build_object(
                   'limit', kernel_major((p_data ->> 'limit_minor')::bigint, p.currency),
                   'cap', kernel_major((p_data ->> 'cap_minor')::bigint, p.currency),
                   'currency', CASE WHEN p_data ?| '{limit_minor,cap_minor}' THEN p.currency END)))),
           jsonb_build_object('game', p_game, 'category', p_category,
               'stake', jsonb_build_object('amount', kernel_major(p_stake, p.currency), 'currency', p.currency),
               'real', jsonb_build_object('amount', kernel_major(p_real, p.currency), 'currency', p.currency)),
           coalesce((SELECT packs FROM compliance_playgate WHERE player_id = p_player), ''), p_actor, p_request_id, p_at
    FROM players_player p WHERE p.id = p_player
$$;

-- The first limit that a bet would pass, of those in force.
CREATE FUNCTION compliance_limit_refusal(p_player uuid, p_zone text, p_stake bigint, p_real bigint, p_at timestamptz)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('kind', l.kind, 'period', l.period, 'limit_minor', l.amount_minor,
               'minutes', l.minutes, 'resets_at', compliance_window_end(l.period, p_zone, p_at)))
    FROM compliance_limit l LEFT JOIN LATERAL compliance_played(p_player, compliance_window_start(l.period, p_zone, p_at)) used
        ON l.period NOT IN ('', 'session')
    WHERE l.player_id = p_player AND l.active_from <= p_at AND (l.active_until IS NULL OR l.active_until > p_at)
      AND CASE
          WHEN l.kind = 'stake' AND l.period = '' THEN p_stake > l.amount_minor
          WHEN l.kind IN ('stake', 'wagering') THEN used.staked + p_real > l.amount_minor AND p_real > 0
          WHEN l.kind = 'loss' THEN used.lost + p_real > l.amount_minor AND p_real > 0
          WHEN l.kind = 'session_time' AND l.period <> 'session' THEN used.played_ms >= l.minutes * 60000::bigint
          ELSE false END
    ORDER BY l.kind, l.period, l.amount_minor LIMIT 1
$$;

-- Why this bet is not allowed, '' when it is. In this order: what stands, what waits for the player, this game, this stake.
CREATE FUNCTION compliance_bet_refusal(p_gate compliance_playgate, p_game text, p_category text, p_stake bigint, p_real bigint,
    p_at timestamptz, OUT reason text, OUT data jsonb) LANGUAGE plpgsql STABLE AS $$
DECLARE
    gap interval := make_interval(mins => p_gate.session_gap_minutes);
    resumed boolean := coalesce(p_at - p_gate.last_bet_at < gap, false);  -- the session goes on with this bet
    since interval := p_at - p_gate.last_bet_at;
    cap bigint := coalesce(p_gate.stake_caps ->> p_category, CASE WHEN p_game <> '' THEN p_gate.stake_caps ->> '*' END);
    cycle integer := CASE WHEN p_game <> '' THEN coalesce(p_gate.min_cycle_ms ->> p_category, p_gate.min_cycle_ms ->> '*') END;
BEGIN
    reason := CASE
        WHEN p_gate.refusal <> '' THEN p_gate.refusal
        WHEN p_game <> '' AND NOT p_gate.games_offered ? p_category THEN 'game_type_not_offered'
        WHEN p_at < p_gate.break_until THEN 'break_due'
        WHEN resumed AND p_at >= p_gate.reality_due_at THEN 'reality_check_due'
        WHEN resumed AND p_at >= p_gate.session_started_at + make_interval(mins => p_gate.session_limit_minutes)
            THEN 'session_limit_reached'
        WHEN NOT p_gate.parallel_play AND p_game <> '' AND p_gate.last_game NOT IN ('', p_game)
            AND since < make_interval(secs => p_gate.switch_seconds) THEN 'parallel_play'
        WHEN p_stake > cap THEN 'stake_above_cap'
        WHEN since < make_interval(secs => cycle / 1000.0) AND since > make_interval(secs => -cycle / 1000.0) THEN 'too_fast'
        ELSE '' END;
    data := CASE reason
        WHEN 'break_due' THEN jsonb_build_object('until', p_gate.break_until)
        WHEN 'session_limit_reached' THEN jsonb_build_object('resets_at', p_gate.last_bet_at + gap)
        WHEN 'parallel_play' THEN jsonb_build_object('game', p_gate.last_game)
        WHEN 'stake_above_cap' THEN jsonb_build_object('cap_minor', cap)
        WHEN 'too_fast' THEN jsonb_build_object('min_cycle_ms', cycle)
        ELSE '{}' END;
    IF reason = '' AND p_gate.has_limits THEN
        data := compliance_limit_refusal(p_gate.player_id, p_gate.time_zone, p_stake, p_real, p_at);
        reason := CASE WHEN data IS NULL THEN '' ELSE 'limit_reached' END;
    END IF;
END
$$;

-- May this bet be placed? '' and counted, or the reason. 'gate_stale': the row has to be compiled first, nothing was done.
-- p_won is what of real money the same call wins. p_game '': no game is played, as when a tournament is bought into.
CREATE FUNCTION compliance_gate_bet(p_player uuid, p_game text, p_category text, p_stake bigint, p_real bigint, p_won bigint,
    p_at timestamptz, p_actor text, p_request_id text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    gate compliance_playgate;
    refused record;
BEGIN
    UPDATE compliance_playgate SET
        hour_bets = hour_bets + 1,
        hour_staked_minor = hour_staked_minor + p_real,
        hour_won_minor = hour_won_minor + p_won,
        hour_played_ms = hour_played_ms + CASE WHEN p_at > last_bet_at AND p_at - last_bet_at < make_interval(mins => session_gap_minutes)
            THEN (date_part('epoch', p_at - last_bet_at) * 1000)::bigint ELSE 0 END,
        session_started_at = CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_started_at ELSE p_at END,
        session_bets = 1 + CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_bets ELSE 0 END,
        session_staked_minor = p_real + CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_staked_minor ELSE 0 END,
        session_won_minor = p_won + CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_won_minor ELSE 0 END,
        last_bet_at = greatest(last_bet_at, p_at), last_game = CASE p_game WHEN '' THEN last_game ELSE p_game END, last_category = p_category
    WHERE player_id = p_player AND plain AND p_at >= hour_at AND p_at < hour_at + interval '1 hour'
      AND p_at >= valid_from AND (valid_until IS NULL OR p_at < valid_until);
    IF FOUND THEN
        RETURN '';
    END IF;
    SELECT * INTO gate FROM compliance_playgate WHERE player_id = p_player;
    IF NOT FOUND OR p_at < gate.valid_from OR p_at >= gate.valid_until THEN
        RETURN 'gate_stale';
    END IF;
    refused := compliance_bet_refusal(gate, p_game, p_category, p_stake, p_real, p_at);
    IF refused.reason <> '' THEN
        PERFORM compliance_keep_bet_denial(p_player, refused.reason, refused.data, p_game, p_category, p_stake, p_real, p_at,
                                           p_actor, p_request_id);
        RETURN refused.reason;
    END IF;
    IF NOT (p_at >= gate.hour_at AND p_at < gate.hour_at + interval '1 hour') THEN
        PERFORM compliance_gate_turn(ARRAY[p_player], p_at);
    END IF;
    UPDATE compliance_playgate SET
        hour_bets = hour_bets + 1,
        hour_staked_minor = hour_staked_minor + p_real,
        hour_won_minor = hour_won_minor + p_won,
        hour_played_ms = hour_played_ms + CASE WHEN p_at > last_bet_at AND resumed.it THEN (date_part('epoch', p_at - last_bet_at) * 1000)::bigint ELSE 0 END,
        session_started_at = CASE WHEN resumed.it THEN session_started_at ELSE p_at END,
        session_bets = 1 + CASE WHEN resumed.it THEN session_bets ELSE 0 END,
        session_staked_minor = p_real + CASE WHEN resumed.it THEN session_staked_minor ELSE 0 END,
        session_won_minor = p_won + CASE WHEN resumed.it THEN session_won_minor ELSE 0 END,
        reality_due_at = CASE WHEN resumed.it THEN reality_due_at ELSE p_at + make_interval(mins => reality_check_minutes) END,
        last_bet_at = greatest(last_bet_at, p_at), last_game = CASE p_game WHEN '' THEN last_game ELSE p_game END, last_category = p_category
    FROM (SELECT coalesce(p_at - gate.last_bet_at < make_interval(mins => gate.session_gap_minutes), false) AS it) AS resumed
    WHERE player_id = p_player;
    RETURN '';
END
$$;

-- Counts the bets of a batch, whose players are all plain and fresh: one object for each of them.
CREATE FUNCTION compliance_gate_bets(p_bets jsonb, p_at timestamptz) RETURNS void
LANGUAGE sql AS $$
    SELECT compliance_gate_turn((SELECT array_agg(player) FROM jsonb_to_recordset(p_bets) AS b (player uuid)), p_at);
    UPDATE compliance_playgate g SET
        hour_bets = hour_bets + b.bets,
        hour_staked_minor = hour_staked_minor + b.staked,
        hour_won_minor = hour_won_minor + b.won,
        hour_played_ms = hour_played_ms + CASE WHEN p_at > last_bet_at AND p_at - last_bet_at < make_interval(mins => session_gap_minutes)
            THEN (date_part('epoch', p_at - last_bet_at) * 1000)::bigint ELSE 0 END,
        session_started_at = CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_started_at ELSE p_at END,
        session_bets = b.bets + CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_bets ELSE 0 END,
        session_staked_minor = b.staked + CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_staked_minor ELSE 0 END,
        session_won_minor = b.won + CASE WHEN p_at - last_bet_at < make_interval(mins => session_gap_minutes) THEN session_won_minor ELSE 0 END,
        last_bet_at = greatest(last_bet_at, p_at), last_game = b.game, last_category = b.category
    FROM jsonb_to_recordset(p_bets) AS b (player uuid, bets integer, staked bigint, won bigint, game text, category text)
    WHERE g.player_id = b.player
$$;
