-- Jackpots: a part of a stake goes from the gaming account to the jackpot's own account, and jackpot wins are paid from
-- there. Contributions are reported to a millionth of a minor unit; what is less than one is carried per player, so that
-- a thousand bets give exactly what one bet of their sum gives.

CALL kernel_make_function_only('wallet_jackpotcarry');
CALL kernel_make_function_only('wallet_jackpotcontribution');

-- The jackpot's account, opened at its first use.
CREATE FUNCTION wallet_jackpot_account(p_jackpot text, p_currency text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    account uuid;
BEGIN
    SELECT id INTO account FROM wallet_account
    WHERE player_id IS NULL AND kind = 'jackpot' AND currency = p_currency AND subject = p_jackpot;
    IF NOT FOUND THEN
        INSERT INTO wallet_account (id, kind, currency, sequence, priority, opened_at, closed_into, subject)
        VALUES (kernel_uuid7(), 'jackpot', p_currency, 0, 0, now(), '', p_jackpot) ON CONFLICT DO NOTHING;
        SELECT id INTO account FROM wallet_account
        WHERE player_id IS NULL AND kind = 'jackpot' AND currency = p_currency AND subject = p_jackpot;
    END IF;
    RETURN account;
END
$$;

-- Adds p_exact (millionths of a minor unit; below zero: takes back) to what the player has put into a jackpot, and moves
-- what became whole minor units with p_transfer. Returns what was moved.
CREATE FUNCTION wallet_carry_jackpot(p_transfer uuid, p_player uuid, p_jackpot text, p_currency text, p_exact bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    carry numeric;
    whole bigint;
BEGIN
    SELECT carry_micro INTO carry FROM wallet_jackpotcarry WHERE player_id = p_player AND jackpot_id = p_jackpot;
    carry := coalesce(carry, 0) + p_exact;
    whole := floor(carry / 1000000);
    INSERT INTO wallet_jackpotcarry (player_id, jackpot_id, carry_micro) VALUES (p_player, p_jackpot, carry - whole * 1000000::numeric)
    ON CONFLICT (player_id, jackpot_id) DO UPDATE SET carry_micro = EXCLUDED.carry_micro;
    IF whole <> 0 THEN
        PERFORM wallet_enter_house(p_transfer, wallet_house_account('gaming', p_currency), -whole);
        PERFORM wallet_enter_house(p_transfer, wallet_jackpot_account(p_jackpot, p_currency), whole);
    END IF;
    RETURN whole;
END
$$;

-- Enters the contributions of a bet that was just placed. Publishes what was moved.
CREATE FUNCTION wallet_contribute(p_bet wallet_transfer, p_jackpots text[], p_exact bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    booked bigint;
BEGIN
    FOR i IN 1..cardinality(p_jackpots) LOOP
        booked := wallet_carry_jackpot(p_bet.id, p_bet.player_id, p_jackpots[i], p_bet.currency, p_exact[i]);
        INSERT INTO wallet_jackpotcontribution (bet_id, jackpot_id, exact_micro, booked_minor)
        VALUES (p_bet.id, p_jackpots[i], p_exact[i], booked);
        CONTINUE WHEN booked = 0;
        PERFORM events_append('wallet.jackpot-contributed.v1', p_bet.player_id, p_bet.occurred_at, jsonb_build_object(
            'bet_id', p_bet.id, 'jackpot', p_jackpots[i], 'round', p_bet.round, 'game', p_bet.game,
            'amount', kernel_major(booked, p_bet.currency), 'currency', p_bet.currency), p_bet.request_id);
    END LOOP;
END
$$;

-- The purses of a bet and what of p_amount each gets: in the proportion of the stake, bonus parts rounded down, the
-- remainder to real money (or to the first purse, when no real money was staked). As wallet_pay_win divides a win.
CREATE FUNCTION wallet_split(p_bet wallet_transfer, p_amount bigint, OUT purses wallet_account[], OUT parts bigint[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
    staked record;
    part bigint;
    remainder bigint := p_amount;
BEGIN
    FOR staked IN
        SELECT -e.amount_minor AS amount, a AS account FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id
        WHERE e.transfer_id = p_bet.id AND e.id >= p_bet.id AND a.player_id IS NOT NULL
        ORDER BY a.kind = 'real' DESC, a.priority, a.opened_at, a.id
    LOOP
        purses := purses || staked.account;
        part := CASE WHEN (staked.account).kind = 'real' THEN 0
                     ELSE floor(p_amount::numeric * staked.amount / p_bet.amount_minor) END;
        parts := parts || part;
        remainder := remainder - part;
    END LOOP;
    parts[1] := parts[1] + remainder;
END
$$;

-- Pays a jackpot win on a bet or free bet, from the jackpot's own account: no part of GGR. Never asks the gate.
CREATE FUNCTION wallet_pay_jackpot(p_player uuid, p_source text, p_key text, p_bet_key text, p_jackpot text, p_currency text,
    p_amount bigint, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('jackpot_win', p_player::text, p_bet_key, p_jackpot, p_currency, p_amount::text);
    bet wallet_transfer;
    free boolean;
    split record;
    destination uuid;
    real_part bigint := 0;
    bonus_part bigint := 0;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    bet := wallet_standing_bet(p_player, p_source, p_bet_key);
    free := bet.id IS NULL;
    IF free THEN
        bet := wallet_find_free_bet(p_player, p_source, p_bet_key);
        IF EXISTS (SELECT FROM wallet_transfer WHERE bet_id = bet.id AND id >= bet.id AND kind = 'rollback') THEN
            bet := NULL;
        END IF;
    END IF;
    IF bet.id IS NULL THEN
        answer.outcome := 'unknown_reference';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    IF bet.currency <> p_currency OR NOT EXISTS (SELECT FROM wallet_jackpot WHERE code = p_jackpot AND currency = p_currency) THEN
        answer.outcome := 'refused';  -- not kept: a jackpot that was forgotten is made known, and the win sent again
        answer.reason := CASE WHEN bet.currency <> p_currency THEN 'wrong_currency' ELSE 'unknown_jackpot' END;
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at)
    VALUES ('jackpot_win', p_player, p_currency, p_amount, p_source, p_key, bet.game, bet.round, bet.id, p_actor, p_request_id, p_at)
    RETURNING id INTO answer.transfer_id;
    IF free THEN
        destination := wallet_winnings_of(bet, p_at);
        IF destination = wallet_real_purse(p_player, p_currency) THEN
            real_part := p_amount;
        ELSIF destination IS NOT NULL THEN
            bonus_part := p_amount;
        END IF;
        IF destination IS NOT NULL THEN
            PERFORM wallet_enter(answer.transfer_id, destination, p_amount);
        END IF;
    ELSE
        split := wallet_split(bet, p_amount);
        FOR i IN 1..cardinality(split.purses) LOOP
            destination := wallet_destination(split.purses[i], p_at);
            CONTINUE WHEN split.parts[i] = 0 OR destination IS NULL;
            PERFORM wallet_enter(answer.transfer_id, destination, split.parts[i]);
            IF (split.purses[i]).kind = 'real' OR destination <> (split.purses[i]).id THEN
                real_part := real_part + split.parts[i];
            ELSE
                bonus_part := bonus_part + split.parts[i];
            END IF;
        END LOOP;
        IF real_part > 0 THEN
            PERFORM compliance_gate_count(p_player, p_at, 0, 0, real_part);
        END IF;
    END IF;
    IF real_part + bonus_part > 0 THEN
        PERFORM wallet_enter_house(answer.transfer_id, wallet_jackpot_account(p_jackpot, p_currency), -(real_part + bonus_part));
    END IF;
    PERFORM events_append('wallet.jackpot-won.v1', p_player, p_at, jsonb_build_object(
        'win_id', answer.transfer_id, 'bet_id', bet.id, 'jackpot', p_jackpot, 'round', bet.round, 'game', bet.game,
        'amount', kernel_major(real_part + bonus_part, p_currency), 'real', kernel_major(real_part, p_currency),
        'bonus', kernel_major(bonus_part, p_currency), 'currency', p_currency), p_request_id);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- What a rollback has to put right among the house's accounts, where p_house has taken all of it: jackpot wins go back to
-- their jackpots, contributions out of them, rake out of the fees. Returns what jackpot wins had paid, and the
-- contributions in minor units as they were booked back.
CREATE FUNCTION wallet_undo_aside(p_bet wallet_transfer, p_rollback uuid, p_house text, OUT jackpot_real bigint,
    OUT jackpot_bonus bigint, OUT contribution bigint) LANGUAGE plpgsql AS $$
DECLARE
    line record;
BEGIN
    jackpot_real := 0;
    jackpot_bonus := 0;
    contribution := 0;
    FOR line IN
        SELECT a.player_id IS NULL AS house, a.id, t.kind = 'jackpot_win' AS jackpot, a.kind, sum(e.amount_minor)::bigint AS amount
        FROM wallet_transfer t JOIN wallet_entry e ON e.transfer_id = t.id AND e.id >= t.id
        JOIN wallet_account a ON a.id = e.account_id
        WHERE t.bet_id = p_bet.id AND t.id >= p_bet.id AND t.kind IN ('win', 'jackpot_win')
          AND (a.kind IN ('jackpot', 'fees') OR (t.kind = 'jackpot_win' AND a.player_id IS NOT NULL))
        GROUP BY 1, 2, 3, 4 ORDER BY a.id
    LOOP
        IF line.house THEN
            PERFORM wallet_enter_house(p_rollback, line.id, -line.amount);
            PERFORM wallet_enter_house(p_rollback, wallet_house_account(p_house, p_bet.currency), line.amount);
        ELSIF line.kind = 'real' THEN
            jackpot_real := jackpot_real + line.amount;
        ELSE
            jackpot_bonus := jackpot_bonus + line.amount;
        END IF;
    END LOOP;
    FOR line IN SELECT jackpot_id, exact_micro FROM wallet_jackpotcontribution WHERE bet_id = p_bet.id ORDER BY jackpot_id LOOP
        contribution := contribution
            - wallet_carry_jackpot(p_rollback, p_bet.player_id, line.jackpot_id, p_bet.currency, -line.exact_micro);
    END LOOP;
END
$$;
