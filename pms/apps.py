# allauth's token service signs with this and leaves its import to chance.
import cryptography.hazmat.primitives.serialization  # noqa: F401
from django.apps import AppConfig


class PmsConfig(AppConfig):
    name = "pms"

    def ready(self) -> None:
        from django.conf import settings

        from kernel.rest.player_tokens import register_sessions
        from kernel.secrets import register_holder
        from players.ports import register_sms_sender
        from players.services.messages import SandboxSender
        from players.services.sessions import reseal_store_keys
        from pms import celery  # noqa: F401  (whoever sends a task, sends it to this broker)
        from pms.player_auth.accounts import reseal_factors
        from pms.player_auth.freshness import PlayerSessions

        register_sessions(PlayerSessions())
        for reseal in (reseal_store_keys, reseal_factors):
            register_holder(reseal)
        if settings.SMS_SANDBOX:
            register_sms_sender(SandboxSender())
