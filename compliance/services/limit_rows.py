"""The rows of limits: checked, put in each other's place, told. Shared by whoever sets, raises and relieves limits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.models_limits import Limit
from compliance.rules_limit_terms import LimitTerms
from compliance.selectors_limits import caps_of, get_terms, limit_details, offered_periods
from compliance.services.cases import open_case
from compliance.services.play_gate import refresh
from compliance.types_cases import CaseKind
from compliance.types_limits import LimitDetails, LimitKind, LimitPeriod, SetBy, Wanted
from events.audit import record
from events.catalogue.compliance_limits import LimitChanged
from events.services.log import publish
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.money import Money
from players.types import PlayerDetails

MAX_MINUTES = 31 * 24 * 60


def put(
    player: PlayerDetails, wanted: Wanted, set_by: SetBy, reason: str, actor: Actor, at: datetime
) -> LimitDetails | None:
    """Put a limit in the place of the one in force, or lift that; None when there is none now. The caller holds the
    player and has checked everything. Publishes LimitChanged."""
    own = find_own(player.id, wanted.kind, wanted.period, set_by)
    if own and (own.amount_minor, own.minutes) == (_minor(wanted), wanted.minutes):
        return limit_details(own)
    before = "none"
    if own:
        before = limit_details(own).text
        own.active_until = max(at, own.active_from)
        own.save(update_fields=["active_until"])
    row = own
    if wanted.measure is not None:
        row = Limit.objects.create(
            player_id=player.id,
            kind=wanted.kind.value,
            period=wanted.period.value,
            amount_minor=_minor(wanted),
            minutes=wanted.minutes,
            set_by=set_by.value,
            actor=str(actor),
            reason=reason,
            active_from=own.active_until if own and own.active_until else at,
        )
    if row is None:
        return None
    publish(
        LimitChanged(
            player_id=player.id,
            occurred_at=at,
            limit_id=row.id,
            kind=row.kind,
            period=row.period,
            amount=wanted.amount.major if wanted.amount else None,
            currency=player.currency,
            minutes=wanted.minutes,
            set_by=row.set_by,
            lifted=wanted.measure is None,
        )
    )
    record(
        action="compliance.set_limit",
        actor=actor,
        at=at,
        player_id=player.id,
        object_type="compliance.limit",
        object_id=str(row.id),
        reason=reason,
        before={f"{wanted.kind} {wanted.period}".strip(): before},
        after={f"{wanted.kind} {wanted.period}".strip(): wanted.text, "set by": set_by.value},
    )
    if set_by is SetBy.PLAYER:
        _tell_about_high(player, wanted, actor, at)
    refresh(player_id=player.id, at=at)
    return None if wanted.measure is None else limit_details(row)


def check_wanted(player: PlayerDetails, wanted: Wanted, terms: LimitTerms, set_by: SetBy, at: datetime) -> None:
    """Raises: FieldErrors."""
    errors: dict[str, list[str]] = {}
    offered = offered_periods(wanted.kind, terms)
    if wanted.kind is LimitKind.NET_DEPOSIT and set_by is SetBy.PLAYER:
        errors["kind"] = ["Set a limit on deposits."]
    if wanted.period not in offered and wanted.measure is not None:
        errors["period"] = [f"For this kind use one of: {', '.join(offered) or 'none'}."]
    if wanted.kind.is_time and wanted.amount:
        errors["amount"] = ["This kind is limited in minutes."]
    if not wanted.kind.is_time and wanted.minutes is not None:
        errors["minutes"] = ["This kind is limited to an amount."]
    if wanted.minutes is not None and not 0 < wanted.minutes <= MAX_MINUTES:
        errors["minutes"] = [f"Use 1 to {MAX_MINUTES}."]
    if wanted.amount and wanted.amount.currency != player.currency:
        errors["currency"] = [f"This player's currency is {player.currency}."]
    elif wanted.amount and wanted.amount.amount_minor < 0:
        errors["amount"] = ["Use 0 or more."]
    elif wanted.amount:
        highest = caps_of(player, terms, at).get((wanted.kind, wanted.period), wanted.amount.amount_minor)
        if wanted.amount.amount_minor > highest:
            most = Money(highest, player.currency)
            errors["amount"] = [f"The law allows at most {most} {player.currency}. Ask us what a higher limit needs."]
    if errors:
        raise FieldErrors(errors)


def find_own(player_id: UUID, kind: LimitKind, period: LimitPeriod, set_by: SetBy) -> Limit | None:
    """The row in force of whoever set it."""
    return Limit.objects.filter(
        player_id=player_id, kind=kind.value, period=period.value, set_by=set_by.value, active_until=None
    ).first()


def measure_of(row: Limit | None) -> int | None:
    """Minor units or minutes; None without a limit."""
    return None if row is None else row.minutes if row.amount_minor is None else row.amount_minor


def _tell_about_high(player: PlayerDetails, wanted: Wanted, actor: Actor, at: datetime) -> None:
    """Open a case where the pack asks that somebody talks to a player with such a limit."""
    threshold = get_terms(player, at).contact_after.get((wanted.kind, wanted.period))
    if threshold is None or wanted.measure is None or wanted.measure <= threshold:
        return
    open_case(
        kind=CaseKind.LIMIT_CONTACT,
        player_id=player.id,
        facts={"kind": wanted.kind.value, "period": wanted.period.value, "limit": wanted.text},
        key=f"{player.id}:{wanted.kind}:{wanted.period}:{at:%Y-%m-%dT%H:%M:%S}",
        actor=actor,
        at=at,
    )


def _minor(wanted: Wanted) -> int | None:
    return wanted.amount.amount_minor if wanted.amount else None
