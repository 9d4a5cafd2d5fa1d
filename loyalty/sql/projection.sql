-- Points entries and level changes are ledgers: what was written stays.
CALL kernel_make_append_only('loyalty_pointsentry');
CALL kernel_make_append_only('loyalty_levelchange');

-- Standings are updated with every batch: room in each page keeps the new versions beside the old ones.
ALTER TABLE loyalty_standing SET (fillfactor = 70);
