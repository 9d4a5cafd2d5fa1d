"""Dormant accounts: told first, charged once a month, never below zero, and left alone when they may not play."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.core import mail as django_mail

from events.models import Event
from kernel import clock
from kernel.actors import system
from kernel.money import Money
from players.selectors import get_player
from players.services.restrictions import impose
from players.types import RestrictionKind
from tests.connections import in_parallel
from tests.factories import ACTOR, bet, fund, make_game, make_player
from wallet.rules_adjustments import dormant_fee, months_before, needs_approval, quiet_since
from wallet.selectors import get_balances, sum_house
from wallet.services.dormancy import run_dormancy
from wallet.types import AccountKind

JOB = system("job")


@pytest.fixture(autouse=True)
def fee(settings: object) -> None:
    settings.DORMANT_FEE = {"EUR": "5.00"}  # type: ignore[attr-defined]
    settings.DORMANT_AFTER_MONTHS, settings.DORMANT_NOTICE_DAYS = 12, 30  # type: ignore[attr-defined]


@pytest.fixture
def player_id(db: None) -> UUID:
    player = make_player()
    fund(player.id, "12.00")
    return player.id


def told_at() -> datetime:
    """The first day of a month at which a player who moves money now is silent long enough to be told."""
    moment = clock.now() + timedelta(days=366)
    return moment.replace(month=moment.month % 12 + 1, day=1, year=moment.year + moment.month // 12, hour=5)


def run(at: datetime) -> tuple[int, int, int]:
    counts = run_dormancy(actor=JOB, at=at)
    return counts["ended"], counts["noticed"], counts["charged"]


def real(player_id: UUID) -> str:
    return str(get_balances(player_id).real)


def events() -> list[str]:
    rows = Event.objects.filter(type__startswith="wallet.dorman").order_by("position")
    return [row.type.removeprefix("wallet.").removesuffix(".v1") for row in rows]


def test_told_then_charged_month_by_month_until_nothing_is_left(player_id: UUID) -> None:
    start = told_at()
    assert run(clock.now() + timedelta(days=330)) == (0, 0, 0)
    assert run(start) == (0, 1, 0)
    assert run(start + timedelta(days=29)) == (0, 0, 0)
    seen = []
    for month in range(1, 5):
        at = start + timedelta(days=31 * month)
        counts = [run(at), run(at + timedelta(hours=1))]
        seen.append((real(player_id), counts[0][2], counts[1][2]))
    assert seen == [("7.00", 1, 0), ("2.00", 1, 0), ("0.00", 1, 0), ("0.00", 0, 0)]
    assert str(sum_house(AccountKind.FEES)["EUR"]) == "12.00"
    charged = ["dormant-fee-charged"] * 3
    assert events() == ["dormancy-noticed", *charged, "dormancy-ended"]
    notice = Event.objects.get(type="wallet.dormancy-noticed.v1").payload
    assert notice["chargeable_at"] == (start + timedelta(days=30)).isoformat()


def test_no_fee_comes_earlier_than_the_silence_that_was_announced(player_id: UUID) -> None:
    """Told at the earliest moment, charged at the earliest moment: twelve months have passed by then."""
    began = clock.now()
    earliest = next(day for n in range(400) if run(day := began + timedelta(days=n))[1])
    charged = next(day for n in range(60) if run(day := earliest + timedelta(days=n))[2])
    assert months_before(charged, 12) >= began
    assert charged - earliest == timedelta(days=30)


def test_the_mail_says_what_will_be_taken_and_when(player_id: UUID) -> None:
    start = told_at()
    run(start)
    (mail,) = django_mail.outbox
    assert mail.to == [get_player(player_id).email]
    assert f"From {start + timedelta(days=30):%Y-%m-%d} on, 5.00 EUR a month" in mail.body
    run(start + timedelta(days=1))
    assert len(django_mail.outbox) == 1


def test_nothing_is_taken_from_whom_no_mail_reached(player_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    start = told_at()
    with monkeypatch.context() as patch:
        patch.setattr("wallet.services.dormancy.send_mail", Mock(side_effect=ConnectionRefusedError("no server")))
        assert run(start) == (0, 0, 0)
        assert run(start + timedelta(days=60)) == (0, 0, 0)
    assert events() == []
    told = start + timedelta(days=61)
    assert run(told) == (0, 1, 0)
    assert run(told + timedelta(days=29)) == (0, 0, 0)  # the notice counts from when it went out
    assert run(told + timedelta(days=30)) == (0, 0, 1)
    assert (real(player_id), len(django_mail.outbox)) == ("7.00", 1)


def test_without_a_configured_fee_nobody_is_told_or_charged(player_id: UUID, settings: object) -> None:
    settings.DORMANT_FEE = {}  # type: ignore[attr-defined]
    assert run(told_at()) == (0, 0, 0)


def test_whoever_comes_back_is_not_charged(player_id: UUID) -> None:
    make_game()
    run(clock.now() - timedelta(days=1))
    at = told_at()
    assert run(at) == (0, 1, 0)
    # Play is recorded by the real clock: the notice is put before it.
    from wallet.models_adjustments import DormancyNotice

    DormancyNotice.objects.update(noticed_at=clock.now(), chargeable_at=clock.now())
    bet(player_id, "1.00")
    assert run(clock.now()) == (1, 0, 0)
    assert real(player_id) == "11.00"
    assert events()[-1] == "dormancy-ended"


def test_whoever_may_not_play_is_neither_told_nor_charged(player_id: UUID) -> None:
    def block(at: datetime, until: datetime | None) -> None:
        impose(
            player_id=player_id, kind=RestrictionKind.SELF_EXCLUDED, reason="r", source="player", actor=ACTOR, at=at,
            active_until=until,
        )  # fmt: skip

    start = told_at()
    block(start - timedelta(days=1), start + timedelta(days=1))
    assert run(start) == (0, 0, 0)
    assert run(start + timedelta(days=2)) == (0, 1, 0)
    block(start + timedelta(days=3), None)
    assert run(start + timedelta(days=40)) == (0, 0, 0)
    assert real(player_id) == "12.00"


def test_the_job_run_by_many_at_once_charges_once(player_id: UUID) -> None:
    start = told_at()
    assert sum(counts[1] for counts in in_parallel([lambda: run(start)] * 6, 6)) == 1
    at = start + timedelta(days=31)
    assert sum(counts[2] for counts in in_parallel([lambda: run(at)] * 6, 6)) == 1
    assert real(player_id) == "7.00"


@pytest.mark.parametrize(
    ("at", "months", "expected"),
    [
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-03-31", 1, "2024-02-29"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-03-14", 12, "2025-03-14"),
        ("2026-03-14", 30, "2023-09-14"),
    ],
)
def test_months_are_calendar_months(at: str, months: int, expected: str) -> None:
    def day(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert months_before(day(at), months) == day(expected)
    assert quiet_since(day(at), months, 30) == months_before(day(at) + timedelta(days=30), months)


def test_rules_of_thresholds_and_fees() -> None:
    def eur(amount: str) -> Money:
        return Money.parse(amount, "EUR")

    assert not needs_approval(eur("-60.00"), eur("40.00"), eur("100.00"))
    assert needs_approval(eur("-60.01"), eur("40.00"), eur("100.00"))
    assert needs_approval(eur("0.01"), eur("0.00"), None)
    assert dormant_fee(eur("3.00"), eur("5.00")) == eur("3.00")
    assert dormant_fee(eur("5.01"), eur("5.00")) == eur("5.00")
