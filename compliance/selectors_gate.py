"""Reads of the gate: decisions, a player's row, what they played in a window."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from compliance.models_gate import GateDecision, PlayGate
from compliance.models_limits import Limit
from compliance.rules_gate import Bet, CompileContext, Compiled, GateState, LimitUse, bet_reasons
from compliance.rules_incentives import Recipient, bonus_reasons, message_reasons, offer_reasons
from compliance.rules_kyc import age_on
from compliance.rules_payments import means_reason
from compliance.selectors_packs import get_pack
from compliance.types_gate import (
    BetFacts,
    BonusFacts,
    DecisionDetails,
    DepositFacts,
    Facts,
    GateAction,
    MessageFacts,
    Reason,
    ReasonCode,
    Verdict,
    reason_text,
)
from compliance.types_limits import LimitKind, LimitPeriod
from compliance.types_packs import EffectivePack, PackIncomplete
from kernel.db import fetch_all, fetch_one
from players.selectors import find_refusal, list_labels
from players.selectors_identity import list_consents
from players.types import PlayerAction, PlayerDetails

# Written down to players by whoever watches for signs of harm.
HARM = ("harm", "marker", "strong")

PLAY_LIMITS = (LimitKind.STAKE, LimitKind.WAGERING, LimitKind.LOSS, LimitKind.SESSION_TIME)


_ACTIONS = {
    GateAction.LOGIN: PlayerAction.LOGIN,
    GateAction.DEPOSIT: PlayerAction.DEPOSIT,
    GateAction.BET: PlayerAction.PLAY,
    GateAction.WITHDRAWAL: PlayerAction.WITHDRAW,
    GateAction.BONUS: PlayerAction.BONUS,
    GateAction.MESSAGE: PlayerAction.MARKETING,
}


@dataclass(frozen=True, slots=True)
class GateContext:
    """What a check may look at. ``player`` is None at a registration."""

    action: GateAction
    player: PlayerDetails | None
    pack: EffectivePack
    facts: Facts
    at: datetime

    @property
    def known(self) -> PlayerDetails:
        """The player of every action but a registration."""
        if self.player is None:
            raise LookupError("Nobody is registered yet.")
        return self.player


def check_standing(context: GateContext) -> Reason | None:
    """Account status and restrictions, exclusions among them."""
    if isinstance(context.facts, MessageFacts) and not context.facts.marketing:
        return None
    refusal = find_refusal(context.known.id, _ACTIONS[context.action], context.at)
    return Reason(refusal, reason_text(refusal)) if refusal else None


def check_bet(context: GateContext) -> list[Reason]:
    """What the posting function would say to this bet, and everything else that stands against it."""
    facts = context.facts
    state = find_state(context.known, context.at)
    if state is None or not isinstance(facts, BetFacts):
        return []
    limits = list_limit_uses(context.known.id, state.compiled.time_zone, context.at)
    bet = Bet(facts.game, facts.category, facts.stake.amount_minor, facts.real.amount_minor)
    return bet_reasons(state, limits, bet, context.at)


def check_means(context: GateContext) -> Reason | None:
    """What the pack says of whose money, and in whose name."""
    return means_reason(context.pack, context.facts) if isinstance(context.facts, DepositFacts) else None


def check_bonus(context: GateContext) -> list[Reason]:
    """What the pack says of incentives."""
    if not isinstance(context.facts, BonusFacts):
        return []
    return list(bonus_reasons(context.pack, context.facts, _recipient(context)))


def list_objections(*, residence: str, offer: BonusFacts, at: datetime) -> list[Reason]:
    """What stands against an offer to anybody who lives there ("GB", "CA-ON"), before it is made to anyone."""
    country, _, region = residence.partition("-")
    try:
        return list(offer_reasons(get_pack(country=country, region=region, at=at), offer))
    except PackIncomplete as missing:
        return [Reason(ReasonCode.PACK_INCOMPLETE, missing.detail, {"key": missing.key})]


def check_message(context: GateContext) -> list[Reason]:
    """Consent, and what the pack says of marketing."""
    if not isinstance(context.facts, MessageFacts):
        return []
    return list(message_reasons(context.pack, context.facts, _recipient(context), context.at))


def _recipient(context: GateContext) -> Recipient:
    player = context.known
    return Recipient(
        age=age_on(player.birth_date, context.at.date()) if player.birth_date else None,
        harmed=HARM in ((label.namespace, label.key, label.value) for label in list_labels(player.id)),
        consents=list_consents(player.id, at=context.at),
        last_played_at=find_last_played(player.id),
    )


def find_last_played(player_id: UUID) -> datetime | None:
    """When the player last placed a bet."""
    return PlayGate.objects.filter(player_id=player_id).values_list("last_bet_at", flat=True).first()


def compile_limits(context: CompileContext, row: Compiled) -> None:
    """Whether any limit on play stands, now or later (the posting function asks which); a session's time is compiled."""
    standing = Limit.objects.filter(
        Q(active_until=None) | Q(active_until__gt=context.at), player_id=context.player.id, kind__in=PLAY_LIMITS
    )
    row.has_limits = standing.exists()
    for limit in standing.filter(kind=LimitKind.SESSION_TIME, period=LimitPeriod.SESSION):
        if limit.active_from > context.at:
            row.until(limit.active_from)
            continue
        row.until(limit.active_until)
        if limit.minutes is not None:
            row.session_limit_minutes = min(limit.minutes, row.session_limit_minutes or limit.minutes)


