"""How levels move, and every number of the shipped programme at its border."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import rules
from loyalty.types import Hold, MoveCause
from loyalty.types_programme import LevelRule, ProgrammeRule

AT = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def level(code: str, entry: int, multiplier: str = "1", cashback: str = "0") -> LevelRule:
    return LevelRule(
        code=code, name=code, entry_eur=Decimal(entry), multiplier=Decimal(multiplier), cashback=Decimal(cashback)
    )


RULE = ProgrammeRule(
    levels=[
        level("bronze", 0),
        level("silver", 10_000, "1.1", "0.01"),
        level("gold", 50_000, "1.25", "0.02"),
        level("platinum", 200_000, "1.5", "0.03"),
    ]
)
D = Decimal


@pytest.mark.parametrize(
    ("turnover", "place"),
    [
        ("0", 0), ("9999.99", 0), ("10000", 1), ("49999.99", 1), ("50000", 2), ("199999.99", 2), ("200000", 3),
        ("99999999", 3),
    ],
)  # fmt: skip
def test_turnover_enters_levels(turnover: str, place: int) -> None:
    assert rules.reached(RULE.levels, D(turnover)) == place
    stand, move = rules.after_bet(RULE, rules.Stand(), D(turnover), D(0), AT)
    assert stand.level == stand.entered == place
    assert (move is None) == (place == 0)
    if move:
        assert (move.before, move.after, move.cause) == (0, place, MoveCause.TURNOVER)
        assert (stand.since, stand.grace_until) == (AT, AT + 30 * DAY)


def test_a_level_is_kept_by_a_twelfth_of_its_entry_or_by_what_the_programme_says() -> None:
    assert [rules.keep_of(row).quantize(D("0.01")) for row in RULE.levels] == [
        D("0"),
        D("833.33"),
        D("4166.67"),
        D("16666.67"),
    ]
    assert rules.keep_of(LevelRule(code="x", name="x", entry_eur=D(10_000), keep_eur=D(5))) == 5


GOLD = rules.Stand(level=2, entered=2, since=AT - 40 * DAY, grace_until=AT)


@pytest.mark.parametrize(
    ("stand", "window", "falls"),
    [
        (GOLD, "4166.66", True),
        (GOLD, "4166.67", False),
        (replace(GOLD, grace_until=AT + timedelta(seconds=1)), "0", False),
        (replace(GOLD, grace_until=AT), "0", True),
        (replace(GOLD, grace_until=None), "0", True),
        (replace(GOLD, held=Hold.FROZEN), "0", False),
        (replace(GOLD, held=Hold.FORCED), "0", False),
        (rules.Stand(), "0", False),
    ],
)
def test_a_review_takes_one_level_after_the_grace(stand: rules.Stand, window: str, falls: bool) -> None:
    after, move = rules.after_review(RULE, stand, D(60_000 if stand.level else 0), D(window), AT)
    assert (move is not None) == falls
    if move:
        assert (move.before, move.after, move.cause) == (2, 1, MoveCause.REVIEW)
        assert (after.level, after.grace_until) == (1, AT + 30 * DAY)
        assert rules.after_review(RULE, after, D(60_000), D(0), AT + DAY)[1] is None, "one a grace"
    else:
        assert after == stand


def test_a_lost_level_comes_back_when_30_days_keep_it_again_and_not_by_old_turnover() -> None:
    fallen = rules.Stand(level=1, entered=2, since=AT, grace_until=AT + 30 * DAY)
    assert rules.needs_window(RULE.levels, fallen, D(60_000))
    assert rules.after_bet(RULE, fallen, D(61_000), D("4166.66"), AT)[1] is None
    back, move = rules.after_bet(RULE, fallen, D(64_167), D("4166.67"), AT)
    assert move == rules.Move(1, 2, MoveCause.RETURN)
    assert back.grace_until == AT + 30 * DAY
    _, move = rules.after_bet(RULE, replace(fallen, level=0), D(200_000), D(0), AT)
    assert move == rules.Move(0, 3, MoveCause.TURNOVER), "a level that was never entered is entered by all turnover"


def test_what_an_undone_bet_entered_was_never_entered() -> None:
    stand, _ = rules.after_bet(RULE, rules.Stand(), D(60_000), D(60_000), AT)
    back, move = rules.after_rollback(RULE, stand, D(60_000), D(9_000), AT)
    assert move == rules.Move(2, 0, MoveCause.ROLLBACK)
    assert back.entered == 0
    assert rules.after_rollback(RULE, stand, D(60_000), D(50_000), AT)[1] is None


def test_a_forced_level_stays_and_ends_softly() -> None:
    forced, move = rules.force(RULE, rules.Stand(), 3, AT + 90 * DAY, AT)
    assert move == rules.Move(0, 3, MoveCause.FORCED)
    assert rules.after_bet(RULE, forced, D(20_000), D(20_000), AT)[0] == forced, "play does not move it"
    assert rules.after_review(RULE, forced, D(0), D(0), AT + 60 * DAY)[1] is None
    ended, move = rules.end_hold(RULE, forced, D(20_000), D(0), AT + 90 * DAY)
    assert (move, ended.level, ended.held) == (None, 3, Hold.NONE)
    at, levels = AT + 90 * DAY, []
    for _ in range(120):
        at += DAY
        ended, _ = rules.after_review(RULE, ended, D(20_000), D(0), at)
        levels.append(ended.level)
    assert sorted(levels, reverse=True) == levels, "one level after another"
    assert [levels.count(n) for n in (3, 2, 1)] == [29, 30, 30]


def test_a_level_forced_below_what_is_earned_rises_when_it_ends() -> None:
    gold, _ = rules.after_bet(RULE, rules.Stand(), D(60_000), D(60_000), AT)
    forced, _ = rules.force(RULE, gold, 0, None, AT)
    forced, _ = rules.after_bet(RULE, forced, D(210_000), D(210_000), AT)
    _, move = rules.end_hold(RULE, forced, D(210_000), D(210_000), AT)
    assert move == rules.Move(0, 3, MoveCause.TURNOVER)


def test_a_frozen_level_rises_and_does_not_fall() -> None:
    frozen = rules.freeze(GOLD, None)
    assert rules.after_review(RULE, frozen, D(60_000), D(0), AT + 300 * DAY)[1] is None
    assert rules.after_bet(RULE, frozen, D(200_000), D(0), AT)[0].level == 3


plays = st.lists(st.one_of(st.just(D(0)), st.integers(1, 30_000).map(D)), min_size=40, max_size=200)


@given(plays)
def test_days_of_play_never_make_a_level_oscillate(days: list[Decimal]) -> None:
    """A day's turnover, then the review: at most one level down, never twice within the grace, never up and down at once."""
    stand, turnover, last_fall = rules.Stand(), D(0), None
    for number, played in enumerate(days):
        at = AT + number * DAY
        if played:
            turnover += played
            before = stand.level
            stand, move = rules.after_bet(RULE, stand, turnover, sum(days[max(0, number - 29) : number + 1], D(0)), at)
            assert stand.level >= before, "play never takes a level"
        window = sum(days[max(0, number - 29) : number + 1], D(0))
        before = stand.level
        stand, move = rules.after_review(RULE, stand, turnover, window, at + timedelta(hours=12))
        assert before - 1 <= stand.level
        assert stand.level <= rules.reached(RULE.levels, turnover)
        if move and move.cause is MoveCause.REVIEW:
            assert last_fall is None or number - last_fall >= 30
            last_fall = number
            again, move = rules.after_review(RULE, stand, turnover, window, at + timedelta(hours=12))
            assert (again, move) == (stand, None), "a review may be run twice"
            _, move = rules.after_bet(RULE, stand, turnover, window, at + timedelta(hours=12))
            assert move is None, "what was just lost is not had again without play"


