from django.apps import AppConfig


class PlayersConfig(AppConfig):
    name = "players"

    def ready(self) -> None:
        from events.ports import register_directory
        from kernel.access import Players, register_grantable, register_players, register_policy
        from kernel.vault import register_holder
        from players.admin_as_of import AsOfPanel
        from players.admin_panels import OverviewPanel, RestrictionsPanel, TimelinePanel
        from players.directory import PeopleDirectory
        from players.policies import Jurisdictions, OwnAccounts, Portfolios, VipShield
        from players.ports import register_panel
        from players.selectors_access import CARE, load_facts, matching_players
        from players.services.sealed import reseal

        register_holder(reseal)
        register_directory(PeopleDirectory())

        register_players(Players(load_facts, matching_players))
        register_grantable(CARE)
        for policy in (OwnAccounts(), Jurisdictions(), VipShield(), Portfolios()):
            register_policy(policy)
        for panel in (OverviewPanel(), RestrictionsPanel(), TimelinePanel(), AsOfPanel()):
            register_panel(panel)
