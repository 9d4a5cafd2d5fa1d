"""What each role of the back office may see and do. It stands here because it names permissions of every app."""

from __future__ import annotations

from players.services.staff import ensure_groups

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
}  # fmt: skip
_CORRECT = {"wallet.adjust_balance", "wallet.work_disputes"}
_APPROVE = {"wallet.approve_adjustment", "wallet.approve_write_off", "wallet.approve_large_withdrawal"}
_GAMES = {"wallet.view_game"}
_LOYALTY = {"loyalty.view_level", "loyalty.view_standing"}
_FIGURES = {"analytics.view_daytotals"}
_MACHINERY = {"events.view_event", "events.view_consumercursor", "events.view_deadletter"}
_RUN_MACHINERY = {"events.pause_consumer", "events.settle_dead_letter"}
_ACCESS = {"players.view_user", "auth.view_group"}
_CLIENTS = {"allauth_idp_oidc.view_client", "allauth_idp_oidc.add_client", "allauth_idp_oidc.change_client"}

_ADAPTERS = {"wallet.view_integration", "wallet.view_gamesession", "wallet.view_adapterrequest"}
_RUN_ADAPTERS = {"wallet.change_gamesession", "wallet.replay_adapterrequest"}
_CONNECT = {"wallet.add_integration", "wallet.change_integration"}

_HOLDS = {"compliance.view_legalhold", "compliance.place_legal_hold", "compliance.run_purge"}
_REVEAL = {"players.reveal_personal_data"}
_AUDIT = {"events.view_auditrecord", "events.export_audit"}

_EVERYTHING_TO_READ = (
    _PLAYERS | _PURSES | _PAYMENTS | _INSTRUMENTS | _PAYMENT_RULES | _LEDGER | _APPROVALS | _CORRECTIONS | _DESK | _GAMES
    | _LOYALTY | _FIGURES | _MACHINERY | _ACCESS | _ADAPTERS | {"allauth_idp_oidc.view_client"}
)  # fmt: skip

ROLES: dict[str, set[str]] = {
    "administrator": {"compliance.view_legalhold", "compliance.run_purge"} | _AUDIT
    | _EVERYTHING_TO_READ | _PERSONAL | _STATUS | _RESTRICT | _AML | _RUN_MACHINERY | _CLIENTS
    | _RUN_ADAPTERS | _CONNECT | _PAY_OUT | _CHANGE_PAYMENT_RULES
    | {"players.add_user", "players.change_user"},
    "operations": _PLAYERS | _APPROVALS | _CORRECTIONS | _CORRECT | _PERSONAL | _STATUS | _RESTRICT | _PURSES
    | _PAYMENTS | _LEDGER | _GAMES | _LOYALTY
    | _FIGURES | _MACHINERY | _RUN_MACHINERY | _ADAPTERS | _RUN_ADAPTERS | _INSTRUMENTS | _PAYMENT_RULES | _PAY_OUT,
    "support_agent": _PLAYERS | _REVEAL | _PURSES | _PAYMENTS | _GAMES | _LOYALTY,
    "support_lead": _PLAYERS | _APPROVALS | _CORRECTIONS | _CORRECT | _PERSONAL | _STATUS | _RESTRICT | _PURSES
    | _PAYMENTS | _GAMES | _LOYALTY,
    "compliance_officer": _HOLDS | _AUDIT
    | _PLAYERS | _APPROVALS | _CORRECTIONS | _APPROVE | _PERSONAL | _STATUS | _RESTRICT | _AML
    | _PURSES | _PAYMENTS | _INSTRUMENTS | _LEDGER | _GAMES,
    "mlro": _HOLDS | _AUDIT | _PLAYERS | _APPROVALS | _CORRECTIONS | _PERSONAL | _STATUS | _RESTRICT | _AML | _PURSES | _PAYMENTS
    | _INSTRUMENTS | _LEDGER | _GAMES,
    "marketing_manager": _PLAYERS | _PURSES | _GAMES | _LOYALTY | _FIGURES,
    "crm_specialist": _PLAYERS | _PURSES | _GAMES | _LOYALTY,
    "loyalty_admin": _PLAYERS | _PURSES | _GAMES | _LOYALTY | _FIGURES,
    "vip_manager": _PLAYERS | _PERSONAL | _PURSES | _PAYMENTS | _GAMES | _LOYALTY,
    "finance": _REVEAL | {"wallet.export_transfers", "wallet.reconcile"} | _DESK | _PLAYERS | _APPROVALS | _CORRECTIONS | _CORRECT
    | _APPROVE | {"wallet.write_off_balance"} | _PURSES | _PAYMENTS | _LEDGER | _GAMES | _FIGURES
    | _INSTRUMENTS | _PAYMENT_RULES | _CHANGE_PAYMENT_RULES | _PAY_OUT,
    "analyst": _PLAYERS | _PURSES | _PAYMENTS | _LEDGER | _GAMES | _LOYALTY | _FIGURES,
    "auditor": {"compliance.view_legalhold"} | _AUDIT | _EVERYTHING_TO_READ | _AML,
    "integrator": _MACHINERY | _GAMES | _CLIENTS | _ADAPTERS | _RUN_ADAPTERS | _CONNECT,
}  # fmt: skip


def ensure_roles() -> None:
    """Bring the groups of the database in line with ``ROLES``; may be called at every start."""
    ensure_groups(ROLES)
