"""The row that a player's bets are judged by: compiled here, ahead of the bet, from everything that has a say in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from compliance.gate_parts import PARTS
from compliance.models_gate import PlayGate
from compliance.rules_gate import CompileContext, Compiled
from compliance.selectors_packs import get_pack, get_pack_of, keep_packs_still
from compliance.services.pack_limits import sync_pack_limits
from compliance.types_gate import LONG_AGO, ReasonCode
from compliance.types_packs import DEFAULT, EffectivePack, PackIncomplete
from events.services.log import holding, lock_players
from kernel.db import fetch_all, fetch_one
from kernel.fx import RateMissing
from players.selectors import get_player

LOOK_AGAIN = timedelta(minutes=5)


def refresh(*, player_id: UUID, at: datetime) -> None:
    """Compile the player's row as of ``at``; what was counted stays. Raises: UnknownPlayer.

    Call it in the transaction of every change of what the row is made from: limits, verification, settings of the
    session, residence.
    """
    with holding(player_id):
        keep_packs_still()
        player = get_player(player_id)
        pack = get_pack_of(player_id, at)
        row = _blank(pack)
        try:
            sync_pack_limits(player_id=player_id, at=at)
            for part in PARTS:
                part(CompileContext(player=player, pack=pack, at=at), row)
        except PackIncomplete:
            row.refuse(ReasonCode.PACK_INCOMPLETE)
        except RateMissing:  # an amount of the pack cannot be told in the player's currency: look again soon
            row.refuse(ReasonCode.RATE_MISSING)
            row.until(at + LOOK_AGAIN)
        PlayGate.objects.update_or_create(player_id=player_id, defaults=_values(row, at))


def ensure(*, player_ids: Sequence[UUID], at: datetime) -> None:
    """Compile what is missing or out of date among these players' rows.

    Set-based where the default pack applies and there was no row: whoever has set anything for themselves has one, made
    by the service that set it.
    """
    stale = fetch_all(
        "SELECT p.id, p.country, p.region, g.player_id IS NULL AS missing FROM players_player p "
        "LEFT JOIN compliance_playgate g ON g.player_id = p.id WHERE p.id = ANY (%s) AND (g.player_id IS NULL "
        "OR %s < g.valid_from OR %s >= g.valid_until)",
        [list(set(player_ids)), at, at],
    )
    if not stale:
        return
    with transaction.atomic():
        lock_players(row["id"] for row in stale)
        keep_packs_still()
        blank: list[PlayGate] = []
        for row in stale:
            pack = get_pack(country=row["country"], region=row["region"], at=at)
            if row["missing"] and pack.pack_id == DEFAULT and pack.house_version is None:
                blank.append(PlayGate(player_id=row["id"], **_values(_blank(pack), at)))
            else:
                refresh(player_id=row["id"], at=at)
        PlayGate.objects.bulk_create(blank, ignore_conflicts=True)


def forget(*, countries: Sequence[str] = (), region: str = "") -> int:
    """Let the rows of these countries' players (all players, where none is named) be compiled anew at the next bet; how
    many. For new versions of packs and of the house policy."""
    with transaction.atomic():
        return int(
            fetch_one(
                "WITH forgotten AS (UPDATE compliance_playgate g SET valid_until = %s FROM players_player p "
                "WHERE p.id = g.player_id AND (cardinality(%s::text[]) = 0 OR p.country = ANY (%s)) RETURNING 1) "
                "SELECT count(*) FROM forgotten",
                [LONG_AGO, list(countries), list(countries)],
            )[0]
        )


def keep_up(player_id: UUID, names: frozenset[str], at: datetime) -> None:
    """Compile anew what hangs on a changed residence or birth date (players.ports.SettingsListener)."""
    if names & {"country", "region", "birth_date"} and PlayGate.objects.filter(player_id=player_id).exists():
        refresh(player_id=player_id, at=at)


def leave_game(*, player_id: UUID) -> None:
    """The player has left their game: where games may not be played side by side, another one may begin."""
    with holding(player_id):
        PlayGate.objects.filter(player_id=player_id).update(last_game="", last_category="")


def _values(row: Compiled, at: datetime) -> dict[str, Any]:
    return {item.name: getattr(row, item.name) for item in fields(row)} | {"plain": row.plain, "compiled_at": at}


def _blank(pack: EffectivePack) -> Compiled:
    row = Compiled(packs=pack.label, time_zone=pack.timezone, valid_from=pack.valid_from)
    row.until(pack.valid_until)
    return row
