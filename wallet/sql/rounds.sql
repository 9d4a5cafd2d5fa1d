-- Rounds: closed once, with what was staked and won told once; bets that bring more than a stake; wins that close their
-- round or are raked. What these add stands beside the posting functions, so that a plain bet costs what it did.

CALL kernel_make_function_only('wallet_closedround');

-- Closes a round and publishes what came of it. '': closed now; 'closed': it was already; 'unknown': no bet of four
-- months belongs to it; 'held': money is still reserved on it. The caller holds the player.
CREATE FUNCTION wallet_settle_round(p_player uuid, p_source text, p_game text, p_round text, p_at timestamptz, p_request_id text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    bets record;
    sums record;
BEGIN
    IF EXISTS (SELECT FROM wallet_closedround WHERE player_id = p_player AND round = p_round AND game = p_game AND source = p_source) THEN
        RETURN 'closed';
    END IF;
    SELECT min(currency) AS currency, array_agg(b.id) FILTER (WHERE NOT undone) AS standing,
           count(*) FILTER (WHERE undone) AS rolled_back, count(*) FILTER (WHERE kind = 'bet' AND NOT undone) AS placed,
           count(*) FILTER (WHERE kind = 'free_bet' AND NOT undone) AS free
    INTO bets FROM wallet_transfer b CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM wallet_transfer r WHERE r.bet_id = b.id AND r.id >= b.id AND r.kind = 'rollback') AS undone) u
    WHERE player_id = p_player AND round = p_round AND kind IN ('bet', 'free_bet') AND game = p_game AND source = p_source
      AND b.id >= kernel_uuid7_floor(now() - interval '4 months') AND b.id < kernel_uuid7_floor(now() + interval '1 day');
    IF bets.currency IS NULL THEN
        RETURN 'unknown';
    END IF;
    IF EXISTS (SELECT FROM wallet_hold h JOIN wallet_transfer t ON t.id = h.id
               WHERE h.player_id = p_player AND h.amount_minor > h.captured_minor + h.released_minor
                 AND t.round = p_round AND t.game = p_game AND t.source = p_source) THEN
        RETURN 'held';
    END IF;
    INSERT INTO wallet_closedround (player_id, round, game, source, closed_at) VALUES (p_player, p_round, p_game, p_source, p_at);
    SELECT coalesce(-sum(e.amount_minor) FILTER (WHERE t.kind = 'bet' AND a.kind = 'real'), 0)::bigint AS stake_real,
           coalesce(-sum(e.amount_minor) FILTER (WHERE t.kind = 'bet' AND a.kind = 'bonus'), 0)::bigint AS stake_bonus,
           coalesce(sum(e.amount_minor) FILTER (WHERE t.kind = 'win' AND a.kind = 'real'), 0)::bigint AS won_real,
           coalesce(sum(e.amount_minor) FILTER (WHERE t.kind = 'win' AND a.kind = 'bonus'), 0)::bigint AS won_bonus,
           coalesce(sum(e.amount_minor) FILTER (WHERE t.kind = 'free_win' AND a.player_id IS NOT NULL), 0)::bigint AS free_won,
           coalesce(sum(e.amount_minor) FILTER (WHERE t.kind = 'jackpot_win' AND a.player_id IS NOT NULL), 0)::bigint AS jackpot_won,
           coalesce(sum(e.amount_minor) FILTER (WHERE t.kind = 'bet' AND a.kind = 'jackpot'), 0)::bigint AS contribution,
           coalesce(sum(e.amount_minor) FILTER (WHERE t.kind = 'win' AND a.kind = 'fees'), 0)::bigint AS rake
    INTO sums FROM unnest(bets.standing) AS standing (id) CROSS JOIN LATERAL (
        SELECT b.id, b.kind FROM wallet_transfer b WHERE b.id = standing.id UNION ALL
        SELECT x.id, x.kind FROM wallet_transfer x WHERE x.bet_id = standing.id AND x.id >= standing.id) t
    JOIN wallet_entry e ON e.transfer_id = t.id AND e.id >= t.id JOIN wallet_account a ON a.id = e.account_id;
    PERFORM events_append('wallet.round-settled.v1', p_player, p_at, jsonb_build_object(
        'round', p_round, 'game', p_game, 'category', (SELECT category FROM wallet_game WHERE code = p_game), 'source', p_source,
        'bets', bets.placed, 'free_bets', bets.free, 'rolled_back', bets.rolled_back,
        'stake', kernel_major(sums.stake_real + sums.stake_bonus, bets.currency),
        'stake_real', kernel_major(sums.stake_real, bets.currency), 'stake_bonus', kernel_major(sums.stake_bonus, bets.currency),
        'won', kernel_major(sums.won_real + sums.won_bonus, bets.currency),
        'won_real', kernel_major(sums.won_real, bets.currency), 'won_bonus', kernel_major(sums.won_bonus, bets.currency),
        'free_won', kernel_major(sums.free_won, bets.currency),
        'jackpot_contribution', kernel_major(sums.contribution, bets.currency),
        'jackpot_won', kernel_major(sums.jackpot_won, bets.currency), 'rake', kernel_major(sums.rake, bets.currency),
        'net', kernel_major(sums.won_real + sums.won_bonus + sums.free_won + sums.jackpot_won
                            - sums.stake_real - sums.stake_bonus, bets.currency),
        'currency', bets.currency), p_request_id);
    RETURN '';
