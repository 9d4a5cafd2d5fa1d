"""What compliance plugs into the apps below, part by part."""

from datetime import date

from django.apps import AppConfig
from django.conf import settings


class ComplianceConfig(AppConfig):
    name = "compliance"

    def ready(self) -> None:
        self._plug_packs()
        self._plug_approvals()
        self._plug_gate()
        self._plug_limits()
        self._plug_exclusion()
        self._plug_verification()
        self._plug_documents()
        self._plug_sessions()
        self._plug_purges()

    def _plug_packs(self) -> None:
        from compliance.demands import get_demands
        from compliance.pack_files import load_packs
        from players.ports import register_demands

        load_packs()  # a process does not start with packs that do not fit
        register_demands(get_demands)

    def _plug_approvals(self) -> None:
        from compliance.ports import register_handler
        from compliance.services.client_changes import ClientApproval, ClientChangeApproval
        from compliance.services.kyc_approvals import KycApproval
        from compliance.services.limit_allowances import LimitRelief
        from compliance.services.packs import PackApproval
        from compliance.services.provider_changes import ProviderApproval, change_provider
        from compliance.services.role_changes import RoleApproval, StaffRolesApproval
        from players.ports import register_provider_changer

        for handler in (
            StaffRolesApproval(),
            RoleApproval(),
            ClientApproval(),
            ClientChangeApproval(),
            ProviderApproval(),
            PackApproval(),
            KycApproval(),
            LimitRelief(),
        ):
            register_handler(handler)
        register_provider_changer(change_provider)

    def _plug_gate(self) -> None:
        from compliance.admin_gate import RefusalsPanel
        from compliance.services.play_gate import keep_up
        from players.ports import register_panel, register_settings_listener

        register_panel(RefusalsPanel())
        register_settings_listener(keep_up)

    def _plug_limits(self) -> None:
        from compliance.admin_limits import LimitsAsOf, LimitsPanel
        from compliance.ports_limits import register_activity_file, register_limit_file
        from compliance.services.sandbox_registers import SPAIN, SandboxActivityFile, SandboxLimitFile
        from players.ports import register_as_of, register_panel

        register_panel(LimitsPanel())
        register_as_of(LimitsAsOf())
        if settings.REGISTERS_SANDBOX:
            register_limit_file("LUGAS Limitdatei", SandboxLimitFile())
            spain = SandboxLimitFile(limits=SPAIN, zone="Europe/Madrid", four_weeks_from=date(2026, 12, 29))
            register_limit_file("DGOJ joint limits", spain)
            register_activity_file("LUGAS Aktivitätsdatei", SandboxActivityFile())

    def _plug_exclusion(self) -> None:
        from compliance.admin_exclusion_panel import ExclusionsPanel
        from compliance.consumers import CONSUMERS
        from compliance.ports_exclusion import register_exclusion_register
        from compliance.registers.sandbox import NAMES, SandboxRegister
        from compliance.services.entry import Logins, Registrations
        from events.ports import register_consumer
        from players.ports import register_login_gate, register_panel, register_registration_gate

        register_registration_gate(Registrations())
        register_login_gate(Logins())
        register_panel(ExclusionsPanel())
        for consumer in CONSUMERS:
            register_consumer(consumer)
        if settings.REGISTERS_SANDBOX:
            for name in NAMES:
                register_exclusion_register(SandboxRegister(name))

    def _plug_verification(self) -> None:
        from compliance.ports_kyc import register_kyc_provider
        from compliance.providers.kyc_sandbox import KycSandbox
        from compliance.providers.sumsub import SumsubProvider

        if settings.KYC_SANDBOX:
            register_kyc_provider(KycSandbox())
        if settings.SUMSUB_APP_TOKEN:
            register_kyc_provider(
                SumsubProvider(
                    app_token=settings.SUMSUB_APP_TOKEN,
                    secret_key=settings.SUMSUB_SECRET_KEY,
                    webhook_secrets=settings.SUMSUB_WEBHOOK_SECRETS,
                    base=settings.SUMSUB_API_BASE,
                    level=settings.SUMSUB_LEVEL,
                    allow_sandbox=settings.KYC_SANDBOX,
                )
            )

    def _plug_documents(self) -> None:
        from compliance.admin_kyc_panel import VerificationPanel
        from compliance.ports import register_scanner
        from compliance.scanners import scanner_named
        from compliance.services import documents
        from kernel.vault import register_holder
        from players.ports import register_panel

        if settings.DOCUMENT_SCANNER:
            register_scanner(scanner_named(settings.DOCUMENT_SCANNER))
        register_holder(documents.reseal)
        register_panel(VerificationPanel())

    def _plug_sessions(self) -> None:
        from compliance.admin_sessions import PlayAsOf, PlayPanel
        from compliance.services.play_sessions import PlayWatcher
        from players.ports import register_as_of, register_panel, register_session_watcher

        register_panel(PlayPanel())
        register_as_of(PlayAsOf())
        register_session_watcher(PlayWatcher())

    def _plug_purges(self) -> None:
        from datetime import timedelta

        from compliance.purge_rules import TablePurge, register_purge

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
                "limit-warnings",
                "Warnings that a limit was nearly reached",
                "compliance_limitwarning",
                "id",
                "uuid",
                "warned_at",
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
