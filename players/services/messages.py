"""Text messages to players, through whichever sender is plugged in."""

from __future__ import annotations

from datetime import datetime

from kernel.counting import count
from players.models import SandboxMessage
from players.ports import find_sms_sender

PER_PHONE, WINDOW_SECONDS = 5, 900


class SmsUnavailable(RuntimeError):
    """No sender is plugged in, or the provider did not take the message."""


def send_sms(*, phone: str, text: str, at: datetime) -> bool:
    """Send ``text`` to an E.164 number; False when so many went there lately that this one is left out.

    Raises: SmsUnavailable.
    """
    sender = find_sms_sender()
    if sender is None:
        raise SmsUnavailable("No SMS sender is plugged in.")
    if count(f"sms:{phone}", WINDOW_SECONDS) > PER_PHONE:
        return False
    sender.send(phone, text, at)
    return True


class SandboxSender:
    """Keeps messages where staff with the permission can read them, and sends none."""

    def send(self, phone: str, text: str, at: datetime) -> None:
        SandboxMessage.objects.create(phone=phone, text=text, sent_at=at)