def find_state(player: PlayerDetails, at: datetime) -> GateState | None:
    """The player's row of the gate as it is; None where there is none that is good at this moment."""
    row = PlayGate.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=at), player_id=player.id, valid_from__lte=at
    ).first()
    if row is None:
        return None
    return GateState(
        compiled=Compiled(**{item.name: getattr(row, item.name) for item in fields(Compiled)}),
        currency=player.currency,
        session_started_at=row.session_started_at,
        last_bet_at=row.last_bet_at,
        last_game=row.last_game,
        reality_due_at=row.reality_due_at,
        break_until=row.break_until,
    )


def list_limit_uses(player_id: UUID, zone: str, at: datetime) -> list[LimitUse]:
    """Limits on play in force, with what has been used of each: as the posting function counts."""
    rows = fetch_all(
        "SELECT l.kind, l.period, l.amount_minor, l.minutes, used.*, "
        "compliance_window_end(l.period, %(zone)s, %(at)s) AS resets_at "
        "FROM compliance_limit l LEFT JOIN LATERAL compliance_played(l.player_id, "
        "compliance_window_start(l.period, %(zone)s, %(at)s)) used ON l.period NOT IN ('', 'session') "
        "WHERE l.player_id = %(player)s AND l.kind = ANY (%(kinds)s) AND l.active_from <= %(at)s "
        "AND (l.active_until IS NULL OR l.active_until > %(at)s) ORDER BY l.kind, l.period, l.amount_minor",
        {"player": player_id, "zone": zone, "at": at, "kinds": list(PLAY_LIMITS)},
    )
    return [
        LimitUse(
            kind=LimitKind(row["kind"]),
            period=LimitPeriod(row["period"]),
            amount_minor=row["amount_minor"],
            minutes=row["minutes"],
            staked_minor=row["staked"] or 0,
            lost_minor=row["lost"] or 0,
            played_ms=row["played_ms"] or 0,
            resets_at=row["resets_at"],
        )
        for row in rows
    ]


def sum_played(player_id: UUID, since: datetime) -> tuple[int, int, int]:
    """Staked and lost real money (minor units) and milliseconds played since a moment, its hour counted whole."""
    staked, lost, played = fetch_one(
        "SELECT staked, lost, played_ms FROM compliance_played(%s, %s)", [player_id, since]
    )
    return staked, lost, played


def list_decisions(
    *,
    player_id: UUID | None = None,
    action: GateAction | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[DecisionDetails]:
    """Stored denials and reviews, newest first, after the last one seen."""
    rows = GateDecision.objects.all()
    if player_id:
        rows = rows.filter(player_id=player_id)
    if action:
        rows = rows.filter(action=action)
    if after:
        rows = rows.filter(id__lt=after)
    return [read_decision(row) for row in rows.order_by("-id")[:limit]]


def find_denial(player_id: UUID, code: str) -> Reason | None:
    """The newest denial of the player's for this reason: what the posting function had to say besides its code."""
    newest = GateDecision.objects.filter(player_id=player_id, reasons__0__code=code).order_by("-id").first()
    return read_decision(newest).reasons[0] if newest else None


def read_decision(row: GateDecision) -> DecisionDetails:
    """A stored decision. Bets' reasons are stored without their texts."""
    return DecisionDetails(
        id=row.id,
        action=GateAction(row.action),
        player_id=row.player_id,
        verdict=Verdict(row.verdict),
        reasons=tuple(
            Reason(
                part["code"],
                part.get("text") or reason_text(part["code"]),
                part.get("data") or {},
                Verdict(part.get("verdict", Verdict.DENY)),
            )
            for part in row.reasons
        ),
        inputs=row.inputs,
        packs=row.packs,
        actor=row.actor,
        decided_at=row.decided_at,
    )
