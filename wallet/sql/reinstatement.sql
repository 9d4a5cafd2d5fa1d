-- A won dispute: what chargebacks took of a deposit is given back. The player first, as far as they took of the player's
-- own; the rest makes good what the house lost.
CREATE FUNCTION wallet_reinstate(p_player uuid, p_deposit uuid, p_currency text, p_amount bigint, p_source text, p_key text,
    p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('reinstatement', p_player::text, p_deposit::text, p_currency, p_amount::text);
    purse uuid;
    given bigint;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    purse := wallet_real_purse(p_player, p_currency);
    SELECT least(p_amount, greatest(0, -coalesce(sum(e.amount_minor), 0))) INTO given
    FROM wallet_transfer t JOIN wallet_entry e ON e.transfer_id = t.id AND e.account_id = purse
    WHERE t.player_id = p_player AND t.kind IN ('chargeback', 'reinstatement') AND t.source = p_source
      AND starts_with(t.reference, p_deposit::text || ':');
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at, rate_id)
    VALUES ('reinstatement', p_player, p_currency, p_amount, p_source, p_key, p_actor, p_request_id, p_at,
            wallet_deposit_rate(p_source, p_key))
    RETURNING id INTO answer.transfer_id;
    IF given > 0 THEN
        PERFORM wallet_enter(answer.transfer_id, purse, given);
    END IF;
    IF given < p_amount THEN
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('chargebacks', p_currency), p_amount - given);
    END IF;
    PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('payments', p_currency), -p_amount);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;
