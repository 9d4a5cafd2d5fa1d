from django.apps import AppConfig


class PlayersConfig(AppConfig):
    name = "players"

    def ready(self) -> None:
        from players.admin_panels import OverviewPanel, RestrictionsPanel, TimelinePanel
        from players.ports import register_panel

        for panel in (OverviewPanel(), RestrictionsPanel(), TimelinePanel()):
            register_panel(panel)
