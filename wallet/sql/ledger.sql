-- The ledger's tables. Written by the functions of posting.sql alone, which run as the database's owner.

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
    occurred_at timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX wallet_transfer_player ON wallet_transfer (player_id, id DESC);
CREATE INDEX wallet_transfer_bet ON wallet_transfer (bet_id) WHERE bet_id IS NOT NULL;

CREATE TABLE wallet_entry (
    id uuid PRIMARY KEY DEFAULT kernel_uuid7(),
    transfer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    balance_after_minor bigint,
    sequence bigint,
    CHECK ((sequence IS NULL) = (balance_after_minor IS NULL))
) PARTITION BY RANGE (id);
CREATE INDEX wallet_entry_transfer ON wallet_entry (transfer_id);
CREATE INDEX wallet_entry_account ON wallet_entry (account_id, sequence DESC) WHERE sequence IS NOT NULL;

-- A partitioned table cannot hold a key that is unique over all time: idempotency has a narrow table of its own.
CREATE TABLE wallet_transferkey (
    source text NOT NULL,
    key text NOT NULL,
    digest bytea,
    outcome text NOT NULL,
    reason text NOT NULL DEFAULT '',
    transfer_id uuid,
    win_transfer_id uuid,
    PRIMARY KEY (key, source)
) PARTITION BY HASH (key);
DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE wallet_transferkey_%s PARTITION OF wallet_transferkey
                        FOR VALUES WITH (MODULUS 16, REMAINDER %s)', to_char(part, 'FM00'), part);
        CALL kernel_make_function_only(format('wallet_transferkey_%s', to_char(part, 'FM00')));
    END LOOP;
END
$$;

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
