"""Opening an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError

from events.audit import record
from events.catalogue.players import PlayerRegistered
from events.services.log import holding, publish
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError, FieldErrors
from kernel.idempotency import digest_of, find_result, remember
from kernel.ids import uuid7
from players import rules
from players.models import Player, Profile, User
from players.ports import list_registration_gates
from players.rules_identity import age_on
from players.selectors import get_player
from players.selectors_identity import get_demands
from players.services.sealed import clean_sealed, seal_first
from players.types import PlayerDetails, SealedField, UserKind
from players.types_identity import Registration


class RegistrationRefused(DomainError):
    """The person may not open an account here; ``reason`` says why."""

    code = "registration_refused"
    title = "An account can't be opened"
    status = 403


# Which column's uniqueness speaks, and what the person is told.
_TAKEN: Mapping[str, tuple[str, str]] = {
    "players_user_username_key": ("login", "This login is taken; choose another."),
    "players_user_email_once": ("email", "An account with this email address exists; log in instead."),
    "players_profile_phone_once": ("phone", "An account with this phone number exists; log in instead."),
}


def register(
    *,
    data: Registration,
    actor: Actor,
    idempotency_key: str,
    at: datetime,
    player_id: UUID | None = None,
    password_hash: str = "",
    device_token: str = "",
    complete: bool = False,
) -> PlayerDetails:
    """Open an account and give it its id. The same key and content returns the account that was opened first.

    ``complete``: everything that the country asks for must be there (``check_registration``), as where people sign up.
    The gates are asked first (``ports.RegistrationGate``), unless ``player_id`` is given: by a caller that asked them
    (``ask_gates``) and holds the player. Without ``password_hash`` nobody can log in by password yet.
    Publishes PlayerRegistered. Raises: FieldErrors (every wrong field at once), RegistrationRefused, IdempotencyConflict.
    """
    scope, digest = f"players.register:{actor}", digest_of(asdict(data))
    known = find_result(scope, idempotency_key, digest)
    if known:
        return get_player(UUID(known))
    clean = check_registration(data=data, at=at) if complete else _clean(data, at)
    if player_id is None:
        ask_gates(data=clean, device_token=device_token, actor=actor, at=at)
        player_id = uuid7()
    try:
        with holding(player_id):
            remember(scope, idempotency_key, digest, str(player_id), at)
            _create(player_id, clean, password_hash or make_password(None), actor, at)
            publish(
                PlayerRegistered(
                    player_id=player_id,
                    occurred_at=at,
                    country=clean.country,
                    currency=clean.currency,
                    source=clean.source,
                )
            )
            for gate in list_registration_gates():
                gate.opened(player_id, device_token, actor, at)
            if actor.kind in (ActorKind.STAFF, ActorKind.CLIENT):  # what players and jobs do is in the event log
                record(
                    action="players.register",
                    actor=actor,
                    at=at,
                    player_id=player_id,
                    object_type="players.player",
                    object_id=str(player_id),
                )
    except IntegrityError as error:
        # A parallel twin with the same key came first, or somebody has the login, email or phone.
        known = find_result(scope, idempotency_key, digest)
        if known:
            return get_player(UUID(known))
        raise _taken(error) from error
    return get_player(player_id)


def ask_gates(*, data: Registration, device_token: str, actor: Actor, at: datetime) -> None:
    """Whether this person may open an account. Outside any transaction. Raises: RegistrationRefused, FieldErrors."""
    clean = _clean(data, at)
    for gate in list_registration_gates():
        refusal = gate.ask(clean, device_token, actor, at)
        if refusal:
            raise RegistrationRefused(refusal.text, reason=refusal.code, **refusal.data)


def check_registration(*, data: Registration, at: datetime) -> Registration:
    """The values in their normal forms, where they could open an account: right, and all that the country asks for.

    Nothing is looked at as to whether it is taken. Raises: FieldErrors; what ``get_demands`` raises.
    """
    clean = _clean(data, at)
    _check_demands(clean, at)
    return clean


def _check_demands(data: Registration, at: datetime) -> None:
    """Raises: FieldErrors naming every field that the law asks for and that is missing; what ``get_demands`` raises."""
    demands = get_demands(data.country, data.region, at)
    errors = {
        name: [f"This is needed to open an account in {data.country}."]
        for name in demands.required
        if not getattr(data, name)
    }
    if demands.affirmation and not data.affirmed:
        errors["affirmed"] = ["The person has to say that what they gave is right."]
    if data.birth_date and age_on(data.birth_date, at.date()) < demands.minimum_age:
        errors["birth_date"] = [f"Players in {data.country} must be at least {demands.minimum_age} years old."]
    if errors:
        raise FieldErrors(errors)


def _create(player_id: UUID, data: Registration, password_hash: str, actor: Actor, at: datetime) -> None:
    user = User.objects.create(
        username=data.login, email=data.email, kind=UserKind.PLAYER, password=password_hash, date_joined=at
    )
    Player.objects.create(
        id=player_id,
        user=user,
        country=data.country,
        region=data.region,
        currency=data.currency,
        language=data.language,
        time_zone=data.time_zone,
        source=data.source,
        registered_at=at,
    )
    Profile.objects.create(
        player_id=player_id,
        first_name=data.first_name,
        last_name=data.last_name,
        birth_date=data.birth_date,
        birth_name=data.birth_name,
        birth_place=data.birth_place,
        phone=data.phone,
        city=data.city,
        postcode=data.postcode,
    )
    seal_first(player_id=player_id, values=_sealed(data), country=data.country, actor=actor, at=at)


def _sealed(data: Registration) -> dict[str, str]:
    return {field.value: getattr(data, field) for field in SealedField if getattr(data, field)}


def _clean(data: Registration, at: datetime) -> Registration:
    errors: dict[str, list[str]] = {}
    values = asdict(data)
    checks = {
        "email": lambda: rules.normalise_email(data.email),
        "login": lambda: rules.normalise_login(data.login),
        "country": lambda: rules.check_country(data.country),
        "region": lambda: rules.check_region(data.region),
        "currency": lambda: rules.check_currency(data.currency, settings.PLAYER_CURRENCIES),
        "phone": lambda: rules.normalise_phone(data.phone, data.country),
        "first_name": lambda: rules.check_name(data.first_name),
        "last_name": lambda: rules.check_name(data.last_name),
        "birth_date": lambda: data.birth_date and rules.check_birth_date(data.birth_date, at.date()),
        "birth_name": lambda: rules.check_name(data.birth_name),
        "birth_place": lambda: rules.check_name(data.birth_place),
        "city": lambda: rules.check_name(data.city),
        "postcode": lambda: rules.check_name(data.postcode)[:20],
        "language": lambda: rules.check_language(data.language),
        "time_zone": lambda: rules.check_time_zone(data.time_zone),
        "source": lambda: rules.check_name(data.source)[:80],
    }
    for field, check in checks.items():
        try:
            values[field] = check()
        except rules.Invalid as error:
            errors[field] = [str(error)]
    if "country" not in errors:
        try:
            values |= {field.value: text for field, text in clean_sealed(_sealed(data), data.country).items()}
        except FieldErrors as error:
            errors |= error.errors
    if errors:
        raise FieldErrors(errors)
    return Registration(**values)


def _taken(error: IntegrityError) -> Exception:
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    if constraint in _TAKEN:
        field, text = _TAKEN[constraint]
        return FieldErrors({field: [text]})
    return error
