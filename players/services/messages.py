"""Messages to players about their own account: texts through whichever sender is plugged in, and mail."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from kernel.counting import count
from players.models import SandboxMessage
from players.ports import find_sms_sender
from players.selectors import get_player

logger = logging.getLogger(__name__)

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


def tell_by_mail(*, player_id: UUID, subject: str, text: str) -> None:
    """Write to the player about their own account, once what is told has been committed.

    A mail server that is away stops nobody.
    """
    email = get_player(player_id).email
    transaction.on_commit(lambda: _mail(f"{settings.OPERATOR_NAME}: {subject}", text, email))


def _mail(subject: str, text: str, email: str) -> None:
    try:
        send_mail(subject=subject, message=text, from_email=None, recipient_list=[email])
    except OSError as error:
        logger.error("A notice to a player could not be sent: %s", error)


class SandboxSender:
    """Keeps messages where staff with the permission can read them, and sends none."""

    def send(self, phone: str, text: str, at: datetime) -> None:
        SandboxMessage.objects.create(phone=phone, text=text, sent_at=at)
