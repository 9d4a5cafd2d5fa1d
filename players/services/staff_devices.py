"""Second factors of staff: codes from an app, recovery codes, and what an identity provider has asserted.

Passkeys stand in services.staff_passkeys.
"""

from __future__ import annotations

import secrets
from base64 import b32decode, b32encode
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction
from django_otp.oath import TOTP

from events.audit import record
from events.types import AuditOutcome
from kernel.actors import Actor, ActorKind
from kernel.db import locked_batches
from kernel.errors import DomainError
from kernel.secrets import is_current, seal, unseal
from players.models import User
from players.models_staff import StaffDevice
from players.selectors_staff import SECRETS_PURPOSE, asks_second_factor, find_staff
from players.services.staff_resets import note_reset
from players.services.staff_sessions import end_sessions
from players.services.staff_throttling import forgive_attempts, take_attempt
from players.types_staff import DeviceKind, EndReason

STEP_S = 30
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


class CodeRefused(DomainError):
    """The code is wrong, was used before, or too many were tried. Which of these, is not said."""

    code = "code_refused"
    title = "The code was not accepted"


class LastSecondFactor(DomainError):
    """The only second factor of somebody whose role needs one stays."""

    code = "last_second_factor"
    title = "The last second factor stays"
    status = 409


class UnknownStaff(DomainError):
    """No member of staff who may log in has this id."""

    code = "unknown_staff"
    title = "No such member of staff"
    status = 404


def begin_totp(*, user_id: int, at: datetime) -> str:
    """A new secret for an authenticator app, base32, which counts only after ``confirm_totp``. One may be pending."""
    secret = b32encode(secrets.token_bytes(20)).decode()
    with transaction.atomic():
        StaffDevice.objects.filter(user_id=user_id, kind=DeviceKind.TOTP, confirmed=False).delete()
        StaffDevice.objects.create(
            user_id=user_id,
            kind=DeviceKind.TOTP,
            name="Authenticator app",
            confirmed=False,
            secret=seal(secret, SECRETS_PURPOSE),
            created_at=at,
        )
    return secret


def find_pending_totp(*, user_id: int) -> str:
    """The secret that waits for its first code, base32; empty when none does."""
    row = StaffDevice.objects.filter(user_id=user_id, kind=DeviceKind.TOTP, confirmed=False).first()
    return unseal(bytes(row.secret), SECRETS_PURPOSE) if row else ""


def totp_address(*, secret: str, login: str) -> str:
    """What the app reads from the square code (Key URI Format)."""
    issuer = settings.OPERATOR_NAME.replace(":", "")
    query = urlencode({"secret": secret, "issuer": issuer, "digits": 6, "period": STEP_S}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(login)}?{query}"


def confirm_totp(*, user_id: int, code: str, name: str, at: datetime) -> int:
    """Take the app on after its first code; the device's id. Raises: CodeRefused."""
    _take_attempt(user_id, at)
    with transaction.atomic():
        row = (
            StaffDevice.objects.select_for_update()
            .filter(user_id=user_id, kind=DeviceKind.TOTP, confirmed=False)
            .first()
        )
        if row is None or not _accept_totp(row, code, at):
            raise CodeRefused("That is not the app's present code. Is the phone's clock right?")
        row.confirmed, row.name = True, name.strip()[:64] or row.name
        row.save(update_fields=["confirmed", "name"])
        record_device(action="players.add_second_factor", user_id=user_id, kind=DeviceKind.TOTP, at=at)
    forgive_attempts(what="second factor", of=str(user_id), at=at)
    return int(row.pk)


def check_code(*, user_id: int, code: str, at: datetime) -> int:
    """The device that a code from an app, or a recovery code, comes from. A code is taken once. Raises: CodeRefused."""
    _take_attempt(user_id, at)
    with transaction.atomic():
        rows = StaffDevice.objects.select_for_update().filter(
            user_id=user_id, kind__in=[DeviceKind.TOTP, DeviceKind.RECOVERY], confirmed=True
        )
        row: StaffDevice | None
        for row in rows.order_by("id"):
            accepts = _accept_totp if row.kind == DeviceKind.TOTP else _accept_recovery
            if accepts(row, code, at):
                break
        else:
            row = None
    if row is None:
        actor = Actor(ActorKind.STAFF, str(user_id))
        record(
            action="players.prove_second_factor",
            actor=actor,
            at=at,
            object_type="players.staff",
            object_id=str(user_id),
            outcome=AuditOutcome.FAILED,
        )
        raise CodeRefused("This code was not accepted. Wait for the next one, or try again later.")
    forgive_attempts(what="second factor", of=str(user_id), at=at)
    return int(row.pk)


