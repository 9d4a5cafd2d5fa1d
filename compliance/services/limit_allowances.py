"""More room than a threshold leaves: beyond a pack's cap, or out of a limit that staff or a regulator set.

One person asks, with what was found; another approves (compliance.approvals).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from compliance.models_limit_changes import LimitAllowance
from compliance.selectors_limits import get_terms
from compliance.services.approvals import request_approval
from compliance.services.limit_rows import find_own, put
from compliance.services.play_gate import refresh
from compliance.types import ApprovalDetails
from compliance.types_limits import LimitKind, LimitPeriod, SetBy, Wanted
from events.audit import record
from events.catalogue.compliance_limits import LimitAllowanceGranted
from events.services.log import publish
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.money import Money
from players.selectors import get_player

KIND = "compliance.limit_relief"


def request_relief(
    *,
    player_id: UUID,
    wanted: Wanted,
    of: SetBy,
    reason: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
    until: datetime | None = None,
) -> ApprovalDetails:
    """Ask for more room: ``of`` pack lifts the pack's cap to the wanted amount until ``until``; of staff or regulator
    raises or lifts what they set. Nothing changes before a second person approves.

    Publishes ApprovalRequested. Raises: UnknownPlayer, AccessDenied, FieldErrors, IdempotencyConflict.
    """
    player = get_player(player_id)
    _check(player_id, wanted, of, until, at)
    content: dict[str, Any] = {
        "of": of.value,
        "kind": wanted.kind.value,
        "period": wanted.period.value,
        "amount": str(wanted.amount) if wanted.amount else "",
        "currency": player.currency,
        "minutes": wanted.minutes or 0,
        "until": until.isoformat() if until else "",
    }
    name = f"{wanted.kind.value.replace('_', ' ')} {wanted.period.value}".strip()
    return request_approval(
        kind=KIND,
        player_id=player_id,
        subject=f"More room: {name} limit of {of.value}",
        content=content,
        before={name: _now(player_id, wanted, of, at)},
        after={name: wanted.text, "until": content["until"] or "further notice"},
        comment=reason,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


class LimitRelief:
    """Carries out what ``request_relief`` asked for."""

    kind, title = KIND, "More room in a limit"
    request_permission, decide_permission = "compliance.request_allowance", "compliance.approve_allowance"
    expires_after = timedelta(hours=72)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        wanted, of = _read(approval)
        name = f"{wanted.kind.value.replace('_', ' ')} {wanted.period.value}".strip()
        if of is SetBy.PACK:
            return [
                f"The player may have up to {wanted.text} ({name}), above what the pack caps.",
                "Limits that the player, staff or a regulator set stay as they are.",
            ]
        return [f"The {name} limit of {of.value} becomes {wanted.text}.", "The player's own limits stay as they are."]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        wanted, of = _read(approval)
        assert approval.player_id  # noqa: S101  (asked for with a player)
        until = approval.content["until"]
        ends_at = datetime.fromisoformat(until) if until else None
        _check(approval.player_id, wanted, of, ends_at, at)
        player = get_player(approval.player_id)
        if of is not SetBy.PACK:
            limit = put(player, wanted, of, approval.comment, actor, at)
            return str(limit.id) if limit else "lifted"
        return str(_allow(player.id, wanted, ends_at, approval.comment, actor, at))

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        return None


def _allow(player_id: UUID, wanted: Wanted, until: datetime | None, reason: str, actor: Actor, at: datetime) -> UUID:
    player = get_player(player_id)
    amount = wanted.amount or Money.zero(player.currency)
    same = LimitAllowance.objects.filter(player_id=player_id, kind=wanted.kind.value, period=wanted.period.value)
    same.filter(active_until=None).update(active_until=at)
    same.filter(active_until__gt=at).update(active_until=at)
    row = LimitAllowance.objects.create(
        player_id=player_id,
        kind=wanted.kind.value,
        period=wanted.period.value,
        amount_minor=amount.amount_minor,
        granted_by=str(actor),
        reason=reason,
        active_from=at,
        active_until=until,
    )
    publish(
        LimitAllowanceGranted(
            player_id=player_id,
            occurred_at=at,
            allowance_id=row.id,
            kind=row.kind,
            period=row.period,
            amount=amount.major,
            currency=player.currency,
            active_until=until,
        )
    )
    record(
        action="compliance.grant_limit_allowance",
        actor=actor,
        at=at,
        player_id=player_id,
        object_type="compliance.limitallowance",
        object_id=str(row.id),
        reason=reason,
        after={f"{row.kind} {row.period}".strip(): wanted.text, "until": str(until or "")},
    )
    refresh(player_id=player_id, at=at)
    return row.id


def _check(player_id: UUID, wanted: Wanted, of: SetBy, until: datetime | None, at: datetime) -> None:
    """Raises: FieldErrors."""
    player = get_player(player_id)
    terms = get_terms(player, at)
    key = (wanted.kind, wanted.period)
    errors: dict[str, list[str]] = {}
    if until and until <= at:
        errors["until"] = ["It would be over already."]
    if wanted.amount and wanted.amount.currency != player.currency:
        errors["currency"] = [f"This player's currency is {player.currency}."]
    if of is SetBy.PLAYER:
        errors["of"] = ["Only the player raises their own limits."]
    elif of is SetBy.PACK and key not in terms.caps:
        errors["kind"] = [f"{terms.pack} caps nothing of this kind and period."]
    elif of is SetBy.PACK and wanted.amount is None:
        errors["amount"] = ["Say up to which amount."]
    elif of is not SetBy.PACK and find_own(player_id, *key, of) is None:
        errors["kind"] = [f"No limit of {of.value} stands there."]
    highest = terms.caps_at_most.get(key)
    if not errors and wanted.amount and highest is not None and wanted.amount.amount_minor > highest:
        errors["amount"] = [f"{terms.pack} lets nobody go above {Money(highest, player.currency)} {player.currency}."]
    if errors:
        raise FieldErrors(errors)


def _now(player_id: UUID, wanted: Wanted, of: SetBy, at: datetime) -> str:
    player = get_player(player_id)
    if of is SetBy.PACK:
        cap = get_terms(player, at).caps[(wanted.kind, wanted.period)]
        return f"{Money(cap, player.currency)} {player.currency}"
    row = find_own(player_id, wanted.kind, wanted.period, of)
    if row is None:
        return "none"
    return f"{row.minutes} min" if row.amount_minor is None else f"{Money(row.amount_minor, player.currency)}"


def _read(approval: ApprovalDetails) -> tuple[Wanted, SetBy]:
    content = approval.content
    amount = Money.parse(content["amount"], content["currency"]) if content["amount"] else None
    wanted = Wanted(LimitKind(content["kind"]), LimitPeriod(content["period"]), amount, content["minutes"] or None)
    return wanted, SetBy(content["of"])
