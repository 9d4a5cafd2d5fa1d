-- Posting: every movement of money is one call of one of these functions, and nothing else writes the ledger.
--
-- Each of them, in this order: takes the player's lock, looks the key up (same content: the first answer; other
-- content: conflict), asks the gates of players and compliance, moves money with balanced entries, keeps the key, appends the event.
-- Amounts are minor units. What begins something is stamped with the day's exchange rate (kernel/sql/fx.sql), what follows
-- it with the same: a bet's wins and rollback are told in EUR at the bet's own rate. No rate is a NULL, never a refusal.
-- They run as the database's owner (SECURITY DEFINER): the application's role can only read
-- what they write.

CREATE TYPE wallet_posting AS (
    outcome text, reason text, transfer_id uuid, win_transfer_id uuid, real_minor bigint, bonus_minor bigint,
    currency text  -- the player's, NULL when there is no such player
);

CREATE FUNCTION wallet_digest(VARIADIC p_parts text[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN sha256(convert_to(array_to_string(p_parts, '|', '-'), 'UTF8'));
END
$$;

-- The house's account of a kind and currency. Opened by wallet_open_house, or at its first use.
CREATE FUNCTION wallet_house_account(p_kind text, p_currency text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    account uuid;
BEGIN
    SELECT id INTO account FROM wallet_account WHERE player_id IS NULL AND kind = p_kind AND currency = p_currency;
    IF NOT FOUND THEN
        INSERT INTO wallet_account (id, kind, currency, sequence, priority, opened_at, closed_into)
        VALUES (kernel_uuid7(), p_kind, p_currency, 0, 0, now(), '')
        ON CONFLICT DO NOTHING;
        SELECT id INTO account FROM wallet_account WHERE player_id IS NULL AND kind = p_kind AND currency = p_currency;
    END IF;
    RETURN account;
END
$$;

-- The player's real-money purse, opened at its first use. The caller holds the player.
CREATE FUNCTION wallet_real_purse(p_player uuid, p_currency text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    account uuid;
BEGIN
    SELECT id INTO account FROM wallet_account WHERE player_id = p_player AND kind = 'real';
    IF NOT FOUND THEN
        INSERT INTO wallet_account (id, player_id, kind, currency, balance_minor, sequence, priority, opened_at, closed_into)
        VALUES (kernel_uuid7(), p_player, 'real', p_currency, 0, 0, 0, now(), '')
        RETURNING id INTO account;
    END IF;
    RETURN account;
END
$$;

-- Where the player's money waits that is set aside, opened at its first use. The caller holds the player.
CREATE FUNCTION wallet_held_purse(p_player uuid, p_currency text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    account uuid;
BEGIN
    SELECT id INTO account FROM wallet_account WHERE player_id = p_player AND kind = 'held';
    IF NOT FOUND THEN
        INSERT INTO wallet_account (id, player_id, kind, currency, balance_minor, sequence, priority, opened_at, closed_into)
        VALUES (kernel_uuid7(), p_player, 'held', p_currency, 0, 0, 0, now(), '')
        RETURNING id INTO account;
    END IF;
    RETURN account;
END
$$;

-- One entry on a purse, and its balance and last hash with it, in one statement: the row's lock orders the chain.
-- Byte 0 begins what is hashed for an entry, byte 1 what is hashed for a node of a seal's tree: neither passes for the other.
-- Raises check_violation when the balance would fall below zero.
-- A caller that has the transfer's digest at hand passes it: that saves looking it up.
CREATE FUNCTION wallet_enter(p_transfer uuid, p_account uuid, p_amount bigint, p_digest bytea DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entry uuid := kernel_uuid7();
    digest bytea := p_digest;
    purse record;
BEGIN
    IF digest IS NULL THEN
        SELECT t.digest INTO digest FROM wallet_transfer t WHERE t.id = p_transfer;
    END IF;
    UPDATE wallet_account SET balance_minor = balance_minor + p_amount, sequence = sequence + 1,
        last_hash = sha256('\x00'::bytea || coalesce(last_hash, '') || digest || uuid_send(entry) || uuid_send(id)
            || int8send(p_amount) || int8send(balance_minor + p_amount) || int8send(sequence + 1))
    WHERE id = p_account RETURNING balance_minor, sequence, last_hash INTO purse;
    INSERT INTO wallet_entry (id, transfer_id, account_id, amount_minor, balance_after_minor, sequence, hash)
    VALUES (entry, p_transfer, p_account, p_amount, purse.balance_minor, purse.sequence, purse.last_hash);
END
$$;

-- One entry on an account of the house. It has no chain: players would queue for it. Its hash covers it and its transfer.
CREATE FUNCTION wallet_enter_house(p_transfer uuid, p_account uuid, p_amount bigint, p_digest bytea DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entry uuid := kernel_uuid7();
    digest bytea := p_digest;
BEGIN
    IF digest IS NULL THEN
        SELECT t.digest INTO digest FROM wallet_transfer t WHERE t.id = p_transfer;
    END IF;
    INSERT INTO wallet_entry (id, transfer_id, account_id, amount_minor, hash)
    VALUES (entry, p_transfer, p_account, p_amount,
            sha256('\x00'::bytea || digest || uuid_send(entry) || uuid_send(p_account) || int8send(p_amount)));
END
$$;

-- Keeps what a key has led to. Two players' calls with one key can meet here: the second starts anew and sees the first.
CREATE FUNCTION wallet_keep_key(p_source text, p_key text, p_digest bytea, p_posting wallet_posting) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wallet_transferkey (source, key, digest, outcome, reason, transfer_id, win_transfer_id)
    VALUES (p_source, p_key, p_digest, p_posting.outcome, p_posting.reason, p_posting.transfer_id, p_posting.win_transfer_id)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key % of % was used by a parallel call', p_key, p_source USING ERRCODE = 'PM003';
    END IF;
END
$$;

-- The answer for a key that was used before, or NULL. The outcome of a refusal stays what it was.
CREATE FUNCTION wallet_known(p_source text, p_key text, p_digest bytea) RETURNS wallet_posting LANGUAGE plpgsql STABLE AS $$
DECLARE
    known wallet_transferkey;
    answer wallet_posting;
BEGIN
    SELECT * INTO known FROM wallet_transferkey WHERE key = p_key AND source = p_source;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    answer.reason := '';
    IF known.digest IS NULL THEN
        answer.outcome := 'tombstoned';
    ELSIF known.digest <> p_digest THEN
        answer.outcome := 'conflict';
    ELSE
        answer.outcome := CASE WHEN known.outcome = 'applied' THEN 'replayed' ELSE known.outcome END;
        answer.reason := known.reason;
        answer.transfer_id := known.transfer_id;
        answer.win_transfer_id := known.win_transfer_id;
    END IF;
    RETURN answer;
END
$$;

CREATE FUNCTION wallet_with_balances(p_posting wallet_posting, p_player uuid) RETURNS wallet_posting LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT coalesce(sum(balance_minor) FILTER (WHERE kind = 'real'), 0),
           coalesce(sum(balance_minor) FILTER (WHERE kind = 'bonus'), 0), max(currency)
    INTO p_posting.real_minor, p_posting.bonus_minor, p_posting.currency
    FROM wallet_account WHERE player_id = p_player AND closed_at IS NULL
      AND (kind <> 'bonus' OR active_until IS NULL OR active_until > now());  -- what has run out waits for its closing
    IF p_posting.currency IS NULL THEN  -- no purse yet
        SELECT currency INTO p_posting.currency FROM players_player WHERE id = p_player;
    END IF;
    RETURN p_posting;
END
$$;

-- Where money of a purse goes at p_at: the purse itself, the real purse once released, NULL (the house) once forfeited or
-- run out, whether the purse is closed yet or not.
CREATE FUNCTION wallet_destination(p_account wallet_account, p_at timestamptz) RETURNS uuid LANGUAGE sql AS $$
    SELECT CASE WHEN p_account.closed_at IS NULL AND p_account.kind = 'bonus' AND p_account.active_until <= p_at THEN NULL
                WHEN p_account.closed_at IS NULL THEN p_account.id
                WHEN p_account.closed_into = 'real' THEN wallet_real_purse(p_account.player_id, p_account.currency) END
$$;

-- Credits a win to the purses of its bet, in the proportion of the stake: bonus parts round down, the remainder is
-- real money (or the first purse's, when no real money was staked). Returns what went to real and to bonus purses.
-- A caller that has the bet's purses and their parts at hand passes them: that saves reading its entries back.
CREATE FUNCTION wallet_pay_win(p_bet wallet_transfer, p_amount bigint, p_source text, p_reference text, p_at timestamptz,
    p_actor text, p_request_id text, p_accounts uuid[] DEFAULT NULL, p_parts bigint[] DEFAULT NULL,
    OUT win_id uuid, OUT real_part bigint, OUT bonus_part bigint) LANGUAGE plpgsql AS $$
DECLARE
    house uuid := wallet_house_account('gaming', p_bet.currency);
    game wallet_game;
    purse wallet_account;
    purses wallet_account[];
    parts bigint[];
    part bigint;
    staked record;
    destination uuid;
    remainder bigint := p_amount;
    paid bigint := 0;
    win_digest bytea;
BEGIN
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at, rate_id)
    VALUES ('win', p_bet.player_id, p_bet.currency, p_amount, p_source, p_reference, p_bet.game, p_bet.round, p_bet.id, p_actor, p_request_id, p_at, p_bet.rate_id)
    RETURNING id, digest INTO win_id, win_digest;
    real_part := 0;
    bonus_part := 0;
    IF p_amount > 0 THEN
        IF p_accounts IS NULL THEN
            SELECT array_agg(account_id), array_agg(-amount_minor) INTO p_accounts, p_parts FROM wallet_entry
            WHERE transfer_id = p_bet.id AND id >= p_bet.id AND sequence IS NOT NULL;  -- ids grow: older partitions are skipped
        END IF;
        FOR staked IN
            SELECT s.amount, a AS account FROM unnest(p_accounts, p_parts) AS s (account_id, amount)
            JOIN wallet_account a ON a.id = s.account_id
            ORDER BY a.kind = 'real' DESC, a.priority, a.opened_at, a.id
        LOOP
            purses := purses || staked.account;
            part := CASE WHEN (staked.account).kind = 'real' THEN 0
                         ELSE floor(p_amount::numeric * staked.amount / p_bet.amount_minor) END;
            parts := parts || part;
            remainder := remainder - part;
        END LOOP;
        parts[1] := parts[1] + remainder;
        FOR i IN 1..cardinality(purses) LOOP
            CONTINUE WHEN parts[i] = 0;
            purse := purses[i];
            destination := wallet_destination(purse, p_at);
            CONTINUE WHEN destination IS NULL;
            PERFORM wallet_enter(win_id, destination, parts[i], win_digest);
            paid := paid + parts[i];
            IF purse.kind = 'real' OR destination <> purse.id THEN
                real_part := real_part + parts[i];
            ELSE
                bonus_part := bonus_part + parts[i];
            END IF;
        END LOOP;
        IF paid > 0 THEN
            PERFORM wallet_enter_house(win_id, house, -paid, win_digest);
        END IF;
    END IF;
    SELECT * INTO game FROM wallet_game WHERE code = p_bet.game;
    PERFORM events_append('wallet.win-credited.v1', p_bet.player_id, p_at, jsonb_build_object(
        'win_id', win_id, 'bet_id', p_bet.id, 'round', p_bet.round, 'game', p_bet.game, 'category', game.category,
        'amount', kernel_major(real_part + bonus_part, p_bet.currency),
        'real', kernel_major(real_part, p_bet.currency), 'bonus', kernel_major(bonus_part, p_bet.currency),
        'real_eur', kernel_eur(real_part, p_bet.currency, p_bet.rate_id), 'currency', p_bet.currency), p_request_id);
END
$$;

-- The purses that a stake would be drawn from, in funding order, with the part of each; or why it is refused.
CREATE FUNCTION wallet_draw(p_player uuid, p_category text, p_stake bigint, p_at timestamptz,
    OUT reason text, OUT accounts uuid[], OUT parts bigint[], OUT real_part bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    purse record;
    missing bigint := p_stake;
    part bigint;
BEGIN
    reason := '';
    accounts := '{}';
    parts := '{}';
    real_part := 0;
    FOR purse IN
        SELECT id, kind, balance_minor, stake_cap_minor FROM wallet_account
        WHERE player_id = p_player AND closed_at IS NULL AND kind IN ('real', 'bonus') AND balance_minor > 0
          AND (game_categories IS NULL OR p_category = ANY (game_categories))
          AND (active_until IS NULL OR active_until > p_at)
        ORDER BY priority, opened_at, id
    LOOP
        EXIT WHEN missing = 0;
        IF p_stake > purse.stake_cap_minor THEN
            reason := 'stake_above_cap';
            RETURN;
        END IF;
        part := least(purse.balance_minor, missing);
        accounts := accounts || purse.id;
        parts := parts || part;
        missing := missing - part;
        IF purse.kind = 'real' THEN
            real_part := real_part + part;
        END IF;
    END LOOP;
    IF missing > 0 THEN
        reason := 'insufficient_funds';
    END IF;
END
$$;

-- Publishes that a bet was placed; p_real is the part of its stake that was real money.
CREATE FUNCTION wallet_tell_bet(p_bet wallet_transfer, p_game wallet_game, p_real bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM events_append('wallet.bet-placed.v1', p_bet.player_id, p_bet.occurred_at, jsonb_build_object(
        'bet_id', p_bet.id, 'round', p_bet.round, 'game', p_bet.game, 'category', p_game.category,
        'exclusive', p_game.exclusive, 'stake', kernel_major(p_bet.amount_minor, p_bet.currency),
        'real', kernel_major(p_real, p_bet.currency), 'bonus', kernel_major(p_bet.amount_minor - p_real, p_bet.currency),
        'real_eur', kernel_eur(p_real, p_bet.currency, p_bet.rate_id),
        'bonus_eur', kernel_eur(p_bet.amount_minor - p_real, p_bet.currency, p_bet.rate_id),
        'currency', p_bet.currency), p_bet.request_id);
END
$$;

-- Places a bet; with p_win (0: lost) it also settles it in the same transaction. p_extra is what else belongs to the
-- content (rounds.sql), so that the same key without it, or with another, is a conflict.
CREATE FUNCTION wallet_bet(p_player uuid, p_source text, p_key text, p_game text, p_round text, p_currency text,
    p_stake bigint, p_win bigint, p_at timestamptz, p_actor text, p_request_id text, p_extra text DEFAULT NULL) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('bet', p_player::text, p_game, p_round, p_currency, p_stake::text, p_win::text, p_extra);
    game wallet_game;
    gate record;
    drawn record;
    bet wallet_transfer;
    win record;
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
    IF answer.reason = '' THEN
        drawn := wallet_draw(p_player, game.category, p_stake, p_at);
        answer.reason := drawn.reason;
    END IF;
    IF answer.reason = '' THEN
        answer.reason := compliance_gate_bet(p_player, p_game, game.category, p_stake, drawn.real_part,
            -- Of a win on bonus money too, it is only known once it is paid what of it is real.
            CASE WHEN drawn.real_part = p_stake THEN coalesce(p_win, 0) ELSE 0 END, p_at, p_actor, p_request_id);
    END IF;
    IF answer.reason <> '' THEN
        answer.outcome := 'refused';
        IF answer.reason = 'gate_stale' THEN  -- nothing has happened: the caller has it compiled and comes again
            RETURN wallet_with_balances(answer, p_player);
        END IF;
        IF answer.reason = gate.refusal THEN
            PERFORM compliance_keep_bet_denial(p_player, gate.refusal, NULL, p_game, game.category, p_stake, NULL, p_at, p_actor, p_request_id);
        END IF;
        -- Kept, so that a late copy of a refused bet is not suddenly placed after the next deposit.
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
        RETURN wallet_with_balances(answer, p_player);
    END IF;

    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, actor, request_id, occurred_at, rate_id)
    VALUES ('bet', p_player, p_currency, p_stake, p_source, p_key, p_game, p_round, p_actor, p_request_id, p_at,
            kernel_rate_id(p_currency, p_at))
    RETURNING * INTO bet;
    FOR i IN 1..cardinality(drawn.accounts) LOOP
        PERFORM wallet_enter(bet.id, drawn.accounts[i], -drawn.parts[i], bet.digest);
    END LOOP;
    PERFORM wallet_enter_house(bet.id, wallet_house_account('gaming', p_currency), p_stake, bet.digest);
    PERFORM wallet_tell_bet(bet, game, drawn.real_part);
    answer.outcome := 'applied';
    answer.transfer_id := bet.id;
    IF p_win IS NOT NULL THEN
        IF p_win > 0 THEN
            win := wallet_pay_win(bet, p_win, p_source, p_key, p_at, p_actor, p_request_id, drawn.accounts, drawn.parts);
            answer.win_transfer_id := win.win_id;
            IF drawn.real_part < p_stake AND win.real_part > 0 THEN
                PERFORM compliance_gate_count(p_player, p_at, 0, 0, win.real_part);
            END IF;
        END IF;
    END IF;
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- The bet that a key placed for this player, or NULL when there is none, or it was rolled back.
CREATE FUNCTION wallet_standing_bet(p_player uuid, p_source text, p_bet_key text) RETURNS wallet_transfer LANGUAGE sql STABLE AS $$
    SELECT t FROM wallet_transferkey k JOIN wallet_transfer t ON t.id = k.transfer_id
    WHERE k.key = p_bet_key AND k.source = p_source AND t.kind = 'bet' AND t.player_id = p_player
      AND NOT EXISTS (SELECT FROM wallet_transfer r WHERE r.bet_id = t.id AND r.id >= t.id AND r.kind = 'rollback')
$$;

-- Pays a win on a bet. Never asks the gate: what was won is paid, whatever became of the player since.
CREATE FUNCTION wallet_win(p_player uuid, p_source text, p_key text, p_bet_key text, p_currency text, p_amount bigint,
    p_at timestamptz, p_actor text, p_request_id text, p_extra text DEFAULT NULL) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('win', p_player::text, p_bet_key, p_currency, p_amount::text, p_extra);
    bet wallet_transfer;
    win record;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    bet := wallet_standing_bet(p_player, p_source, p_bet_key);
    IF bet.id IS NULL THEN
        answer.outcome := 'unknown_reference';  -- not kept: the bet may still come, and the win is then sent again
    ELSIF bet.currency <> p_currency THEN
        answer.outcome := 'refused';
        answer.reason := 'wrong_currency';
    ELSE
        win := wallet_pay_win(bet, p_amount, p_source, p_key, p_at, p_actor, p_request_id);
        IF win.real_part > 0 THEN
            PERFORM compliance_gate_count(p_player, p_at, 0, 0, win.real_part);
        END IF;
        answer.outcome := 'applied';
        answer.transfer_id := win.win_id;
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    END IF;
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- Undoes a bet: its stake and its wins go back to where they came from. An unknown bet leaves a tombstone.
CREATE FUNCTION wallet_rollback(p_player uuid, p_source text, p_key text, p_bet_key text, p_at timestamptz, p_actor text,
    p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('rollback', p_player::text, p_bet_key);
    target wallet_transferkey;
    bet wallet_transfer;
    game wallet_game;
    entry record;
    destination uuid;
    house uuid;
    to_house bigint := 0;
    aside record;  -- what jackpots and the house's fees had of it (jackpots.sql)
    real_part bigint := 0;
    won_real bigint := 0;
    won_bonus bigint := 0;
    rollback_id uuid;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    SELECT * INTO target FROM wallet_transferkey WHERE key = p_bet_key AND source = p_source;
    SELECT * INTO bet FROM wallet_transfer WHERE id = target.transfer_id;
    IF target.key IS NULL AND NOT EXISTS (SELECT FROM players_player WHERE id = p_player) THEN
        answer.outcome := 'refused';
        answer.reason := 'unknown_player';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    IF target.key IS NULL OR target.digest IS NULL OR (bet.id IS NULL AND target.outcome = 'refused') THEN
        -- Not seen yet, buried before, or refused when it came: nothing to undo, and it shall never be placed.
        answer.outcome := 'tombstoned';
        IF target.key IS NULL THEN
            INSERT INTO wallet_transferkey (source, key, outcome) VALUES (p_source, p_bet_key, 'tombstoned')
            ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'key % of % was used by a parallel call', p_bet_key, p_source USING ERRCODE = 'PM003';
            END IF;
        END IF;
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    IF bet.kind IS DISTINCT FROM 'bet' OR bet.player_id <> p_player THEN
        answer.outcome := 'unknown_reference';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    SELECT id INTO rollback_id FROM wallet_transfer WHERE bet_id = bet.id AND id >= bet.id AND kind = 'rollback';
    IF FOUND THEN  -- undone before under another key: the same answer
        answer.outcome := 'applied';
        answer.transfer_id := rollback_id;
        PERFORM wallet_keep_key(p_source, p_key, digest, answer);
        answer.outcome := 'replayed';
        RETURN wallet_with_balances(answer, p_player);
    END IF;

    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor, request_id, occurred_at, rate_id)
    VALUES ('rollback', p_player, bet.currency, bet.amount_minor, p_source, p_key, bet.game, bet.round, bet.id, p_actor, p_request_id, p_at, bet.rate_id)
    RETURNING id INTO rollback_id;
    house := wallet_house_account('gaming', bet.currency);
    -- Summed per purse first: what a bet won pays back before it is asked whether the balance suffices.
    FOR entry IN
        SELECT a AS account, (-sum(e.amount_minor))::bigint AS amount,
               coalesce(-sum(e.amount_minor) FILTER (WHERE e.transfer_id = bet.id), 0)::bigint AS staked,
               coalesce(sum(e.amount_minor) FILTER (WHERE e.transfer_id <> bet.id), 0)::bigint AS won
        FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id
        WHERE a.player_id = p_player AND e.id >= bet.id
          AND e.transfer_id IN (SELECT bet.id UNION ALL
                                SELECT id FROM wallet_transfer WHERE bet_id = bet.id AND id >= bet.id AND kind IN ('win', 'jackpot_win'))
        GROUP BY a.id, a ORDER BY a.id
    LOOP
        IF (entry.account).kind = 'real' THEN
            real_part := real_part + entry.staked;
            won_real := won_real + entry.won;
        ELSE
            won_bonus := won_bonus + entry.won;
        END IF;
        destination := wallet_destination(entry.account, p_at);
        CONTINUE WHEN destination IS NULL OR entry.amount = 0;
        PERFORM wallet_enter(rollback_id, destination, entry.amount);
        to_house := to_house - entry.amount;
    END LOOP;
    IF to_house <> 0 THEN
        PERFORM wallet_enter_house(rollback_id, house, to_house);
    END IF;
    -- Taken back from the hours that it was counted in; a captured bet was counted when its money was reserved.
    PERFORM compliance_gate_count(p_player, coalesce((SELECT occurred_at FROM wallet_transfer WHERE id = bet.bet_id), bet.occurred_at),
                                  CASE WHEN bet.bet_id IS NULL THEN -1 ELSE 0 END, -real_part, 0);
    IF won_real > 0 THEN
        FOR entry IN
            SELECT t.occurred_at, sum(e.amount_minor)::bigint AS won FROM wallet_transfer t
            JOIN wallet_entry e ON e.transfer_id = t.id AND e.id >= t.id
            JOIN wallet_account a ON a.id = e.account_id AND a.player_id = p_player AND a.kind = 'real'
            WHERE t.bet_id = bet.id AND t.id >= bet.id AND t.kind IN ('win', 'jackpot_win') GROUP BY t.occurred_at
        LOOP
            PERFORM compliance_gate_count(p_player, entry.occurred_at, 0, 0, -entry.won);
        END LOOP;
    END IF;
    aside := wallet_undo_aside(bet, rollback_id, 'gaming');
    won_real := won_real - aside.jackpot_real;
    won_bonus := won_bonus - aside.jackpot_bonus;
    SELECT * INTO game FROM wallet_game WHERE code = bet.game;
    PERFORM events_append('wallet.bet-rolled-back.v1', p_player, p_at, jsonb_build_object(
        'rollback_id', rollback_id, 'bet_id', bet.id, 'round', bet.round, 'game', bet.game, 'category', game.category,
        'exclusive', game.exclusive, 'stake', kernel_major(bet.amount_minor, bet.currency),
        'real', kernel_major(real_part, bet.currency), 'bonus', kernel_major(bet.amount_minor - real_part, bet.currency),
        'real_eur', kernel_eur(real_part, bet.currency, bet.rate_id),
        'won_real', kernel_major(won_real, bet.currency), 'won_bonus', kernel_major(won_bonus, bet.currency),
        'jackpot_contribution', kernel_major(aside.contribution, bet.currency),
        'currency', bet.currency), p_request_id);
    answer.outcome := 'applied';
    answer.transfer_id := rollback_id;
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

-- Moves money between one purse and one account of the house: deposits, bonus grants. Positive credits the player.
CREATE FUNCTION wallet_move(p_kind text, p_player uuid, p_account uuid, p_house text, p_currency text, p_amount bigint,
    p_source text, p_key text, p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest(p_kind, p_player::text, p_account::text, p_house, p_currency, p_amount::text);
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
        answer.outcome := 'refused';
        answer.reason := CASE WHEN currency_held IS NULL THEN 'unknown_player' ELSE 'wrong_currency' END;
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at, rate_id)
    VALUES (p_kind, p_player, p_currency, abs(p_amount), p_source, p_key, p_actor, p_request_id, p_at,
            kernel_rate_id(p_currency, p_at))
    RETURNING id INTO answer.transfer_id;
    PERFORM wallet_enter(answer.transfer_id, coalesce(p_account, wallet_real_purse(p_player, p_currency)), p_amount);
    PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account(p_house, p_currency), -p_amount);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;

-- Opens a bonus purse and credits it from the house's bonus cost. The caller names the purse's id.
CREATE FUNCTION wallet_open_purse(p_player uuid, p_account uuid, p_currency text, p_amount bigint, p_priority integer,
    p_stake_cap bigint, p_game_categories text[], p_active_until timestamptz, p_source text, p_key text, p_at timestamptz,
    p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    IF EXISTS (SELECT FROM players_player WHERE id = p_player AND currency = p_currency) THEN
        INSERT INTO wallet_account (id, player_id, kind, currency, balance_minor, sequence, priority, stake_cap_minor,
                                    game_categories, active_until, opened_at, closed_into)
        VALUES (p_account, p_player, 'bonus', p_currency, 0, 0, p_priority, p_stake_cap, p_game_categories, p_active_until, p_at, '')
        ON CONFLICT (id) DO NOTHING;
    END IF;
    answer := wallet_move('bonus_grant', p_player, p_account, 'bonus_cost', p_currency, p_amount, p_source, p_key, p_at, p_actor, p_request_id);
    IF answer.outcome = 'applied' THEN
        PERFORM events_append('wallet.purse-opened.v1', p_player, p_at, jsonb_build_object(
            'purse_id', p_account, 'transfer_id', answer.transfer_id, 'amount', kernel_major(p_amount, p_currency),
            'active_until', p_active_until, 'currency', p_currency), p_request_id);
    END IF;
    RETURN answer;
END
$$;

-- Closes a bonus purse: what is in it becomes real money ('real'; of it p_most at most, null: all) or goes back to the house
-- ('house'). A purse whose time is over is the house's, whoever closes it.
CREATE FUNCTION wallet_close_purse(p_player uuid, p_account uuid, p_into text, p_most bigint, p_source text, p_key text,
    p_at timestamptz, p_actor text, p_request_id text) RETURNS wallet_posting
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    answer wallet_posting;
    digest bytea := wallet_digest('close_purse', p_player::text, p_account::text, p_into, p_most::text);
    purse wallet_account;
    released bigint;
    into_ text;
BEGIN
    PERFORM events_lock_players(ARRAY[p_player]);
    answer := wallet_known(p_source, p_key, digest);
    IF answer.outcome IS NOT NULL THEN
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    answer.reason := '';
    SELECT * INTO purse FROM wallet_account
    WHERE id = p_account AND player_id = p_player AND kind = 'bonus' AND closed_at IS NULL;
    IF NOT FOUND THEN
        answer.outcome := 'unknown_reference';
        RETURN wallet_with_balances(answer, p_player);
    END IF;
    into_ := CASE WHEN purse.active_until <= p_at THEN 'house' ELSE p_into END;
    released := CASE WHEN into_ = 'real' THEN least(purse.balance_minor, coalesce(p_most, purse.balance_minor)) ELSE 0 END;
    IF purse.balance_minor > 0 THEN
        INSERT INTO wallet_transfer (kind, player_id, currency, amount_minor, source, reference, actor, request_id, occurred_at)
        VALUES (CASE into_ WHEN 'real' THEN 'bonus_release' ELSE 'bonus_forfeit' END, p_player, purse.currency,
                purse.balance_minor, p_source, p_key, p_actor, p_request_id, p_at)
        RETURNING id INTO answer.transfer_id;
        PERFORM wallet_enter(answer.transfer_id, p_account, -purse.balance_minor);
        IF released > 0 THEN
            PERFORM wallet_enter(answer.transfer_id, wallet_real_purse(p_player, purse.currency), released);
        END IF;
        IF purse.balance_minor > released THEN
            PERFORM wallet_enter_house(answer.transfer_id, wallet_house_account('bonus_cost', purse.currency),
                                       purse.balance_minor - released);
        END IF;
    END IF;
    -- A late win follows what the purse has become; above the most that may become real money, it is the house's.
    UPDATE wallet_account SET closed_at = p_at, closed_into = CASE WHEN released = p_most THEN 'house' ELSE into_ END
    WHERE id = p_account;
    PERFORM events_append('wallet.purse-closed.v1', p_player, p_at, jsonb_build_object(
        'purse_id', p_account, 'transfer_id', answer.transfer_id, 'into', into_,
        'amount', kernel_major(purse.balance_minor, purse.currency), 'released', kernel_major(released, purse.currency),
        'expired', into_ = 'house' AND coalesce(purse.active_until <= p_at, false), 'currency', purse.currency), p_request_id);
    answer.outcome := 'applied';
    PERFORM wallet_keep_key(p_source, p_key, digest, answer);
    RETURN wallet_with_balances(answer, p_player);
END
$$;
