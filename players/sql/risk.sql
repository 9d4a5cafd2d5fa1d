-- Why a risk level was set stays as it was written.
CALL kernel_make_append_only('players_riskassessment');
