from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events.catalogue import compliance, events, loyalty, players, wallet  # noqa: F401  (fills the catalogue)
        from events.services.denials import note_denial
        from kernel.denials import register_witness

        register_witness(note_denial)
