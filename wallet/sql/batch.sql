-- Many bets and plays of many players in one call: what wallet_bet writes, by statements over all of them.

-- One step of a purse's chain of hashes, and the chain over rows in order: first the purse's last hash, then each content.
CREATE FUNCTION wallet_link(p_hash bytea, p_last bytea, p_content bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN sha256('\x00'::bytea || coalesce(p_hash, p_last, '') || p_content);
END
$$;
CREATE AGGREGATE wallet_chain (bytea, bytea) (SFUNC = wallet_link, STYPE = bytea);

-- The items as rows. Volatile, so that it stays a function of its own: the planner then expects hundreds of rows.
CREATE FUNCTION wallet_batch_items(p_players uuid[], p_keys text[], p_games text[], p_rounds text[], p_currencies text[],
    p_stakes bigint[], p_wins bigint[])
RETURNS TABLE (player uuid, key text, game text, round text, currency text, stake bigint, win bigint, number bigint)
LANGUAGE sql VOLATILE ROWS 500 AS $$
    SELECT * FROM unnest(p_players, p_keys, p_games, p_rounds, p_currencies, p_stakes, p_wins) WITH ORDINALITY
$$;

-- One answer per item, in their order; a win of NULL is a bet without its result. Each player's items take effect in
-- their order. Players whose items are all plain (new keys, nothing to refuse, real money only) are posted together;
-- whatever else wallet_bet may have to say, it says itself, item by item. All of it is one transaction.
CREATE FUNCTION wallet_bet_batch(p_players uuid[], p_source text, p_keys text[], p_games text[], p_rounds text[],
    p_currencies text[], p_stakes bigint[], p_wins bigint[], p_at timestamptz, p_actor text, p_request_id text)
RETURNS SETOF wallet_posting LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET random_page_cost = 1 AS $$  -- purses are looked up one by one, however few there are: their number grows
DECLARE
    answers wallet_posting[] := array_fill(NULL::wallet_posting, ARRAY[cardinality(p_players)]);
    numbers bigint[];
    postings wallet_posting[];
    told jsonb;
    kept bigint;
    played jsonb;
BEGIN
    PERFORM events_lock_players(p_players);
    WITH item AS MATERIALIZED (
        SELECT i.*, g.category, g.exclusive, g.code IS NOT NULL AND count(*) OVER (PARTITION BY i.key) = 1 AND NOT EXISTS (
                   SELECT FROM wallet_transferkey k WHERE k.key = i.key AND k.source = p_source) AND NOT EXISTS (
                   SELECT FROM wallet_closedround c WHERE c.player_id = i.player AND c.round = i.round AND c.game = i.game
                   AND c.source = p_source) AS new
        FROM wallet_batch_items(p_players, p_keys, p_games, p_rounds, p_currencies, p_stakes, p_wins) i
        LEFT JOIN wallet_game g ON g.code = i.game AND g.active
    ), player AS MATERIALIZED (
        SELECT p.id, gate.currency AS held_in, a.id AS purse, h.id AS house, a.balance_minor, a.sequence, a.last_hash
        FROM (SELECT DISTINCT player AS id FROM item) p
        CROSS JOIN players_gate(p.id, 'play', p_at) gate
        JOIN compliance_playgate pg ON pg.player_id = p.id AND pg.plain AND p_at >= pg.valid_from
             AND (pg.valid_until IS NULL OR p_at < pg.valid_until)
        JOIN wallet_account a ON a.player_id = p.id AND a.kind = 'real'
        JOIN wallet_account h ON h.player_id IS NULL AND h.kind = 'gaming' AND h.currency = gate.currency
        WHERE gate.refusal IS NULL AND a.closed_at IS NULL AND a.active_until IS NULL AND a.stake_cap_minor IS NULL
          AND a.game_categories IS NULL AND NOT EXISTS (
              SELECT FROM wallet_account o WHERE o.player_id = p.id AND o.closed_at IS NULL
              AND o.kind = 'bonus' AND o.balance_minor > 0)
    ), judged AS (
        SELECT item.*, player.*, new AND currency = held_in AND balance_minor
                   + coalesce(sum(coalesce(win, 0) - stake) OVER before, 0) >= stake AS plain,
               balance_minor + sum(coalesce(win, 0) - stake) OVER upto AS real_minor
        FROM item LEFT JOIN player ON player.id = item.player
        WINDOW before AS (PARTITION BY player ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
               upto AS (PARTITION BY player ORDER BY number)
    ), together AS MATERIALIZED (
        SELECT *, kernel_uuid7() AS bet_id, CASE WHEN win > 0 THEN kernel_uuid7() END AS win_id,
               kernel_rate_id(currency, p_at) AS rate_id
        FROM (SELECT *, bool_and(coalesce(plain, false)) OVER (PARTITION BY player) AS chosen FROM judged ORDER BY number) ordered
        WHERE chosen
    ), movement AS MATERIALIZED (
        SELECT *, bet_id AS id_written, 'bet' AS kind, NULL::uuid AS of_bet, -stake AS change FROM together
        UNION ALL
        SELECT *, win_id, 'win', bet_id, win FROM together WHERE win > 0
    ), written AS (
        INSERT INTO wallet_transfer (id, kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at, rate_id)
        SELECT id_written, kind, player, currency, abs(change), p_source, key, game, round, of_bet, p_actor, p_request_id, p_at, rate_id
        FROM movement ORDER BY number, id_written
        RETURNING id, digest
    ), line AS MATERIALIZED (
        SELECT m.*, w.digest, kernel_uuid7() AS entry_id, kernel_uuid7() AS house_entry_id,
               (balance_minor + sum(change) OVER chain)::bigint AS balance_after, sequence + row_number() OVER chain AS place
        FROM movement m JOIN written w ON w.id = m.id_written WINDOW chain AS (PARTITION BY purse ORDER BY number, kind)
    ), linked AS MATERIALIZED (
        SELECT *, wallet_chain(last_hash, digest || uuid_send(entry_id) || uuid_send(purse) || int8send(change)
                   || int8send(balance_after) || int8send(place)) OVER (PARTITION BY purse ORDER BY place) AS hash
        FROM line
    ), entered AS (
        INSERT INTO wallet_entry (id, transfer_id, account_id, amount_minor, balance_after_minor, sequence, hash)
        SELECT entry_id, id_written, purse, change, balance_after, place, hash FROM linked
        UNION ALL
        SELECT house_entry_id, id_written, house, -change, NULL, NULL,
               sha256('\x00'::bytea || digest || uuid_send(house_entry_id) || uuid_send(house) || int8send(-change)) FROM linked
    ), moved AS (
        UPDATE wallet_account a SET balance_minor = last.balance_after, sequence = last.place, last_hash = last.hash
        FROM (SELECT DISTINCT ON (purse) purse, balance_after, place, hash FROM linked ORDER BY purse, place DESC) last
        WHERE a.id = last.purse
    ), kept AS (  -- in one order, so that two batches never wait for each other
        INSERT INTO wallet_transferkey (source, key, digest, outcome, reason, transfer_id, win_transfer_id)
        SELECT p_source, key, wallet_digest('bet', player::text, game, round, currency, stake::text, win::text, NULL),
               'applied', '', bet_id, win_id FROM together ORDER BY key
        ON CONFLICT DO NOTHING RETURNING key
    ), totals AS (
        SELECT player, count(*)::integer AS bets, sum(stake)::bigint AS staked, sum(coalesce(win, 0))::bigint AS won,
               (array_agg(game ORDER BY number DESC))[1] AS game, (array_agg(category ORDER BY number DESC))[1] AS category
        FROM together GROUP BY player
    )
    SELECT array_agg(number ORDER BY number),
           array_agg(ROW('applied', '', bet_id, win_id, real_minor, 0, currency)::wallet_posting ORDER BY number),
           (SELECT jsonb_agg(jsonb_build_object('type', CASE kind WHEN 'bet' THEN 'wallet.bet-placed.v1' ELSE 'wallet.win-credited.v1' END,
                       'player_id', player, 'occurred_at', p_at, 'payload', CASE kind
                           WHEN 'bet' THEN jsonb_build_object(
                               'bet_id', bet_id, 'round', round, 'game', game, 'category', category, 'exclusive', exclusive,
                               'stake', kernel_major(stake, currency), 'real', kernel_major(stake, currency),
                               'bonus', kernel_major(0, currency),
                               'real_eur', kernel_eur(stake, currency, rate_id), 'bonus_eur', kernel_eur(0, currency, rate_id),
                               'currency', currency)
                           ELSE jsonb_build_object(
                               'win_id', win_id, 'bet_id', bet_id, 'round', round, 'game', game, 'category', category,
                               'amount', kernel_major(win, currency), 'real', kernel_major(win, currency),
                               'bonus', kernel_major(0, currency), 'real_eur', kernel_eur(win, currency, rate_id),
                               'currency', currency) END) ORDER BY number, kind) FROM movement),
           (SELECT count(*) FROM kept),
           (SELECT jsonb_agg(to_jsonb(t)) FROM totals t)
    INTO numbers, postings, told, kept, played FROM together;

    IF kept < cardinality(numbers) THEN
        RAISE EXCEPTION 'a key of % was used by a parallel call', p_source USING ERRCODE = 'PM003';
    END IF;
    IF told IS NOT NULL THEN
        PERFORM events_append_many(told, p_request_id);
        PERFORM compliance_gate_bets(played, p_at);
    END IF;
    FOR i IN 1..coalesce(cardinality(numbers), 0) LOOP
        answers[numbers[i]] := postings[i];
    END LOOP;
    FOR i IN 1..cardinality(p_players) LOOP
        CONTINUE WHEN (answers[i]).outcome IS NOT NULL;
        answers[i] := wallet_bet(p_players[i], p_source, p_keys[i], p_games[i], p_rounds[i], p_currencies[i], p_stakes[i],
                                 p_wins[i], p_at, p_actor, p_request_id);
        IF (answers[i]).reason = 'gate_stale' THEN
            RAISE EXCEPTION 'the gate of player % is not compiled', p_players[i] USING ERRCODE = 'PM010';
        END IF;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(answers);
END
$$;
CALL wallet_keep_plans();
