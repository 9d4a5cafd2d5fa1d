from django.apps import AppConfig
from django.conf import settings


class WalletConfig(AppConfig):
    name = "wallet"

    def ready(self) -> None:
        from compliance.ports import register_handler
        from compliance.ports_exclusion import register_excluded_play
        from compliance.purge_rules import PartitionPurge, register_purge
        from kernel.secrets import register_holder
        from kernel.vault import register_holder as register_personal
        from players.ports import register_as_of, register_panel
        from wallet.admin_panel import WalletAsOf, WalletPanel
        from wallet.ports import register_provider
        from wallet.providers.sandbox import SandboxProvider
        from wallet.providers.stripe import StripeProvider
        from wallet.services.adapter_requests import KEPT, drop_months, find_oldest_held
        from wallet.services.adjustments import AdjustmentApproval
        from wallet.services.excluded_play import ExcludedMoney
        from wallet.services.integrations import reseal_keys
        from wallet.services.payment_instruments import reseal
        from wallet.services.withdrawal_approvals import WithdrawalApproval
        from wallet.types_adjustments import AdjustmentNature

        if settings.PAYMENTS_SANDBOX:
            register_provider(SandboxProvider())
        if settings.STRIPE_API_KEY:
            register_provider(
                StripeProvider(
                    api_key=settings.STRIPE_API_KEY,
                    webhook_secrets=settings.STRIPE_WEBHOOK_SECRETS,
                    base=settings.STRIPE_API_BASE,
                )
            )
        register_excluded_play(ExcludedMoney())
        register_panel(WalletPanel())
        register_as_of(WalletAsOf())
        register_holder(reseal_keys)
        register_personal(reseal)
        for nature in AdjustmentNature:
            register_handler(AdjustmentApproval(nature))
        register_handler(WithdrawalApproval())
        register_purge(
            PartitionPurge(
                "adapter-requests",
                "Months of what aggregators asked",
                KEPT,
                drop_months,
                find_oldest_held,
                "wallet_adapterrequest",
            )
        )
