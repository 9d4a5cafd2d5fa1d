"""Single sign-on of staff: what an identity provider asserts becomes an account with roles. Never a player's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from events.audit import record
from kernel.actors import system
from kernel.db import locked_batches
from kernel.errors import DomainError
from kernel.secrets import is_current, seal, unseal
from players.models import User
from players.models_staff import IdentityProvider, RoleMapping, StaffIdentity, UsedAssertion
from players.rules import Invalid, normalise_email
from players.selectors_staff import PROVIDERS_PURPOSE, find_staff
from players.services.staff_devices import ensure_sso_device
from players.services.staff_sessions import end_sessions
from players.types import UserKind
from players.types_staff import Assertion, EndReason, StaffMember

# Longer than any assertion is good for.
ASSERTIONS_KEPT = timedelta(days=2)


class SsoRefused(DomainError):
    """The identity provider's word does not let this person in. ``detail`` is for the log, not for the person."""

    code = "sso_refused"
    title = "Single sign-on was refused"
    status = 403


def accept_assertion(*, assertion: Assertion, at: datetime) -> tuple[StaffMember, int | None]:
    """Who this is, and the device that stands for the provider's second factor; None when it asserts none.

    An account is made at the first login. Its roles become exactly those that the provider's groups are mapped to;
    who has none left is turned away, and their sessions are ended. Raises: SsoRefused.
    """
    provider = IdentityProvider.objects.filter(slug=assertion.provider, active=True).first()
    if provider is None:
        raise SsoRefused(f"{assertion.provider} is no identity provider of ours")
    roles = [
        mapping.role
        for mapping in RoleMapping.objects.filter(provider=provider, group__in=assertion.groups).select_related("role")
    ]
    with transaction.atomic():
        user = _find_user(provider, assertion) or (_make_user(provider, assertion, at) if roles else None)
        if user is not None:
            _set_roles(user, roles, provider, at)
    member = find_staff(user.pk) if user and roles else None
    if member is None:
        raise SsoRefused(f"{assertion.provider}: {assertion.subject} has no role here, or is switched off")
    asserted = bool(assertion.contexts & set(provider.mfa_contexts))
    return member, ensure_sso_device(user_id=member.id, provider=provider.name, at=at) if asserted else None


def use_assertion_once(*, provider: str, assertion_id: str, at: datetime) -> None:
    """Remember that this assertion has let somebody in. Raises: SsoRefused when it had before."""
    row = IdentityProvider.objects.filter(slug=provider).first()
    if row is None or not assertion_id:
        raise SsoRefused(f"{provider}: an assertion without id, or of nobody's")
    UsedAssertion.objects.filter(used_at__lt=at - ASSERTIONS_KEPT).delete()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(provider=row, assertion_id=assertion_id[:255], used_at=at)
    except IntegrityError:
        raise SsoRefused(f"{provider}: assertion {assertion_id} came twice") from None


def reseal_secrets() -> Iterator[int]:
    """Seal what is not under the present SECRET_KEY anew; how many, batch by batch. Raises: kernel.secrets.Unreadable."""
    for rows in locked_batches(IdentityProvider.objects.exclude(secret=b"")):
        old = [row for row in rows if not is_current(bytes(row.secret), PROVIDERS_PURPOSE)]
        for row in old:
            row.secret = seal(unseal(bytes(row.secret), PROVIDERS_PURPOSE), PROVIDERS_PURPOSE)
        IdentityProvider.objects.bulk_update(old, ["secret"])
        yield len(old)


def _set_roles(user: User, roles: list[Group], provider: IdentityProvider, at: datetime) -> None:
    """Exactly these roles from now on. A person without any has no business in a session that stands."""
    before = set(user.groups.values_list("name", flat=True))
    after = {role.name for role in roles}
    if before == after:
        return
    user.groups.set(roles)
    actor = system(f"sso:{provider.slug}")
    record(
        action="players.change_roles",
        actor=actor,
        at=at,
        object_type="players.staff",
        object_id=str(user.pk),
        before={"roles": ", ".join(sorted(before))},
        after={"roles": ", ".join(sorted(after))},
    )
    if not after:
        end_sessions(user_id=user.pk, reason=EndReason.SWITCHED_OFF, actor=actor, at=at)


def _find_user(provider: IdentityProvider, assertion: Assertion) -> User | None:
    identity = StaffIdentity.objects.select_related("user").filter(provider=provider, subject=assertion.subject).first()
    return identity.user if identity else None


def _make_user(provider: IdentityProvider, assertion: Assertion, at: datetime) -> User:
    """A new account. An email address that anybody has already, a player perhaps, is left out rather than shared."""
    email = _own_email(assertion)
    user = User.objects.create(
        username=email or f"{provider.slug}:{assertion.subject}"[:150],
        email=email,
        first_name=assertion.name[:150],
        password=make_password(None),
        kind=UserKind.STAFF,
        is_staff=True,
        date_joined=at,
    )
    StaffIdentity.objects.create(provider=provider, subject=assertion.subject, user=user, joined_at=at)
    return user


def _own_email(assertion: Assertion) -> str:
    try:
        email = normalise_email(assertion.email)
    except Invalid:
        return ""
    taken = User.objects.filter(email=email).exists() or User.objects.filter(username=email).exists()
    return "" if taken else email
