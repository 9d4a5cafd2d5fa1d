"""Free spins that game providers keep on their own side: handed out after the grant, taken back when it ends early."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from bonuses.models import Grant, SpinsHandout
from bonuses.ports import SpinsProvider, SpinsProviderUnavailable, list_spins_providers
from bonuses.selectors import read_rule
from kernel.money import Money

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)


def note_spins(*, grant: Grant, at: datetime) -> None:
    """Free spins were granted: where one provider serves all their games, it is told soon. In the grant's transaction."""
    games = read_rule(grant.version).award.games
    provider = next((one for one in list_spins_providers() if games and all(map(one.serves, games))), None)
    if provider:
        SpinsHandout.objects.create(grant=grant, provider=provider.name, next_at=at)


def note_end(*, grant: Grant, at: datetime) -> None:
    """The grant ended while spins may be left. In the ending's transaction."""
    SpinsHandout.objects.filter(grant=grant, take_back=False).update(take_back=True, tries=0, next_at=at)


def work_handouts(*, at: datetime, limit: int = 200) -> int:
    """Tell providers what is due; how many were told. Any number may run at once; a provider knows a repeated grant."""
    providers = {provider.name: provider for provider in list_spins_providers()}
    told = 0
    for _ in range(limit):
        with transaction.atomic():
            row = (
                SpinsHandout.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("grant__version")
                .filter(next_at__lte=at)
                .order_by("next_at")
                .first()
            )
            if row is None:
                return told
            told += _tell(row, providers.get(row.provider), at)
            row.save()
    return told


def _tell(row: SpinsHandout, provider: SpinsProvider | None, at: datetime) -> bool:
    grant = row.grant
    try:
        if provider is None:
            raise SpinsProviderUnavailable(f"no provider {row.provider} is registered")
        if not row.take_back:
            rule = read_rule(grant.version)
            provider.hand_out(
                grant_id=grant.id,
                player_id=grant.player_id,
                games=tuple(rule.award.games),
                spins=grant.spins,
                value=Money(grant.spin_value_minor, grant.currency),
                until=(grant.activated_at or at) + timedelta(days=rule.award.spin_days),
            )
            row.handed_at = at
        else:
            if row.handed_at:
                provider.take_back(grant_id=grant.id)
            row.taken_back_at = at
    except SpinsProviderUnavailable as error:
        row.tries += 1
        row.next_at = at + min(FIRST_PAUSE * 2 ** min(row.tries, 12), LONGEST_PAUSE)
        log.warning(
            "free spins were not taken by their provider", provider=row.provider, tries=row.tries, why=str(error)
        )
        return False
    row.next_at = None
    return True
