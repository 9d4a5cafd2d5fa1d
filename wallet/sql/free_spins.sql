-- Free spins: a purse that holds whole spins of a fixed value, as money against the house's account spins_issued, so that
-- every movement of spins is double entry too (docs/decisions/0020). Spins are no cost; what they win is.

-- Opens a free-spins purse and, where its wins are bonus money, the empty bonus purse that they go to. The caller names
-- both. p_value is that of one spin.
CREATE FUNCTION wallet_open_spins(p_player uuid, p_account uuid, p_currency text, p_count integer, p_value bigint,
    p_games text[], p_active_until timestamptz, p_winnings uuid, p_priority integer, p_stake_cap bigint,
    p_game_categories text[], p_winnings_until timestamptz, p_source text, p_key text, p_at timestamptz, p_actor text,
    p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    IF EXISTS (SELECT FROM players_player WHERE id = p_player AND currency = p_currency) THEN
        IF p_winnings IS NOT NULL THEN
            INSERT INTO wallet_account (id, player_id, kind, currency, balance_minor, sequence, priority, stake_cap_minor,
                                        game_categories, active_until, opened_at, closed_into)
            VALUES (p_winnings, p_player, 'bonus', p_currency, 0, 0, p_priority, p_stake_cap, p_game_categories,
                    p_winnings_until, p_at, '') ON CONFLICT (id) DO NOTHING;
        END IF;
        INSERT INTO wallet_account (id, player_id, kind, currency, balance_minor, sequence, priority, game_codes,
                                    spin_value_minor, winnings_id, active_until, opened_at, closed_into)
        VALUES (p_account, p_player, 'free_spins', p_currency, 0, 0, 0, p_games, p_value, p_winnings, p_active_until, p_at, '')
        ON CONFLICT (id) DO NOTHING;
    END IF;
    answer := wallet_move('spins_grant', p_player, p_account, 'spins_issued', p_currency, p_count * p_value, p_source, p_key,
                          p_at, p_actor, p_request_id);
    IF answer.outcome = 'replayed' AND NOT EXISTS (
            SELECT FROM wallet_account WHERE id = p_account AND spin_value_minor = p_value
            AND game_codes IS NOT DISTINCT FROM p_games::varchar[] AND active_until IS NOT DISTINCT FROM p_active_until
            AND winnings_id IS NOT DISTINCT FROM p_winnings) THEN
        answer.outcome := 'conflict';
    ELSIF answer.outcome = 'applied' THEN
        PERFORM events_append('wallet.free-spins-granted.v1', p_player, p_at, jsonb_build_object(
            'purse_id', p_account, 'transfer_id', answer.transfer_id, 'spins', p_count,
            'spin_value', kernel_major(p_value, p_currency), 'winnings_purse_id', p_winnings, 'currency', p_currency), p_request_id);
    END IF;
    RETURN answer;
END
$$;

-- The purse that a free round of this game draws on, the one that ends first; NULL where none fits. A round without a
-- value takes one spin; one with a value as many as it is worth, and none where that is no whole number of spins.
CREATE FUNCTION wallet_spins_for(p_player uuid, p_game text, p_value bigint, p_at timestamptz) RETURNS wallet_account
LANGUAGE sql STABLE AS $$
    SELECT a FROM wallet_account a
    WHERE player_id = p_player AND closed_at IS NULL AND kind = 'free_spins'
      AND (game_codes IS NULL OR p_game = ANY (game_codes)) AND (active_until IS NULL OR active_until > p_at)
      AND CASE p_value WHEN 0 THEN balance_minor >= spin_value_minor
                       ELSE balance_minor >= p_value AND p_value % spin_value_minor = 0 END
    ORDER BY active_until NULLS LAST, opened_at, id LIMIT 1
$$;

-- Where wins of a free bet go: as its purse's terms say; real money for a bet that drew on none. NULL: to nobody, the
-- bonus was forfeited.
CREATE FUNCTION wallet_winnings_of(p_bet wallet_transfer, p_at timestamptz) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    winnings wallet_account;
BEGIN
    SELECT w.* INTO winnings FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id AND a.kind = 'free_spins'
    JOIN wallet_account w ON w.id = a.winnings_id WHERE e.transfer_id = p_bet.id AND e.id >= p_bet.id;
    IF NOT FOUND THEN
        RETURN wallet_real_purse(p_bet.player_id, p_bet.currency);
    END IF;
    RETURN wallet_destination(winnings, p_at);
END
$$;

-- Closes a free-spins purse: what is left of it is gone. Wins of spins that were used still go where they went.
CREATE FUNCTION wallet_close_spins(p_player uuid, p_account uuid, p_why text, p_source text, p_key text, p_at timestamptz,
    p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('close_spins', p_player::text, p_account::text, p_why);
    purse wallet_account;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    SELECT * INTO purse FROM wallet_account
    WHERE id = p_account AND player_id = p_player AND kind = 'free_spins' AND closed_at IS NULL;
    IF NOT FOUND THEN
        answer.outcome := 'unknown_reference';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    IF purse.balance_minor > 0 THEN
        INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at)
        VALUES ('spins_forfeit', p_player, purse.currency, purse.balance_minor, p_source, p_key, p_actor, p_request_id, p_at)
        RETURNING id INTO answer.transfer_id;
        PERFORM wallet_enter(answer.transfer_id, p_account, -purse.balance_minor);
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('spins_issued', purse.currency), purse.balance_minor);
    END IF;
    UPDATE wallet_account SET closed_at = p_at, closed_into = 'house' WHERE id = p_account;
    PERFORM events_append('wallet.free-spins-ended.v1', p_player, p_at, jsonb_build_object(
        'purse_id', p_account, 'why', p_why, 'spins_lost', purse.balance_minor / purse.spin_value_minor,
        'winnings_purse_id', purse.winnings_id, 'currency', purse.currency), p_request_id);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;
