"""Reads of limits: what stands, what is used of it, what waits; now or at any moment before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Min, Q, Sum

from compliance.models_limit_changes import LimitAllowance, LimitChange, LimitPrompt
from compliance.models_limits import Limit
from compliance.models_payment_use import DepositUse, PayoutUse
from compliance.rules_limit_terms import LimitTerms, terms_of
from compliance.rules_limits import Window, age_on, frees_at, lowest, missing_limits, window_at
from compliance.selectors_packs import get_pack, get_pack_of
from compliance.types_limits import (
    OPEN_CHANGES,
    ROLLING,
    AllowanceDetails,
    ChangeDetails,
    ChangeState,
    LimitDetails,
    LimitKind,
    LimitPeriod,
    LimitUsage,
    LoginTime,
    SetBy,
)
from compliance.types_packs import PackIncomplete
from kernel.db import fetch_one
from kernel.errors import NotFound
from kernel.fx import RateMissing, convert
from kernel.money import Money
from players.selectors import get_player
from players.selectors_identity import get_time_logged_in
from players.types import PlayerDetails

PAYMENTS = (LimitKind.DEPOSIT, LimitKind.NET_DEPOSIT)
PLAY = (LimitKind.LOSS, LimitKind.WAGERING, LimitKind.STAKE, LimitKind.SESSION_TIME)


def get_terms(player: PlayerDetails, at: datetime) -> LimitTerms:
    """What the pack in force at ``at`` asks of this player's limits, at the age that they have there then.

    Raises: PackIncomplete, when its amounts cannot be told in the player's currency for want of a rate.
    """
    pack = get_pack(country=player.country, region=player.region, at=at)
    age = age_on(player.birth_date, at.astimezone(ZoneInfo(pack.timezone)).date()) if player.birth_date else None
    try:
        return terms_of(pack, age, lambda amount: convert(amount, player.currency, at).amount_minor)
    except RateMissing as error:
        raise PackIncomplete(f"an exchange rate to {player.currency}", pack.label) from error


def list_limits(player_id: UUID, at: datetime) -> list[LimitDetails]:
    """The limits in force at ``at``, each whose it is; what a pack caps is there from when it first mattered."""
    rows = Limit.objects.filter(Q(active_until=None) | Q(active_until__gt=at), player_id=player_id, active_from__lte=at)
    rows = rows.select_related("player").order_by("kind", "period", "set_by", "id")
    return [_details(row, row.player.currency) for row in rows]


def list_binding(player: PlayerDetails, at: datetime, terms: LimitTerms | None = None) -> list[LimitDetails]:
    """What binds at ``at``: for each kind and period the lowest of all limits, the pack's caps and defaults among them."""
    terms = terms or get_terms(player, at)
    own = [limit for limit in list_limits(player.id, at) if limit.set_by is not SetBy.PACK]
    return list(lowest([*own, *pack_limits(player, terms, at)]).values())


def caps_of(player: PlayerDetails, terms: LimitTerms, at: datetime) -> dict[tuple[LimitKind, LimitPeriod], int]:
    """The pack's caps at ``at``, as far as nothing was allowed beyond them."""
    allowed = {(one.kind, one.period): one.amount.amount_minor for one in list_allowances(player.id, at)}
    return {key: max(cap, allowed.get(key, 0)) for key, cap in terms.caps.items()}


def pack_limits(player: PlayerDetails, terms: LimitTerms, at: datetime) -> list[LimitDetails]:
    """What the pack says at ``at``: its caps, and its defaults for whoever never had a limit of their own in their place."""
    had = set(
        Limit.objects.filter(player_id=player.id, set_by=SetBy.PLAYER.value, active_from__lte=at).values_list(
            "kind", "period"
        )
    )
    values = caps_of(player, terms, at)
    for key, default in terms.defaults.items():
        if key not in had:
            values[key] = min(default, values.get(key, default))
    return [_of_pack(player, terms, *key, value, at) for key, value in values.items()]


def offered_periods(kind: LimitKind, terms: LimitTerms) -> list[str]:
    """The periods over which a player may limit ``kind``."""
    return [
        period.value for period in kind.periods if kind not in PAYMENTS or period in (terms.periods or kind.periods)
    ]


def list_login_times(player_id: UUID, at: datetime) -> list[LoginTime]:
    """The player's limits on the time logged in, and what is left of each; the one that is used up the longest first."""
    rows = Limit.objects.filter(
        Q(active_until=None) | Q(active_until__gt=at),
        player_id=player_id,
        kind=LimitKind.LOGIN_TIME.value,
        active_from__lte=at,
    )
    found = []
    for limit in [_details(row, "") for row in rows]:
        window = window_at(limit.period, at, get_pack_of(player_id, at).timezone)
        left = timedelta(minutes=limit.measure) - get_time_logged_in(player_id, window.start, at)
        found.append(LoginTime(limit, max(left, timedelta(0)), window.end or at))
    return sorted(found, key=lambda time: (time.left, -time.resets_at.timestamp()))


