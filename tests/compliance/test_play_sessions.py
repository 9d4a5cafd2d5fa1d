"""Play sessions: reality checks, breaks, summaries, caps and rounds on the bet path, the activity file, idle logins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest

from compliance.models_sessions import ActivityRecord
from compliance.ports_limits import RegisterUnavailable, register_activity_file
from compliance.selectors_sessions import (
    find_login_summary,
    get_game_rules,
    get_position,
    list_acknowledgements,
    list_settings,
)
from compliance.services.play_gate import forget
from compliance.services.play_sessions import (
    NothingToAcknowledge,
    PlayRefused,
    acknowledge_login_summary,
    acknowledge_reality_check,
    begin_play,
    choose_reality_check,
    choose_stake_tier,
    end_idle,
    end_play,
    tell_ends,
)
from compliance.types_limits import CentralAnswer
from compliance.types_sessions import Choice, StakeTier
from events.models import Event
from kernel.errors import FieldErrors
from kernel.fx import record_rates
from kernel.money import Money
from players.selectors_identity import list_sessions
from players.services import sessions
from players.types import PlayerDetails
from players.types_identity import EndReason, Origin
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.packs import pack_of
from wallet.types import GameCategory, Outcome

pytestmark = pytest.mark.usefixtures("db")

Rules = Callable[..., None]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """Puts a pack in force that says just these things, everywhere."""

    def put(**values: object) -> None:
        pack = pack_of({key.replace("__", "."): value for key, value in values.items()})
        book = SimpleNamespace(get=lambda country, region, at: pack)
        monkeypatch.setattr("compliance.selectors_packs.get_book", lambda: book)
        forget()

    return put


@pytest.fixture
def player() -> PlayerDetails:
    make_game()
    make_game("roulette", GameCategory.TABLE)
    player = make_player(birth_date=date(1990, 5, 17), first_name="Ada", last_name="Lovelace")
    fund(player.id, "500.00")
    return player


def reason(player: PlayerDetails, stake: str = "1.00", *, game: str = "fruits", at: datetime = AT) -> str:
    """Why a bet is refused; '' when it is placed."""
    posting = bet(player.id, stake, game=game, at=at)
    assert posting.outcome in (Outcome.APPLIED, Outcome.REFUSED)
    return posting.reason


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def play(player: PlayerDetails, until: timedelta) -> None:
    """A bet every 20 minutes from AT on, the last one before ``until``."""
    passed = timedelta(0)
    while passed < until:
        assert reason(player, at=AT + passed) == ""
        passed += minutes(20)


@pytest.mark.rule(26)
def test_after_the_interval_no_stake_is_taken_until_the_player_acknowledges(
    rules: Rules, player: PlayerDetails
) -> None:
    rules(session__reality_check="fixed", session__reality_check_minutes=60, session__reality_check_ack=True)
    play(player, minutes(60))
    assert reason(player, at=AT + minutes(59.99)) == ""
    assert reason(player, at=AT + minutes(60)) == "reality_check_due"
    position = get_position(player.id, AT + minutes(60))
    assert position.reality_check_due
    after = acknowledge_reality_check(player_id=player.id, choice=Choice.CONTINUE, actor=ACTOR, at=AT + minutes(61))
    assert after.reality_check_due_at == AT + minutes(121)
    assert reason(player, at=AT + minutes(61)) == ""
    kept = list_acknowledgements(player.id)[0]
    assert (kept.shown["staked"], kept.shown["net"], kept.choice) == ("4.00", "-4.00", "continue")
    event = Event.objects.get(type="compliance.reality-check-acknowledged.v1")
    assert (event.payload["net"], event.payload["currency"]) == ("-4.00", "EUR")


@pytest.mark.rule(26)
def test_where_a_break_is_asked_for_it_follows_the_reality_check(rules: Rules, player: PlayerDetails) -> None:
    rules(session__reality_check="fixed", session__reality_check_minutes=60, session__break_minutes=5)
    play(player, minutes(60))
    acknowledge_reality_check(player_id=player.id, choice=Choice.CONTINUE, actor=ACTOR, at=AT + minutes(60))
    assert reason(player, at=AT + minutes(60)) == "break_due"
    assert reason(player, at=AT + minutes(64.99)) == "break_due"
    assert get_position(player.id, AT + minutes(62)).break_until == AT + minutes(65)
    assert reason(player, at=AT + minutes(65)) == ""


def test_what_is_not_due_is_not_acknowledged(rules: Rules, player: PlayerDetails) -> None:
    rules(session__reality_check="fixed", session__reality_check_minutes=60)
    with pytest.raises(NothingToAcknowledge):
        acknowledge_reality_check(player_id=player.id, choice=Choice.STOP, actor=ACTOR, at=AT)
    play(player, minutes(20))
    with pytest.raises(NothingToAcknowledge):
        acknowledge_reality_check(player_id=player.id, choice=Choice.STOP, actor=ACTOR, at=AT + minutes(1))
    with pytest.raises(NothingToAcknowledge):
        acknowledge_login_summary(player_id=player.id, actor=ACTOR, at=AT)


@pytest.mark.rule(26)
def test_a_player_chooses_how_often_and_the_choice_holds_in_the_running_session(
    rules: Rules, player: PlayerDetails
) -> None:
    rules(session__reality_check="customer_set")
    play(player, minutes(60))
    choose_reality_check(player_id=player.id, minutes=10, actor=ACTOR, at=AT + minutes(50))
    assert reason(player, at=AT + minutes(59.9)) == ""
    assert reason(player, at=AT + minutes(60)) == "reality_check_due"
    for wrong in (0, 4, 1441):
        with pytest.raises(FieldErrors):
            choose_reality_check(player_id=player.id, minutes=wrong, actor=ACTOR, at=AT)
    choose_reality_check(player_id=player.id, minutes=None, actor=ACTOR, at=AT + minutes(61))
    kept = list_settings(player.id)[0]
    assert (kept.value, kept.active_from, kept.active_until) == ("10", AT + minutes(50), AT + minutes(61))


@pytest.mark.rule(27)
def test_elapsed_time_and_net_position_are_those_of_the_whole_session(rules: Rules, player: PlayerDetails) -> None:
    rules(session__show_elapsed_time=True, session__show_net_position=True)
    play(player, minutes(100))
    position = get_position(player.id, AT + minutes(90))
    assert (position.started_at, position.elapsed_seconds, position.bets) == (AT, 5400, 5)
    assert (position.staked, position.net) == (Money(500, "EUR"), Money(-500, "EUR"))
    nobody = get_position(player.id, AT + minutes(80 + 30))
    assert (nobody.started_at, nobody.elapsed_seconds, nobody.bets) == (None, 0, 0)


@pytest.mark.rule(28)
def test_no_play_until_the_summary_of_thirty_days_is_acknowledged(rules: Rules, player: PlayerDetails) -> None:
    rules()
    assert reason(player, "7.00", at=AT - timedelta(days=31)) == ""
    assert reason(player, "20.00", at=AT - timedelta(days=3)) == ""
    rules(session__login_summary_days=30, session__login_summary_repeat_hours=24, session__login_summary_ack=True)
    log_in(player, AT)
    assert reason(player, at=AT) == "login_summary_due"
    summary = find_login_summary(player.id, AT)
    assert summary
    assert (summary.due, summary.staked, summary.lost) == (True, Money(2000, "EUR"), Money(2000, "EUR"))
    assert not acknowledge_login_summary(player_id=player.id, actor=ACTOR, at=AT + minutes(1)).due
    assert reason(player, at=AT + minutes(1)) == ""
    assert reason(player, at=AT + timedelta(hours=24)) == ""
    assert reason(player, at=AT + timedelta(hours=24) + minutes(1)) == "login_summary_due"


@pytest.mark.rule(28)
def test_every_login_shows_it_again(rules: Rules, player: PlayerDetails) -> None:
    rules(session__login_summary_days=30, session__login_summary_repeat_hours=24, session__login_summary_ack=True)
    log_in(player, AT)
    acknowledge_login_summary(player_id=player.id, actor=ACTOR, at=AT)
    assert reason(player, at=AT + minutes(1)) == ""
    log_in(player, AT + minutes(2))
    assert reason(player, at=AT + minutes(3)) == "login_summary_due"


@pytest.mark.rule(29)
@pytest.mark.parametrize(("pause", "open_"), [(minutes(29) + timedelta(seconds=59), True), (minutes(30), False)])
def test_after_half_an_hour_without_activity_a_player_logs_in_again(
    rules: Rules, player: PlayerDetails, pause: timedelta, open_: bool
) -> None:
    rules(session__idle_reauth_minutes=30)
    session_id = log_in(player, AT)
    if open_:
        assert sessions.check(session_id=session_id, at=AT + pause) == player.id
        return
    with pytest.raises(sessions.SessionOver):
        sessions.check(session_id=session_id, at=AT + pause)
    assert list_sessions(player.id)[0].end_reason == EndReason.IDLE


@pytest.mark.rule(29)
def test_a_bet_is_activity_too(rules: Rules, player: PlayerDetails) -> None:
    rules(session__idle_reauth_minutes=30)
    session_id = log_in(player, AT)
    assert reason(player, at=AT + minutes(20)) == ""
    assert sessions.check(session_id=session_id, at=AT + minutes(45)) == player.id


@pytest.mark.rule(30)
def test_the_cap_rises_on_the_birthday(rules: Rules) -> None:
    make_game()
    rules(age__bands={"young": 24}, games__slot_stake_cap={"young": "2.00 EUR", "default": "5.00 EUR"})
    player = make_player(birth_date=date(2001, 3, 15))
    fund(player.id, "500.00")
    eve = datetime(2026, 3, 14, 23, 59, 59, tzinfo=UTC)
    assert reason(player, "2.00", at=eve) == ""
    assert reason(player, "2.01", at=eve) == "stake_above_cap"
    assert reason(player, "5.00", at=eve + timedelta(seconds=1)) == ""
    assert reason(player, "5.01", at=eve + timedelta(seconds=1)) == "stake_above_cap"


@pytest.mark.rule(30)
def test_higher_stakes_by_choice_and_time(rules: Rules, player: PlayerDetails) -> None:
    rules(
        games__slot_stake_cap={
            "default": "1.00 EUR",
            "from_21_optin": "3.00 EUR",
            "after_90d_monitoring": "5.00 EUR",
        }
    )
    assert reason(player, "1.01") == "stake_above_cap"
    choose_stake_tier(player_id=player.id, tier=StakeTier.RAISED, actor=ACTOR, at=AT)
    assert reason(player, "3.00") == ""
    with pytest.raises(FieldErrors, match="90 days"):
        choose_stake_tier(player_id=player.id, tier=StakeTier.MONITORED, actor=ACTOR, at=AT + timedelta(days=89))
    later = AT + timedelta(days=90)
    choose_stake_tier(player_id=player.id, tier=StakeTier.MONITORED, actor=ACTOR, at=later)
    assert reason(player, "5.00", at=later) == ""
    assert reason(player, "5.01", at=later) == "stake_above_cap"
    choose_stake_tier(player_id=player.id, tier=StakeTier.STANDARD, actor=ACTOR, at=later)
    assert reason(player, "1.01", at=later + minutes(1)) == "stake_above_cap"


@pytest.mark.rule(31)
def test_a_round_takes_its_time(rules: Rules, player: PlayerDetails) -> None:
    rules(games__min_cycle_ms={"slots": 2500, "other": 5000})
    assert reason(player) == ""
    assert reason(player, at=AT + timedelta(milliseconds=2400)) == "too_fast"
    assert reason(player, at=AT + timedelta(milliseconds=2500)) == ""
    later = AT + minutes(10)
    assert reason(player, game="roulette", at=later) == ""
    assert reason(player, game="roulette", at=later + timedelta(milliseconds=4999)) == "too_fast"
    assert reason(player, game="roulette", at=later + timedelta(seconds=5)) == ""


@pytest.mark.rule(32)
def test_a_second_game_waits_until_the_first_is_left(rules: Rules, player: PlayerDetails) -> None:
    rules(games__parallel_play=False)
    assert reason(player) == ""
    assert reason(player, game="roulette", at=AT + timedelta(seconds=10)) == "parallel_play"
    assert reason(player, at=AT + timedelta(seconds=20)) == ""
    assert reason(player, game="roulette", at=AT + timedelta(seconds=80)) == ""


def test_games_that_are_not_offered(rules: Rules, player: PlayerDetails) -> None:
    rules(games__table_games=False)
    assert reason(player, game="roulette") == "game_type_not_offered"
    found = get_game_rules(player.id, AT)
    assert (found.games_offered, found.autoplay) == (("slots", "crash", "other"), True)


def test_without_a_rate_no_bet_is_taken_until_there_is_one(rules: Rules, player: PlayerDetails) -> None:
    rules(games__slot_stake_cap={"default": "2.00 GBP"})
    assert reason(player) == "rate_missing"
    record_rates(rates={AT.date(): {"GBP": Decimal("0.8")}}, source="ECB", at=AT)
    assert reason(player, at=AT + minutes(4)) == "rate_missing"
    assert reason(player, "2.50", at=AT + minutes(5)) == ""
    assert reason(player, "2.51", at=AT + minutes(5)) == "stake_above_cap"


# --- the activity file --------------------------------------------------------------------------------------------


class File:
    """An activity file that is told what to say."""

    def __init__(self) -> None:
        self.answer: CentralAnswer | None = CentralAnswer(accepted=True, reply_id="file-1")
        self.ended = 0

    def begin(self, *, person: object, at: datetime) -> CentralAnswer:
        if self.answer is None:
            raise RegisterUnavailable
        return self.answer

    def end(self, *, person: object, at: datetime) -> None:
        if self.answer is None:
            raise RegisterUnavailable
        self.ended += 1


@pytest.fixture
def file(rules: Rules) -> File:
    name, file = f"File {uuid4()}", File()
    register_activity_file(name, file)
    rules(
        registers__activity_file_name=name,
        registers__activity_file_check_on=["first_game"],
        registers__activity_file_on_error="deny",
        registers__activity_switch_wait_minutes=5,
    )
    return file


@pytest.mark.rule(11)
def test_the_activity_file_is_asked_before_the_first_game(file: File, player: PlayerDetails) -> None:
    assert reason(player) == "activity_check_due"
    record_id = begin_play(player_id=player.id, actor=ACTOR, at=AT)
    assert begin_play(player_id=player.id, actor=ACTOR, at=AT + minutes(1)) == record_id
    assert ActivityRecord.objects.get(id=record_id).reply_id == "file-1"
    assert reason(player, at=AT + minutes(1)) == ""


@pytest.mark.rule(11)
def test_who_plays_elsewhere_or_whom_the_file_does_not_answer_for_does_not_play(
    file: File, player: PlayerDetails
) -> None:
    file.answer = CentralAnswer(accepted=False, reply_id="file-2", resets_at=AT + minutes(5))
    with pytest.raises(PlayRefused, match="another operator") as refused:
        begin_play(player_id=player.id, actor=ACTOR, at=AT)
    assert refused.value.data["until"] == (AT + minutes(5)).isoformat()
    file.answer = None
    with pytest.raises(PlayRefused, match="does not answer"):
        begin_play(player_id=player.id, actor=ACTOR, at=AT)
    assert reason(player) == "activity_check_due"


def test_logging_out_ends_play_and_the_file_is_told_until_it_answers(file: File, player: PlayerDetails) -> None:
    session_id = log_in(player, AT)
    begin_play(player_id=player.id, actor=ACTOR, at=AT)
    assert reason(player, at=AT + minutes(1)) == ""
    sessions.end(player_id=player.id, session_ids=[session_id], reason=EndReason.LOGOUT, at=AT + minutes(2))
    assert reason(player, at=AT + minutes(3)) == "activity_check_due"
    answer, file.answer = file.answer, None
    assert tell_ends(at=AT + minutes(3)) == 0
    file.answer = answer
    assert (tell_ends(at=AT + minutes(4)), tell_ends(at=AT + minutes(5)), file.ended) == (1, 0, 1)


def test_who_pauses_for_half_an_hour_plays_no_more(file: File, player: PlayerDetails) -> None:
    begin_play(player_id=player.id, actor=ACTOR, at=AT)
    assert reason(player, at=AT + minutes(10)) == ""
    assert end_idle(at=AT + minutes(39)) == 0
    assert end_idle(at=AT + minutes(40)) == 1
    assert not end_play(player_id=player.id, reason="player", at=AT + minutes(41))
    assert reason(player, at=AT + minutes(42)) == "activity_check_due"


def log_in(player: PlayerDetails, at: datetime):  # type: ignore[no-untyped-def]
    opened = sessions.start(
        player_id=player.id,
        origin=Origin(ip="", user_agent="Firefox", device_token=""),
        methods="password",
        store_key=str(uuid4()),
        refresh_id=uuid4(),
        at=at,
    )
    return opened.session_id
