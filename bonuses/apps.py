from django.apps import AppConfig


class BonusesConfig(AppConfig):
    name = "bonuses"

    def ready(self) -> None:
        from bonuses.consumers import CONSUMERS
        from bonuses.services.offers import ReleaseApproval
        from bonuses.services.withdrawing import WageringGuard
        from compliance.ports import register_handler
        from events.ports import register_consumer
        from wallet.ports import register_withdrawal_guard

        for consumer in CONSUMERS:
            register_consumer(consumer)
        register_handler(ReleaseApproval())
        register_withdrawal_guard(WageringGuard())
