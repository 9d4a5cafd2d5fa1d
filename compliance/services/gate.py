"""The gate: may this player, or this person, do this now?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from compliance.gate_checks import CHECKS
from compliance.models_gate import GateDecision
from compliance.selectors_gate import GateContext
from compliance.selectors_packs import get_pack, get_pack_of
from compliance.services.kyc_triggers import ask_for_proof
from compliance.services.play_gate import ensure
from compliance.services.registers import with_register
from compliance.types_gate import (
    Decision,
    Facts,
    GateAction,
    Reason,
    ReasonCode,
    RegistrationFacts,
    Verdict,
    inputs_of,
)
from compliance.types_packs import EffectivePack, PackIncomplete
from kernel.actors import Actor
from kernel.context import request_id
from kernel.ids import uuid7
from players.selectors import get_player


def decide(*, action: GateAction, player_id: UUID | None, facts: Facts, actor: Actor, at: datetime) -> Decision:
    """Ask everything that has a say in an action, and keep what was denied or has to be looked at.

    A rule that the pack lacks means no. The denial is kept in the caller's transaction: commit that before raising.
    National registers are asked where the pack says so: then nothing may have been written in the caller's transaction.
    For a bet it explains what the posting function says, and takes nothing up. Raises: UnknownPlayer.
    """
    player = get_player(player_id) if player_id else None
    if isinstance(facts, RegistrationFacts):
        pack = get_pack(country=facts.country, region=facts.region, at=at)
    elif player:
        pack = get_pack_of(player.id, at)
    else:
        raise TypeError(f"Who wants {action}? Only registrations have no player yet.")
    facts = with_register(facts=facts, player_id=player_id, pack=pack, actor=actor, at=at)
    if action is GateAction.BET and player_id:
        ensure(player_ids=[player_id], at=at)
    context = GateContext(action, player, pack, facts, at)
    reasons: list[Reason] = []
    try:
        for check in CHECKS[action]:
            found = check(context)
            reasons += found if isinstance(found, Iterable) else [found] if found else []
    except PackIncomplete as missing:
        reasons.append(Reason(ReasonCode.PACK_INCOMPLETE, missing.detail, {"key": missing.key}))
    verdict = verdict_of(reasons)
    if player_id and action in _ASKS_FOR_PROOF and any(reason.code in _PROOF for reason in reasons):
        ask_for_proof(player_id=player_id, action=action, actor=actor, at=at)
    row = None if verdict is Verdict.ALLOW else row_of(action, player_id, facts, reasons, pack, actor, at)
    if row:
        row.save(force_insert=True)
    return Decision(verdict, tuple(reasons), pack.label, row.id if row else None)


def row_of(
    action: GateAction,
    player_id: UUID | None,
    facts: Facts,
    reasons: Sequence[Reason],
    pack: EffectivePack,
    actor: Actor,
    at: datetime,
) -> GateDecision:
    """A denial or a review as it is kept; not kept yet."""
    return GateDecision(
        id=uuid7(),
        action=action,
        player_id=player_id,
        verdict=verdict_of(reasons),
        reasons=[
            {"code": reason.code, "text": reason.text, "data": dict(reason.data), "verdict": reason.verdict}
            for reason in reasons
        ],
        inputs=inputs_of(facts),
        packs=pack.label,
        actor=str(actor),
        request_id=request_id.get(),
        decided_at=at,
    )


def verdict_of(reasons: Sequence[Reason]) -> Verdict:
    """One denial denies; anything else has to be looked at."""
    if any(reason.verdict is Verdict.DENY for reason in reasons):
        return Verdict.DENY
    return Verdict.REVIEW if reasons else Verdict.ALLOW


# Who is refused for want of proof finds a case to finish.
_ASKS_FOR_PROOF = frozenset({GateAction.DEPOSIT, GateAction.WITHDRAWAL})
_PROOF = frozenset({ReasonCode.VERIFICATION_REQUIRED, ReasonCode.AGE_NOT_VERIFIED})
