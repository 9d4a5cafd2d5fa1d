"""Sessions of play: reality checks and login summaries acknowledged, choices of one's own, the activity file told.

What stops a bet is compiled into the gate's row (services.play_gate); the running session is counted there as well.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from compliance import rules_sessions as rules
from compliance.models_gate import PlayGate
from compliance.models_sessions import Acknowledgement, ActivityRecord, PlaySetting
from compliance.ports_limits import RegisterUnavailable, get_activity_file
from compliance.selectors_limits import list_limited_in_login_time, list_login_times
from compliance.selectors_packs import get_pack_of
from compliance.selectors_sessions import (
    asks_activity_file,
    find_login_summary,
    find_open_activity,
    find_setting_since,
    get_position,
    list_idle_activities,
)
from compliance.services.limit_file import person_of
from compliance.services.play_gate import refresh
from compliance.types_sessions import (
    AcknowledgedKind,
    Choice,
    LoginSummary,
    PlayPosition,
    PlaySettingKind,
    StakeTier,
)
from events.audit import record
from events.catalogue.compliance_sessions import (
    LoginSummaryAcknowledged,
    PlaySettingChanged,
    RealityCheckAcknowledged,
)
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from players.selectors import get_player
from players.selectors_identity import list_logged_in, list_sessions
from players.services.sessions import end_all
from players.types import RiskLevel
from players.types_identity import EndReason

IDLE = timedelta(minutes=30)
LEAST_IDLE = timedelta(minutes=1)  # no pack says less: nothing is looked up before


class NothingToAcknowledge(DomainError):
    """There is no reality check, or no summary, that waits for the player."""

    code = "nothing_to_acknowledge"
    title = "Nothing waits to be acknowledged"
    status = 409


class PlayRefused(DomainError):
    """The activity file says no, or does not answer: the player cannot begin to play now."""

    code = "play_refused"
    title = "The player cannot begin to play now"
    status = 403


def acknowledge_reality_check(*, player_id: UUID, choice: Choice, actor: Actor, at: datetime) -> PlayPosition:
    """The player has seen where they stand. Play goes on, after the break where the pack asks for one.

    Publishes RealityCheckAcknowledged. Raises: UnknownPlayer, NothingToAcknowledge.
    """
    with holding(player_id):
        position = get_position(player_id, at)
        if not position.reality_check_due:
            raise NothingToAcknowledge("No reality check is due.", due_at=_text(position.reality_check_due_at))
        pause = get_pack_of(player_id, at).integer("session.break_minutes")
        PlayGate.objects.filter(player_id=player_id).update(
            reality_due_at=at + timedelta(minutes=position.reality_check_minutes or 0)
            if position.reality_check_minutes
            else None,
            break_until=at + timedelta(minutes=pause) if pause else None,
        )
        shown = {
            "elapsed_seconds": str(position.elapsed_seconds),
            "staked": str(position.staked),
            "won": str(position.won),
            "net": str(position.net),
            "currency": position.net.currency,
        }
        _acknowledge(player_id, AcknowledgedKind.REALITY_CHECK, shown, choice, actor, at)
        publish(
            RealityCheckAcknowledged(
                player_id=player_id,
                occurred_at=at,
                elapsed_seconds=position.elapsed_seconds,
                net=position.net.major,
                currency=position.net.currency,
                choice=choice,
            )
        )
    return get_position(player_id, at)


def acknowledge_login_summary(*, player_id: UUID, actor: Actor, at: datetime) -> LoginSummary:
    """The player has seen what they staked, won and lost lately. Publishes LoginSummaryAcknowledged.

    Raises: UnknownPlayer, NothingToAcknowledge.
    """
    with holding(player_id):
        summary = find_login_summary(player_id, at)
        if summary is None or not summary.due:
            raise NothingToAcknowledge("No summary is due.")
        shown = {
            "days": str(summary.days),
            "staked": str(summary.staked),
            "won": str(summary.won),
            "lost": str(summary.lost),
            "currency": summary.lost.currency,
        }
        _acknowledge(player_id, AcknowledgedKind.LOGIN_SUMMARY, shown, "", actor, at)
        publish(
            LoginSummaryAcknowledged(
                player_id=player_id,
                occurred_at=at,
                lost=summary.lost.major,
                currency=summary.lost.currency,
                days=summary.days,
            )
        )
        refresh(player_id=player_id, at=at)
    return replace(summary, due=False, acknowledged_at=at)


def choose_reality_check(*, player_id: UUID, minutes: int | None, actor: Actor, at: datetime) -> None:
    """How often the player wants to be interrupted; None: as seldom as the pack allows. Publishes PlaySettingChanged.

    Raises: UnknownPlayer, FieldErrors.
    """
    try:
        rules.check_reality_check(get_pack_of(player_id, at), minutes)
    except rules.InvalidChoice as error:
        raise FieldErrors({"reality_check_minutes": [str(error)]}) from None
    _choose(player_id, PlaySettingKind.REALITY_CHECK, str(minutes) if minutes else None, actor, at)


def choose_stake_tier(*, player_id: UUID, tier: StakeTier, actor: Actor, at: datetime) -> None:
    """Which stake caps the player asks for, where the pack has several. Publishes PlaySettingChanged.

    Raises: UnknownPlayer, FieldErrors.
    """
    player, pack = get_player(player_id), get_pack_of(player_id, at)
    age = rules.age_at(player.birth_date, at, pack.timezone) if player.birth_date else None
    since = find_setting_since(player_id, PlaySettingKind.STAKE_TIER, StakeTier.RAISED)
    try:
        rules.check_tier(pack, tier, age, since, at)
    except rules.InvalidChoice as error:
        raise FieldErrors({"stake_tier": [str(error)]}) from None
    if tier is StakeTier.MONITORED and player.risk_level is not RiskLevel.LOW:
        raise FieldErrors({"stake_tier": ["The highest stakes are not possible for this account now."]})
    _choose(player_id, PlaySettingKind.STAKE_TIER, None if tier is StakeTier.STANDARD else tier, actor, at)


def begin_play(*, player_id: UUID, actor: Actor, at: datetime) -> UUID | None:
    """Tell the activity file that the player begins to play here, where the pack asks for it; the record's id.

    Called before the first game. The file is asked outside any transaction. Raises: UnknownPlayer, PlayRefused.
    """
    pack = get_pack_of(player_id, at)
    if not asks_activity_file(pack):
        return None
    known = find_open_activity(player_id)
    if known:
        return known
    name, person = pack.text("registers.activity_file_name"), person_of(get_player(player_id))
    try:
        answer = get_activity_file(name).begin(person=person, at=at)
    except RegisterUnavailable as error:
        if pack.text("registers.activity_file_on_error") != "allow":
            raise PlayRefused(
                f"{name} does not answer: try again in a moment.", reason="register_unavailable"
            ) from error
        reply = ""
    else:
        if not answer.accepted:
            raise PlayRefused(
                "The player is playing with another operator, or was until a moment ago.",
                reason="playing_elsewhere",
                until=_text(answer.resets_at),
            )
        reply = answer.reply_id
    with holding(player_id):
        row, made = ActivityRecord.objects.get_or_create(
            player_id=player_id, ended_at=None, defaults={"register": name, "reply_id": reply, "opened_at": at}
        )
        if made:
            record(
                action="compliance.begin_activity",
                actor=actor,
                at=at,
                player_id=player_id,
                object_type="compliance.activityrecord",
                object_id=str(row.id),
                after={"register": name, "reply_id": reply},
            )
        refresh(player_id=player_id, at=at)
    return row.id


def end_play(*, player_id: UUID, reason: str, at: datetime) -> bool:
    """The player plays no more: the next bet has to begin anew. The file is told by ``tell_ends``; was there anything open?"""
    with holding(player_id):
        ended = ActivityRecord.objects.filter(player_id=player_id, ended_at=None).update(ended_at=at, end_reason=reason)
        if ended:
            refresh(player_id=player_id, at=at)
    return bool(ended)


def end_idle(*, at: datetime) -> int:
    """End the play of those who placed no bet for half an hour; how many."""
    return sum(end_play(player_id=player, reason="idle", at=at) for player in list_idle_activities(idle=IDLE, at=at))


def tell_ends(*, at: datetime, limit: int = 500) -> int:
    """Tell the activity file who plays no more; how many it took note of. Whoever it does not answer for comes again."""
    told = 0
    rows = ActivityRecord.objects.filter(told_at=None, ended_at__isnull=False).order_by("ended_at")
    for row in rows[:limit]:
        try:
            get_activity_file(row.register).end(person=person_of(get_player(row.player_id)), at=at)
        except RegisterUnavailable:
            continue
        told += ActivityRecord.objects.filter(id=row.id, told_at=None).update(told_at=at)
    return told


def end_spent_logins(*, at: datetime) -> int:
    """Log out those who have used up a limit on the time logged in; how many players. Publishes SessionEnded."""
    ended, after = 0, None
    while page := list_logged_in(after=after):
        after = page[-1]
        for player_id in list_limited_in_login_time(page):
            if any(not time.left for time in list_login_times(player_id, at)):
                ended += bool(end_all(player_id=player_id, reason=EndReason.TIME_LIMIT, at=at))
    return ended


class PlayWatcher:
    """What players' sessions mean for play (``players.ports.SessionWatcher``)."""

    def started(self, player_id: UUID, at: datetime) -> None:
        """A summary that the pack shows at login waits from now on, and the time logged in runs."""
        if get_pack_of(player_id, at).integer("session.login_summary_days") or list_login_times(player_id, at):
            PlayGate.objects.filter(player_id=player_id).update(valid_until=at)

    def ended(self, player_id: UUID, at: datetime) -> None:
        if not list_sessions(player_id, open_at=at, limit=1):
            end_play(player_id=player_id, reason="logout", at=at)

    def find_end(self, player_id: UUID, last_seen_at: datetime, at: datetime) -> EndReason | None:
        """No time left, or neither a request nor a bet for as long as the pack says."""
        if any(not time.left for time in list_login_times(player_id, at)):
            return EndReason.TIME_LIMIT
        return EndReason.IDLE if self._is_idle(player_id, last_seen_at, at) else None

    def _is_idle(self, player_id: UUID, last_seen_at: datetime, at: datetime) -> bool:
        if at - last_seen_at < LEAST_IDLE:
            return False
        last_bet_at = PlayGate.objects.filter(player_id=player_id).values_list("last_bet_at", flat=True).first()
        return rules.is_idle(get_pack_of(player_id, at), max(last_seen_at, last_bet_at or last_seen_at), at)


