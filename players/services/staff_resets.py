"""What one member of staff does to another's login: its owner is told, and the two are not two people for a while."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from kernel.actors import Actor, ActorKind
from players.models import User
from players.models_staff import StaffReset
from players.rules_staff import RESET_COUNTS_FOR

logger = logging.getLogger(__name__)


def note_reset(*, user_id: int, what: str, actor: Actor, at: datetime) -> None:
    """Keep that ``actor`` could log in as this person now, and tell them by mail. Nothing, for one's own account.

    ``what`` is said to the person: "Your password was set".
    """
    if actor.kind is not ActorKind.STAFF or actor.id == str(user_id):
        return
    StaffReset.objects.filter(reset_at__lte=at - RESET_COUNTS_FOR).delete()
    StaffReset.objects.create(user_id=user_id, by_id=int(actor.id), reset_at=at)
    tell(email=User.objects.values_list("email", flat=True).get(pk=user_id), what=what, actor=actor, at=at)


def tell(*, email: str, what: str, actor: Actor, at: datetime) -> None:
    """Write to somebody of staff what was done to their login, once it is. A mail server that is away stops nobody."""
    who = User.objects.values_list("username", flat=True).get(pk=int(actor.id))
    text = (
        f"{what} at {at:%Y-%m-%d %H:%M} UTC by {who}.\n\nIf you did not ask for this, call your compliance officer now."
    )
    if email:
        transaction.on_commit(lambda: _send(f"{settings.OPERATOR_NAME}: {what.lower()}", text, email))


def _send(subject: str, text: str, email: str) -> None:
    try:
        send_mail(subject=subject, message=text, from_email=None, recipient_list=[email])
    except OSError as error:
        logger.error("A notice about somebody's login could not be sent: %s", error)
