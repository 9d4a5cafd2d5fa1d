"""The first step of a login: login and password. One refusal stands for everything, so that it reveals nothing."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.hashers import make_password

from events.audit import record
from events.types import AuditOutcome
from kernel.actors import Actor, ActorKind, system
from kernel.errors import DomainError
from players.models import User
from players.selectors_staff import find_staff, is_let_in
from players.services.staff_throttling import forgive_attempts, take_attempt
from players.types import UserKind
from players.types_staff import StaffMember


class LoginRefused(DomainError):
    """Wrong login or password, account switched off or a player's, too many attempts, or from the wrong network."""

    code = "login_refused"
    title = "The login was refused"
    status = 401


REFUSAL = "That didn't work: the username or password is wrong, or there were too many attempts. Try again later."


def check_password(*, login: str, password: str, ip: str, at: datetime) -> StaffMember:
    """Who this is. Attempts are counted before they are looked at, by account and by address.

    Raises: LoginRefused, always with the same words and after the same time.
    """
    name = login.strip().casefold()
    counted = [
        take_attempt(what="address", of=ip, at=at),
        take_attempt(what="login", of=name, at=at),
        take_attempt(what="login and address", of=f"{name}\0{ip}", at=at),
    ]
    user = User.objects.filter(username__in=[login.strip(), name], kind=UserKind.STAFF).order_by("username").first()
    member = None
    if not all(counted) or user is None or not user.has_usable_password():
        make_password(password)  # takes as long as checking one
    elif user.check_password(password):
        member = find_staff(user.pk)
    if member is None or not is_let_in(member.roles, ip):
        if all(counted):  # a flood of attempts must not become a flood of records
            note_failure(user_id=user.pk if user else None, by="password", ip=ip, at=at)
        raise LoginRefused(REFUSAL)
    for what, of in (("login", name), ("login and address", f"{name}\0{ip}")):
        forgive_attempts(what=what, of=of, at=at)
    return member


def admit(*, user_id: int, by: str, ip: str, at: datetime) -> StaffMember:
    """Who this is, whom a passkey or an identity provider (``by``) has named. Raises: LoginRefused."""
    member = find_staff(user_id)
    if member is None or not is_let_in(member.roles, ip):
        note_failure(user_id=user_id, by=by, ip=ip, at=at)
        raise LoginRefused(REFUSAL)
    return member


def note_failure(
    *, user_id: int | None, by: str, ip: str, at: datetime, why: str = "", action: str = "players.log_in"
) -> None:
    """Write a login that came to nothing into the audit trail. A flood of them must not become a flood of records.

    Not what was typed: people type their password into the wrong field.
    """
    if take_attempt(what="kept failures", of=ip, at=at):
        record(
            action=action,
            actor=Actor(ActorKind.STAFF, str(user_id)) if user_id else system("login"),
            at=at,
            object_type="players.staff",
            object_id=str(user_id or ""),
            outcome=AuditOutcome.FAILED,
            reason=why[:300],
            after={"method": by},
        )
