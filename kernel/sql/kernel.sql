-- Functions that every app may call.

-- UUIDv7 (RFC 9562) on any PostgreSQL; version 18 brings its own, which is faster.
DO $do$
BEGIN
    IF to_regprocedure('pg_catalog.uuidv7()') IS NOT NULL THEN
        EXECUTE 'CREATE OR REPLACE FUNCTION kernel_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS ''SELECT uuidv7()''';
    ELSE
        EXECUTE $f$CREATE OR REPLACE FUNCTION kernel_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS
        'SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6), 52, 1), 53, 1), ''hex'')::uuid'$f$;
    END IF;
END
$do$;

-- The smallest UUIDv7 of a moment: bounds of partitions and of searches by time.
CREATE OR REPLACE FUNCTION kernel_uuid7_floor(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The moment at which a UUIDv7 was made, in the fastest way that this server has. (PostgreSQL's own function knows
-- nothing of the floors above.)
DO $do$
DECLARE
    by_hand text := $f$to_timestamp(('x' || translate(left(p_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)$f$;
BEGIN
    IF to_regprocedure('pg_catalog.uuid_extract_timestamp(uuid)') IS NOT NULL THEN
        by_hand := 'coalesce(uuid_extract_timestamp(p_id), ' || by_hand || ')';
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION kernel_uuid7_at(p_id uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
                   'SELECT ' || by_hand);
END
$do$;

-- Decimals of a currency's minor unit; made from kernel/currencies.py.
CREATE OR REPLACE FUNCTION kernel_exponent(p_currency text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE {{exponents}} ELSE 2 END -- most currencies, EUR among them
$$;

-- Minor units as the decimal string of every wire: 1234 EUR -> 12.34
CREATE OR REPLACE FUNCTION kernel_major(p_minor bigint, p_currency text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN kernel_exponent(p_currency) = 2 THEN round(p_minor / 100.0, 2)::text
                ELSE round(p_minor / power(10::numeric, kernel_exponent(p_currency)), kernel_exponent(p_currency))::text END
$$;

-- Rows of append-only tables are never changed: not by a bug, not by a hurried hand at a prompt.
CREATE OR REPLACE FUNCTION kernel_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'PM001';
END
$$;

CREATE OR REPLACE PROCEDURE kernel_make_append_only(p_table text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change()', p_table);
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change()', p_table);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM PUBLIC', p_table);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pms_app') THEN
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM pms_app', p_table);
    END IF;
END
$$;

-- Takes writing away from the application's role: the table is written by its functions alone.
CREATE OR REPLACE PROCEDURE kernel_make_function_only(p_table text) LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pms_app') THEN
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %I FROM pms_app', p_table);
    END IF;
END
$$;

-- Tables partitioned by month of their UUIDv7 id. Partitions are made a year ahead, and by the application itself
-- (SECURITY DEFINER): a partition that is missing on the first of a month would stop the casino.
CREATE TABLE IF NOT EXISTS kernel_partitioned_table (
    table_name text PRIMARY KEY,
    append_only boolean NOT NULL
);

CREATE OR REPLACE FUNCTION kernel_ensure_partitions(p_from date, p_months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made integer := 0;
    parent record;
    partition_name text;
    month date;
BEGIN
    FOR parent IN SELECT * FROM kernel_partitioned_table ORDER BY table_name LOOP
        FOR month IN SELECT generate_series(date_trunc('month', p_from), date_trunc('month', p_from) + make_interval(months => p_months), '1 month')::date LOOP
            partition_name := format('%s_%s', parent.table_name, to_char(month, 'YYYY_MM'));
            CONTINUE WHEN to_regclass(format('public.%I', partition_name)) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition_name, parent.table_name,
                kernel_uuid7_floor(month::timestamp AT TIME ZONE 'UTC'),
                kernel_uuid7_floor((month + interval '1 month') AT TIME ZONE 'UTC'));
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pms_app') THEN
                -- Written through the parent only, never around its triggers.
                EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %I FROM pms_app', partition_name);
            END IF;
            IF parent.append_only THEN
                EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I
                                FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change()', partition_name);
            END IF;
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
