"""The gate for many bonuses at once: the same answers as ``gate.decide``, from a handful of queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from compliance.models_gate import GateDecision
from compliance.rules_incentives import Recipient, bonus_reasons
from compliance.rules_kyc import age_on
from compliance.selectors_gate import HARM
from compliance.selectors_kyc_gate import list_bonus_reasons
from compliance.selectors_packs import get_book
from compliance.services.gate import row_of, verdict_of
from compliance.types_gate import BonusFacts, Decision, GateAction, Reason, ReasonCode, Verdict, reason_text
from compliance.types_packs import EffectivePack, PackIncomplete
from kernel.actors import Actor
from players.selectors import list_by_id, list_labels_of, list_refusals
from players.types import PlayerAction, PlayerDetails

_HARM_LABEL, _HARM_VALUE = f"{HARM[0]}.{HARM[1]}", HARM[2]


def decide_bonuses(*, facts: Mapping[UUID, BonusFacts], actor: Actor, at: datetime) -> dict[UUID, Decision]:
    """Decide on a bonus for each of these players; who is not known is left out.

    Denials are kept in the caller's transaction, as ``decide`` keeps them.
    """
    players = list_by_id(facts)
    book = get_book()
    packs = {id_: book.get(player.country, player.region, at) for id_, player in players.items()}
    refusals = list_refusals(players, PlayerAction.BONUS, at)
    unproved = list_bonus_reasons(players, packs, at)
    labels = list_labels_of(players)
    decisions: dict[UUID, Decision] = {}
    denied: list[GateDecision] = []
    for player_id, player in players.items():
        reasons: list[Reason] = []
        if refusal := refusals.get(player_id):
            reasons.append(Reason(refusal, reason_text(refusal)))
        harmed = labels.get(player_id, {}).get(_HARM_LABEL) == _HARM_VALUE
        try:
            match unproved.get(player_id):
                case PackIncomplete() as incomplete:
                    raise incomplete
                case Reason() as reason:
                    reasons.append(reason)
            reasons += list(bonus_reasons(packs[player_id], facts[player_id], _recipient(player, harmed, at)))
        except PackIncomplete as missing:
            reasons.append(Reason(ReasonCode.PACK_INCOMPLETE, missing.detail, {"key": missing.key}))
        decisions[player_id] = _decision(player_id, facts[player_id], reasons, packs[player_id], actor, at, denied)
    GateDecision.objects.bulk_create(denied)
    return decisions


def _recipient(player: PlayerDetails, harmed: bool, at: datetime) -> Recipient:
    """What the rules of bonuses look at; consents and the last bet matter for messages only."""
    age = age_on(player.birth_date, at.date()) if player.birth_date else None
    return Recipient(age=age, harmed=harmed, consents=(), last_played_at=None)


def _decision(
    player_id: UUID,
    facts: BonusFacts,
    reasons: list[Reason],
    pack: EffectivePack,
    actor: Actor,
    at: datetime,
    denied: list[GateDecision],
) -> Decision:
    verdict = verdict_of(reasons)
    if verdict is Verdict.ALLOW:
        return Decision(verdict, (), pack.label, None)
    row = row_of(GateAction.BONUS, player_id, facts, reasons, pack, actor, at)
    denied.append(row)
    return Decision(verdict, tuple(reasons), pack.label, row.id)
