"""Which pack applies."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.types_gate import LONG_AGO
from compliance.types_packs import DEFAULT, EffectivePack
from players.selectors import get_player

_PACK = EffectivePack(DEFAULT, "2000-01-01", "", "UTC", "EUR", LONG_AGO, None)


def get_pack(*, country: str, region: str = "", at: datetime) -> EffectivePack:
    """The pack of a residence as of ``at``."""
    return _PACK


def get_pack_of(player_id: UUID, at: datetime) -> EffectivePack:
    """The pack that applies to a player. Raises: UnknownPlayer."""
    return get_pack(country=get_player(player_id).country, at=at)
