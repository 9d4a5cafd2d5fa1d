"""Registers of excluded people: asked, every answer kept with its reply id, and what they say carried out."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from compliance.models_exclusions import Exclusion, RegisterCheck, RegistrationCheck
from compliance.ports_exclusion import RegisterAnswer, RegisterPerson, RegisterUnavailable, find_exclusion_register
from compliance.rules_exclusion import Course, terms_of
from compliance.rules_likeness import spell
from compliance.selectors_exclusions import standing_exclusions
from compliance.selectors_packs import get_pack_of
from compliance.services.exclusion_ends import end_now
from compliance.services.exclusions import SHORT, begin, close_due
from compliance.types_exclusion import ExclusionKind, RegisterMoment, RegisterOutcome
from compliance.types_gate import Facts, LoginFacts, MessageFacts, RegistrationFacts
from compliance.types_packs import EffectivePack
from events.services.log import holding, lock_players
from kernel import vault
from kernel.actors import Actor
from kernel.ids import uuid7
from players.selectors import get_player
from players.selectors_sealed import ERASED, read_sealed
from players.types import SealedField

NAME, CHECK_ON, ON_ERROR = "registers.exclusion_name", "registers.exclusion_check_on", "registers.exclusion_on_error"
LONGEST_ERROR, LONGEST_REPLY_ID = 200, 120
# Whoever signs up is logged in by it: the answer is that login's too. Every later login asks.
ONE_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RegisterSaid:
    """What came of asking. ``denies``: the person may not go on, listed or because the pack says so of no answer."""

    register: str
    outcome: RegisterOutcome
    denies: bool
    reply_id: str = ""
    until: datetime | None = None


def ask_register(
    *,
    person: RegisterPerson,
    pack: EffectivePack,
    moment: RegisterMoment,
    player_id: UUID | None = None,
    at: datetime,
) -> RegisterSaid | None:
    """Ask the pack's register now, whatever it said before; None where the pack asks for no check at this moment.

    The answer is kept with its reply id, in a transaction of its own. A register that does not answer, or that nobody
    plugged in, denies unless the pack says "allow".
    """
    name = pack.text(NAME)
    if not name or (moment is not RegisterMoment.STAFF and moment not in pack.texts(CHECK_ON)):
        return None
    started = time.monotonic()
    answer, error = _call(name, person, moment, at)
    outcome = RegisterOutcome.ERROR if answer is None else _outcome(answer)
    reply_id = answer.reply_id[:LONGEST_REPLY_ID] if answer else ""
    RegisterCheck.objects.create(
        player_id=player_id,
        person=_hash(person),
        register=name,
        moment=moment,
        outcome=outcome,
        reply_id=reply_id,
        listed_until=answer.until if answer else None,
        error=error[:LONGEST_ERROR],
        milliseconds=int((time.monotonic() - started) * 1000),
        asked_at=at,
    )
    denies = outcome is RegisterOutcome.LISTED or (outcome is RegisterOutcome.ERROR and pack.text(ON_ERROR) != "allow")
    return RegisterSaid(name, outcome, denies, reply_id, answer.until if answer else None)


def keep_registration_check(*, player_id: UUID) -> None:
    """Say of the answer that an account was opened by, whose it is; in the transaction that opens it."""
    asked = RegisterCheck.objects.filter(
        person=_hash(person_of(player_id)), player=None, moment=RegisterMoment.REGISTRATION, registration=None
    ).order_by("-id")
    if row := asked.first():
        RegistrationCheck.objects.create(asked=row, player_id=player_id)


def check_player(*, player_id: UUID, moment: RegisterMoment, actor: Actor, at: datetime) -> RegisterSaid | None:
    """Ask about a player, and carry out the answer: listed, an exclusion begins; not any more, the register's own ends.

    Publishes PlayerExcluded or ExclusionEnded. Raises: UnknownPlayer.
    """
    if connection.in_atomic_block:
        lock_players([player_id])  # before the answer is written
    pack = get_pack_of(player_id, at)
    said = ask_register(person=person_of(player_id), pack=pack, moment=moment, player_id=player_id, at=at)
    if said is None or said.outcome is RegisterOutcome.ERROR:
        return said
    with holding(player_id):
        standing = list(standing_exclusions(at).filter(player_id=player_id, kind=ExclusionKind.REGISTER))
        if said.outcome is RegisterOutcome.CLEAR:
            _end(standing, said, actor, at)
        elif not any(_covers(row, said) for row in standing):
            terms = terms_of(pack)
            row = Exclusion(
                id=uuid7(),
                player_id=player_id,
                kind=ExclusionKind.REGISTER,
                term="",
                reason=f"Listed in {said.register}.",
                pack=pack.label,
                imposed_by=str(actor),
                register=said.register,
                reply_id=said.reply_id,
                close_due_at=close_due(terms, ExclusionKind.REGISTER, "", at),
            )
            begin(row, Course(said.until, None), return_bets=terms.refunds_open_bets, actor=actor, at=at)
    return said


def person_of(player_id: UUID) -> RegisterPerson:
    """What is known of a player, for a register."""
    player = get_player(player_id)
    sealed = {field: text for field, text in read_sealed(player_id).items() if text != ERASED}
    return RegisterPerson(
        country=player.country,
        first_name=player.first_name,
        last_name=player.last_name,
        birth_date=player.birth_date,
        postcode=player.postcode,
        city=player.city,
        street=sealed.get(SealedField.STREET, ""),
        email=player.email,
        phone=player.phone,
        national_id=sealed.get(SealedField.NATIONAL_ID, ""),
    )


def with_register(*, facts: Facts, player_id: UUID | None, pack: EffectivePack, actor: Actor, at: datetime) -> Facts:
    """The facts of a decision, with what the pack's register says at this moment; as they were where it is not asked.

    Registrations, logins and marketing messages. Whoever is excluded anyway is not asked about at login.
    """
    if isinstance(facts, RegistrationFacts):
        said = ask_register(person=_applicant(facts), pack=pack, moment=RegisterMoment.REGISTRATION, at=at)
        return _with(facts, said)
    if player_id is None:
        return facts
    if isinstance(facts, LoginFacts) and not facts.going_on and not _is_excluded_otherwise(player_id, at):
        if just_now := _registration_answer(player_id, pack, at):
            return _with(facts, just_now)
        return _with(facts, check_player(player_id=player_id, moment=RegisterMoment.LOGIN, actor=actor, at=at))
    if isinstance(facts, MessageFacts) and facts.marketing:
        return _with(facts, check_player(player_id=player_id, moment=RegisterMoment.MARKETING, actor=actor, at=at))
    return facts


def _with(facts: RegistrationFacts | LoginFacts | MessageFacts, said: RegisterSaid | None) -> Facts:
    if said is None:
        return facts
    listed = said.outcome is RegisterOutcome.LISTED
    return replace(
        facts,
        register=said.register,
        register_denies=said.denies,
        register_listed=listed,
        register_reply_id=said.reply_id,
    )


def _registration_answer(player_id: UUID, pack: EffectivePack, at: datetime) -> RegisterSaid | None:
    """What the register said when the account was opened, where that is one step with this login; only that all is clear."""
    row = RegisterCheck.objects.filter(
        registration__player_id=player_id,
        register=pack.text(NAME),
        outcome=RegisterOutcome.CLEAR,
        asked_at__gt=at - ONE_STEP,
        asked_at__lte=at,
    ).first()
    return RegisterSaid(row.register, RegisterOutcome.CLEAR, denies=False, reply_id=row.reply_id) if row else None


def _is_excluded_otherwise(player_id: UUID, at: datetime) -> bool:
    rows = standing_exclusions(at).filter(player_id=player_id)
    return rows.exclude(kind__in=[ExclusionKind.REGISTER, *SHORT]).exists()


def _applicant(facts: RegistrationFacts) -> RegisterPerson:
    return RegisterPerson(
        country=facts.country,
        first_name=facts.first_name,
        last_name=facts.last_name,
        birth_date=facts.birth_date,
        postcode=facts.postcode,
        street=facts.street,
        email=facts.email,
        phone=facts.phone,
        national_id=facts.national_id,
    )


def _covers(row: Exclusion, said: RegisterSaid) -> bool:
    """Whether an exclusion in force lasts as long as the register says now."""
    if row.register != said.register:
        return False
    return row.active_until is None or (said.until is not None and said.until <= row.active_until)


def _call(name: str, person: RegisterPerson, moment: RegisterMoment, at: datetime) -> tuple[RegisterAnswer | None, str]:
    register = find_exclusion_register(name)
    if register is None:
        return None, f"nobody is plugged in for {name}"
    try:
        answer = register.check(person, moment, at)
    except RegisterUnavailable as error:
        return None, str(error)
    except Exception as error:  # whatever goes wrong there, the person was not found clear
        return None, f"{type(error).__name__}: {error}"
    fault = _fault_of(answer, at)
    return (None, fault) if fault else (answer, "")


def _fault_of(answer: object, at: datetime) -> str:
    """Why an answer can't be relied on; "" where it can."""
    if not isinstance(answer, RegisterAnswer):
        return "no answer at all"
    if not answer.reply_id:
        return "an answer without a reply id"
    if answer.until and (answer.until.tzinfo is None or answer.until <= at):
        return f"listed until {answer.until}, which is no moment to come"
    return ""


def _outcome(answer: RegisterAnswer) -> RegisterOutcome:
    return RegisterOutcome.LISTED if answer.listed else RegisterOutcome.CLEAR


def _end(standing: Iterable[Exclusion], said: RegisterSaid, actor: Actor, at: datetime) -> None:
    for row in standing:
        if row.register == said.register:
            reason = f"{said.register} lists the person no more ({said.reply_id})."
            end_now(row, how="register", reason=reason, actor=actor, at=at)


def _hash(person: RegisterPerson) -> bytes:
    """The same for the same name, birth date and postcode; tells nothing else."""
    name = " ".join(spell(f"{person.first_name} {person.last_name}"))
    return vault.blind_index("compliance.register-person", f"{name}\0{person.birth_date}\0{person.postcode}")
