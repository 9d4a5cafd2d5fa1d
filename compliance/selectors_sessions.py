"""Reads of play sessions: positions, summaries, choices, and what of them is compiled into the gate's row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from compliance import rules_sessions as rules
from compliance.models_gate import PlayGate
from compliance.models_sessions import Acknowledgement, ActivityRecord, PlaySetting
from compliance.rules_gate import CompileContext, Compiled
from compliance.selectors_gate import sum_played
from compliance.selectors_limits import list_login_times
from compliance.selectors_packs import get_pack
from compliance.types_gate import ReasonCode
from compliance.types_packs import EffectivePack
from compliance.types_sessions import (
    AcknowledgedKind,
    AcknowledgementDetails,
    GameRules,
    LoginSummary,
    PlayPosition,
    PlaySettingDetails,
    PlaySettingKind,
    StakeTier,
)
from kernel.fx import convert
from kernel.money import Money
from players.selectors import get_player
from players.selectors_identity import find_last_login, list_sessions
from players.types import PlayerDetails

FIRST_GAME = "first_game"


# --- what is compiled into the row that bets are judged by --------------------------------------------------------


def compile_games(context: CompileContext, row: Compiled) -> None:
    """Stake caps by age and choice, times of rounds, games that are offered, and one game at a time."""
    pack, player, at = context.pack, context.player, context.at
    row.games_offered = rules.games_offered(pack)
    row.min_cycle_ms.update(rules.min_cycles(pack))
    if not pack.flag("games.parallel_play", absent=True):
        row.parallel_play, row.switch_seconds = False, rules.SWITCH_SECONDS
    cap = slot_cap(player, pack, at)
    if cap is not None:
        row.stake_caps[rules.SLOTS] = cap.amount_minor
        row.until(rules.next_birthday_that_counts(pack, player.birth_date, at))


def compile_session(context: CompileContext, row: Compiled) -> None:
    """Reality checks and breaks; the summary after login and the activity file, which wait for the player."""
    pack, player, at = context.pack, context.player, context.at
    chosen = find_setting(player.id, PlaySettingKind.REALITY_CHECK, at)
    row.reality_check_minutes = rules.reality_check_minutes(pack, int(chosen) if chosen else None)
    row.break_minutes = pack.integer("session.break_minutes")
    acknowledged = find_acknowledged_at(player.id, AcknowledgedKind.LOGIN_SUMMARY)
    if rules.summary_due(pack, find_last_login(player.id), acknowledged, at):
        row.refuse(ReasonCode.LOGIN_SUMMARY_DUE)
    elif acknowledged and (hours := pack.integer("session.login_summary_repeat_hours")):
        row.until(acknowledged + timedelta(hours=hours))
    for time in list_login_times(player.id, at):
        if not time.left:
            row.refuse(ReasonCode.LOGIN_TIME_REACHED)
            row.until(time.resets_at)
        elif list_sessions(player.id, open_at=at, limit=1):
            row.until(min(at + time.left, time.resets_at))
    if asks_activity_file(pack) and find_open_activity(player.id) is None:
        row.refuse(ReasonCode.ACTIVITY_CHECK_DUE)


def slot_cap(player: PlayerDetails, pack: EffectivePack, at: datetime) -> Money | None:
    """The highest stake on one spin in the player's own currency. Raises: RateMissing."""
    if not pack.amounts("games.slot_stake_cap"):
        return None
    tier = StakeTier(find_setting(player.id, PlaySettingKind.STAKE_TIER, at) or StakeTier.STANDARD)
    age = rules.age_at(player.birth_date, at, pack.timezone) if player.birth_date else None
    cap = rules.slot_cap(pack, age, tier)
    return convert(cap, player.currency, at) if cap else None


def asks_activity_file(pack: EffectivePack) -> bool:
    return bool(pack.text("registers.activity_file_name")) and FIRST_GAME in pack.texts(
        "registers.activity_file_check_on"
    )


# --- where a player stands ----------------------------------------------------------------------------------------


def get_position(player_id: UUID, at: datetime) -> PlayPosition:
    """The session of play that goes on now, or an empty one. Raises: UnknownPlayer."""
    row = PlayGate.objects.select_related("player").filter(player_id=player_id).first()
    currency = row.player.currency if row else get_player(player_id).currency
    playing = (
        row is not None
        and row.session_started_at is not None
        and row.last_bet_at is not None
        and at - row.last_bet_at < timedelta(minutes=row.session_gap_minutes)
    )
    if row is None or not playing:
        return PlayPosition(
            started_at=None,
            last_bet_at=row.last_bet_at if row else None,
            elapsed_seconds=0,
            bets=0,
            staked=Money.zero(currency),
            won=Money.zero(currency),
            reality_check_minutes=row.reality_check_minutes if row else None,
            reality_check_due_at=None,
            reality_check_due=False,
            break_until=row.break_until if row and row.break_until and row.break_until > at else None,
            session_limit_minutes=row.session_limit_minutes if row else None,
        )
    return PlayPosition(
        started_at=row.session_started_at,
        last_bet_at=row.last_bet_at,
        elapsed_seconds=int((at - row.session_started_at).total_seconds()),  # type: ignore[operator]
        bets=row.session_bets,
        staked=Money(row.session_staked_minor, currency),
        won=Money(row.session_won_minor, currency),
        reality_check_minutes=row.reality_check_minutes,
        reality_check_due_at=row.reality_due_at,
        reality_check_due=row.reality_due_at is not None and at >= row.reality_due_at,
        break_until=row.break_until if row.break_until and row.break_until > at else None,
        session_limit_minutes=row.session_limit_minutes,
    )


