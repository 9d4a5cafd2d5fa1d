from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events.catalogue import compliance, events, loyalty, players, wallet  # noqa: F401  (fills the catalogue)
