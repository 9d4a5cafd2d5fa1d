"""What the gate asks about people who want in: registers, exclusions under another account, groups that may not play."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from compliance.rules_likeness import Person
from compliance.selectors_gate import GateContext
from compliance.selectors_likeness import find_lookalikes, hash_device
from compliance.types_exclusion import Likeness
from compliance.types_gate import LoginFacts, MessageFacts, Reason, ReasonCode, RegistrationFacts, Verdict

REGISTER_LISTED = "The national register {} lists this person: play is not possible until its exclusion ends."
REGISTER_SILENT = "The national register {} cannot be asked just now, so this is not possible; try again later."


def check_register(context: GateContext) -> Reason | None:
    """What the register said when it was asked for this decision (services.registers)."""
    facts = context.facts
    if not isinstance(facts, RegistrationFacts | LoginFacts | MessageFacts) or not facts.register_denies:
        return None
    data = {"register": facts.register}
    if facts.register_listed:
        return Reason(ReasonCode.EXCLUDED, REGISTER_LISTED.format(facts.register), data)
    return Reason(ReasonCode.REGISTER_UNAVAILABLE, REGISTER_SILENT.format(facts.register), data)


def check_person(context: GateContext) -> Iterator[Reason]:
    """Whether the person has an account here, or is excluded under another name, address or spelling.

    Sure: denied. Likely: the account opens, and a person looks at it.
    """
    facts = cast(RegistrationFacts, context.facts)
    person = Person(
        first_name=facts.first_name,
        last_name=facts.last_name,
        birth_date=facts.birth_date,
        postcode=facts.postcode,
        email=facts.email,
        phone=facts.phone,
        national_id=facts.national_id,
        devices=hash_device(facts.device),
    )
    one_account = context.pack.flag("registration.one_account")
    for row in find_lookalikes(person, at=context.at):
        sure = row.likeness is Likeness.SAME
        if row.excluded:
            text = "An account can't be opened with these details. Ask the help desk if you think that this is wrong."
            yield Reason(ReasonCode.EXCLUDED, text, verdict=Verdict.DENY if sure else Verdict.REVIEW)
        elif row.open:
            text = "You have an account already: log in with that one, or ask the help desk."
            deny = sure and one_account
            yield Reason(ReasonCode.DUPLICATE_ACCOUNT, text, verdict=Verdict.DENY if deny else Verdict.REVIEW)


def check_groups(context: GateContext) -> Iterator[Reason]:
    """Whether the person said to belong to a group that the pack keeps out."""
    facts = cast(RegistrationFacts, context.facts)
    for group in context.pack.texts("registration.ineligible_groups"):
        if facts.declarations.get(group):
            text = f"People of this group may not play here: {group.replace('_', ' ')}."
            yield Reason(ReasonCode.INELIGIBLE, text, {"group": group})
