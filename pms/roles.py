"""What each role of the back office may see and do. It stands here because it names permissions of every app."""

from __future__ import annotations

from kernel import clock
from kernel.actors import system
from players.services.roles import apply_roles

_PLAYERS = {"players.view_player", "players.view_restriction", "players.view_settingchange", "events.view_event"}
_PERSONAL = {"players.view_personal_data"}
_STATUS = {"players.change_player_status"}
_RESTRICT = {"players.impose_restriction", "players.lift_restriction"}
_AML = {"players.view_aml_reason"}
_PURSES = {"wallet.view_account"}
_PAYMENTS = {"wallet.view_deposit", "wallet.view_withdrawal"}
_INSTRUMENTS = {"wallet.view_instrument"}
_PAY_OUT = {"wallet.approve_withdrawal"}
_PAYMENT_RULES = {"wallet.view_approvalrule", "wallet.view_withdrawalpolicy"}
_CHANGE_PAYMENT_RULES = {
    f"wallet.{action}_{model}" for action in ("add", "change") for model in ("approvalrule", "withdrawalpolicy")
}
_LEDGER = {"wallet.view_transfer", "wallet.view_entry", "wallet.view_account", "wallet.view_seal"}
_APPROVALS = {"compliance.view_approval"}
_CORRECTIONS = {"wallet.view_adjustment", "wallet.view_dispute", "wallet.view_dormancynotice"}
_DESK = {
    "wallet.view_report", "wallet.view_reportmapping", "wallet.view_reconciliationcase", "wallet.view_liabilityday",
    "wallet.view_transferexport",
}  # fmt: skip
_CORRECT = {"wallet.adjust_balance", "wallet.work_disputes"}
_APPROVE = {"wallet.approve_adjustment", "wallet.approve_write_off", "wallet.approve_large_withdrawal"}
_GAMES = {"wallet.view_game", "wallet.view_jackpot"}
_FEES = {"wallet.view_feerule"}
_CHANGE_FEES = {"wallet.add_feerule", "wallet.change_feerule", "wallet.add_jackpot", "wallet.change_jackpot"}
_LOYALTY = {
    "loyalty.view_programme", "loyalty.view_standing", "loyalty.view_campaign", "loyalty.view_redemption",
}  # fmt: skip
_FIGURES = {"analytics.view_daytotals"}
_MACHINERY = {"events.view_event", "events.view_consumercursor", "events.view_deadletter"}
_RUN_MACHINERY = {"events.pause_consumer", "events.settle_dead_letter"}
_ACCESS = {"players.view_user", "auth.view_group", "players.view_ownaccount"}
_PORTFOLIOS = {"players.view_portfolios", "players.assign_portfolio"}
_ROLES = {"players.change_staff_roles", "players.add_role", "players.change_role"}
_APPROVE_ACCESS = {"players.approve_role_change", "kernel.approve_serviceclient"}
_DEPUTY = {"compliance.view_delegation", "compliance.add_delegation"}
_OWN_ACCOUNTS = {"players.view_ownaccount", "players.add_ownaccount", "players.change_ownaccount"}
_CLIENTS = {"kernel.view_serviceclient", "kernel.add_serviceclient", "kernel.change_serviceclient"}

_LOGINS = {
    "players.view_staffsession", "players.view_staffdevice", "players.view_identityprovider",
    "players.view_staffnetwork",
}  # fmt: skip
_MANAGE_LOGINS = {
    "players.end_staffsession", "players.reset_staffdevice", "players.add_identityprovider",
    "players.change_identityprovider", "players.add_staffnetwork", "players.change_staffnetwork",
    "players.delete_staffnetwork",
}  # fmt: skip

_ADAPTERS = {"wallet.view_integration", "wallet.view_gamesession", "wallet.view_adapterrequest"}
_RUN_ADAPTERS = {"wallet.change_gamesession", "wallet.replay_adapterrequest"}
_CONNECT = {"wallet.add_integration", "wallet.change_integration"}

