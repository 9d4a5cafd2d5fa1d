"""Marketing consents: each answer is kept, the newest holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from events.catalogue.players import ConsentChanged
from events.services.log import holding, publish
from kernel.errors import FieldErrors
from players.models import Consent
from players.selectors import get_player
from players.selectors_identity import list_consents
from players.types_identity import ConsentChannel, ConsentDetails, ConsentProduct


def change_consents(
    *,
    player_id: UUID,
    answers: Mapping[tuple[ConsentProduct, ConsentChannel], bool],
    text_version: str,
    source: str,
    at: datetime,
) -> list[ConsentDetails]:
    """Keep the player's answers to the question that ``text_version`` names; what stands so already is left alone.

    ``source`` is where they were given: "registration", "preferences", "unsubscribe", "staff:7". Publishes ConsentChanged
    for each change. Raises: UnknownPlayer, FieldErrors.
    """
    if not text_version.strip():
        raise FieldErrors({"text_version": ["Say which text the player was shown."]})
    get_player(player_id)
    with holding(player_id):
        standing = {(row.product, row.channel): row.granted for row in list_consents(player_id)}
        for (product, channel), granted in answers.items():
            if standing.get((product, channel)) is granted:
                continue
            Consent.objects.create(
                player_id=player_id,
                product=product,
                channel=channel,
                granted=granted,
                text_version=text_version,
                source=source,
                given_at=at,
            )
            publish(
                ConsentChanged(
                    player_id=player_id,
                    occurred_at=at,
                    product=product,
                    channel=channel,
                    granted=granted,
                    text_version=text_version,
                    source=source,
                )
            )
    return list_consents(player_id)
