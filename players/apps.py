from django.apps import AppConfig


class PlayersConfig(AppConfig):
    name = "players"

    def ready(self) -> None:
        from events.ports import register_directory
        from kernel.vault import register_holder
        from players.admin_as_of import AsOfPanel
        from players.admin_audit_tab import AuditPanel
        from players.admin_panels import OverviewPanel, RestrictionsPanel, TimelinePanel
        from players.directory import PeopleDirectory
        from players.ports import register_panel
        from players.services.sealed import reseal

        register_holder(reseal)
        register_directory(PeopleDirectory())

        for panel in (OverviewPanel(), RestrictionsPanel(), TimelinePanel(), AsOfPanel(), AuditPanel()):
            register_panel(panel)
