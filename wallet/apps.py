from django.apps import AppConfig


class WalletConfig(AppConfig):
    name = "wallet"

    def ready(self) -> None:
        from players.ports import register_panel
        from wallet.admin_panel import WalletPanel
        from wallet.ports import register_provider
        from wallet.providers.sandbox import SandboxProvider

        register_provider(SandboxProvider())
        register_panel(WalletPanel())
