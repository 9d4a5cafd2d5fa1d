-- Tournaments: a purse per player and tournament holds what was paid in until it is settled or refunded. The fee of a
-- buy-in is entries of its own in the same transfer. What of settled purses is not paid as prizes is the house's, on the
-- account tournaments; prizes above it are the house's too.

-- A player enters a tournament by opening the purse p_account, or pays into it again (p_rebuy). p_fee comes on top of p_amount, both from real money. A
-- retry is told by its content without the fee, and has had the fee of the first copy.
CREATE FUNCTION wallet_buy_in(p_player uuid, p_account uuid, p_tournament text, p_rebuy boolean, p_currency text,
    p_amount bigint, p_fee bigint, p_source text, p_key text, p_at timestamptz, p_actor text, p_request_id text)
RETURNS wallet_posting LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('buy_in', p_player::text, p_tournament, p_rebuy::text, p_currency, p_amount::text);
    gate record;
    purse wallet_account;
    real_purse uuid;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    gate := players_gate(p_player, 'play', p_at);
    SELECT * INTO purse FROM wallet_account
    WHERE player_id = p_player AND kind = 'tournament' AND subject = p_tournament AND closed_at IS NULL;
    IF p_rebuy AND purse.id IS NULL THEN
        answer.reason := '';
        answer.outcome := 'unknown_reference';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := CASE WHEN gate.refusal IS NOT NULL THEN gate.refusal
                          WHEN gate.currency <> p_currency THEN 'wrong_currency'
                          WHEN NOT p_rebuy AND purse.id IS NOT NULL THEN 'already_entered'
                          WHEN NOT EXISTS (SELECT FROM wallet_account WHERE player_id = p_player AND kind = 'real'
                                           AND balance_minor >= p_amount + p_fee) THEN 'insufficient_funds' ELSE '' END;
    IF answer.reason = '' THEN
        answer.reason := compliance_gate_bet(p_player, '', 'tournament', p_amount + p_fee, p_amount + p_fee, 0, p_at, p_actor, p_request_id);
    END IF;
    IF answer.reason <> '' THEN
        answer.outcome := 'refused';
        IF answer.reason = 'gate_stale' THEN
            RETURN wallet_with_balances(answer, p_player);
        END IF;
        IF answer.reason = gate.refusal THEN
            PERFORM compliance_keep_bet_denial(p_player, gate.refusal, NULL, '', 'tournament', p_amount + p_fee, NULL, p_at, p_actor, p_request_id);
        END IF;
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    IF purse.id IS NULL THEN
        INSERT INTO wallet_account (id, player_id, kind, currency, balance_minor, sequence, priority, subject, opened_at, closed_into)
        VALUES (p_account, p_player, 'tournament', p_currency, 0, 0, 0, p_tournament, p_at, '')
        RETURNING * INTO purse;
    END IF;
    real_purse := wallet_real_purse(p_player, p_currency);
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at)
    VALUES (CASE WHEN p_rebuy THEN 'tournament_rebuy' ELSE 'tournament_buy_in' END, p_player, p_currency, p_amount, p_source,
            p_key, p_actor, p_request_id, p_at) RETURNING id INTO answer.transfer_id;
    PERFORM wallet_enter(answer.transfer_id, real_purse, -p_amount);
    PERFORM wallet_enter(answer.transfer_id, purse.id, p_amount);
    IF p_fee > 0 THEN
        PERFORM wallet_enter(answer.transfer_id, real_purse, -p_fee);
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('fees', p_currency), p_fee);
    END IF;
    PERFORM events_append('wallet.tournament-bought-in.v1', p_player, p_at, jsonb_build_object(
        'transfer_id', answer.transfer_id, 'purse_id', purse.id, 'tournament', p_tournament, 'rebuy', p_rebuy,
        'amount', kernel_major(p_amount, p_currency), 'fee', kernel_major(p_fee, p_currency), 'currency', p_currency), p_request_id);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- Ends a player's part in a tournament: the purse is closed into the house's prize money and p_prize (0: none) is paid to
