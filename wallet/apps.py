from django.apps import AppConfig


class WalletConfig(AppConfig):
    name = "wallet"

    def ready(self) -> None:
        from compliance.ports import register_handler
        from players.ports import register_panel
        from wallet.admin_panel import WalletPanel
        from wallet.ports import register_provider
        from wallet.providers.sandbox import SandboxProvider
        from wallet.services.adjustments import AdjustmentApproval
        from wallet.types import AdjustmentNature

        register_provider(SandboxProvider())
        register_panel(WalletPanel())
        for nature in AdjustmentNature:
            register_handler(AdjustmentApproval(nature))
