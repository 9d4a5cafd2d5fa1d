-- Lets all points to spend of these players expire, in the caller's transaction, which holds them; who has been active since
-- they were looked for keeps theirs. What is set aside stays. Returns what expired.
WITH due AS MATERIALIZED (
    SELECT account.player_id, account.balance, account.held, wanted.id
    FROM unnest(%(players)s::uuid[], %(ids)s::uuid[]) AS wanted (player_id, id)
    JOIN loyalty_pointsaccount account ON account.player_id = wanted.player_id
    WHERE account.balance > 0 AND account.active_at <= %(until)s
),
accounts AS (
    UPDATE loyalty_pointsaccount account SET balance = 0, warned_days = NULL FROM due
    WHERE account.player_id = due.player_id
),
entries AS (
    INSERT INTO loyalty_pointsentry (id, player_id, kind, points, held, balance_after, held_after, key, reference, actor,
                                     occurred_at)
    SELECT id, player_id, 'expiry', -balance, 0, 0, held, 'expiry:' || id, '', 'system:loyalty.expiry', %(at)s
    FROM due ORDER BY player_id
)
SELECT player_id, balance AS points FROM due
