from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events.catalogue import (  # noqa: F401  (fills the catalogue)
            compliance,
            compliance_documents,
            compliance_exclusion,
            compliance_limits,
            compliance_sessions,
            events,
            loyalty,
            players,
            wallet,
            wallet_instruments,
            wallet_purses,
        )
        from events.services.denials import note_denial
        from kernel.denials import register_witness

        register_witness(note_denial)