def _choose(player_id: UUID, kind: PlaySettingKind, value: str | None, actor: Actor, at: datetime) -> None:
    """End what stands and begin what was chosen; the same again changes nothing."""
    with holding(player_id):
        standing = PlaySetting.objects.filter(player_id=player_id, kind=kind, active_until=None).first()
        before = standing.value if standing else None
        if before == value:
            return
        if standing:
            standing.active_until = at
            standing.save(update_fields=["active_until"])
        if value is not None:
            PlaySetting.objects.create(player_id=player_id, kind=kind, value=value, set_by=str(actor), active_from=at)
        publish(PlaySettingChanged(player_id=player_id, occurred_at=at, kind=kind, value=value or ""))
        record(
            action="compliance.choose_play_setting",
            actor=actor,
            at=at,
            player_id=player_id,
            object_type="compliance.playsetting",
            object_id=kind,
            before={"value": before or ""},
            after={"value": value or ""},
        )
        refresh(player_id=player_id, at=at)
        if kind is PlaySettingKind.REALITY_CHECK:
            _move_due(player_id, at)


def _move_due(player_id: UUID, at: datetime) -> None:
    """A shorter interval counts from now; a longer one lets what is due sooner stand."""
    row = PlayGate.objects.get(player_id=player_id)
    if row.session_started_at and row.reality_check_minutes:
        due = at + timedelta(minutes=row.reality_check_minutes)
        PlayGate.objects.filter(player_id=player_id).update(reality_due_at=min(due, row.reality_due_at or due))


def _acknowledge(
    player_id: UUID, kind: AcknowledgedKind, shown: dict[str, str], choice: str, actor: Actor, at: datetime
) -> None:
    Acknowledgement.objects.create(
        player_id=player_id, kind=kind, shown=shown, choice=choice, actor=str(actor), acknowledged_at=at
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
