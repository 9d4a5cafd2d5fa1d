"""Bonus purses for many players at once: the gate asked once for all, each purse opened by the same posting function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from compliance.services.gate_many import decide_bonuses
from compliance.types_gate import BonusFacts, Decision
from kernel.actors import Actor
from kernel.context import request_id
from kernel.db import fetch_all
from kernel.money import Money
from wallet.models import Account
from wallet.services.incentives import INCENTIVES
from wallet.types import PurseTerms

_OPEN = """
SELECT wanted.place, posting.outcome, posting.reason
FROM unnest(%(players)s::uuid[], %(purses)s::uuid[], %(currencies)s::text[], %(amounts)s::bigint[], %(caps)s::bigint[],
            %(keys)s::text[]) WITH ORDINALITY AS wanted (player, purse, currency, amount, cap, key, place),
LATERAL wallet_open_purse(wanted.player, wanted.purse, wanted.currency, wanted.amount, %(priority)s, wanted.cap,
                          %(categories)s::text[], %(until)s, %(source)s, wanted.key, %(at)s, %(actor)s, %(request)s) posting
ORDER BY wanted.place
"""
_CLOSE = """
SELECT wanted.place, posting.outcome, posting.reason
FROM unnest(%(players)s::uuid[], %(purses)s::uuid[], %(keys)s::text[]) WITH ORDINALITY AS wanted (player, purse, key, place),
LATERAL wallet_close_purse(wanted.player, wanted.purse, 'real', NULL, %(source)s, wanted.key, %(at)s, %(actor)s,
                           %(request)s) posting
ORDER BY wanted.place
"""


class PursesRefused(RuntimeError):
    """A purse of many could not be opened or closed: nothing of the batch may stand. Give them one by one."""


@dataclass(frozen=True, slots=True)
class WantedPurse:
    """A bonus purse that is to be opened; ``key`` names it, and what it is opened by."""

    player_id: UUID
    amount: Money
    stake_cap: Money | None
    key: str


def ask_gate(*, facts: Mapping[UUID, BonusFacts], actor: Actor, at: datetime) -> dict[UUID, Decision]:
    """What the gate says of a bonus for each of these players; whether it is their first is known here."""
    had = set(
        Account.objects.filter(player_id__in=list(facts), kind__in=INCENTIVES).values_list("player_id", flat=True)
    )
    told = {player_id: replace(said, first=player_id not in had) for player_id, said in facts.items()}
    return decide_bonuses(facts=told, actor=actor, at=at)


def open_bonus_purses(
    *, wanted: Sequence[WantedPurse], terms: PurseTerms, source: str, actor: Actor, at: datetime
) -> list[UUID]:
    """Open bonus purses whose players the gate has let pass, in the caller's transaction, which holds them; their ids.

    As ``purses.open_bonus_purse`` in all else, of which a later call by the same key is a retry. ``terms`` but for the
    stake cap. Publishes PurseOpened for each. Raises: PursesRefused.
    """
    ids = [uuid5(NAMESPACE_URL, f"purse:{source}:{row.key}") for row in wanted]
    rows = fetch_all(
        _OPEN,
        {
            **_frame(wanted, ids, source, actor, at),
            "currencies": [row.amount.currency for row in wanted],
            "amounts": [row.amount.amount_minor for row in wanted],
            "caps": [row.stake_cap.amount_minor if row.stake_cap else None for row in wanted],
            "keys": [row.key for row in wanted],
            "priority": terms.priority,
            "categories": list(terms.game_categories) or None,
            "until": terms.active_until,
        },
    )
    _check(rows)
    return ids


def release_bonus_purses(
    *,
    wanted: Sequence[WantedPurse],
    purse_ids: Sequence[UUID],
    keys: Sequence[str],
    source: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Turn all that is in these purses into real money, as ``purses.close_bonus_purse`` does. Publishes PurseClosed.

    Raises: PursesRefused.
    """
    _check(fetch_all(_CLOSE, {**_frame(wanted, purse_ids, source, actor, at), "keys": list(keys)}))


def _frame(
    wanted: Sequence[WantedPurse], ids: Sequence[UUID], source: str, actor: Actor, at: datetime
) -> dict[str, Any]:
    return {
        "players": [row.player_id for row in wanted],
        "purses": list(ids),
        "source": source,
        "at": at,
        "actor": str(actor),
        "request": request_id.get(),
    }


def _check(rows: list[dict[str, Any]]) -> None:
    if refused := [row for row in rows if row["outcome"] != "applied"]:
        first = refused[0]
        raise PursesRefused(f"{len(refused)} of {len(rows)}: {first['outcome']} {first['reason']}")
