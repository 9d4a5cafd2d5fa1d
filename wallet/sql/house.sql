-- The house's accounts in every currency that players may hold, so that the first to move money do not wait for one
-- another while they are opened. A currency that is allowed later opens its own at their first use.
SELECT wallet_house_account(kind, currency)
FROM unnest(ARRAY['gaming', 'payments', 'bonus_cost', 'chargebacks', 'adjustments', 'write_offs', 'fees']) AS kind,
     unnest(string_to_array('{{currencies}}', ',')) AS currency;
