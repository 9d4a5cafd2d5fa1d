from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "compliance"

    def ready(self) -> None:
        from datetime import timedelta

        from compliance.demands import get_demands
        from compliance.pack_files import load_packs
        from compliance.ports import register_handler
        from compliance.purge_rules import TablePurge, register_purge
        from compliance.services.client_changes import ClientApproval
        from compliance.services.limit_allowances import LimitRelief
        from compliance.services.packs import PackApproval
        from compliance.services.role_changes import RoleApproval, StaffRolesApproval
        from players.ports import register_demands

        load_packs()  # a process does not start with packs that do not fit
        register_demands(get_demands)
        for handler in (StaffRolesApproval(), RoleApproval(), ClientApproval(), PackApproval(), LimitRelief()):
            register_handler(handler)
        self._plug_limits()
        self._plug_sessions()
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

    def _plug_limits(self) -> None:
        from django.conf import settings

        from compliance.admin_limits import LimitsAsOf, LimitsPanel
        from compliance.ports_limits import register_activity_file, register_limit_file
        from compliance.services.sandbox_registers import SandboxActivityFile, SandboxLimitFile
        from players.ports import register_as_of, register_panel

        register_panel(LimitsPanel())
        register_as_of(LimitsAsOf())
        if settings.REGISTERS_SANDBOX:
            register_limit_file("LUGAS Limitdatei", SandboxLimitFile())
            register_activity_file("LUGAS Aktivitätsdatei", SandboxActivityFile())

    def _plug_sessions(self) -> None:
        from compliance.admin_sessions import PlayAsOf, PlayPanel
        from compliance.services.play_sessions import PlayWatcher
        from players.ports import register_as_of, register_panel, register_session_watcher

        register_panel(PlayPanel())
        register_as_of(PlayAsOf())
        register_session_watcher(PlayWatcher())
