"""Who may open what in the back office. Every address has a line here: a new one without a line fails the test.

A line names a page (or several of one kind) and the roles that may open it; where doing is for fewer than looking, the
roles that may do it stand second. A name that ends in "*" stands for the pages "changelist" and "change".
"""

from __future__ import annotations

EVERYBODY = (
    "administrator analyst auditor compliance_officer crm_specialist finance integrator loyalty_admin marketing_manager"
    " mlro operations support_agent support_lead vip_manager"
)
SEES_PLAYERS = EVERYBODY.replace("integrator ", "")
SEES_PAYMENTS = (
    "administrator analyst auditor compliance_officer finance mlro operations support_agent support_lead vip_manager"
)
SEES_LEDGER = "administrator analyst auditor compliance_officer finance mlro operations"
SEES_APPROVALS = "administrator auditor compliance_officer finance mlro operations support_lead"
SEES_MACHINERY = "administrator auditor integrator operations"
SEES_ACCESS = "administrator auditor compliance_officer"
RESTRICTS = "administrator compliance_officer mlro operations support_lead"
CORRECTS = "finance operations support_lead"
PAYS = "administrator finance operations"
RUNS_MACHINERY = "administrator operations"
CONNECTS = "administrator integrator"
APPROVES_CORRECTIONS = "compliance_officer finance"
HOLDS = "compliance_officer mlro"
SEES_DOCUMENTS = "administrator auditor compliance_officer mlro"
SEES_VERIFICATION = "administrator auditor compliance_officer mlro operations support_lead"
HANDS_IN = "compliance_officer mlro operations support_lead"
EXCLUDES = "administrator compliance_officer mlro operations support_agent support_lead"
SEES_BONUSES = (
    "administrator analyst auditor compliance_officer crm_specialist finance loyalty_admin marketing_manager operations"
    " support_agent support_lead vip_manager"
)
NOBODY = ""

