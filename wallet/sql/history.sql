-- What a player's history is found by. None of these indexes costs a bet or a win much: two of the three leave them out
-- or hold bets alone.

-- Deposits, rollbacks, corrections …: rare among bets and wins, found without reading those.
CREATE INDEX wallet_transfer_rare ON wallet_transfer (player_id, kind, id DESC) WHERE kind NOT IN ('bet', 'win');
-- The bets of a round; their wins and rollbacks are found by bet_id.
CREATE INDEX wallet_transfer_round ON wallet_transfer (player_id, round, id) WHERE kind IN ('bet', 'free_bet');
-- The last entry of a purse before a moment: its balance then.
CREATE INDEX wallet_entry_moment ON wallet_entry (account_id, id DESC) WHERE sequence IS NOT NULL;

-- A text of foreign origin as a field of a CSV file: spreadsheets take what begins like this for a formula.
CREATE FUNCTION wallet_csv_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ascii(p_text) IN (9, 13, 43, 45, 61, 64) THEN '''' || p_text ELSE p_text END  -- tab, return, + - = @
$$;
