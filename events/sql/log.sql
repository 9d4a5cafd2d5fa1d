-- The event log: append-only, partitioned by month of its UUIDv7 id, read in the order (epoch, xid, position).

CREATE TABLE events_event (
    id uuid PRIMARY KEY DEFAULT kernel_uuid7(),
    epoch smallint NOT NULL,
    xid bigint NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    player_id uuid,
    shard smallint NOT NULL,
    occurred_at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    request_id text NOT NULL DEFAULT ''
) PARTITION BY RANGE (id);

CREATE INDEX events_event_order ON events_event (epoch, xid, position);
CREATE INDEX events_event_player ON events_event (player_id, id DESC);

INSERT INTO kernel_partitioned_table VALUES ('events_event', true);
CALL kernel_make_append_only('events_event');
CALL kernel_make_function_only('events_event');
SELECT kernel_ensure_partitions((now() - interval '1 month')::date, 13);

-- xids start anew after a restore into another cluster. Each cluster that the log has lived in is one epoch, and
-- everything of earlier epochs is settled. `manage.py events new-epoch` opens one after a restore.
CREATE TABLE events_epoch (
    number smallint PRIMARY KEY,
    system_identifier bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO events_epoch (number, system_identifier) SELECT 1, system_identifier FROM pg_control_system();
CALL kernel_make_function_only('events_epoch');

CREATE FUNCTION events_current_epoch() RETURNS smallint LANGUAGE sql STABLE AS $$
    SELECT max(number) FROM events_epoch
$$;

CREATE FUNCTION events_lock_key(p_player uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT uuid_hash_extended(p_player, 0)
$$;

-- Takes the transaction's advisory locks on these players, in sorted order. The log is causal per player only if a
-- transaction gets its xid after it holds the player: whoever wrote before asking is refused.
CREATE FUNCTION events_lock_players(p_players uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    held text := coalesce(current_setting('pms.locked_players', true), '');
    missing uuid[];
    player uuid;
BEGIN
    IF cardinality(p_players) = 1 THEN  -- the hot path
        IF strpos(held, p_players[1]::text) > 0 THEN
            RETURN;
        END IF;
        missing := p_players;
    ELSE
        SELECT array_agg(DISTINCT p ORDER BY p) INTO missing FROM unnest(p_players) p WHERE strpos(held, p::text) = 0;
        IF missing IS NULL THEN
            RETURN;
        END IF;
    END IF;
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'lock players before the transaction''s first write (% not held)', missing[1]
            USING ERRCODE = 'PM002';
    END IF;
    FOREACH player IN ARRAY missing LOOP
        PERFORM pg_advisory_xact_lock(events_lock_key(player));
    END LOOP;
    PERFORM set_config('pms.locked_players', held || ' ' || array_to_string(missing, ' '), true);
END
$$;

-- Appends one event in the caller's transaction; returns its id. The caller holds the player (events_lock_players).
CREATE FUNCTION events_append(p_type text, p_player uuid, p_occurred_at timestamptz, p_payload jsonb, p_request_id text)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    event_id uuid;
BEGIN
    IF p_player IS NOT NULL AND strpos(coalesce(current_setting('pms.locked_players', true), ''), p_player::text) = 0 THEN
        RAISE EXCEPTION 'player % is not locked: publish only what concerns players you hold', p_player
            USING ERRCODE = 'PM002';
    END IF;
    INSERT INTO events_event (epoch, xid, type, player_id, shard, occurred_at, payload, request_id)
    -- The epoch is asked for in place: calling events_current_epoch() costs more than all the rest of the row.
    VALUES ((SELECT max(number) FROM events_epoch), pg_current_xact_id()::text::bigint, p_type, p_player,
            CASE WHEN p_player IS NULL THEN 0 ELSE (events_lock_key(p_player) & 63) END,
            p_occurred_at, p_payload, p_request_id)
    RETURNING id INTO event_id;
    RETURN event_id;
END
$$;

-- Appends many events in this order, in one round trip. The caller holds all their players.
CREATE FUNCTION events_append_many(p_events jsonb, p_request_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held uuid[] := string_to_array(trim(coalesce(current_setting('pms.locked_players', true), '')), ' ');
    stranger uuid;
BEGIN
    SELECT player_id INTO stranger FROM (
        SELECT player_id FROM jsonb_to_recordset(p_events) AS event (player_id uuid) WHERE player_id IS NOT NULL
        EXCEPT SELECT unnest(held)
    ) AS strangers LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'player % is not locked: publish only what concerns players you hold', stranger
            USING ERRCODE = 'PM002';
    END IF;
    INSERT INTO events_event (epoch, xid, type, player_id, shard, occurred_at, payload, request_id)
    SELECT events_current_epoch(), pg_current_xact_id()::text::bigint, e.type, e.player_id,
           CASE WHEN e.player_id IS NULL THEN 0 ELSE (events_lock_key(e.player_id) & 63) END,
           e.occurred_at, e.payload, p_request_id
    FROM ROWS FROM (jsonb_to_recordset(p_events) AS (type text, player_id uuid, occurred_at timestamptz, payload jsonb))
         WITH ORDINALITY AS e (type, player_id, occurred_at, payload, number)
    ORDER BY e.number;
END
$$;

-- Everything with an xid below this is settled: committed and visible, or gone. A reader that went further would skip
-- the events of a transaction that is still open, for ever.
-- STABLE: it must see the snapshot of the very statement that reads the rows.
CREATE FUNCTION events_horizon() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint
$$;

CREATE FUNCTION events_new_epoch() RETURNS smallint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO events_epoch (number, system_identifier)
    SELECT events_current_epoch() + 1, system_identifier FROM pg_control_system()
    WHERE system_identifier <> (SELECT system_identifier FROM events_epoch ORDER BY number DESC LIMIT 1)
    RETURNING number
$$;
