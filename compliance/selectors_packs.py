"""Which pack applies."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.types_packs import EffectivePack
from players.selectors import get_player

DEFAULT = EffectivePack("default", "2026-01-01", "", "UTC", "EUR", None, None)


def get_pack(*, country: str, region: str = "", at: datetime) -> EffectivePack:
    """The pack of a residence as of ``at``."""
    return DEFAULT


def get_pack_of(player_id: UUID, at: datetime) -> EffectivePack:
    """The pack that applies to a player. Raises: UnknownPlayer."""
    return get_pack(country=get_player(player_id).country, at=at)
