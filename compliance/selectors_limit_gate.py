"""What limits say to a deposit and to play: checks and parts of the gate."""

from __future__ import annotations

from collections.abc import Iterator

from compliance.rules_gate import CompileContext, Compiled
from compliance.rules_limit_terms import LimitTerms
from compliance.rules_limits import next_birthday
from compliance.selectors_gate import GateContext
from compliance.selectors_limits import (
    Reached,
    find_reached,
    get_terms,
    list_login_times,
    list_missing,
    prompt_due,
)
from compliance.types_gate import DepositFacts, Reason, ReasonCode
from compliance.types_limits import LimitKind


def check_deposit_limits(context: GateContext) -> Iterator[Reason]:
    """Limits that must be there, the player's answer to the prompt, and room in every limit on deposits and balance."""
    facts, player = context.facts, context.known
    if not isinstance(facts, DepositFacts):
        return
    terms = get_terms(player, context.at)
    missing = list_missing(player, context.at)
    if missing:
        names = [f"{kind}:{period}" if period else kind.value for kind, period in missing]
        text = "The player has to set the limits that the rules ask for first."
        yield Reason(ReasonCode.LIMITS_REQUIRED, text, {"missing": names})
    elif prompt_due(player, terms, context.at):
        text = "The player has to set a deposit limit, or to say that they want none, first."
        yield Reason(ReasonCode.LIMIT_PROMPT_DUE, text)
    reached = find_reached(player, facts.amount, facts.balance, context.at, terms)
    if reached:
        yield _reached(reached)
    yield from _central(facts, terms)


def check_login_time(context: GateContext) -> Reason | None:
    """Whoever has used up their time logged in comes in again when the period is over."""
    spent = [time for time in list_login_times(context.known.id, context.at) if not time.left]
    if not spent:
        return None
    limit, resets_at = spent[0].limit, spent[0].resets_at
    data = {"period": limit.period.value, "minutes": limit.minutes, "resets_at": resets_at.isoformat()}
    text = f"You wanted to be logged in for at most {limit.minutes} minutes a {limit.period}: come back later."
    return Reason(ReasonCode.LOGIN_TIME_REACHED, text, data)


def compile_limit_demands(context: CompileContext, row: Compiled) -> None:
    """No play without the limits that the pack asks for. What it fills in by age is looked at again on birthdays."""
    player = context.player
    if player.birth_date and get_terms(player, context.at).defaults:
        row.until(next_birthday(player.birth_date, context.at, row.time_zone))
    if list_missing(context.player, context.at):
        row.refuse(ReasonCode.LIMITS_REQUIRED)


def _reached(reached: Reached) -> Reason:
    limit = reached.limit
    name = "balance" if limit.kind is LimitKind.BALANCE else f"{limit.kind.replace('_', ' ')} {limit.period}"
    data: dict[str, object] = {
        "kind": limit.kind.value,
        "period": limit.period.value,
        "limit": str(limit.amount),
        "remaining": str(reached.room),
        "currency": reached.currency,
        "set_by": limit.set_by.value,
    }
    if reached.resets_at:
        data["resets_at"] = reached.resets_at.isoformat()
    text = f"The player's {name} limit leaves room for {reached.room} {reached.currency}."
    return Reason(ReasonCode.LIMIT_REACHED, text, data)


def _central(facts: DepositFacts, terms: LimitTerms) -> Iterator[Reason]:
    """The register that counts over all operators: its no, and its silence."""
    answer = facts.central
    if not terms.central:
        return
    if answer is None or not answer.available:
        if terms.central_must_answer:
            text = f"{terms.central} does not answer: try again later."
            yield Reason(ReasonCode.REGISTER_UNAVAILABLE, text, {"register": terms.central})
    elif not answer.accepted:
        data = {"kind": "deposit", "period": answer.period.value, "scope": "all_operators", "reply_id": answer.reply_id}
        if answer.resets_at:
            data["resets_at"] = answer.resets_at.isoformat()
        text = f"{terms.central}: the limit over all operators is reached."
        yield Reason(ReasonCode.LIMIT_REACHED, text, data)
