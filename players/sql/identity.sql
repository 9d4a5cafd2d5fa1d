-- Consents are proof of what a player agreed to: rows are added, never rewritten.
CALL kernel_make_append_only('players_consent');