def list_limited_in_login_time(player_ids: Collection[UUID]) -> list[UUID]:
    """Which of these players have a limit on the time logged in."""
    rows = Limit.objects.filter(player_id__in=player_ids, kind=LimitKind.LOGIN_TIME.value, active_until=None)
    return list(rows.values_list("player_id", flat=True).distinct())


def find_balance_limit(player_id: UUID, at: datetime) -> Money | None:
    """The lowest balance limit in force."""
    amounts = [one.amount for one in list_limits(player_id, at) if one.kind is LimitKind.BALANCE and one.amount]
    return min(amounts, default=None)


def list_balance_limits(*, at: datetime, after: UUID | None = None, limit: int = 1000) -> dict[UUID, int]:
    """Minor units of the lowest balance limit of each player who has one, in the order of players' ids."""
    rows = Limit.objects.filter(kind=LimitKind.BALANCE.value, active_until=None, active_from__lte=at)
    if after:
        rows = rows.filter(player_id__gt=after)
    return dict(rows.order_by("player_id").values_list("player_id").annotate(lowest=Min("amount_minor"))[:limit])


def list_missing(
    player: PlayerDetails, at: datetime, terms: LimitTerms | None = None
) -> list[tuple[LimitKind, LimitPeriod | None]]:
    """The limits that must be set before play and are not; a pack's cap or default is nobody's own choice."""
    terms = terms or get_terms(player, at)
    if not terms.demands:
        return []
    chosen = [one for one in list_limits(player.id, at) if one.set_by is not SetBy.PACK]
    return missing_limits(terms.demands, {(one.kind, one.period) for one in chosen})


def list_uses(player: PlayerDetails, at: datetime, terms: LimitTerms | None = None) -> list[LimitUsage]:
    """What is used of each limit that binds at ``at``."""
    terms = terms or get_terms(player, at)
    uses = []
    for limit in list_binding(player, at, terms):
        used, oldest = _used(limit, terms, at)  # no later than ``at``: this also answers for moments that are past
        left = None if used is None else max(limit.measure - used, 0)
        uses.append(LimitUsage(limit, used, left, _resets_at(limit, terms, at, oldest)))
    return sorted(uses, key=lambda use: (list(LimitKind).index(use.limit.kind), use.limit.period))


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that a deposit would pass. ``used`` is without it, in minor units."""

    limit: LimitDetails
    used: int
    resets_at: datetime | None
    currency: str

    @property
    def room(self) -> Money:
        """The largest deposit that would still fit."""
        return Money(max(self.limit.measure - self.used, 0), self.currency)


def find_reached(
    player: PlayerDetails,
    amount: Money,
    balance: Money | None,
    at: datetime,
    terms: LimitTerms,
    *,
    but: UUID | None = None,
) -> Reached | None:
    """The limit that leaves a deposit of ``amount`` the least room, where it is too little.

    ``but``: a deposit that is counted already and asked about again.
    """
    reached = []
    for limit in list_binding(player, at, terms):
        if limit.kind is LimitKind.BALANCE and balance is not None:
            used, oldest = balance.amount_minor, None
        elif limit.kind in PAYMENTS:
            used, oldest = sum_paid_in(player.id, limit, terms, at, but=but)
        else:
            continue
        if used + amount.amount_minor > limit.measure:
            reached.append(Reached(limit, used, _resets_at(limit, terms, at, oldest), amount.currency))
    return min(reached, key=lambda one: (one.room.amount_minor, one.limit.kind), default=None)


def sum_paid_in(
    player_id: UUID,
    limit: LimitDetails,
    terms: LimitTerms,
    at: datetime,
    *,
    but: UUID | None = None,
    until: datetime | None = None,
) -> tuple[int, datetime | None]:
    """Minor units of deposits that this limit counts, and when the oldest was asked for. Payouts lower a net one only.

    A deposit whose payment comes to nothing counts until that is known. Without ``until`` there is no upper end: what was
    counted ahead of a clock that was set back still counts.
    """
    window = window_at(limit.period, at, terms.zone, terms.four_weeks_from)
    rows = DepositUse.objects.filter(player_id=player_id, requested_at__gte=window.start)
    if until:
        rows = rows.filter(requested_at__lte=until)
    rows = rows.filter(Q(released_at=None) | Q(released_at__gt=at))
    if but:
        rows = rows.exclude(deposit_id=but)
    found = rows.aggregate(total=Sum("amount_minor"), oldest=Min("requested_at"))
    total: int = found["total"] or 0
    if limit.kind is LimitKind.NET_DEPOSIT or (terms.net and limit.kind is LimitKind.DEPOSIT):
        total -= sum_paid_out(player_id, window, at)
    return total, found["oldest"]


def sum_paid_out(player_id: UUID, window: Window, at: datetime) -> int:
    """Minor units that reached the player in the window and did not come back."""
    rows = PayoutUse.objects.filter(player_id=player_id, paid_at__gte=window.start, paid_at__lte=at)
    rows = rows.filter(Q(returned_at=None) | Q(returned_at__gt=at))
    total: int = rows.aggregate(total=Sum("amount_minor"))["total"] or 0
    return total


def list_changes(player_id: UUID, *, at: datetime | None = None, limit: int = 50) -> list[ChangeDetails]:
    """Raises that a player asked for, newest first; with ``at`` those that waited then."""
    rows = LimitChange.objects.filter(player_id=player_id)
    if at:
        rows = rows.filter(Q(decided_at=None) | Q(decided_at__gt=at), requested_at__lte=at)
    rows = rows.select_related("player").order_by("-id")
    return [change_details(row, row.player.currency) for row in rows[:limit]]


def get_change(change_id: UUID) -> ChangeDetails:
    """Raises: NotFound."""
    row = LimitChange.objects.filter(id=change_id).first()
    if row is None:
        raise NotFound(f"There is no change of a limit {change_id}.")
    return change_details(row, get_player(row.player_id).currency)


def find_open_change(player_id: UUID, kind: LimitKind, period: LimitPeriod) -> ChangeDetails | None:
    row = LimitChange.objects.filter(
        player_id=player_id, kind=kind.value, period=period.value, state__in=[state.value for state in OPEN_CHANGES]
    ).first()
    return change_details(row, get_player(player_id).currency) if row else None


def list_allowances(player_id: UUID, at: datetime) -> list[AllowanceDetails]:
    """What staff allowed beyond a pack's thresholds, as of ``at``; the newest of a kind and period is the last."""
    rows = LimitAllowance.objects.filter(
        Q(active_until=None) | Q(active_until__gt=at), player_id=player_id, active_from__lte=at
    )
    return [
        AllowanceDetails(
            row.id,
            row.player_id,
            LimitKind(row.kind),
            LimitPeriod(row.period),
            Money(row.amount_minor, row.player.currency),
            row.granted_by,
            row.reason,
            row.active_from,
            row.active_until,
        )
        for row in rows.select_related("player").order_by("active_from", "id")
    ]


