-- Posting of withdrawals and chargebacks. Like posting.sql: one call per movement, under the player's lock, kept by
-- key. What they tell is published by the services that call them, in the same transaction.

-- The account that 'real', 'held' or a kind of the house's accounts means for this player.
CREATE FUNCTION wallet_named_account(p_name text, p_player uuid, p_currency text) RETURNS uuid LANGUAGE sql AS $$
    SELECT CASE p_name WHEN 'real' THEN wallet_real_purse(p_player, p_currency)
                       WHEN 'held' THEN wallet_held_purse(p_player, p_currency)
                       ELSE wallet_house_account(p_name, p_currency) END
$$;

-- Moves money from one to the other: a player's 'real' or 'held' purse, or an account of the house.
CREATE FUNCTION wallet_shift(p_kind text, p_player uuid, p_from text, p_to text, p_currency text, p_amount bigint,
    p_source text, p_key text, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest(p_kind, p_player::text, p_from, p_to, p_currency, p_amount::text);
    side record;
    currency_held text;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    SELECT currency INTO currency_held FROM players_player WHERE id = p_player;
    IF currency_held IS DISTINCT FROM p_currency THEN
        answer.reason := CASE WHEN currency_held IS NULL THEN 'unknown_player' ELSE 'wrong_currency' END;
    ELSIF EXISTS (SELECT FROM wallet_account WHERE player_id = p_player AND kind = p_from AND balance_minor < p_amount)
       OR (p_from IN ('real', 'held') AND NOT EXISTS (SELECT FROM wallet_account WHERE player_id = p_player AND kind = p_from)) THEN
        answer.reason := 'insufficient_funds';
    END IF;
    IF answer.reason <> '' THEN
        answer.outcome := 'refused';  -- not kept: asked again after a deposit, it goes through
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at, rate_id)
    VALUES (p_kind, p_player, p_currency, p_amount, p_source, p_key, p_actor, p_request_id, p_at,
            CASE WHEN p_kind = 'withdrawal_hold' THEN kernel_rate_id(p_currency, p_at) END)
    RETURNING id INTO answer.transfer_id;
    FOR side IN SELECT * FROM (VALUES (p_from, -p_amount), (p_to, p_amount)) AS sides (name, amount) LOOP
        IF side.name IN ('real', 'held') THEN
            PERFORM wallet_enter(answer.transfer_id, wallet_named_account(side.name, p_player, p_currency), side.amount);
        ELSE
            PERFORM wallet_enter_house(answer.transfer_id, wallet_named_account(side.name, p_player, p_currency), side.amount);
        END IF;
    END LOOP;
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- The rate that a deposit was stamped with. Its key begins the keys of all that follows it.
CREATE FUNCTION wallet_deposit_rate(p_source text, p_key text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT t.rate_id FROM wallet_transferkey k JOIN wallet_transfer t ON t.id = k.transfer_id
    WHERE k.key = split_part(p_key, ':', 1) AND k.source = p_source
$$;

-- Takes a deposit back: from the real purse as far as it reaches, the rest is the house's loss. Never refused for want
-- of money: the bank has taken it already.
CREATE FUNCTION wallet_charge_back(p_player uuid, p_currency text, p_amount bigint, p_source text, p_key text,
    p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('chargeback', p_player::text, p_currency, p_amount::text);
    purse uuid;
    taken bigint;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    purse := wallet_real_purse(p_player, p_currency);
    SELECT least(balance_minor, p_amount) INTO taken FROM wallet_account WHERE id = purse;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at, rate_id)
    VALUES ('chargeback', p_player, p_currency, p_amount, p_source, p_key, p_actor, p_request_id, p_at,
            wallet_deposit_rate(p_source, p_key))
    RETURNING id INTO answer.transfer_id;
    IF taken > 0 THEN
        PERFORM wallet_enter(answer.transfer_id, purse, -taken);
    END IF;
    IF taken < p_amount THEN
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('chargebacks', p_currency), taken - p_amount);
    END IF;
    PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('payments', p_currency), p_amount);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;