# Whose packs of rules hold: who sees them, asks for a version, and puts in force what another asked for.
_SEE_PACKS = {"compliance.view_packactivation"}
_PACKS = _SEE_PACKS | {"compliance.activate_pack", "compliance.approve_pack"}
_HOLDS = {"compliance.view_legalhold", "compliance.place_legal_hold", "compliance.run_purge"}
_REVEAL = {"players.reveal_personal_data"}
_AUDIT = {"events.view_auditrecord", "events.export_audit"}

_LIMITS = {"compliance.view_limit", "compliance.view_limitchange", "compliance.view_playsetting"}
_SET_LIMITS = {"compliance.set_limit", "compliance.decide_limitchange", "compliance.request_allowance"}

_EVERYTHING_TO_READ = (
    _LIMITS |
    _PLAYERS | _PURSES | _PAYMENTS | _INSTRUMENTS | _PAYMENT_RULES | _FEES | _LEDGER | _APPROVALS | _CORRECTIONS | _DESK | _GAMES
    | _LOYALTY | _FIGURES | _MACHINERY | _ACCESS | _ADAPTERS | _LOGINS
    | {"kernel.view_serviceclient", "compliance.view_delegation", "players.view_portfolios"}
)  # fmt: skip

ROLES: dict[str, set[str]] = {
    "administrator": {"compliance.view_legalhold", "compliance.run_purge"} | _SEE_PACKS | _AUDIT
    | _EVERYTHING_TO_READ | _PERSONAL | _STATUS | _RESTRICT | _AML | _RUN_MACHINERY | _CLIENTS
    | _RUN_ADAPTERS | _CONNECT | _PAY_OUT | _CHANGE_PAYMENT_RULES | _CHANGE_FEES
    | {"players.add_user", "players.change_user"} | _PORTFOLIOS | _OWN_ACCOUNTS | _ROLES
    | _APPROVE_ACCESS | _DEPUTY | {"compliance.appoint_deputy"} | _MANAGE_LOGINS,
    "operations": _PLAYERS | _APPROVALS | _CORRECTIONS | _CORRECT | _PERSONAL | _STATUS | _RESTRICT | _PURSES
    | _PAYMENTS | _LEDGER | _GAMES | _LOYALTY
    | _FIGURES | _MACHINERY | _RUN_MACHINERY | _ADAPTERS | _RUN_ADAPTERS | _INSTRUMENTS | _PAYMENT_RULES | _PAY_OUT | _FEES
    | _PORTFOLIOS,
    "support_agent": _PLAYERS | _REVEAL | _PURSES | _PAYMENTS | _GAMES | _LOYALTY,
    "support_lead": _PLAYERS | _APPROVALS | _CORRECTIONS | _CORRECT | _PERSONAL | _STATUS | _RESTRICT | _PURSES
    | _PAYMENTS | _GAMES | _LOYALTY,
    "compliance_officer": _PACKS | _HOLDS | _AUDIT
    | _PLAYERS | _APPROVALS | _CORRECTIONS | _APPROVE | _PERSONAL | _STATUS | _RESTRICT | _AML
    | _PURSES | _PAYMENTS | _INSTRUMENTS | _LEDGER | _GAMES | _OWN_ACCOUNTS | _ACCESS
    | _APPROVE_ACCESS | _DEPUTY | {"compliance.appoint_deputy"},
    "mlro": _PACKS | _HOLDS | _AUDIT | _PLAYERS | _APPROVALS | _CORRECTIONS | _PERSONAL | _STATUS | _RESTRICT | _AML
    | _PURSES | _PAYMENTS
    | _INSTRUMENTS | _LEDGER | _GAMES,
    "marketing_manager": _PLAYERS | _PURSES | _GAMES | _LOYALTY | _FIGURES,
    "crm_specialist": _PLAYERS | _PURSES | _GAMES | _LOYALTY,
    "loyalty_admin": _PLAYERS | _PURSES | _GAMES | _LOYALTY | _FIGURES,
    "vip_manager": {"players.view_portfolios"} | _PLAYERS | _PERSONAL | _PURSES | _PAYMENTS | _GAMES | _LOYALTY,
    "finance": _REVEAL | {"wallet.export_transfers", "wallet.reconcile"} | _DESK | _PLAYERS | _APPROVALS | _CORRECTIONS | _CORRECT
    | _APPROVE | {"wallet.write_off_balance"} | _PURSES | _PAYMENTS | _LEDGER | _GAMES | _FIGURES
    | _INSTRUMENTS | _PAYMENT_RULES | _CHANGE_PAYMENT_RULES | _PAY_OUT | _FEES | _CHANGE_FEES | _DEPUTY,
    "analyst": _PLAYERS | _PURSES | _PAYMENTS | _LEDGER | _GAMES | _LOYALTY | _FIGURES,
    "auditor": {"compliance.view_legalhold"} | _SEE_PACKS | _AUDIT | _EVERYTHING_TO_READ | _AML,
    "integrator": _MACHINERY | _GAMES | _CLIENTS | _ADAPTERS | _RUN_ADAPTERS | _CONNECT,
}  # fmt: skip

