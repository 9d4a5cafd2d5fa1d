"""Access policies over players: whose account it is, where it belongs, who cares for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from kernel.access import Limit, Question, object_grants
from kernel.policies import binds, concerned, listed
from players.selectors_access import CARE, PLAYER, own_player_ids, players_on_levels

Params = Mapping[str, Any]

# What somebody does to a player, rather than sees of them.
DEEDS = (
    "players.change_player_status", "players.impose_restriction", "players.lift_restriction",
    "wallet.adjust_balance", "wallet.write_off_balance", "wallet.work_disputes", "wallet.approve_withdrawal",
    "wallet.approve_adjustment", "wallet.approve_write_off", "wallet.change_gamesession",
)  # fmt: skip


class OwnAccounts:
    """Staff keep their hands off the accounts they play on themselves."""

    name, title = "own_account", "Own account"
    defaults: Params = {"actions": ["*"]}

    def describe(self, params: Params) -> str:
        what = "see or touch" if "*" in params["actions"] else listed(a.partition(".")[2] for a in params["actions"])
        return f"Nobody may {what} a player account that is their own."

    def concerns(self, params: Params, action: str) -> bool:
        return concerned(params["actions"], action)

    def refuse(self, params: Params, question: Question) -> str:
        player = question.player()
        return "this is your own player account" if player and question.actor.id in player.staff_ids else ""

    def limit(self, params: Params, question: Question) -> Limit | None:
        own = own_player_ids(question.actor)
        return Limit(never=own) if own else None


class Jurisdictions:
    """Roles that work for some countries only."""

    name, title = "jurisdiction", "Jurisdiction"
    defaults: Params = {"roles": {}, "actions": ["*"]}

    def describe(self, params: Params) -> str:
        return " ".join(
            f"{listed([role]).capitalize()} works for players of {', '.join(countries)} only."
            for role, countries in params["roles"].items()
        )

    def concerns(self, params: Params, action: str) -> bool:
        return bool(params["roles"]) and concerned(params["actions"], action)

    def refuse(self, params: Params, question: Question) -> str:
        countries, player = self._countries(params, question), question.player()
        if countries is None or player is None or player.country in countries:
            return ""
        return f"the player is of {player.country}, your roles work for {', '.join(sorted(countries))}"

    def limit(self, params: Params, question: Question) -> Limit | None:
        countries = self._countries(params, question)
        return None if countries is None else Limit(where=Q(country__in=countries))

    def _countries(self, params: Params, question: Question) -> set[str] | None:
        if not binds(params["roles"], question):
            return None
        return {country for role in question.roles for country in params["roles"].get(role, ())}


class VipShield:
    """The most valued players are dealt with by those who know them."""

    name, title = "vip_shield", "VIPs"
    defaults: Params = {"roles": ["support_agent", "support_lead"], "levels": ["platinum"], "actions": list(DEEDS)}

    def describe(self, params: Params) -> str:
        if not params["levels"] or not params["actions"]:
            return ""
        return (
            f"{listed(params['roles']).capitalize()} may not act on players at level {' or '.join(params['levels'])};"
            " they may look."
        )

    def concerns(self, params: Params, action: str) -> bool:
        return bool(params["levels"]) and concerned(params["actions"], action)

    def refuse(self, params: Params, question: Question) -> str:
        if not binds(params["roles"], question):
            return ""
        player = question.player()
        return f"the player is at level {player.level}" if player and player.level in params["levels"] else ""

    def limit(self, params: Params, question: Question) -> Limit | None:
        if not binds(params["roles"], question):
            return None
        return Limit(where=~Q(id__in=players_on_levels(params["levels"])))


class Portfolios:
    """VIP managers know their own players closely, and others as everybody does."""

    name, title = "portfolio", "Portfolio"
    defaults: Params = {
        "roles": ["vip_manager"],
        "actions": [
            "players.view_personal_data", "events.view_event",
            "wallet.view_account", "wallet.view_deposit", "wallet.view_withdrawal",
            *DEEDS,
        ],
    }  # fmt: skip

    def describe(self, params: Params) -> str:
        if not params["actions"]:
            return ""
        return f"{listed(params['roles']).capitalize()} sees personal data and money of their own portfolio's players only."

    def concerns(self, params: Params, action: str) -> bool:
        return concerned(params["actions"], action)

    def refuse(self, params: Params, question: Question) -> str:
        if question.subject.player_id is None or not binds(params["roles"], question) or question.has(CARE):
            return ""
        return "the player is not in your portfolio"

    def limit(self, params: Params, question: Question) -> Limit | None:
        if not binds(params["roles"], question):
            return None
        grants = object_grants(question.actor)
        return Limit(
            only=frozenset(UUID(key) for (kind, key), codes in grants.items() if kind == PLAYER and CARE in codes)
        )
