-- Seals are facts: what was sealed stays sealed.
CALL kernel_make_append_only('wallet_seal');
CALL kernel_make_append_only('wallet_housecheckpoint');
