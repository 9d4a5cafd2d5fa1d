from django.apps import AppConfig


class PmsConfig(AppConfig):
    name = "pms"

    def ready(self) -> None:
        from pms import celery  # noqa: F401  (whoever sends a task, sends it to this broker)
