-- What was earned, what moved points and what moved levels are ledgers: what was written stays.
CALL kernel_make_append_only('loyalty_accrual');
CALL kernel_make_append_only('loyalty_pointsentry');
CALL kernel_make_append_only('loyalty_levelchange');

-- These are updated with every batch: room in each page keeps the new versions beside the old ones.
ALTER TABLE loyalty_standing SET (fillfactor = 70);
ALTER TABLE loyalty_pointsaccount SET (fillfactor = 70);
ALTER TABLE loyalty_turnoverday SET (fillfactor = 70);