@given(plays, st.integers(0, 199), st.integers(1, 30_000))
def test_who_plays_more_never_stands_lower(days: list[Decimal], where: int, more: int) -> None:
    """Monotone in turnover: the same play and more of it, at the end of all."""

    def play(days: list[Decimal]) -> int:
        stand, turnover = rules.Stand(), D(0)
        for number, played in enumerate(days):
            turnover += played
            window = sum(days[max(0, number - 29) : number + 1], D(0))
            at = AT + number * DAY
            stand, _ = rules.after_bet(RULE, stand, turnover, window, at)
            stand, _ = rules.after_review(RULE, stand, turnover, window, at + timedelta(hours=12))
        return stand.level

    assert play([*days[:-1], days[-1] + more]) >= play(days)


@pytest.mark.parametrize(
    ("game", "category", "exclusive", "coefficient"),
    [
        ("fruits", "slots", False, "1"), ("fruits", "table", False, "0.5"), ("fruits", "live", False, "1.5"),
        ("fruits", "crash", False, "1"), ("fruits", "table", True, "2"), ("rocket", "crash", True, "3"),
        ("fruits", "unheard-of", False, "1"),
    ],
)  # fmt: skip
def test_what_a_euro_counts_in_a_game(game: str, category: str, exclusive: bool, coefficient: str) -> None:
    named = {"slots": "1", "table": "0.5", "live": "1.5", "crash": "1", "exclusive": "2"}
    rule = ProgrammeRule(
        levels=RULE.levels, coefficients={name: D(text) for name, text in named.items()}, games={"rocket": D(3)}
    )
    assert rules.coefficient_of(rule, game, category, exclusive) == D(coefficient)


def test_campaigns_multiply_by_rule() -> None:
    assert rules.promotion_of([]) == 1
    assert rules.promotion_of([(D(2), False), (D(3), False)]) == 3, "the highest of those that do not stack"
    assert rules.promotion_of([(D(2), False), (D("1.5"), True), (D("1.1"), True)]) == D("3.300")
    assert rules.promotion_of([(D("0.5"), False)]) == D("0.5")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"levels": []}, "levels"),
        ({"levels": [level("bronze", 1)]}, "levels.0.entry_eur"),
        ({"levels": [level("bronze", 0), level("silver", 0)]}, "levels.1.entry_eur"),
        ({"levels": [level("bronze", 0), level("bronze", 10)]}, "levels"),
        ({"levels": [level("Bronze!", 0)]}, "levels.0.code"),
        ({"levels": [level("bronze", 0, "0")]}, "levels.0.multiplier"),
        ({"levels": [level("bronze", 0, "1.2345")]}, "levels.0.multiplier"),
        ({"levels": [level("bronze", 0, "1", "1")]}, "levels.0.cashback"),
        ({"points_per_eur": D("-1")}, "points_per_eur"),
        ({"points_per_eur": D("0.001")}, "points_per_eur"),
        ({"coefficients": {"slots": D(101)}}, "coefficients.slots"),
        ({"games": {"x": D("0.0001")}}, "games.x"),
        ({"grace_days": -1}, "grace_days"),
        ({"expiry_months": 121}, "expiry_months"),
        ({"warn_days": [0]}, "warn_days"),
        ({"expiry_months": 0, "warn_days": []}, "expiry_months"),
        ({"hold_hours": 0}, "hold_hours"),
    ],
)
def test_a_programme_that_cannot_be_names_the_field(change: dict[str, object], field: str) -> None:
    assert list(rules.errors_of(msgspec.structs.replace(RULE, **change))) == [field]
    assert rules.errors_of(RULE) == {}
