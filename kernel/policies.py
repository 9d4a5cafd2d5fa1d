"""Access policies that know no domain: how much, when, from where. What each says is its ``describe``.

A role is bound by a policy only where every role that grants the action is bound: whoever may do more by another role
may do more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from kernel.access import Limit, Question
from kernel.money import Money
from kernel.places import country_of_request

Params = Mapping[str, Any]
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def binds(roles: Iterable[str], question: Question) -> bool:
    """Do all roles that grant the action stand in ``roles``? "*" binds everybody."""
    named = set(roles)
    return "*" in named or bool(question.roles and question.roles <= named)


def listed(names: Iterable[str]) -> str:
    """Names as people read them in a sentence."""
    words = [name.replace("_", " ") for name in names]
    return "everybody" if words == ["*"] else ", ".join(words)


def concerned(actions: Iterable[str], action: str) -> bool:
    named = set(actions)
    return action in named or "*" in named


class AmountCeilings:
    """How much a role may move or approve at once. A role that is not named has no ceiling."""

    name, title = "amount_ceilings", "Ceilings of amounts"
    defaults: Params = {
        "ceilings": {
            "wallet.approve_withdrawal": {"operations": {"EUR": "10000.00"}},
            "wallet.adjust_balance": {"support_lead": {"EUR": "500.00"}, "operations": {"EUR": "2500.00"}},
        }
    }

    def describe(self, params: Params) -> str:
        return " ".join(
            f"{role.replace('_', ' ').capitalize()} may {action.partition('.')[2].replace('_', ' ')} up to"
            f" {' or '.join(f'{amount} {currency}' for currency, amount in amounts.items())} at once."
            for action, roles in params["ceilings"].items()
            for role, amounts in roles.items()
        )

    def concerns(self, params: Params, action: str) -> bool:
        return action in params["ceilings"]

    def refuse(self, params: Params, question: Question) -> str:
        amount, by_role = question.subject.amount, params["ceilings"].get(question.action, {})
        if amount is None or not binds(by_role, question):
            return ""
        size = abs(amount.amount_minor)
        ceilings = [by_role[role].get(amount.currency) for role in question.roles]
        known = [Money.parse(text, amount.currency) for text in ceilings if text is not None]
        if any(size <= ceiling.amount_minor for ceiling in known):
            return ""
        if not known:
            return f"there is no ceiling in {amount.currency} for {listed(sorted(question.roles))}"
        highest = max(known, key=lambda ceiling: ceiling.amount_minor)
        return f"{Money(size, amount.currency)} {amount.currency} is above the ceiling of {highest} {amount.currency}"

    def limit(self, params: Params, question: Question) -> Limit | None:
        return None


class WorkingHours:
    """When some actions may be done at all."""

    name, title = "working_hours", "Working hours"
    defaults: Params = {
        "actions": [],
        "roles": ["*"],
        "zone": "UTC",
        "days": [1, 2, 3, 4, 5],
        "from": "08:00",
        "until": "18:00",
    }

    def describe(self, params: Params) -> str:
        if not params["actions"]:
            return ""
        days = ", ".join(DAYS[day - 1] for day in params["days"])
        actions = listed(action.partition(".")[2] for action in params["actions"])
        whom = "Nobody may" if "*" in params["roles"] else f"{listed(params['roles']).capitalize()} may not"
        return f"{whom} {actions} outside {params['from']} to {params['until']} ({params['zone']}) on {days}."

    def concerns(self, params: Params, action: str) -> bool:
        return concerned(params["actions"], action)

    def refuse(self, params: Params, question: Question) -> str:
        if not binds(params["roles"], question):
            return ""
        local = question.at.astimezone(ZoneInfo(params["zone"]))
        start, end = time.fromisoformat(params["from"]), time.fromisoformat(params["until"])
        if local.isoweekday() in params["days"] and start <= local.time() < end:
            return ""
        return f"{DAYS[local.weekday()]} {local:%H:%M} in {params['zone']} is outside working hours"

    def limit(self, params: Params, question: Question) -> Limit | None:
        return None


class CountryOfAddress:
    """From which countries some actions may be done."""

    name, title = "address_country", "Country of the address"
    defaults: Params = {"actions": [], "roles": ["*"], "countries": []}

    def describe(self, params: Params) -> str:
        if not params["actions"]:
            return ""
        actions = listed(action.partition(".")[2] for action in params["actions"])
        whom = "Nobody may" if "*" in params["roles"] else f"{listed(params['roles']).capitalize()} may not"
        return f"{whom} {actions} from an address outside {', '.join(params['countries'])}, or of unknown country."

    def concerns(self, params: Params, action: str) -> bool:
        return concerned(params["actions"], action)

    def refuse(self, params: Params, question: Question) -> str:
        if not binds(params["roles"], question):
            return ""
        country = country_of_request()
        if country in params["countries"]:
            return ""
        return f"the address is in {country or 'an unknown country'}"

    def limit(self, params: Params, question: Question) -> Limit | None:
        return None
