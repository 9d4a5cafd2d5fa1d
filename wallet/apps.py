from django.apps import AppConfig


class WalletConfig(AppConfig):
    name = "wallet"

    def ready(self) -> None:
        from wallet.ports import register_provider
        from wallet.providers.sandbox import SandboxProvider

        register_provider(SandboxProvider())