-- real money; or, with p_refund, everything that was paid for it comes back, fees included. Never asks the gate.
CREATE FUNCTION wallet_end_tournament(p_player uuid, p_tournament text, p_currency text, p_prize bigint, p_refund boolean,
    p_source text, p_key text, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('end_tournament', p_player::text, p_tournament, p_currency, p_prize::text, p_refund::text);
    purse wallet_account;
    fees bigint := 0;
    due bigint;
    paid record;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    SELECT * INTO purse FROM wallet_account
    WHERE player_id = p_player AND kind = 'tournament' AND subject = p_tournament AND closed_at IS NULL;
    IF NOT FOUND OR purse.currency <> p_currency THEN
        answer.outcome := CASE WHEN purse.id IS NULL THEN 'unknown_reference' ELSE 'refused' END;
        answer.reason := CASE WHEN purse.id IS NULL THEN '' ELSE 'wrong_currency' END;
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    IF p_refund THEN
        SELECT coalesce(sum(f.amount_minor), 0) INTO fees FROM wallet_entry e
        JOIN wallet_entry f ON f.transfer_id = e.transfer_id AND f.id >= e.transfer_id
        JOIN wallet_account a ON a.id = f.account_id AND a.kind = 'fees'
        WHERE e.account_id = purse.id AND e.sequence IS NOT NULL;
    END IF;
    due := CASE WHEN p_refund THEN purse.balance_minor + fees ELSE p_prize END;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at)
    VALUES (CASE WHEN p_refund THEN 'tournament_refund' ELSE 'tournament_settle' END, p_player, p_currency, due, p_source,
            p_key, p_actor, p_request_id, p_at) RETURNING id INTO answer.transfer_id;
    IF p_refund THEN
        FOR paid IN
            SELECT t.occurred_at, count(*)::integer AS times, sum(-e.amount_minor)::bigint AS amount FROM wallet_entry i
            JOIN wallet_transfer t ON t.id = i.transfer_id
            JOIN LATERAL (SELECT sum(amount_minor) AS amount_minor FROM wallet_entry
                          WHERE transfer_id = t.id AND id >= t.id AND account_id = wallet_real_purse(p_player, p_currency)) e ON true
            WHERE i.account_id = purse.id AND i.sequence IS NOT NULL GROUP BY t.occurred_at
        LOOP
            PERFORM compliance_gate_count(p_player, paid.occurred_at, -paid.times, -paid.amount, 0);
        END LOOP;
    ELSIF due > 0 THEN
        PERFORM compliance_gate_count(p_player, p_at, 0, 0, due);
    END IF;
    PERFORM wallet_enter(answer.transfer_id, purse.id, -purse.balance_minor);
    IF due > 0 THEN
        PERFORM wallet_enter(answer.transfer_id, wallet_real_purse(p_player, p_currency), due);
    END IF;
    IF fees > 0 THEN
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('fees', p_currency), -fees);
    END IF;
    IF NOT p_refund AND purse.balance_minor <> p_prize THEN
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('tournaments', p_currency), purse.balance_minor - p_prize);
    END IF;
    UPDATE wallet_account SET closed_at = p_at, closed_into = CASE WHEN p_refund THEN 'real' ELSE 'house' END WHERE id = purse.id;
    IF p_refund THEN
        PERFORM events_append('wallet.tournament-refunded.v1', p_player, p_at, jsonb_build_object(
            'transfer_id', answer.transfer_id, 'purse_id', purse.id, 'tournament', p_tournament,
            'amount', kernel_major(purse.balance_minor, p_currency), 'fee', kernel_major(fees, p_currency),
            'currency', p_currency), p_request_id);
    ELSE
        PERFORM events_append('wallet.tournament-settled.v1', p_player, p_at, jsonb_build_object(
            'transfer_id', answer.transfer_id, 'purse_id', purse.id, 'tournament', p_tournament,
            'paid_in', kernel_major(purse.balance_minor, p_currency), 'prize', kernel_major(p_prize, p_currency),
            'currency', p_currency), p_request_id);
    END IF;
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;
