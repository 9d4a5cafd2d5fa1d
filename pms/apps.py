# allauth's token service signs with this and leaves its import to chance.
import cryptography.hazmat.primitives.serialization  # noqa: F401
from django.apps import AppConfig


class PmsConfig(AppConfig):
    name = "pms"

    def ready(self) -> None:
        from pms import celery  # noqa: F401  (whoever sends a task, sends it to this broker)
