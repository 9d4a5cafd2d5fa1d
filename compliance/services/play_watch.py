"""What comes of play a moment later, away from the bets: warnings of limits, and stakes towards due diligence."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from compliance import rules_kyc
from compliance.models_limit_changes import LimitWarning
from compliance.rules_limits import crossed, window_at
from compliance.selectors_limits import get_terms, list_limited_in_login_time, list_uses
from compliance.selectors_packs import get_pack
from compliance.services.kyc_triggers import look_at_threshold
from compliance.types_limits import LimitKind
from compliance.types_packs import EffectivePack, PackIncomplete
from events.catalogue.compliance_limits import LimitNearlyReached
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.db import fetch_all
from players.selectors import get_player
from players.selectors_identity import list_logged_in

# A run looks at who placed a bet since the last one, and some more: what was told before is not told again.
LOOK_BACK = timedelta(minutes=3)
# Deposits are warned of as they are counted; what lies above a balance is paid out.
WARNED = (LimitKind.LOSS, LimitKind.WAGERING, LimitKind.SESSION_TIME, LimitKind.LOGIN_TIME)


def watch_play(*, actor: Actor, at: datetime) -> int:
    """Warn who nears a limit, and ask for due diligence from who staked so much; how many warnings were given.

    Reads all rows of the gate once. Publishes LimitNearlyReached, KycCaseOpened, KycFundsMoved.
    """
    warned = 0
    for row in fetch_all(
        "SELECT p.id, p.country, p.region, g.has_limits FROM compliance_playgate g "
        "JOIN players_player p ON p.id = g.player_id WHERE g.last_bet_at > %s",
        [at - LOOK_BACK],
    ):
        pack = get_pack(country=row["country"], region=row["region"], at=at)
        if row["has_limits"] and _warns(pack):
            warned += _warn(row["id"], at)
        threshold = rules_kyc.threshold_of(pack)
        if threshold and rules_kyc.STAKE in threshold.basis:
            look_at_threshold(player_id=row["id"], actor=actor, at=at)
    return warned + _warn_logged_in(at)


def _warn_logged_in(at: datetime) -> int:
    warned, after = 0, None
    while page := list_logged_in(after=after):
        after = page[-1]
        for player_id in list_limited_in_login_time(page):
            player = get_player(player_id)
            if _warns(get_pack(country=player.country, region=player.region, at=at)):
                warned += _warn(player_id, at)
    return warned


def _warns(pack: EffectivePack) -> bool:
    return bool(pack.integers("limits.warn_at_percent"))


def _warn(player_id: UUID, at: datetime) -> int:
    """Tell of each part of a limit that is reached, once in its period."""
    warned = 0
    player = get_player(player_id)
    with holding(player_id):
        try:
            terms, uses = get_terms(player, at), list_uses(player, at)
        except PackIncomplete:  # an amount without a rate: the gate says so
            return 0
        for use in uses:
            limit = use.limit
            if limit.kind not in WARNED or use.used is None:
                continue
            since = window_at(limit.period, at, terms.zone, terms.four_weeks_from).start
            told = LimitWarning.objects.filter(
                player_id=player_id, limit_id=limit.id, kind=limit.kind, period=limit.period, warned_at__gte=since
            ).values_list("percent", flat=True)
            for percent in crossed(0, use.used, limit.measure, set(terms.warn_percents) - set(told)):
                LimitWarning.objects.create(
                    player_id=player_id,
                    limit_id=limit.id,
                    kind=limit.kind,
                    period=limit.period,
                    percent=percent,
                    warned_at=at,
                )
                publish(
                    LimitNearlyReached(
                        player_id=player_id,
                        occurred_at=at,
                        limit_id=limit.id,
                        kind=limit.kind.value,
                        period=limit.period.value,
                        percent=percent,
                    )
                )
                warned += 1
    return warned
