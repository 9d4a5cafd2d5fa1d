-- What adapters need beside the posting functions: free rounds, wins that name a round instead of a bet, the log.

-- A win may name its round only: the bets of a player's round are found by this, and it costs other bets nothing.
CREATE INDEX wallet_transfer_adapter_round ON wallet_transfer (player_id, round, id DESC)
    WHERE kind IN ('bet', 'free_bet') AND source LIKE 'adapter:%';

-- Places a bet that costs the player no money and counts nothing. p_value is what the game's side says that it is worth;
-- it belongs to the content, so that the same key with another value is a conflict. p_draw says whether it uses up spins of
-- a purse that fits (free_spins.sql): 'never' and, where there is none, 'if_any' move nothing; 'must' is refused then.
CREATE FUNCTION wallet_free_bet(p_player uuid, p_source text, p_key text, p_game text, p_round text, p_currency text,
    p_value bigint, p_draw text, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('free_bet', p_player::text, p_game, p_round, p_currency, p_value::text);
    game wallet_game;
    gate record;
    purse wallet_account;
    used bigint := 0;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    SELECT * INTO game FROM wallet_game WHERE code = p_game AND active;
    gate := players_gate(p_player, 'play', p_at);
    answer.reason := CASE WHEN gate.refusal IS NOT NULL THEN gate.refusal
                          WHEN game.code IS NULL THEN 'unknown_game'
                          WHEN gate.currency <> p_currency THEN 'wrong_currency'
                          WHEN EXISTS (SELECT FROM wallet_closedround c WHERE c.player_id = p_player AND c.round = p_round
                                       AND c.game = p_game AND c.source = p_source) THEN 'round_closed' ELSE '' END;
    IF answer.reason = '' AND p_draw <> 'never' THEN
        purse := wallet_spins_for(p_player, p_game, p_value, p_at);
        IF purse.id IS NULL AND p_draw = 'must' THEN
            answer.reason := 'no_free_spins';
        END IF;
    END IF;
    IF answer.reason = '' THEN
        answer.reason := compliance_gate_bet(p_player, p_game, game.category, 0, 0, 0, p_at, p_actor, p_request_id);
    END IF;
    IF answer.reason <> '' THEN
        answer.outcome := 'refused';
        IF answer.reason = 'gate_stale' THEN
            RETURN wallet_with_balances(answer, p_player);
        END IF;
        IF answer.reason = gate.refusal THEN
            PERFORM compliance_keep_bet_denial(p_player, gate.refusal, NULL, p_game, game.category, 0, 0, p_at, p_actor, p_request_id);
        END IF;
    ELSE
        IF purse.id IS NOT NULL THEN
            used := CASE p_value WHEN 0 THEN purse.spin_value_minor ELSE p_value END;
        END IF;
        INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, actor, request_id, occurred_at)
        VALUES ('free_bet', p_player, p_currency, used, p_source, p_key, p_game, p_round, p_actor, p_request_id, p_at)
        RETURNING id INTO answer.transfer_id;
        IF used > 0 THEN
            PERFORM wallet_enter(answer.transfer_id, purse.id, -used);
            PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('spins_issued', p_currency), used);
        END IF;
        answer.outcome := 'applied';
        PERFORM events_append('wallet.free-bet-placed.v1', p_player, p_at, jsonb_build_object(
            'bet_id', answer.transfer_id, 'round', p_round, 'game', p_game, 'category', game.category,
            'value', kernel_major(greatest(p_value, used), p_currency), 'purse_id', purse.id,
            'spins', coalesce(used / purse.spin_value_minor, 0), 'currency', p_currency), p_request_id);
    END IF;
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- Pays a win on a free bet, at the cost of bonuses: to where its purse's terms say, real money without a purse.
CREATE FUNCTION wallet_free_win(p_bet wallet_transfer, p_source text, p_key text, p_currency text, p_amount bigint,
    p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting LANGUAGE plpgsql AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('free_win', p_bet.player_id::text, p_bet.id::text, p_currency, p_amount::text);
    destination uuid;
    paid bigint;
    real_part bigint;
BEGIN
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN answer;
    END IF;
    answer.reason := '';
    IF EXISTS (SELECT FROM wallet_transfer WHERE bet_id = p_bet.id AND id >= p_bet.id AND kind = 'rollback') THEN
        answer.outcome := 'unknown_reference';
        RETURN answer;
    ELSIF p_bet.currency <> p_currency THEN
        answer.outcome := 'refused';
        answer.reason := 'wrong_currency';
        RETURN answer;
    END IF;
    destination := wallet_winnings_of(p_bet, p_at);
    paid := CASE WHEN destination IS NULL THEN 0 ELSE p_amount END;  -- what is won into a forfeited bonus is the house's
    real_part := CASE WHEN destination = wallet_real_purse(p_bet.player_id, p_currency) THEN paid ELSE 0 END;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at)
    VALUES ('free_win', p_bet.player_id, p_currency, paid, p_source, p_key, p_bet.game, p_bet.round, p_bet.id, p_actor, p_request_id, p_at)
    RETURNING id INTO answer.transfer_id;
    IF paid > 0 THEN
        PERFORM wallet_enter(answer.transfer_id, destination, paid);
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('bonus_cost', p_currency), -paid);
    END IF;
    PERFORM events_append('wallet.free-win-credited.v1', p_bet.player_id, p_at, jsonb_build_object(
        'win_id', answer.transfer_id, 'bet_id', p_bet.id, 'round', p_bet.round, 'game', p_bet.game,
        'category', (SELECT category FROM wallet_game WHERE code = p_bet.game),
        'amount', kernel_major(paid, p_currency), 'real', kernel_major(real_part, p_currency),
        'bonus', kernel_major(paid - real_part, p_currency), 'currency', p_currency), p_request_id);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN answer;
