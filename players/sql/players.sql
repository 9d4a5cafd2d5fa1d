-- May this player do this now? Asked by the posting function, in its transaction, under the player's lock.
-- refusal is NULL when nothing stands against it, else unknown_player, status_<status> or the restriction's kind.
CREATE FUNCTION players_gate(p_player uuid, p_action text, p_at timestamptz, OUT currency text, OUT refusal text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT p.currency, CASE WHEN p.status <> 'active' THEN 'status_' || p.status END
    INTO currency, refusal FROM players_player p WHERE p.id = p_player;
    IF NOT FOUND THEN
        refusal := 'unknown_player';
    ELSIF refusal IS NULL THEN
        SELECT r.kind INTO refusal FROM players_restriction r
        WHERE r.player_id = p_player AND r.lifted_at IS NULL
          AND p_action = ANY (r.blocks) AND r.active_from <= p_at AND (r.active_until IS NULL OR r.active_until > p_at)
        ORDER BY r.id LIMIT 1;
    END IF;
END
$$;

CALL kernel_make_append_only('players_settingchange');
