from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "compliance"

    def ready(self) -> None:
        from datetime import timedelta

        from django.conf import settings

        from compliance.admin_kyc_panel import VerificationPanel
        from compliance.demands import get_demands
        from compliance.pack_files import load_packs
        from compliance.ports import register_handler, register_scanner
        from compliance.purge_rules import TablePurge, register_purge
        from compliance.scanners import scanner_named
        from compliance.services import documents
        from compliance.services.client_changes import ClientApproval, ClientChangeApproval
        from compliance.services.kyc_approvals import KycApproval
        from compliance.services.packs import PackApproval
        from compliance.services.provider_changes import ProviderApproval, change_provider
        from compliance.services.role_changes import RoleApproval, StaffRolesApproval
        from kernel.vault import register_holder as register_personal
        from players.ports import register_demands, register_panel, register_provider_changer

        load_packs()  # a process does not start with packs that do not fit
        register_demands(get_demands)
        if settings.DOCUMENT_SCANNER:
            register_scanner(scanner_named(settings.DOCUMENT_SCANNER))
        register_personal(documents.reseal)
        register_panel(VerificationPanel())
        for handler in (
            StaffRolesApproval(),
            RoleApproval(),
            ClientApproval(),
            ClientChangeApproval(),
            ProviderApproval(),
            PackApproval(),
            KycApproval(),
        ):
            register_handler(handler)
        register_provider_changer(change_provider)
        for rule in (
            TablePurge(
                "sessions",
                "Staff sessions that are over",
                "django_session",
                "session_key",
                "text",
                "expire_date",
                timedelta(0),
            ),
            TablePurge(
                "access-tokens",
                "Access tokens that have expired",
                "allauth_idp_oidc_token",
                "id",
                "bigint",
                "expires_at",
                timedelta(days=7),
            ),
            TablePurge(
                "idempotency-keys",
                "Idempotency keys outside the wallet",
                "kernel_idempotencykey",
                "id",
                "bigint",
                "created_at",
                timedelta(days=400),
            ),
            TablePurge(
                "reveals",
                "Reveals that are over (the audit trail keeps them)",
                "players_reveal",
                "id",
                "uuid",
                "revealed_at",
                timedelta(days=30),
                player_column="player_id",
            ),
            TablePurge(
                "login-attempts",
                "Players' logins that came to nothing",
                "players_loginattempt",
                "id",
                "uuid",
                "attempted_at",
                timedelta(days=90),
                player_column="player_id",
            ),
            TablePurge(
                "sandbox-messages",
                "Text messages that the sandbox took",
                "players_sandboxmessage",
                "id",
                "uuid",
                "sent_at",
                timedelta(days=7),
            ),
        ):
            register_purge(rule)