# Players' limits: who sees them, sets them for the casino and talks to players, and who approves more room.
for _role, _granted in {
    "operations": _LIMITS,
    "support_agent": _LIMITS,
    "support_lead": _LIMITS | _SET_LIMITS,
    "compliance_officer": _LIMITS | _SET_LIMITS | {"compliance.approve_allowance"},
    "mlro": _LIMITS | {"compliance.approve_allowance"},
    "vip_manager": _LIMITS,
}.items():
    ROLES[_role] = ROLES[_role] | _granted

# Exclusions: whoever talks to players can exclude them at once; who comes back is decided by few.
_EXCLUSIONS = {"compliance.view_exclusion", "compliance.view_endrequest"}
_CHECKS = {"compliance.view_registercheck"}
_MATCHES = {"compliance.resolve_reviewcase"}
for _role, _granted in {
    "administrator": _EXCLUSIONS | _CHECKS | {"compliance.exclude_player"},
    "operations": _EXCLUSIONS | {"compliance.exclude_player"},
    "support_agent": _EXCLUSIONS | {"compliance.exclude_player"},
    "support_lead": _EXCLUSIONS | {"compliance.exclude_player"},
    "compliance_officer": _EXCLUSIONS | _CHECKS
    | {"compliance.exclude_player", "compliance.decide_end_request", "compliance.check_register"} | _MATCHES,
    "mlro": _EXCLUSIONS | _CHECKS | {"compliance.exclude_player", "compliance.check_register"} | _MATCHES,
    "auditor": _EXCLUSIONS | _CHECKS,
}.items():  # fmt: skip
    ROLES[_role] = ROLES[_role] | _granted

# Players' logins: who sees sessions and consents, and who ends sessions.
_SESSIONS = {"players.view_session", "players.view_consent"}
_END_SESSIONS = _SESSIONS | {"players.end_session"}
for _role, _granted in {
    "administrator": _END_SESSIONS | {"players.view_sandboxmessage"},
    "operations": _END_SESSIONS,
    "support_agent": _SESSIONS,
    "support_lead": _END_SESSIONS,
    "compliance_officer": _END_SESSIONS,
    "mlro": _END_SESSIONS,
    "auditor": _SESSIONS,
}.items():
    ROLES[_role] = ROLES[_role] | _granted

# Documents of players: who sees that there are any (what is on them is revealed), and who hands one in for a player.
_DOCUMENTS, _HAND_IN = {"compliance.view_document"}, {"compliance.add_document"}
for _role, _granted in {
    "administrator": _DOCUMENTS,
    "operations": _HAND_IN,
    "support_lead": _HAND_IN,
    "compliance_officer": _DOCUMENTS | _HAND_IN,
    "mlro": _DOCUMENTS | _HAND_IN,
    "auditor": _DOCUMENTS,
}.items():
    ROLES[_role] = ROLES[_role] | _granted

