from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    name = "loyalty"

    def ready(self) -> None:
        from bonuses.ports import register_level_scale
        from compliance.ports import register_handler
        from events.ports import register_consumer
        from loyalty.admin_panel import LoyaltyPanel
        from loyalty.consumers import CONSUMERS
        from loyalty.selectors import find_multiplier
        from loyalty.services.points import CorrectionApproval
        from loyalty.services.programmes import ReleaseApproval
        from players.ports import register_panel

        for consumer in CONSUMERS:
            register_consumer(consumer)
        register_panel(LoyaltyPanel())
        register_level_scale(find_multiplier)
        register_handler(CorrectionApproval())
        register_handler(ReleaseApproval())
