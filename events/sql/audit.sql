-- The audit trail: who did what, to whom, from where and why. Append-only, partitioned by month of its UUIDv7 id.

CREATE TABLE events_auditrecord (
    id uuid PRIMARY KEY,
    chain smallint NOT NULL,
    sequence bigint NOT NULL,
    epoch smallint NOT NULL,
    xid bigint NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'denied', 'failed')),
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_roles text[] NOT NULL,
    player_id uuid,
    object_type text NOT NULL,
    object_id text NOT NULL,
    reason text NOT NULL,
    before jsonb,
    after jsonb,
    ip inet,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    hash bytea NOT NULL
) PARTITION BY RANGE (id);

CREATE INDEX events_auditrecord_chain ON events_auditrecord (chain, sequence);
CREATE INDEX events_auditrecord_order ON events_auditrecord (epoch, xid);
CREATE INDEX events_auditrecord_player ON events_auditrecord (player_id, id DESC) WHERE player_id IS NOT NULL;
CREATE INDEX events_auditrecord_actor ON events_auditrecord (actor_kind, actor_id, id DESC);
CREATE INDEX events_auditrecord_object ON events_auditrecord (object_type, object_id, id DESC) WHERE object_type <> '';
CREATE INDEX events_auditrecord_action ON events_auditrecord (action, id DESC);
CREATE INDEX events_auditrecord_outcome ON events_auditrecord (outcome, id DESC) WHERE outcome <> 'done';
CREATE INDEX events_auditrecord_ip ON events_auditrecord (ip, id DESC) WHERE ip IS NOT NULL;
CREATE INDEX events_auditrecord_request ON events_auditrecord (request_id) WHERE request_id <> '';
CREATE INDEX events_auditrecord_reason ON events_auditrecord USING gin (lower(reason) gin_trgm_ops) WHERE reason <> '';

INSERT INTO kernel_partitioned_table VALUES ('events_auditrecord', true);
CALL kernel_make_append_only('events_auditrecord');
CALL kernel_make_function_only('events_auditrecord');
SELECT kernel_ensure_partitions((now() - interval '1 month')::date, 13);

-- Each record names the hash of the one before it in its chain. There are many chains, and a transaction takes one that
-- nobody holds: so no writer waits for another, and none has to be asked for a global order.
CREATE TABLE events_auditchain (
    number smallint PRIMARY KEY,
    sequence bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
INSERT INTO events_auditchain (number) SELECT generate_series(0, 127);
CALL kernel_make_function_only('events_auditchain');

-- What a record's hash is made of. Moments as numbers: their text depends on the session.
CREATE FUNCTION events_audit_hash(p_before bytea, r events_auditrecord) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256('\x00'::bytea || p_before || convert_to(ROW(r.id, r.chain, r.sequence, r.epoch, r.xid, r.action, r.outcome,
        r.actor_kind, r.actor_id, r.actor_roles, r.player_id, r.object_type, r.object_id, r.reason, r.before, r.after,
        r.ip, r.user_agent, r.request_id, (extract(epoch FROM r.occurred_at) * 1000000)::bigint)::text, 'UTF8'))
$$;

-- Appends one record in the caller's transaction; its id.
CREATE FUNCTION events_audit_append(
    p_action text, p_outcome text, p_actor_kind text, p_actor_id text, p_actor_roles text[], p_player uuid,
    p_object_type text, p_object_id text, p_reason text, p_before jsonb, p_after jsonb,
    p_ip inet, p_user_agent text, p_request_id text, p_occurred_at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    own smallint := nullif(current_setting('pms.audit_chain', true), '')::smallint;
    head events_auditchain;
    r events_auditrecord;
BEGIN
    SELECT * INTO head FROM events_auditchain WHERE number = coalesce(own, pg_backend_pid() % 128)
        FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT * INTO head FROM events_auditchain LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN  -- more writers at once than chains
        SELECT * INTO head FROM events_auditchain WHERE number = pg_backend_pid() % 128 FOR NO KEY UPDATE;
    END IF;
    IF own IS DISTINCT FROM head.number THEN
        PERFORM set_config('pms.audit_chain', head.number::text, true);
    END IF;
    r := ROW(kernel_uuid7(), head.number, head.sequence + 1, events_current_epoch(), pg_current_xact_id()::text::bigint,
             p_action, p_outcome, p_actor_kind, p_actor_id, p_actor_roles, p_player, p_object_type, p_object_id, p_reason,
             p_before, p_after, p_ip, p_user_agent, p_request_id, p_occurred_at, NULL);
    r.hash := events_audit_hash(head.hash, r);
    INSERT INTO events_auditrecord SELECT r.*;
    UPDATE events_auditchain SET sequence = r.sequence, hash = r.hash WHERE number = r.chain;
    RETURN r.id;
END
$$;