# Verification: who sees cases, and who decides on them and on risk levels (high risk takes a second person).
_VERIFICATION = {"compliance.view_kyccase", "compliance.view_kycstep"}
_VERIFY = {"compliance.review_kyccase", "compliance.approve_kyccase", "compliance.change_risk_level"}
for _role, _granted in {
    "administrator": _VERIFICATION,
    "auditor": _VERIFICATION,
    "compliance_officer": _VERIFICATION | _VERIFY,
    "mlro": _VERIFICATION | _VERIFY,
    "operations": _VERIFICATION,
    "support_lead": _VERIFICATION,
}.items():
    ROLES[_role] = ROLES[_role] | _granted

# Bonuses: who reads offers and what players were given, writes them, lets them out, and gives or takes single ones.
_BONUSES = {
    f"bonuses.view_{model}" for model in ("offer", "offerversion", "offerrun", "grant", "codebatch", "listaward")
}
_WRITE_OFFERS = {"bonuses.write_offers", "bonuses.make_codes", "bonuses.stop_offers"}
_RELEASE_OFFERS = {"bonuses.release_offers", "compliance.view_approval"}
_GIVE = {"bonuses.grant_bonus", "bonuses.forfeit_bonus"}
for _role, _granted in {
    "administrator": _BONUSES | {"bonuses.stop_offers"},
    "analyst": _BONUSES,
    "auditor": _BONUSES,
    "compliance_officer": _BONUSES | _RELEASE_OFFERS | {"bonuses.stop_offers", "bonuses.forfeit_bonus"},
    "crm_specialist": _BONUSES | {"bonuses.grant_bonus"},
    "finance": _BONUSES | _RELEASE_OFFERS,
    "loyalty_admin": _BONUSES | _WRITE_OFFERS | _GIVE,
    "marketing_manager": _BONUSES | _WRITE_OFFERS | _RELEASE_OFFERS | _GIVE,
    "operations": _BONUSES | {"bonuses.stop_offers"},
    "support_agent": _BONUSES,
    "support_lead": _BONUSES | _GIVE,
    "vip_manager": _BONUSES | _GIVE,
}.items():
    ROLES[_role] = ROLES[_role] | _granted

# Loyalty: who writes programmes and campaigns, who releases them, who sets levels, and whose points are corrected by whom.
_WRITE_LOYALTY = {"loyalty.write_programmes", "loyalty.write_campaigns", "compliance.view_approval"}
_RELEASE_LOYALTY = {"loyalty.release_programmes", "compliance.view_approval"}
_CORRECT_POINTS = {"loyalty.correct_points", "loyalty.redeem_points", "compliance.view_approval"}
_APPROVE_POINTS = {"loyalty.approve_points", "compliance.view_approval"}
for _role, _granted in {
    "administrator": _RELEASE_LOYALTY,
    "compliance_officer": _LOYALTY | _RELEASE_LOYALTY,
    "finance": _LOYALTY | _RELEASE_LOYALTY | _APPROVE_POINTS,
    "loyalty_admin": _WRITE_LOYALTY | _CORRECT_POINTS | {"loyalty.order_levels", "loyalty.decide_redemptions"},
    "marketing_manager": {"loyalty.write_campaigns"} | _RELEASE_LOYALTY | _APPROVE_POINTS,
    "support_lead": _CORRECT_POINTS | {"loyalty.decide_redemptions"},
    "vip_manager": _CORRECT_POINTS | {"loyalty.order_levels", "loyalty.decide_redemptions"},
}.items():
    ROLES[_role] = ROLES[_role] | _granted

# The gate: who reads why something was refused, and who works on what a person has to look at.
_DECISIONS = {"compliance.view_gatedecision"}
_CASES = _DECISIONS | {"compliance.view_reviewcase"}
for _role, _granted in {
    "administrator": _CASES,
    "auditor": _CASES,
    "compliance_officer": _CASES | {"compliance.resolve_reviewcase"},
    "mlro": _CASES | {"compliance.resolve_reviewcase"},
    "operations": _CASES,
    "support_lead": _CASES,
    "support_agent": _DECISIONS,
}.items():
    ROLES[_role] = ROLES[_role] | _granted


def ensure_roles() -> None:
    """Bring the groups of the database in line with ``ROLES``; may be called at every start."""
    apply_roles(ROLES, actor=system("roles"), at=clock.now())