def prompt_due(player: PlayerDetails, terms: LimitTerms, at: datetime) -> bool:
    """Whether the player still has to set a deposit limit, or say that they want none."""
    if not terms.prompt_at:
        return False
    has_limit = any(one.kind is LimitKind.DEPOSIT and one.set_by is SetBy.PLAYER for one in list_limits(player.id, at))
    return not has_limit and not LimitPrompt.objects.filter(player_id=player.id, answered_at__lte=at).exists()


def limit_details(row: Limit) -> LimitDetails:
    return _details(row, get_player(row.player_id).currency)


def change_details(row: LimitChange, currency: str) -> ChangeDetails:
    return ChangeDetails(
        id=row.id,
        player_id=row.player_id,
        kind=LimitKind(row.kind),
        period=LimitPeriod(row.period),
        amount=None if row.amount_minor is None else Money(row.amount_minor, currency),
        minutes=row.minutes,
        state=ChangeState(row.state),
        needs_confirmation=row.needs_confirmation,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        eligible_at=row.eligible_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        reason=row.reason,
    )


def _details(row: Limit, currency: str) -> LimitDetails:
    return LimitDetails(
        id=row.id,
        player_id=row.player_id,
        kind=LimitKind(row.kind),
        period=LimitPeriod(row.period),
        amount=None if row.amount_minor is None else Money(row.amount_minor, currency),
        minutes=row.minutes,
        set_by=SetBy(row.set_by),
        actor=row.actor,
        reason=row.reason,
        active_from=row.active_from,
        active_until=row.active_until,
    )


def _of_pack(
    player: PlayerDetails, terms: LimitTerms, kind: LimitKind, period: LimitPeriod, value: int, at: datetime
) -> LimitDetails:
    return LimitDetails(
        id=player.id,  # no row of its own
        player_id=player.id,
        kind=kind,
        period=period,
        amount=None if kind.is_time else Money(value, player.currency),
        minutes=value if kind.is_time else None,
        set_by=SetBy.PACK,
        actor="",
        reason=terms.pack,
        active_from=at,
        active_until=None,
    )


def _used(limit: LimitDetails, terms: LimitTerms, at: datetime) -> tuple[int | None, datetime | None]:
    if limit.kind in PAYMENTS:
        return sum_paid_in(limit.player_id, limit, terms, at, until=at)
    if limit.kind in PLAY and limit.period not in (LimitPeriod.NONE, LimitPeriod.SESSION):
        start = window_at(limit.period, at, terms.zone).start
        staked, lost, played_ms = fetch_one("SELECT * FROM compliance_played(%s, %s)", [limit.player_id, start])
        found = {LimitKind.LOSS: lost, LimitKind.SESSION_TIME: played_ms // 60_000}
        return found.get(limit.kind, staked), None
    if limit.kind is LimitKind.LOGIN_TIME:
        start = window_at(limit.period, at, terms.zone).start
        return int(get_time_logged_in(limit.player_id, start, at).total_seconds()) // 60, None
    return None, None


def _resets_at(limit: LimitDetails, terms: LimitTerms, at: datetime, oldest: datetime | None) -> datetime | None:
    if limit.period in ROLLING:
        return frees_at(limit.period, oldest) if oldest else None
    if limit.period in (LimitPeriod.NONE, LimitPeriod.SESSION):
        return None
    return window_at(limit.period, at, terms.zone, terms.four_weeks_from).end