@transaction.atomic
def make_recovery_codes(*, user_id: int, at: datetime) -> list[str]:
    """New recovery codes, each good once; those from before are void. They can be shown now and never again."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    kept = " ".join(_digest(code) for code in codes)
    StaffDevice.objects.update_or_create(
        user_id=user_id,
        kind=DeviceKind.RECOVERY,
        defaults={"name": "Recovery codes", "secret": seal(kept, SECRETS_PURPOSE), "created_at": at},
    )
    record_device(action="players.make_recovery_codes", user_id=user_id, kind=DeviceKind.RECOVERY, at=at)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def ensure_sso_device(*, user_id: int, provider: str, at: datetime) -> int:
    """The device that stands for a second factor which an identity provider has asked for."""
    row, _ = StaffDevice.objects.update_or_create(
        user_id=user_id,
        kind=DeviceKind.SSO,
        defaults={"name": provider[:64], "last_used_at": at},
        create_defaults={"name": provider[:64], "last_used_at": at, "created_at": at},
    )
    return int(row.pk)


@transaction.atomic
def remove_device(*, user_id: int, device_id: int, at: datetime) -> None:
    """Take one of the person's own devices away; recovery codes go with the last one.

    Raises: LastSecondFactor, UnknownStaff.
    """
    member = find_staff(user_id)
    if member is None:
        raise UnknownStaff("There is no such member of staff.")
    real = StaffDevice.objects.select_for_update().filter(
        user_id=user_id, confirmed=True, kind__in=[DeviceKind.TOTP, DeviceKind.PASSKEY]
    )
    others = [row for row in real if row.pk != device_id]
    if not others and asks_second_factor(member):
        raise LastSecondFactor("Your role needs a second factor: add another one first.")
    removed = StaffDevice.objects.filter(user_id=user_id, pk=device_id)
    for kind in removed.values_list("kind", flat=True):
        record_device(action="players.remove_second_factor", user_id=user_id, kind=DeviceKind(kind), at=at)
    removed.delete()
    if not others:
        StaffDevice.objects.filter(user_id=user_id, kind=DeviceKind.RECOVERY).delete()


@transaction.atomic
def reset_second_factors(*, user_id: int, reason: str, actor: Actor, at: datetime) -> None:
    """Take all of a person's second factors away and end their sessions: they enrol anew at the next login.

    Raises: UnknownStaff.
    """
    user = User.objects.filter(pk=user_id, kind="staff").first()
    if user is None:
        raise UnknownStaff("There is no such member of staff.")
    kinds = sorted(StaffDevice.objects.filter(user_id=user_id).values_list("kind", flat=True))
    StaffDevice.objects.filter(user_id=user_id).delete()
    record(
        action="players.reset_second_factors",
        actor=actor,
        at=at,
        object_type="players.staff",
        object_id=str(user_id),
        reason=reason,
        before={"kinds": ", ".join(kinds)},
    )
    end_sessions(user_id=user_id, reason=EndReason.SECOND_FACTOR, actor=actor, at=at)
    note_reset(user_id=user_id, what="Your second factors were taken away", actor=actor, at=at)


def record_device(*, action: str, user_id: int, kind: DeviceKind, at: datetime) -> None:
    """Write into the audit trail what somebody has done to a second factor of their own."""
    actor = Actor(ActorKind.STAFF, str(user_id))
    record(action=action, actor=actor, at=at, object_type="players.staff", object_id=str(user_id), after={"kind": kind})


def reseal_secrets() -> Iterator[int]:
    """Seal what is not under the present SECRET_KEY anew; how many, batch by batch. Raises: kernel.secrets.Unreadable."""
    for rows in locked_batches(StaffDevice.objects.exclude(secret=b"")):
        old = [row for row in rows if not is_current(bytes(row.secret), SECRETS_PURPOSE)]
        for row in old:
            row.secret = seal(unseal(bytes(row.secret), SECRETS_PURPOSE), SECRETS_PURPOSE)
        StaffDevice.objects.bulk_update(old, ["secret"])
        yield len(old)


def _take_attempt(user_id: int, at: datetime) -> None:
    if not take_attempt(what="second factor", of=str(user_id), at=at):
        raise CodeRefused("This code was not accepted. Wait for the next one, or try again later.")


def _accept_totp(row: StaffDevice, code: str, at: datetime) -> bool:
    """One step early or late is taken, for clocks that go wrong; a step that was taken, and those before it, are not."""
    digits = code.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return False
    generator = TOTP(b32decode(unseal(bytes(row.secret), SECRETS_PURPOSE)), STEP_S)
    generator.time = at.timestamp()
    if not generator.verify(int(digits), tolerance=1, min_t=row.counter + 1):
        return False
    row.counter, row.last_used_at = generator.t(), at  # verify() has moved to the step that it found
    row.save(update_fields=["counter", "last_used_at"])
    return True


def _accept_recovery(row: StaffDevice, code: str, at: datetime) -> bool:
    known = unseal(bytes(row.secret), SECRETS_PURPOSE).split()
    digest = _digest(code)
    if digest not in known:
        return False
    known.remove(digest)
    row.secret, row.last_used_at = seal(" ".join(known), SECRETS_PURPOSE), at
    row.save(update_fields=["secret", "last_used_at"])
    return True


def _digest(code: str) -> str:
    """Ten random characters need no slow hash: there is nothing to guess from."""
    return sha256(code.replace("-", "").replace(" ", "").casefold().encode()).hexdigest()
