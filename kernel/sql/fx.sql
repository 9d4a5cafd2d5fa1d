-- Exchange rates for SQL: the same answers as kernel/fx.py. What is asked for every posting is inlined into the statement
-- that asks, so that the euro never leaves it; what reads the table is plpgsql: planned once per session.

-- The last rate of a currency that was published for the day of a moment or the seven days before; NULL when there is none.
CREATE OR REPLACE FUNCTION kernel_find_rate(p_currency text, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    today date := (p_at AT TIME ZONE 'UTC')::date;
BEGIN
    RETURN (SELECT id FROM kernel_exchangerate WHERE currency = p_currency AND day <= today AND day >= today - 7
            ORDER BY day DESC LIMIT 1);
END
$$;

-- The rate that a posting of this moment is stamped with. The euro needs none.
CREATE OR REPLACE FUNCTION kernel_rate_id(p_currency text, p_at timestamptz) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_currency <> 'EUR' THEN kernel_find_rate(p_currency, p_at) END
$$;

-- Minor units of another currency in EUR by a rate, half up to a millionth; nothing is nothing in any currency.
CREATE OR REPLACE FUNCTION kernel_eur_by(p_minor bigint, p_currency text, p_rate bigint) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF p_minor = 0 THEN
        RETURN '0.000000';
    END IF;
    RETURN (SELECT round(p_minor / power(10::numeric, kernel_exponent(p_currency)) / per_euro, 6)::text
            FROM kernel_exchangerate WHERE id = p_rate);
END
$$;

-- Minor units in EUR as the decimal string of every wire: those of the euro exactly, others to six decimals by p_rate;
-- NULL without a rate. Not to cents: a yen is less than one, and a thousand small bets must give what one large bet gives.
CREATE OR REPLACE FUNCTION kernel_eur(p_minor bigint, p_currency text, p_rate bigint) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_currency = 'EUR' THEN kernel_major(p_minor, 'EUR') ELSE kernel_eur_by(p_minor, p_currency, p_rate) END
$$;