def find_login_summary(player_id: UUID, at: datetime) -> LoginSummary | None:
    """What the jurisdiction shows at login; None where it asks for nothing. Raises: UnknownPlayer."""
    player = get_player(player_id)
    pack = get_pack(country=player.country, region=player.region, at=at)
    days = pack.integer("session.login_summary_days")
    if not days:
        return None
    since = at - timedelta(days=days)
    staked, lost, _ = sum_played(player_id, since)
    acknowledged = find_acknowledged_at(player_id, AcknowledgedKind.LOGIN_SUMMARY)
    return LoginSummary(
        days=days,
        since=since,
        staked=Money(staked, player.currency),
        won=Money(staked - lost, player.currency),
        lost=Money(lost, player.currency),
        due=rules.summary_due(pack, find_last_login(player_id), acknowledged, at),
        acknowledged_at=acknowledged,
    )


def get_game_rules(player_id: UUID, at: datetime) -> GameRules:
    """What games must keep to for this player now. Raises: UnknownPlayer, RateMissing."""
    player = get_player(player_id)
    pack = get_pack(country=player.country, region=player.region, at=at)
    cap, chosen = slot_cap(player, pack, at), find_setting(player_id, PlaySettingKind.REALITY_CHECK, at)
    offered = rules.games_offered(pack)
    return GameRules(
        stake_caps={rules.SLOTS: cap} if cap else {},
        min_cycle_ms=rules.min_cycles(pack),
        games_offered=None if offered is None else tuple(offered),
        autoplay=pack.flag("games.autoplay", absent=True),
        parallel_play=pack.flag("games.parallel_play", absent=True),
        per_player_rtp=pack.flag("fairness.per_player_rtp"),
        reality_check_minutes=rules.reality_check_minutes(pack, int(chosen) if chosen else None),
        break_minutes=pack.integer("session.break_minutes"),
        packs=pack.label,
    )


# --- choices and acknowledgements ---------------------------------------------------------------------------------


def find_setting(player_id: UUID, kind: PlaySettingKind, at: datetime) -> str | None:
    """What the player had chosen at a moment; None: nothing."""
    standing = PlaySetting.objects.filter(
        Q(active_until=None) | Q(active_until__gt=at), player_id=player_id, kind=kind, active_from__lte=at
    )
    return standing.order_by("-active_from", "-id").values_list("value", flat=True).first()


def find_setting_since(player_id: UUID, kind: PlaySettingKind, value: str) -> datetime | None:
    """Since when this choice stands now."""
    rows = PlaySetting.objects.filter(player_id=player_id, kind=kind, value=value, active_until=None)
    return rows.values_list("active_from", flat=True).first()


def list_settings(player_id: UUID, limit: int = 50) -> list[PlaySettingDetails]:
    """Newest first."""
    rows = PlaySetting.objects.filter(player_id=player_id).order_by("-active_from", "-id")[:limit]
    return [
        PlaySettingDetails(PlaySettingKind(row.kind), row.value, row.set_by, row.active_from, row.active_until)
        for row in rows
    ]


def find_acknowledged_at(player_id: UUID, kind: AcknowledgedKind) -> datetime | None:
    rows = Acknowledgement.objects.filter(player_id=player_id, kind=kind).order_by("-id")
    return rows.values_list("acknowledged_at", flat=True).first()


def list_acknowledgements(player_id: UUID, limit: int = 50) -> list[AcknowledgementDetails]:
    """Newest first."""
    rows: Iterable[Acknowledgement] = Acknowledgement.objects.filter(player_id=player_id).order_by("-id")[:limit]
    return [
        AcknowledgementDetails(row.id, AcknowledgedKind(row.kind), row.shown, row.choice, row.acknowledged_at)
        for row in rows
    ]


# --- the activity file --------------------------------------------------------------------------------------------


def find_open_activity(player_id: UUID) -> UUID | None:
    return ActivityRecord.objects.filter(player_id=player_id, ended_at=None).values_list("id", flat=True).first()


def list_idle_activities(*, idle: timedelta, at: datetime, limit: int = 500) -> list[UUID]:
    """Players who were told to the activity file and neither began lately nor placed a bet since."""
    rows = ActivityRecord.objects.filter(ended_at=None, opened_at__lte=at - idle).order_by("opened_at")
    playing = PlayGate.objects.filter(player_id__in=rows.values("player_id"), last_bet_at__gt=at - idle)
    return list(rows.exclude(player_id__in=playing.values("player_id")).values_list("player_id", flat=True)[:limit])
