"""Which programme a player belongs to: by residence, as the programmes' markets say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from events.catalogue.loyalty import ProgrammeJoined
from events.catalogue.players import PlayerRegistered, SettingChanged
from events.services.log import holding, publish
from events.types import RecordedEvent
from kernel.db import fetch_all
from loyalty.models import Standing
from loyalty.selectors_programme import STANDARD, Programmes
from players.selectors import get_player

READS = (PlayerRegistered, SettingChanged)
_PLACE = frozenset({"country", "region"})


def follow_residence(events: Sequence[RecordedEvent]) -> None:
    """Players join the programme of where they live, when they register and when they move. Publishes ProgrammeJoined."""
    programmes = Programmes.load()
    for event in events:
        if event.player_id is not None and (
            event.type == PlayerRegistered.wire_name or event.payload["name"] in _PLACE
        ):
            join(player_id=event.player_id, programmes=programmes, at=event.occurred_at)


def join(*, player_id: UUID, programmes: Programmes, at: datetime) -> bool:
    """Let the player join the programme that is theirs by residence; whether that is another one than before."""
    with holding(player_id):
        wanted = programmes.programme_for(get_player(player_id).residence, at)
        known = Standing.objects.filter(player_id=player_id).values_list("programme", flat=True).first()
        if wanted == (known or STANDARD):
            return False
        publish(ProgrammeJoined(player_id=player_id, occurred_at=at, programme=wanted))
        return True


def join_all(*, at: datetime) -> int:
    """After programmes changed their markets: everybody joins the one that is theirs by now; how many moved."""
    programmes = Programmes.load()
    markets = {place: code for code, rule in programmes.in_force(at).items() for place in rule.markets}
    rows = fetch_all(
        """
        SELECT player.id FROM players_player player
        LEFT JOIN loyalty_standing standing ON standing.player_id = player.id
        LEFT JOIN unnest(%(places)s::text[], %(codes)s::text[]) AS market (place, code)
               ON market.place = player.country || CASE WHEN player.region = '' THEN '' ELSE '-' || player.region END
        WHERE coalesce(standing.programme, %(standard)s) <> coalesce(market.code, %(standard)s)
        ORDER BY player.id
        """,
        {"places": list(markets), "codes": list(markets.values()), "standard": STANDARD},
    )
    return sum(join(player_id=row["id"], programmes=programmes, at=at) for row in rows)
