"""The account for emergencies: its password lies in a sealed envelope, and whoever uses it raises an alarm."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from events.audit import record
from events.catalogue.players import BreakGlassUsed
from events.services.log import publish
from kernel.actors import Actor, ActorKind, system
from players.models import User
from players.models_staff import BreakGlassAccount
from players.services.staff import ensure_staff
from players.services.staff_sessions import end_sessions
from players.types_staff import EndReason, SessionDetails

logger = logging.getLogger(__name__)


class NotBreakGlass(ValueError):
    """The login belongs to somebody's ordinary account."""


@transaction.atomic
def seal_account(*, login: str, role: str, at: datetime) -> str:
    """Make the account, or give it a new password; the password, which is shown now and never again.

    Raises: NotBreakGlass, UnknownRole, LoginTaken.
    """
    user = User.objects.filter(username=login.casefold()).first()
    if user and not BreakGlassAccount.objects.filter(user=user).exists():
        raise NotBreakGlass(f"{login} is somebody's own account.")
    password = "-".join(secrets.token_hex(4) for _ in range(5))
    user_id = ensure_staff(login=login, email="", password=password, roles=[role], at=at)
    BreakGlassAccount.objects.update_or_create(user_id=user_id, defaults={"sealed_at": at})
    actor = system("break_glass")
    record(action="players.seal_break_glass", actor=actor, at=at, object_type="players.staff", object_id=str(user_id))
    end_sessions(user_id=user_id, reason=EndReason.PASSWORD, actor=actor, at=at)
    return password


def raise_alarm(*, session: SessionDetails, reason: str, at: datetime) -> None:
    """Tell everybody that the account is in use: an event, a notice to the configured addresses, a line in the log.

    A mail server that is away stops nobody: emergencies come together. Publishes BreakGlassUsed.
    """
    with transaction.atomic():
        record(
            action="players.use_break_glass",
            actor=Actor(ActorKind.STAFF, str(session.user_id), roles=session.roles),
            at=at,
            object_type="players.staff_session",
            object_id=str(session.id),
            reason=reason,
        )
        publish(
            BreakGlassUsed(
                player_id=None, occurred_at=at, staff_id=str(session.user_id), session_id=str(session.id), reason=reason
            )
        )
    logger.critical("The break-glass account %s is in use from %s: %s", session.login, session.ip, reason)
    if not settings.BREAK_GLASS_NOTICE_TO:
        return
    try:
        send_mail(
            subject=f"{settings.OPERATOR_NAME}: the break-glass account is in use",
            message=(
                f"{session.login} logged in at {at:%Y-%m-%d %H:%M:%S} UTC from {session.ip}, {session.device}.\n"
                f"Reason given: {reason}\n\nIf nobody expected this, end the session in the back office under"
                " Access, Staff sessions, and seal the account anew: manage.py break_glass"
            ),
            from_email=None,
            recipient_list=list(settings.BREAK_GLASS_NOTICE_TO),
        )
    except OSError as error:
        logger.error("The notice about the break-glass account could not be sent: %s", error)
