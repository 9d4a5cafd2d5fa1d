from django.apps import AppConfig


class PlayersConfig(AppConfig):
    name = "players"

    def ready(self) -> None:
        from kernel.vault import register_holder
        from players.admin_panels import OverviewPanel, RestrictionsPanel, TimelinePanel
        from players.ports import register_panel
        from players.services.sealed import reseal

        register_holder(reseal)

        for panel in (OverviewPanel(), RestrictionsPanel(), TimelinePanel()):
            register_panel(panel)