PAGES: dict[str, str | tuple[str, str]] = {
    # --- the frame ---
    "index search app_list login logout password_change password_change_done jsi18n view_on_site": EVERYBODY,
    "autocomplete": NOBODY,
    # Logging in, and what everybody keeps of their own: second factors, sessions.
    "login_second login_enrol login_enrol_passkey login_enrol_passkey_made login_reason login_passkey": EVERYBODY,
    "login_passkey_answer session session_stay reauthenticate reauthenticate_passkey": EVERYBODY,
    "reauthenticate_passkey_answer security security_app security_codes security_passkey": EVERYBODY,
    "security_passkey_made security_remove security_end security_end_others": EVERYBODY,
    # --- players ---
    "players_player_*": SEES_PLAYERS,
    # The wallet's tab, of a player who is in nobody's portfolio.
    "players_player_tab": SEES_PLAYERS.replace(" vip_manager", ""),
    "players_player_impose players_player_lift players_player_status": RESTRICTS,
    "players_sandboxmessage_changelist": "administrator",
    "players_sandboxmessage_change": NOBODY,
    "players_player_portfolios": ("administrator auditor operations vip_manager", "administrator operations"),
    "players_player_release": "administrator operations",
    "players_player_reveal": SEES_PLAYERS,  # its form says no, and keeps it: tests/players has who may
    "players_player_end_sessions players_player_end_session": RESTRICTS,
    "players_restriction_changelist": SEES_PLAYERS,
    "players_restriction_change": NOBODY,
    # --- money ---
    "wallet_account_*": SEES_PLAYERS,
    "wallet_deposit_* wallet_withdrawal_*": SEES_PAYMENTS,
    "wallet_withdrawal_next wallet_withdrawal_bulk wallet_withdrawal_claim wallet_withdrawal_release": PAYS,
    "wallet_withdrawal_approve wallet_withdrawal_reject": PAYS,
    "wallet_instrument_confirm": "administrator finance operations",
    "wallet_instrument_*": "administrator auditor compliance_officer finance mlro operations",
    "wallet_transfer_* wallet_entry_* wallet_seal_* wallet_transfer_rounds wallet_transfer_round": SEES_LEDGER,
    "wallet_withdrawal_save_view wallet_withdrawal_remove_view": SEES_PAYMENTS,  # views of their own
    "wallet_transferexport_*": "administrator auditor finance",
    "wallet_transferexport_new wallet_transferexport_cancel": "finance",
    "wallet_transferexport_file wallet_transferexport_manifest": "finance",
    "wallet_feerule_changelist": "administrator auditor finance operations",
    "wallet_feerule_change": ("administrator auditor finance operations", "administrator finance"),
    "wallet_feerule_add": "administrator finance",
    "wallet_feerule_history": "administrator auditor finance operations",
    "wallet_approvalrule_changelist wallet_withdrawalpolicy_changelist": "administrator auditor finance operations",
    "wallet_approvalrule_history wallet_withdrawalpolicy_history": "administrator auditor finance operations",
    "wallet_approvalrule_change wallet_withdrawalpolicy_change": (
        "administrator auditor finance operations",
        "administrator finance",
    ),
    "wallet_approvalrule_add wallet_withdrawalpolicy_add": "administrator finance",
    "wallet_adjustment_* wallet_dispute_* wallet_dormancynotice_*": SEES_APPROVALS,
    "wallet_adjustment_adjust wallet_dispute_open wallet_dispute_investigate wallet_dispute_settle": CORRECTS,
    "wallet_adjustment_write_off": "finance",
    "wallet_report_* wallet_report_rows wallet_report_liability wallet_reportmapping_*": "administrator auditor finance",
    "wallet_report_liability_file wallet_reconciliationcase_file": "administrator auditor finance",
    "wallet_reconciliationcase_*": "administrator auditor finance",
    "wallet_reportmapping_new wallet_report_upload": "finance",
    "wallet_reconciliationcase_claim wallet_reconciliationcase_resolve": "finance",
    # --- games ---
    "wallet_game_*": EVERYBODY,
    "wallet_jackpot_changelist": EVERYBODY,
    "wallet_jackpot_change": (EVERYBODY, "administrator finance"),
    "wallet_jackpot_add": "administrator finance",
    "wallet_jackpot_history": EVERYBODY,
    # --- loyalty ---
    "loyalty_programme_* loyalty_standing_changelist": (
        "administrator analyst auditor compliance_officer crm_specialist finance loyalty_admin marketing_manager"
        " operations support_agent support_lead vip_manager"
    ),
    "loyalty_standing_change": NOBODY,
    "loyalty_standing_level": "loyalty_admin vip_manager",
    "loyalty_standing_points": "loyalty_admin support_lead vip_manager",
    "loyalty_redemption_changelist loyalty_redemption_change": (
        "administrator analyst auditor compliance_officer crm_specialist finance loyalty_admin marketing_manager"
        " operations support_agent support_lead vip_manager"
    ),
    "loyalty_redemption_history": NOBODY,
    "loyalty_redemption_confirm loyalty_redemption_reject": "loyalty_admin support_lead vip_manager",
    # --- bonuses ---
    "bonuses_offer_*": SEES_BONUSES,
    "bonuses_offer_new bonuses_offer_edit bonuses_offer_release": "loyalty_admin marketing_manager",
    "bonuses_offer_pause bonuses_offer_resume bonuses_offer_stop": (
        "administrator compliance_officer loyalty_admin marketing_manager operations"
    ),
    "bonuses_offer_costs bonuses_codebatch_* bonuses_listaward_* bonuses_offerrun_*": SEES_BONUSES,
    "bonuses_offerrun_new": "loyalty_admin marketing_manager",
    "bonuses_codebatch_new bonuses_codebatch_file bonuses_codebatch_close": "loyalty_admin marketing_manager",
    "bonuses_listaward_new": "crm_specialist loyalty_admin marketing_manager support_lead vip_manager",
    "bonuses_grant_*": SEES_BONUSES,
    "bonuses_grant_give": "crm_specialist loyalty_admin marketing_manager support_lead vip_manager",
    "bonuses_grant_forfeit": "compliance_officer loyalty_admin marketing_manager support_lead vip_manager",
    # --- control ---
    "compliance_approval_*": f"loyalty_admin marketing_manager vip_manager {SEES_APPROVALS}",  # of offers, of points
    "compliance_approval_take_back": "compliance_officer finance",  # who asked: tests/compliance
    "compliance_approval_next": "administrator compliance_officer finance marketing_manager mlro",
    # Of a correction: corrections are approved by these.
    "compliance_approval_claim compliance_approval_release": APPROVES_CORRECTIONS,
    "compliance_approval_approve compliance_approval_reject": APPROVES_CORRECTIONS,
    "compliance_limitchange_*": (
        "administrator auditor compliance_officer mlro operations support_agent support_lead vip_manager"
    ),
    "compliance_limitchange_set compliance_limitchange_relief": "compliance_officer support_lead",
    "compliance_limitchange_decide": "compliance_officer support_lead",
    "compliance_delegation_*": "administrator auditor compliance_officer finance",
    "compliance_delegation_appoint": "administrator compliance_officer finance",
    "compliance_delegation_end": "administrator compliance_officer",
    "compliance_gatedecision_*": "administrator auditor compliance_officer mlro operations support_agent support_lead",
    "compliance_reviewcase_*": "administrator auditor compliance_officer mlro operations support_lead",
    "compliance_reviewcase_claim compliance_reviewcase_release compliance_reviewcase_resolve": HOLDS,
    "compliance_reviewcase_next": HOLDS,
    "compliance_exclusion_* compliance_endrequest_*": f"auditor {EXCLUDES}",
    "compliance_exclusion_exclude compliance_exclusion_end": EXCLUDES,
    "compliance_exclusion_check compliance_exclusion_match": "compliance_officer mlro",
    "compliance_endrequest_decide": "compliance_officer",
    "compliance_registercheck_*": "administrator auditor compliance_officer mlro",
    # --- aggregators and events ---
    "wallet_integration_* wallet_gamesession_* wallet_adapterrequest_*": SEES_MACHINERY,
    "wallet_integration_add wallet_integration_settings wallet_integration_add_key": CONNECTS,
    "wallet_integration_revoke_key wallet_integration_games wallet_integration_unmap": CONNECTS,
    "wallet_gamesession_revoke wallet_adapterrequest_replay": "administrator integrator operations",
    "events_event_*": EVERYBODY,
    "events_consumercursor_* events_deadletter_*": SEES_MACHINERY,
    "events_consumercursor_pause events_consumercursor_resume": RUNS_MACHINERY,
    "events_deadletter_amend events_deadletter_replay events_deadletter_discard": RUNS_MACHINERY,
    "compliance_kyccase_*": SEES_VERIFICATION,
    "compliance_kyccase_next compliance_kyccase_claim compliance_kyccase_release": HOLDS,
    "compliance_kyccase_step compliance_kyccase_decide": HOLDS,
    "compliance_document_*": SEES_DOCUMENTS,
    "compliance_document_page compliance_document_reveal": SEES_DOCUMENTS,
    "compliance_document_upload": HANDS_IN,
    "compliance_packactivation_* compliance_packactivation_version": "administrator auditor compliance_officer mlro",
    "compliance_packactivation_activate": HOLDS,
    "compliance_legalhold_*": "administrator auditor compliance_officer mlro",
    "compliance_legalhold_place compliance_legalhold_release": HOLDS,
    # --- access ---
    "players_staffsession_* players_staffdevice_*": "administrator auditor",
    "players_staffsession_end_all players_staffsession_end players_staffsession_end_person": "administrator",
    "players_staffdevice_reset": "administrator",
    # There is none of these in the test: Django sends everybody who may see the list home.
    "players_staffnetwork_*": "administrator auditor",
    "players_staffnetwork_history": EVERYBODY,
    "players_staffnetwork_add players_staffnetwork_delete": "administrator",
    "players_identityprovider_*": "administrator auditor",
    "players_identityprovider_new players_identityprovider_edit players_identityprovider_secret": "administrator",
    "events_auditrecord_* events_auditrecord_export": "administrator auditor compliance_officer mlro",
    "players_user_changelist players_user_history": SEES_ACCESS,
    "players_user_change auth_group_staff": (SEES_ACCESS, "administrator"),
    "players_user_add auth_user_password_change": "administrator",
    "auth_group_* auth_group_matrix auth_group_matrix_file auth_group_policies auth_group_tester": SEES_ACCESS,
    "auth_group_new auth_group_edit": "administrator",
    "players_ownaccount_*": SEES_ACCESS,
    "players_ownaccount_declare": EVERYBODY,  # of their own accounts
    "players_ownaccount_end": "administrator compliance_officer",
    "kernel_serviceclient_*": "administrator auditor integrator",
    "kernel_serviceclient_new kernel_serviceclient_settings kernel_serviceclient_secret": CONNECTS,
    "kernel_serviceclient_end_old_secret kernel_serviceclient_revoke": CONNECTS,
    "kernel_serviceclient_disable kernel_serviceclient_enable": CONNECTS,
}

# Django makes these pages for every list; they are closed to everybody unless a line above opens one.
CLOSED = ("_add", "_delete", "_history")

# Neither back office nor API: what anybody may call. Tokens, their keys and description; health; the API's description;
# aggregators, who sign their requests. Nobody logs in at the pages of allauth that a client without a person never needs.
OPEN_ADDRESSES = {
    "adapter", "schema", "api-docs", "problems", "healthz", "livez", "token", "revoke", "authorization-server",
    "configuration", "jwks", "authorization", "device_authorization", "logout", "device_code", "userinfo",
}  # fmt: skip

# Over WebSocket: everybody of staff, each with what their role shows.
SOCKETS = {"ws/home/"}


def read_table() -> dict[str, tuple[set[str], set[str]]]:
    """Page to (roles that may open it, roles that may do it)."""
    table = {}
    for names, roles in PAGES.items():
        read, act = roles if isinstance(roles, tuple) else (roles, roles)
        for name in names.split():
            pages = [name.replace("*", page) for page in ("changelist", "change")] if name.endswith("*") else [name]
            for page in pages:
                assert page not in table, f"{page} stands there twice"
                table[page] = (set(read.split()), set(act.split()))
    return table