END
$$;

-- Closes a round because a caller says so.
CREATE FUNCTION wallet_close_round(p_player uuid, p_source text, p_key text, p_game text, p_round text, p_at timestamptz,
    p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('close_round', p_player::text, p_game, p_round);
    said text;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NULL THEN
        said := wallet_settle_round(p_player, p_source, p_game, p_round, p_at, p_request_id);
        answer.reason := CASE said WHEN 'held' THEN 'round_held' ELSE '' END;
        answer.outcome := CASE said WHEN 'held' THEN 'refused' WHEN 'unknown' THEN 'unknown_reference' ELSE 'applied' END;
        IF answer.outcome = 'applied' THEN  -- the others are not kept: it may be closed later
            PERFORM wallet_keep_key(p_source, p_key, digest, answer);
            answer.outcome := CASE said WHEN 'closed' THEN 'replayed' ELSE 'applied' END;
        END IF;
    END IF;
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- Places a bet, or plays, with what of the stake goes to jackpots (millionths of a minor unit), and closes the round.
CREATE FUNCTION wallet_bet_with(p_player uuid, p_source text, p_key text, p_game text, p_round text, p_currency text,
    p_stake bigint, p_win bigint, p_jackpots text[], p_exact bigint[], p_close boolean, p_at timestamptz, p_actor text,
    p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    bet wallet_transfer;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    IF EXISTS (SELECT FROM unnest(p_jackpots) AS named (code)
               WHERE NOT EXISTS (SELECT FROM wallet_jackpot j WHERE j.code = named.code AND j.currency = p_currency)) THEN
        answer.outcome := 'refused';
        answer.reason := 'unknown_jackpot';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer := wallet_bet(p_player, p_source, p_key, p_game, p_round, p_currency, p_stake, p_win, p_at, p_actor, p_request_id,
                         ROW(p_jackpots, p_exact, p_close)::text);
    IF answer.outcome = 'applied' THEN
        SELECT * INTO bet FROM wallet_transfer WHERE id = answer.transfer_id;
        PERFORM wallet_contribute(bet, p_jackpots, p_exact);
        IF p_close THEN
            PERFORM wallet_settle_round(p_player, p_source, p_game, p_round, p_at, p_request_id);
        END IF;
    END IF;
    RETURN answer;
END
$$;

-- Pays a win on a bet or a free bet. p_raked: p_amount is the pot and p_rake of it the house's commission, entries of its
-- own in the same transfer; a retry takes what the first copy took. p_close: the round ends with it, unless money is
-- still reserved on it.
CREATE FUNCTION wallet_win_with(p_player uuid, p_source text, p_key text, p_bet_key text, p_currency text, p_amount bigint,
    p_raked boolean, p_rake bigint, p_close boolean, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    free_bet wallet_transfer;
    win wallet_transfer;
    rake bigint := p_rake;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    free_bet := wallet_find_free_bet(p_player, p_source, p_bet_key);
    IF free_bet.id IS NOT NULL THEN
        answer := wallet_free_win(free_bet, p_source, p_key, p_currency, p_amount, p_at, p_actor, p_request_id);
    ELSE
        IF p_raked THEN
            SELECT coalesce(sum(e.amount_minor) FILTER (WHERE a.kind = 'fees'), 0) INTO rake FROM wallet_transferkey k
            LEFT JOIN wallet_entry e ON e.transfer_id = k.transfer_id AND e.id >= k.transfer_id
            LEFT JOIN wallet_account a ON a.id = e.account_id WHERE k.key = p_key AND k.source = p_source
            HAVING count(*) > 0;
            rake := coalesce(rake, p_rake);
        END IF;
        answer := wallet_win(p_player, p_source, p_key, p_bet_key, p_currency, p_amount - rake, p_at, p_actor, p_request_id,
                             nullif(concat(CASE WHEN p_raked THEN 'raked' END, CASE WHEN p_close THEN 'closes' END), ''));
    END IF;
    IF answer.outcome = 'applied' AND (p_close OR rake > 0) THEN
        SELECT * INTO win FROM wallet_transfer WHERE id = answer.transfer_id;
        IF free_bet.id IS NULL AND rake > 0 THEN
            PERFORM wallet_enter_house(win.id, wallet_house_account('gaming', p_currency), -rake);
            PERFORM wallet_enter_house(win.id, wallet_house_account('fees', p_currency), rake);
            PERFORM events_append('wallet.rake-taken.v1', p_player, p_at, jsonb_build_object(
                'win_id', win.id, 'bet_id', win.bet_id, 'round', win.round, 'game', win.game,
                'pot', kernel_major(p_amount, p_currency), 'amount', kernel_major(rake, p_currency), 'currency', p_currency),
                p_request_id);
        END IF;
        IF p_close THEN
            PERFORM wallet_settle_round(p_player, p_source, win.game, win.round, p_at, p_request_id);
        END IF;
    END IF;
    RETURN wallet_with_balances(answer, p_player);  -- a statement of its own: it sees what those above wrote
END
$$;

-- Rounds with a bet recorded within the span that are not closed, oldest first; what the sweep closes.
CREATE FUNCTION wallet_open_rounds(p_since timestamptz, p_until timestamptz)
RETURNS TABLE (player_id uuid, source text, game text, round text) LANGUAGE sql STABLE AS $$
    SELECT t.player_id, t.source, t.game, t.round FROM wallet_transfer t
    WHERE t.id >= kernel_uuid7_floor(p_since) AND t.id < kernel_uuid7_floor(p_until) AND t.kind IN ('bet', 'free_bet')
      AND NOT EXISTS (SELECT FROM wallet_closedround c WHERE c.player_id = t.player_id AND c.round = t.round
                      AND c.game = t.game AND c.source = t.source)
    GROUP BY t.player_id, t.source, t.game, t.round ORDER BY min(t.occurred_at)
$$;

-- Closes a round that was forgotten; says what wallet_settle_round says. The caller holds the player.
CREATE FUNCTION wallet_sweep_round(p_player uuid, p_source text, p_game text, p_round text, p_at timestamptz) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT wallet_settle_round(p_player, p_source, p_game, p_round, p_at, '')
$$;
