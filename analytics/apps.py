from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics.consumers import CONSUMERS
        from events.ports import register_consumer

        for consumer in CONSUMERS:
            register_consumer(consumer)
