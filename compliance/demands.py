"""What the pack of where somebody lives asks of people who open an account: plugged into players."""

from __future__ import annotations

from datetime import datetime

from compliance.selectors_packs import get_pack
from players.types_identity import FieldDemands


def get_demands(country: str, region: str, at: datetime) -> FieldDemands:
    """Raises: PackIncomplete where the pack does not say what it asks for: nobody may open an account there then."""
    pack = get_pack(country=country, region=region, at=at)
    pack.need("age.min")
    pack.need("registration.fields")
    youngest = max(pack.integer("age.min") or 0, pack.numbers("age.min_in").get(country, 0))
    return FieldDemands(
        country, pack.texts("registration.fields"), youngest, region, pack.flag("registration.player_affirms_data")
    )
