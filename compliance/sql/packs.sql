-- What was put in force, and who signed it, stays as it was.
CALL kernel_make_append_only('compliance_packactivation');
