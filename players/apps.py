from django.apps import AppConfig


class PlayersConfig(AppConfig):
    name = "players"

    def ready(self) -> None:
        from events.ports import register_directory
        from kernel import secrets
        from kernel.access import Players, register_grantable, register_players, register_policy
        from kernel.vault import register_holder
        from players.admin_as_of import AsOfPanel
        from players.admin_audit_tab import AuditPanel
        from players.admin_identity import ConsentsPanel, SessionsPanel
        from players.admin_panels import OverviewPanel, RestrictionsPanel, TimelinePanel
        from players.directory import PeopleDirectory
        from players.policies import Jurisdictions, OwnAccounts, Portfolios, VipShield
        from players.ports import register_panel
        from players.selectors_access import CARE, load_facts, matching_players
        from players.services import staff_devices, staff_sso
        from players.services.sealed import reseal

        register_holder(reseal)
        register_directory(PeopleDirectory())
        secrets.register_holder(staff_devices.reseal_secrets)
        secrets.register_holder(staff_sso.reseal_secrets)

        register_players(Players(load_facts, matching_players))
        register_grantable(CARE)
        for policy in (OwnAccounts(), Jurisdictions(), VipShield(), Portfolios()):
            register_policy(policy)
        panels = (
            OverviewPanel(),
            RestrictionsPanel(),
            SessionsPanel(),
            ConsentsPanel(),
            TimelinePanel(),
            AsOfPanel(),
            AuditPanel(),
        )
        for panel in panels:
            register_panel(panel)