END
$$;

-- The free bet that a key placed for this player, or NULL.
CREATE FUNCTION wallet_find_free_bet(p_player uuid, p_source text, p_bet_key text) RETURNS wallet_transfer LANGUAGE sql STABLE AS $$
    SELECT t FROM wallet_transferkey k JOIN wallet_transfer t ON t.id = k.transfer_id
    WHERE k.key = p_bet_key AND k.source = p_source AND t.kind = 'free_bet' AND t.player_id = p_player
$$;

-- The key of the bet that a win of this round belongs to: the bet of the win's first copy, else the round's latest bet
-- that stands. Bets older than the four months for which keys are promised are not looked for.
CREATE FUNCTION wallet_find_round_bet(p_player uuid, p_source text, p_key text, p_game text, p_round text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    bet_key text;
BEGIN
    SELECT b.reference INTO bet_key FROM wallet_transferkey k
    JOIN wallet_transfer w ON w.id = k.transfer_id JOIN wallet_transfer b ON b.id = w.bet_id
    WHERE k.key = p_key AND k.source = p_source AND w.player_id = p_player AND b.round = p_round;
    IF NOT FOUND THEN
        SELECT t.reference INTO bet_key FROM wallet_transfer t
        WHERE t.player_id = p_player AND t.round = p_round AND t.kind IN ('bet', 'free_bet') AND t.source LIKE 'adapter:%'
          AND t.source = p_source AND t.game = p_game
          AND t.id >= kernel_uuid7_floor(now() - interval '4 months') AND t.id < kernel_uuid7_floor(now() + interval '1 day')
          AND NOT EXISTS (SELECT FROM wallet_transfer r WHERE r.bet_id = t.id AND r.id >= t.id AND r.kind = 'rollback')
        ORDER BY t.id DESC LIMIT 1;
    END IF;
    RETURN bet_key;
END
$$;

-- Pays a win on the bet or free bet that p_bet_key placed; where that is NULL, on the bet of the round.
CREATE FUNCTION wallet_adapter_win(p_player uuid, p_source text, p_key text, p_bet_key text, p_game text, p_round text,
    p_currency text, p_amount bigint, p_close boolean, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    bet_key text := p_bet_key;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    IF bet_key IS NULL THEN
        bet_key := coalesce(wallet_find_round_bet(p_player, p_source, p_key, p_game, p_round), '');
    END IF;
    RETURN wallet_win_with(p_player, p_source, p_key, bet_key, p_currency, p_amount, false, 0, p_close, p_at, p_actor, p_request_id);
END
$$;

-- Undoes a bet or a free bet. p_amount, where the aggregator sends one, has to be the stake. An unknown bet leaves a
-- tombstone, whatever kind of bet it would have been.
CREATE FUNCTION wallet_adapter_rollback(p_player uuid, p_source text, p_key text, p_bet_key text, p_amount bigint,
    p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea;
    bet wallet_transfer;
    line record;
    destination uuid;
    won bigint := 0;
    spins bigint := 0;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer.reason := '';
    bet := wallet_find_free_bet(p_player, p_source, p_bet_key);
    IF bet.id IS NULL THEN
        IF EXISTS (SELECT FROM wallet_transferkey k JOIN wallet_transfer t ON t.id = k.transfer_id
                   WHERE k.key = p_bet_key AND k.source = p_source AND t.kind = 'bet' AND t.amount_minor <> p_amount) THEN
            answer.outcome := 'conflict';
            RETURN wallet_with_balances(answer, p_player);
        END IF;
        RETURN wallet_rollback(p_player, p_source, p_key, p_bet_key, p_at, p_actor, p_request_id);
    END IF;
    digest := wallet_digest('rollback', p_player::text, p_bet_key);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    SELECT id INTO answer.transfer_id FROM wallet_transfer WHERE bet_id = bet.id AND id >= bet.id AND kind = 'rollback';
    IF FOUND THEN  -- undone before under another key: the same answer
        answer.outcome := 'applied';
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
        answer.outcome := 'replayed';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at)
    VALUES ('rollback', p_player, bet.currency, bet.amount_minor, p_source, p_key, bet.game, bet.round, bet.id, p_actor, p_request_id, p_at)
    RETURNING id INTO answer.transfer_id;
    FOR line IN
        SELECT a AS account, sum(e.amount_minor)::bigint AS amount,
               coalesce(sum(e.amount_minor) FILTER (WHERE t.kind = 'free_win'), 0)::bigint AS won
        FROM wallet_transfer t JOIN wallet_entry e ON e.transfer_id = t.id AND e.id >= t.id
        JOIN wallet_account a ON a.id = e.account_id AND a.player_id IS NOT NULL
        WHERE t.id = bet.id OR (t.bet_id = bet.id AND t.id >= bet.id AND t.kind IN ('free_win', 'jackpot_win'))
        GROUP BY a.id, a ORDER BY a.id
    LOOP
        won := won + line.won;
        destination := wallet_destination(line.account, p_at);
        CONTINUE WHEN destination IS NULL;  -- spins of a purse that is closed are gone
        PERFORM wallet_enter(answer.transfer_id, destination, -line.amount);
        PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account(
            CASE (line.account).kind WHEN 'free_spins' THEN 'spins_issued' ELSE 'bonus_cost' END, bet.currency), line.amount);
        IF (line.account).kind = 'free_spins' THEN
            spins := -line.amount / (line.account).spin_value_minor;
        END IF;
    END LOOP;
    PERFORM compliance_gate_count(p_player, bet.occurred_at, -1, 0, 0);
    PERFORM wallet_undo_aside(bet, answer.transfer_id, 'bonus_cost');
    PERFORM events_append('wallet.free-bet-rolled-back.v1', p_player, p_at, jsonb_build_object(
        'rollback_id', answer.transfer_id, 'bet_id', bet.id, 'round', bet.round, 'game', bet.game,
        'category', (SELECT category FROM wallet_game WHERE code = bet.game),
        'spins', spins, 'won', kernel_major(won, bet.currency), 'currency', bet.currency), p_request_id);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
EXCEPTION WHEN check_violation THEN
    -- The winnings are spent. Not kept: once the player has the money, the same call goes through.
    answer := NULL;
    answer.outcome := 'refused';
    answer.reason := 'winnings_spent';
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- The log of requests. Lost by a crash at worst, never in the way of money: it has no foreign keys.
CREATE TABLE wallet_adapterrequest (
    id uuid PRIMARY KEY DEFAULT kernel_uuid7(),
    integration text NOT NULL,
    endpoint text NOT NULL,
    method text NOT NULL,
    query text NOT NULL,
    body text NOT NULL,
    signature_ok boolean NOT NULL,
    remote_ip text NOT NULL,
    player_id uuid,
    session_id uuid,
    reference text NOT NULL,
    status_code smallint NOT NULL,
    answer text NOT NULL,
    outcome text NOT NULL,
    duration_us integer NOT NULL,
    received_at timestamptz NOT NULL,
    replay_of uuid,
    replayed_by text NOT NULL DEFAULT ''
) PARTITION BY RANGE (id);
CREATE INDEX wallet_adapterrequest_player ON wallet_adapterrequest (player_id, id DESC) WHERE player_id IS NOT NULL;
CREATE INDEX wallet_adapterrequest_reference ON wallet_adapterrequest (reference) WHERE reference <> '';
CREATE INDEX wallet_adapterrequest_replay ON wallet_adapterrequest (replay_of) WHERE replay_of IS NOT NULL;
INSERT INTO kernel_partitioned_table VALUES ('wallet_adapterrequest', false);
CALL kernel_make_append_only('wallet_adapterrequest');
SELECT kernel_ensure_partitions((now() - interval '1 month')::date, 13);

-- Drops the months of the log that ended before p_before, never one of the last four; how many were dropped.
CREATE FUNCTION wallet_prune_adapter_requests(p_before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    part text;
    dropped integer := 0;
    edge text := 'wallet_adapterrequest_' || to_char(least(p_before, now() - interval '4 months') AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'wallet_adapterrequest'::regclass AND c.relname < edge LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
