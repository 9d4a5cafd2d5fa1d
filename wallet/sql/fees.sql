-- Fees of withdrawals: entries of their own in the transfer that pays, and given back with a payment that comes back.

-- Pays p_amount out of the held purse and takes p_fee of it beside; or, with p_back, takes a returned payment in again
-- and gives the fee back: both are real money again.
CREATE FUNCTION wallet_pay_out(p_kind text, p_player uuid, p_back boolean, p_currency text, p_amount bigint, p_fee bigint,
    p_source text, p_key text, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest(p_kind, p_player::text, p_back::text, p_currency, p_amount::text, p_fee::text);
    way integer := CASE WHEN p_back THEN -1 ELSE 1 END;
    purse uuid;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    purse := wallet_named_account(CASE WHEN p_back THEN 'real' ELSE 'held' END, p_player, p_currency);
    IF NOT p_back AND EXISTS (SELECT FROM wallet_account WHERE id = purse AND balance_minor < p_amount + p_fee) THEN
        answer.outcome := 'refused';
        answer.reason := 'insufficient_funds';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at)
    VALUES (p_kind, p_player, p_currency, p_amount, p_source, p_key, p_actor, p_request_id, p_at)
    RETURNING id INTO answer.transfer_id;
    PERFORM wallet_enter(answer.transfer_id, purse, -way * p_amount);
    PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('payments', p_currency), way * p_amount);
    PERFORM wallet_enter(answer.transfer_id, purse, -way * p_fee);
    PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('fees', p_currency), way * p_fee);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;
