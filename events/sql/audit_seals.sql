-- Seals are facts: what was sealed stays sealed.
CALL kernel_make_append_only('events_auditseal');
