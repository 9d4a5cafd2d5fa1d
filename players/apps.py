from django.apps import AppConfig


class PlayersConfig(AppConfig):
    name = "players"

    def ready(self) -> None:
        from kernel import secrets
        from kernel.vault import register_holder
        from players.admin_panels import OverviewPanel, RestrictionsPanel, TimelinePanel
        from players.ports import register_panel
        from players.services import staff_devices, staff_sso
        from players.services.sealed import reseal

        register_holder(reseal)
        secrets.register_holder(staff_devices.reseal_secrets)
        secrets.register_holder(staff_sso.reseal_secrets)

        for panel in (OverviewPanel(), RestrictionsPanel(), TimelinePanel()):
            register_panel(panel)
