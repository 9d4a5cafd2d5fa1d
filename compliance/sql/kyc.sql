-- What was proved, refused and counted is never rewritten.
CALL kernel_make_append_only('compliance_kycmove');
CALL kernel_make_append_only('compliance_kycnotice');
CALL kernel_make_append_only('compliance_kyctransaction');
