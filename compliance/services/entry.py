"""Who may open an account and who may log in: what players' ports ask, answered by the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from compliance.rules_exclusion import INDEFINITE
from compliance.selectors_cases import get_case, list_cases
from compliance.selectors_likeness import find_lookalikes, hash_device, person_like
from compliance.services.cases import open_case, resolve_case
from compliance.services.exclusions import exclude
from compliance.services.gate import decide
from compliance.services.registers import keep_registration_check
from compliance.types_cases import CaseKind
from compliance.types_exclusion import ExclusionKind, Lookalike
from compliance.types_gate import Decision, GateAction, LoginFacts, RegistrationFacts
from events.services.log import holding
from events.types import RecordedEvent
from kernel.actors import Actor, ActorKind, system
from kernel.errors import NotFound
from players.selectors import list_restrictions
from players.services.restrictions import impose, lift
from players.types import RestrictionKind, SealedField
from players.types_identity import Refusal, Registration

_ACTOR = system("likeness")
SOURCE = "compliance:likeness"
# Settings by which people are recognised.
_TELLING = frozenset({"first_name", "last_name", "birth_date", "postcode", "phone", SealedField.NATIONAL_ID.value})
# Until somebody has looked whether an excluded person is back.
_HELD = (RestrictionKind.PLAY_BLOCK, RestrictionKind.DEPOSIT_BLOCK, RestrictionKind.MARKETING_BLOCK)


class Registrations:
    """Plugged into players.ports.RegistrationGate."""

    def ask(self, data: Registration, device_token: str, actor: Actor, at: datetime) -> Refusal | None:
        decision = decide(
            action=GateAction.REGISTRATION,
            player_id=None,
            facts=RegistrationFacts(
                country=data.country,
                region=data.region,
                email=data.email,
                phone=data.phone,
                first_name=data.first_name,
                last_name=data.last_name,
                birth_date=data.birth_date,
                postcode=data.postcode,
                street=data.street,
                national_id=data.national_id,
                declarations=dict.fromkeys(data.declares, True),
                device=device_token,
            ),
            actor=actor,
            at=at,
        )
        return _refusal(decision)

    def opened(self, player_id: UUID, device_token: str, actor: Actor, at: datetime) -> None:
        keep_registration_check(player_id=player_id)
        note_lookalikes(player_id=player_id, device_token=device_token, at=at)


class Logins:
    """Plugged into players.ports.LoginGate."""

    def ask(self, player_id: UUID, device_token: str, going_on: bool, at: datetime) -> Refusal | None:
        facts = LoginFacts(device=device_token, going_on=going_on)
        actor = Actor(ActorKind.PLAYER, str(player_id))
        decision = decide(action=GateAction.LOGIN, player_id=player_id, facts=facts, actor=actor, at=at)
        return _refusal(decision)


def note_lookalikes(*, player_id: UUID, device_token: str = "", at: datetime) -> list[Lookalike]:
    """Open a case where an account looks like another one's; where that person is excluded, nothing is played or paid in
    until somebody has looked. In the caller's transaction, which holds the player. Returns what it found.
    """
    person = person_like(player_id)
    person = replace(person, devices=person.devices | hash_device(device_token))
    found = find_lookalikes(person, but=player_id, at=at)
    excluded = [row for row in found if row.excluded]
    others = [row for row in found if row.open and not row.excluded]
    for kind, rows in ((CaseKind.EXCLUSION_MATCH, excluded), (CaseKind.DUPLICATE, others)):
        for row in rows:
            open_case(
                kind=kind,
                player_id=player_id,
                facts={"other": str(row.player_id), "signs": list(row.signs), "likeness": row.likeness},
                key=f"{player_id}:{row.player_id}",
                actor=_ACTOR,
                at=at,
            )
    standing = list_restrictions(player_id, standing_at=at)
    if excluded and not any(row.source == SOURCE for row in standing):
        for restriction in _HELD:
            impose(
                player_id=player_id,
                kind=restriction,
                reason="An excluded person could be back: somebody looks at it.",
                source=SOURCE,
                actor=_ACTOR,
                at=at,
            )
    return found


def look_again(events: Sequence[RecordedEvent]) -> None:
    """Once somebody's name, birth date, place, phone or national number has changed: whom do they look like now?

    From SettingChanged. Publishes RestrictionImposed.
    """
    changed = {
        event.player_id: event.occurred_at
        for event in events
        if event.player_id is not None and event.payload["name"] in _TELLING
    }
    for player_id, at in changed.items():
        note_lookalikes(player_id=player_id, at=at)


def settle_match(*, case_id: UUID, same_person: bool, comment: str, actor: Actor, at: datetime) -> None:
    """Say whether the account of a case is an excluded person's. It is: the account is excluded as well. It is not: what
    was held is free again. Either way the case ends.

    Raises: NotFound, FieldErrors, AccessDenied, CaseTaken, CaseResolved; PlayerExcluded or RestrictionLifted are published.
    """
    case = get_case(case_id)
    if case.kind is not CaseKind.EXCLUSION_MATCH or case.player_id is None:
        raise NotFound(f"There is no match {case_id}.")
    player_id = case.player_id
    with holding(player_id):
        outcome = "same_person" if same_person else "somebody_else"
        resolve_case(case_id=case_id, outcome=outcome, comment=comment, actor=actor, at=at)
        if same_person:
            exclude(
                player_id=player_id,
                kind=ExclusionKind.OPERATOR,
                term=INDEFINITE,
                reason=f"The same person as {case.facts['other']}, who is excluded. {comment}",
                idempotency_key=f"match:{case_id}",
                actor=actor,
                at=at,
            )
        open_matches = list_cases(kind=CaseKind.EXCLUSION_MATCH, player_id=player_id)
        if not same_person and open_matches:
            return  # another match holds it
        for row in list_restrictions(player_id, standing_at=at):
            if row.source == SOURCE:
                lift(restriction_id=row.id, reason=comment, owner=SOURCE, actor=actor, at=at)


def _refusal(decision: Decision) -> Refusal | None:
    if decision.allowed:
        return None
    reason = decision.refusal
    return Refusal(reason.public_code, reason.text, reason.data)
