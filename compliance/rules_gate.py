"""What the gate says to a bet, in the order of sql/gate.sql: one table of cases tests both. And what a row is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from compliance.types_gate import Reason, ReasonCode, reason_text
from compliance.types_limits import LimitKind, LimitPeriod
from compliance.types_packs import EffectivePack
from kernel.money import Money
from players.types import PlayerDetails

PLAIN_GAP_MINUTES = 30


@dataclass(frozen=True, slots=True)
class CompileContext:
    """For whom and when a row of the gate is compiled."""

    player: PlayerDetails
    pack: EffectivePack
    at: datetime


@dataclass(slots=True)
class Compiled:
    """What a row of the gate says. Each part of compliance tightens what the ones before it left."""

    packs: str
    time_zone: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    refusal: str = ""
    stake_caps: dict[str, int] = field(default_factory=dict)
    min_cycle_ms: dict[str, int] = field(default_factory=dict)
    games_offered: list[str] | None = None
    has_limits: bool = False
    parallel_play: bool = True
    switch_seconds: int = 0
    reality_check_minutes: int | None = None
    break_minutes: int | None = None
    session_limit_minutes: int | None = None
    session_gap_minutes: int = PLAIN_GAP_MINUTES

    @property
    def plain(self) -> bool:
        """Nothing to check at a bet."""
        return not (
            self.refusal
            or self.stake_caps
            or self.min_cycle_ms
            or self.games_offered is not None
            or self.has_limits
            or not self.parallel_play
            or self.reality_check_minutes
            or self.session_limit_minutes
        )

    def refuse(self, code: str) -> None:
        """Let no bet through. The first reason stands."""
        self.refusal = self.refusal or code

    def until(self, moment: datetime | None) -> None:
        """Something changes then (a birthday, a limit's end, a new version): compile again from that moment on."""
        if moment is not None:
            self.valid_until = min(moment, self.valid_until or moment)


@dataclass(frozen=True, slots=True)
class GateState:
    """A row of the gate as the rules see it."""

    compiled: Compiled
    currency: str
    session_started_at: datetime | None = None
    last_bet_at: datetime | None = None
    last_game: str = ""
    reality_due_at: datetime | None = None
    break_until: datetime | None = None

    def resumed(self, at: datetime) -> bool:
        """Whether a bet now belongs to the session of the last one."""
        gap = timedelta(minutes=self.compiled.session_gap_minutes)
        return self.last_bet_at is not None and at - self.last_bet_at < gap


@dataclass(frozen=True, slots=True)
class LimitUse:
    """A limit in force, and what of it has been used in its window."""

    kind: LimitKind
    period: LimitPeriod
    amount_minor: int | None
    minutes: int | None
    staked_minor: int = 0
    lost_minor: int = 0
    played_ms: int = 0
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bet:
    """In minor units. ``game`` is '' where no game is played, as when a tournament is bought into."""

    game: str
    category: str
    stake_minor: int
    real_minor: int


def bet_reasons(state: GateState, limits: Sequence[LimitUse], bet: Bet, at: datetime) -> list[Reason]:
    """Everything that stands against a bet; the first is what the posting function says."""
    found = [*_waiting(state, bet, at), *_this_bet(state, bet, at)]
    if state.compiled.has_limits:
        found += [_limit_reason(use, state.currency) for use in limits if _passes(use, bet)]
    return found


def _waiting(state: GateState, bet: Bet, at: datetime) -> list[Reason]:
    """What stands whatever is staked, until the player or the clock ends it."""
    row, reasons = state.compiled, []
    if row.refusal:
        reasons.append(_no(row.refusal))
    if bet.game and row.games_offered is not None and bet.category not in row.games_offered:
        reasons.append(_no(ReasonCode.GAME_TYPE_NOT_OFFERED))
    if state.break_until and at < state.break_until:
        reasons.append(_no(ReasonCode.BREAK_DUE, until=state.break_until.isoformat()))
    if state.resumed(at) and state.session_started_at and state.last_bet_at:
        if state.reality_due_at and at >= state.reality_due_at:
            reasons.append(_no(ReasonCode.REALITY_CHECK_DUE))
        limit = row.session_limit_minutes
        if limit is not None and at >= state.session_started_at + timedelta(minutes=limit):
            resets_at = state.last_bet_at + timedelta(minutes=row.session_gap_minutes)
            reasons.append(_no(ReasonCode.SESSION_LIMIT_REACHED, resets_at=resets_at.isoformat()))
    return reasons


def _this_bet(state: GateState, bet: Bet, at: datetime) -> list[Reason]:
    row, reasons = state.compiled, []
    since = at - state.last_bet_at if state.last_bet_at else None
    other_game = bet.game and state.last_game not in ("", bet.game)
    if not row.parallel_play and other_game and since is not None and since < timedelta(seconds=row.switch_seconds):
        reasons.append(_no(ReasonCode.PARALLEL_PLAY, game=state.last_game))
    cap = _of_category(row.stake_caps, bet)
    if cap is not None and bet.stake_minor > cap:
        cap_money = Money(cap, state.currency)
        reasons.append(_no(ReasonCode.STAKE_ABOVE_CAP, cap=str(cap_money.major), currency=cap_money.currency))
    cycle = _of_category(row.min_cycle_ms, bet) if bet.game else None
    if cycle is not None and since is not None and abs(since) < timedelta(milliseconds=cycle):
        reasons.append(_no(ReasonCode.TOO_FAST, min_cycle_ms=cycle))
    return reasons


def _of_category(values: Mapping[str, int], bet: Bet) -> int | None:
    return values.get(bet.category, values.get("*") if bet.game else None)


def _passes(use: LimitUse, bet: Bet) -> bool:
    """Whether a limit would be passed by this bet. Bonus money uses up no limit."""
    if use.kind is LimitKind.STAKE and use.period is LimitPeriod.NONE:
        return bet.stake_minor > (use.amount_minor or 0)
    if use.kind in (LimitKind.STAKE, LimitKind.WAGERING):
        return bet.real_minor > 0 and use.staked_minor + bet.real_minor > (use.amount_minor or 0)
    if use.kind is LimitKind.LOSS:
        return bet.real_minor > 0 and use.lost_minor + bet.real_minor > (use.amount_minor or 0)
    if use.kind is LimitKind.SESSION_TIME and use.period is not LimitPeriod.SESSION:
        return use.played_ms >= (use.minutes or 0) * 60_000
    return False


def _limit_reason(use: LimitUse, currency: str) -> Reason:
    data: dict[str, object] = {"kind": use.kind, "period": use.period}
    if use.amount_minor is not None:
        data |= {"limit": str(Money(use.amount_minor, currency).major), "currency": currency}
    else:
        data["minutes"] = use.minutes
    if use.resets_at:
        data["resets_at"] = use.resets_at.isoformat()
    return _no(ReasonCode.LIMIT_REACHED, **data)


def _no(code: str, **data: object) -> Reason:
    return Reason(code, reason_text(code), data)
