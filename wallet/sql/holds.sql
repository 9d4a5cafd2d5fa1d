-- Reserved bets: money is set aside first (reserve), then becomes a bet, in part or whole (capture), or goes back (release).

CALL kernel_make_function_only('wallet_hold');

-- What p_amount takes of each part, in proportion and without a remainder; never more than the part has.
CREATE FUNCTION wallet_shares(p_parts bigint[], p_amount bigint) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg((div(p_amount * upto, whole) - div(p_amount * (upto - part), whole))::bigint ORDER BY number)
    FROM (SELECT part, number, sum(part::numeric) OVER (ORDER BY number) AS upto, sum(part::numeric) OVER () AS whole
          FROM unnest(p_parts) WITH ORDINALITY AS parts (part, number)) AS line
$$;

-- Sets money aside for a bet, drawn from the purses as a bet would draw it. It counts against limits from now on; what is
-- released takes that back. p_expires is no part of the content: where a
-- caller leaves it to the system, a retry comes with a later one.
CREATE FUNCTION wallet_reserve(p_player uuid, p_source text, p_key text, p_game text, p_round text, p_currency text,
    p_amount bigint, p_expires timestamptz, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('reserve', p_player::text, p_game, p_round, p_currency, p_amount::text);
    game wallet_game;
    gate record;
    drawn record;
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
    IF answer.reason = '' AND p_expires <= p_at THEN
        answer.reason := 'hold_expired';
    END IF;
    IF answer.reason = '' THEN
        drawn := wallet_draw(p_player, game.category, p_amount, p_at);
        answer.reason := drawn.reason;
    END IF;
    IF answer.reason = '' THEN
        answer.reason := compliance_gate_bet(p_player, p_game, game.category, p_amount, drawn.real_part, 0, p_at, p_actor, p_request_id);
    END IF;
    IF answer.reason <> '' THEN
        answer.outcome := 'refused';
        IF answer.reason = 'gate_stale' THEN
            RETURN wallet_with_balances(answer, p_player);
        END IF;
        IF answer.reason = gate.refusal THEN
            PERFORM compliance_keep_bet_denial(p_player, gate.refusal, NULL, p_game, game.category, p_amount, NULL, p_at, p_actor, p_request_id);
        END IF;
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, actor, request_id, occurred_at)
    VALUES ('reserve', p_player, p_currency, p_amount, p_source, p_key, p_game, p_round, p_actor, p_request_id, p_at)
    RETURNING id INTO answer.transfer_id;
    FOR i IN 1..cardinality(drawn.accounts) LOOP
        PERFORM wallet_enter(answer.transfer_id, drawn.accounts[i], -drawn.parts[i]);
    END LOOP;
    PERFORM wallet_enter(answer.transfer_id, wallet_held_purse(p_player, p_currency), p_amount);
    INSERT INTO wallet_hold (id, player_id, currency, amount_minor, captured_minor, released_minor, purses, left_minor, reserved_at, expires_at)
    VALUES (answer.transfer_id, p_player, p_currency, p_amount, 0, 0, drawn.accounts, drawn.parts, p_at, p_expires);
    PERFORM events_append('wallet.bet-reserved.v1', p_player, p_at, jsonb_build_object(
        'hold_id', answer.transfer_id, 'round', p_round, 'game', p_game, 'expires_at', p_expires,
        'amount', kernel_major(p_amount, p_currency), 'real', kernel_major(drawn.real_part, p_currency),
        'bonus', kernel_major(p_amount - drawn.real_part, p_currency), 'currency', p_currency), p_request_id);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- Makes part or all of a hold a bet (p_capture), or gives it back; p_amount NULL is all that is left. A capture asks no
-- gate: the bet was taken when the money was reserved. It goes back to its purses and from there into the bet, so that
-- wins and rollbacks of the bet find the purses that staked. What is released follows its purse, as a late win does.
-- p_expired names a hold whose time is over, for the system, which does not have its key.
CREATE FUNCTION wallet_settle_hold(p_player uuid, p_source text, p_key text, p_hold_key text, p_capture boolean,
    p_currency text, p_amount bigint, p_at timestamptz, p_actor text, p_request_id text, p_expired uuid DEFAULT NULL)
RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('settle_hold', p_player::text, p_hold_key, p_capture::text, p_currency, p_amount::text);
    reserve wallet_transfer;
    hold wallet_hold;
    purse wallet_account;
    bet wallet_transfer;
    game wallet_game;
    amount bigint;
    parts bigint[];
    real_part bigint := 0;
    lost bigint := 0;
    release_id uuid;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    SELECT * INTO reserve FROM wallet_transfer
    WHERE id = coalesce(p_expired, (SELECT transfer_id FROM wallet_transferkey WHERE key = p_hold_key AND source = p_source))
      AND kind = 'reserve' AND player_id = p_player;
    SELECT * INTO hold FROM wallet_hold WHERE id = reserve.id;
    IF hold.id IS NULL THEN
        answer.outcome := 'unknown_reference';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    amount := coalesce(p_amount, hold.amount_minor - hold.captured_minor - hold.released_minor);
    answer.reason := CASE WHEN hold.currency <> p_currency THEN 'wrong_currency'
                          WHEN p_capture AND hold.expires_at <= p_at THEN 'hold_expired'
                          WHEN amount = 0 OR amount > hold.amount_minor - hold.captured_minor - hold.released_minor
                          THEN 'hold_exceeded' ELSE '' END;
    IF answer.reason <> '' THEN
        answer.outcome := 'refused';
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    parts := wallet_shares(hold.left_minor, amount);

    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at)
    VALUES ('release', p_player, p_currency, amount, p_source, p_key, reserve.game, reserve.round, hold.id, p_actor, p_request_id, p_at)
    RETURNING id INTO release_id;
    PERFORM wallet_enter(release_id, wallet_held_purse(p_player, p_currency), -amount);
    FOR i IN 1..cardinality(parts) LOOP
        CONTINUE WHEN parts[i] = 0;
        SELECT * INTO purse FROM wallet_account WHERE id = hold.purses[i];
        IF purse.kind = 'real' THEN
            real_part := real_part + parts[i];
        END IF;
        IF p_capture THEN
            PERFORM wallet_enter(release_id, purse.id, parts[i]);
        ELSIF wallet_destination(purse, p_at) IS NULL THEN
            lost := lost + parts[i];
        ELSE
            PERFORM wallet_enter(release_id, wallet_destination(purse, p_at), parts[i]);
        END IF;
    END LOOP;
    IF lost > 0 THEN
        PERFORM wallet_enter_house(release_id, wallet_house_account('bonus_cost', p_currency), lost);
    END IF;

    IF p_capture THEN
        INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at, rate_id)
        VALUES ('bet', p_player, p_currency, amount, p_source, p_key, reserve.game, reserve.round, hold.id, p_actor, p_request_id, p_at,
                kernel_rate_id(p_currency, p_at))
        RETURNING * INTO bet;
        FOR i IN 1..cardinality(parts) LOOP
            CONTINUE WHEN parts[i] = 0;
            PERFORM wallet_enter(bet.id, hold.purses[i], -parts[i], bet.digest);
        END LOOP;
        PERFORM wallet_enter_house(bet.id, wallet_house_account('gaming', p_currency), amount, bet.digest);
        SELECT * INTO game FROM wallet_game WHERE code = reserve.game;
        PERFORM wallet_tell_bet(bet, game, real_part);
        answer.transfer_id := bet.id;
    ELSE
        IF real_part > 0 THEN
            PERFORM compliance_gate_count(p_player, hold.reserved_at, 0, -real_part, 0);
        END IF;
        PERFORM events_append('wallet.hold-released.v1', p_player, p_at, jsonb_build_object(
            'hold_id', hold.id, 'release_id', release_id, 'round', reserve.round, 'game', reserve.game,
            'amount', kernel_major(amount, p_currency), 'currency', p_currency, 'expired', p_expired IS NOT NULL), p_request_id);
        answer.transfer_id := release_id;
    END IF;
    UPDATE wallet_hold SET
        captured_minor = captured_minor + CASE WHEN p_capture THEN amount ELSE 0 END,
        released_minor = released_minor + CASE WHEN p_capture THEN 0 ELSE amount END,
        left_minor = (SELECT array_agg(l - s ORDER BY n) FROM unnest(left_minor, parts) WITH ORDINALITY AS u (l, s, n))
    WHERE id = hold.id;
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;
