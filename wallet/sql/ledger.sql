-- The ledger's tables. Written by the functions of posting.sql alone, which run as the database's owner.
--
-- Nothing in it can be changed unnoticed. A transfer carries a digest of its content; an entry a hash over its transfer's
-- digest and its own content, on purses also over the hash of the purse's entry before (docs/decisions/0008). `xid` is the
-- transaction that wrote the row: sealing takes what is settled by it.

-- SHA-256 over the text of the row: PostgreSQL's own quoting leaves no two contents with one text.
CREATE FUNCTION wallet_transfer_digest(p_id uuid, p_kind text, p_player_id uuid, p_currency text, p_amount_minor bigint,
    p_source text, p_reference text, p_game text, p_round text, p_bet_id uuid, p_actor text, p_request_id text,
    p_occurred_at timestamptz) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN sha256(convert_to(ROW(p_id, p_kind, p_player_id, p_currency, p_amount_minor, p_source, p_reference, p_game, p_round,
        p_bet_id, p_actor, p_request_id, timestamptz_send(p_occurred_at))::text, 'UTF8'));
END
$$;

CREATE TABLE wallet_transfer (
    id uuid PRIMARY KEY DEFAULT kernel_uuid7(),
    kind text NOT NULL,
    player_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    source text NOT NULL,
    reference text NOT NULL,
    game text NOT NULL DEFAULT '',
    round text NOT NULL DEFAULT '',
    bet_id uuid,
    actor text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    occurred_at timestamptz NOT NULL,
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    digest bytea NOT NULL GENERATED ALWAYS AS (wallet_transfer_digest(id, kind, player_id, currency, amount_minor, source,
        reference, game, round, bet_id, actor, request_id, occurred_at)) STORED,
    rate_id bigint  -- the exchange rate it is told in EUR by; no part of the digest, proved by what it follows from
) PARTITION BY RANGE (id);
CREATE INDEX wallet_transfer_xid ON wallet_transfer USING brin (xid) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX wallet_transfer_player ON wallet_transfer (player_id, id DESC);
CREATE INDEX wallet_transfer_bet ON wallet_transfer (bet_id) WHERE bet_id IS NOT NULL;

CREATE TABLE wallet_entry (
    id uuid PRIMARY KEY DEFAULT kernel_uuid7(),
    transfer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    balance_after_minor bigint,
    sequence bigint,
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    hash bytea NOT NULL,
    CHECK ((sequence IS NULL) = (balance_after_minor IS NULL))
) PARTITION BY RANGE (id);
CREATE INDEX wallet_entry_xid ON wallet_entry USING brin (xid) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX wallet_entry_transfer ON wallet_entry (transfer_id);
CREATE INDEX wallet_entry_account ON wallet_entry (account_id, sequence DESC) WHERE sequence IS NOT NULL;

-- A partitioned table cannot hold a key that is unique over all time: idempotency has a narrow table of its own. It has
-- no partitions: keys are random, so that each would grow with all others, and every call would plan or lock all of them.
CREATE TABLE wallet_transferkey (
    source text NOT NULL,
    key text NOT NULL,
    digest bytea,
    outcome text NOT NULL,
    reason text NOT NULL DEFAULT '',
    transfer_id uuid,
    win_transfer_id uuid,
    PRIMARY KEY (key, source)
);

INSERT INTO kernel_partitioned_table VALUES ('wallet_transfer', true), ('wallet_entry', true);
CALL kernel_make_append_only('wallet_transfer');
CALL kernel_make_append_only('wallet_entry');
CALL kernel_make_append_only('wallet_transferkey');
CALL kernel_make_function_only('wallet_transfer');
CALL kernel_make_function_only('wallet_entry');
CALL kernel_make_function_only('wallet_transferkey');
CALL kernel_make_function_only('wallet_account');
SELECT kernel_ensure_partitions((now() - interval '1 month')::date, 13);

-- A balance that is updated in place, thousands of times: leave room in the page, and clean it often.
ALTER TABLE wallet_account SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
