"""Points given, corrected, redeemed and expired: a ledger, once each, all or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db.models import Sum

from bonuses.selectors import list_grants
from bonuses.services.offers import pause_offer, resume_offer
from compliance.selectors import get_approval
from compliance.services.approvals import approve, reject
from events.catalogue.loyalty import PointsExpired, PointsExpiring, PointsRedeemed
from events.selectors import list_player_events
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors, IdempotencyConflict
from kernel.money import Money
from loyalty import rules, selectors
from loyalty.models import PointsAccount, PointsEntry, Redemption
from loyalty.services import expiry, points, redemptions
from loyalty.types import RedemptionDetails, RedemptionState
from players.selectors import UnknownPlayer
from players.services.restrictions import impose
from players.types import RestrictionKind
from tests.bonuses.offers import MAKER
from tests.connections import in_parallel
from tests.consumers import catch_up
from tests.database import PROJECT
from tests.factories import ACTOR, AT, make_player
from tests.loyalty.log import bet_placed, rolled_back, tell
from tests.loyalty.programmes import standard, with_items
from wallet.selectors import get_balances

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)
CLERK = Actor(ActorKind.STAFF, "801", frozenset({points.CORRECT, redemptions.REDEEM, redemptions.DECIDE}))
BOSS = Actor(ActorKind.STAFF, "802", frozenset({points.APPROVE}))


@pytest.fixture(autouse=True)
def _books_agree(db: None) -> object:
    """After each test: accounts are the sums of their entries, and the last one's balances."""
    yield
    for account in PointsAccount.objects.all():
        entries = PointsEntry.objects.filter(player_id=account.player_id)
        sums = entries.aggregate(points=Sum("points"), held=Sum("held"))
        last = entries.order_by("-id")[0]
        assert (
            (account.balance, account.held) == (sums["points"], sums["held"]) == (last.balance_after, last.held_after)
        )


def owner(of: int = 0, *, at: datetime = AT) -> UUID:
    player_id = make_player().id
    if of:
        points.add_points(
            player_id=player_id, points=of, reason="start", idempotency_key=f"{player_id}", actor=ACTOR, at=at
        )
    return player_id


def have(player_id: UUID) -> tuple[int, int]:
    standing = selectors.get_standing(player_id, AT)
    return standing.points, standing.points_held


def redeem(
    player_id: UUID, steps: int = 1, item: str = "free-play", key: str = "k", actor: Actor = ACTOR, at: datetime = AT
) -> RedemptionDetails:
    return redemptions.request_redemption(
        player_id=player_id, item=item, steps=steps, idempotency_key=key, actor=actor, at=at
    )


# --- given and corrected ------------------------------------------------------------------------------------------


def test_points_are_given_once_for_a_key() -> None:
    player = owner()
    add = partial(points.add_points, player_id=player, reason="quest", idempotency_key="q1", actor=ACTOR, at=AT)
    first = add(points=50)
    assert (add(points=50), have(player)) == (first, (50, 0))
    with pytest.raises(IdempotencyConflict):
        add(points=51)
    assert len({entry.id for entry in in_parallel([partial(add, points=50)] * 10, threads=10)}) == 1
    with pytest.raises(points.NotEnoughPoints):
        points.add_points(player_id=player, points=-51, reason="x", idempotency_key="q2", actor=ACTOR, at=AT)
    points.add_points(player_id=player, points=-50, reason="x", idempotency_key="q3", actor=ACTOR, at=AT)
    assert have(player) == (0, 0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"points": 0}, FieldErrors),
        ({"points": 10**9 + 1}, FieldErrors),
        ({"reason": ""}, FieldErrors),
        ({"reason": "a b"}, FieldErrors),
        ({"idempotency_key": ""}, FieldErrors),
        ({"idempotency_key": "x" * 151}, FieldErrors),
        ({"player_id": UUID(int=3)}, UnknownPlayer),
    ],
)
def test_points_that_cannot_be_given(change: dict[str, object], error: type[Exception]) -> None:
    asked = {"player_id": owner(), "points": 1, "reason": "x", "idempotency_key": "k"} | change
    with pytest.raises(error):
        points.add_points(**asked, actor=ACTOR, at=AT)  # type: ignore[arg-type]


def correct(player_id: UUID, by: int, key: str = "c", actor: Actor = CLERK, **change: str) -> object:
    said = {"reason": "goodwill", "evidence": "The chat of 14:20."} | change
    return points.correct_points(player_id=player_id, points=by, idempotency_key=key, actor=actor, at=AT, **said)


def test_a_small_correction_is_posted_and_a_large_one_takes_a_second_person() -> None:
    player = owner()
    done = points.correct_points(
        player_id=player, points=9_000, reason="goodwill", evidence="Chat", idempotency_key="1", actor=CLERK, at=AT
    )
    assert done.entry
    assert (done.entry.kind, have(player)) == ("correction", (9_000, 0))
    waiting = points.correct_points(
        player_id=player, points=1_001, reason="goodwill", evidence="Chat", idempotency_key="2", actor=CLERK, at=AT
    )
    assert waiting.approval_id, "9,000 and 1,001 within a day are more than 10,000"
    assert have(player) == (9_000, 0)
    approval = get_approval(waiting.approval_id)
    approve(approval_id=approval.id, seen_digest=approval.digest, comment="", actor=BOSS, at=AT)
    assert have(player) == (10_001, 0)
    told = [(entry.action, entry.reason) for entry in list_audit(AuditQuery(player_id=player))]
    assert told.count(("loyalty.correct_points", "Chat")) == 2


def test_a_correction_that_was_rejected_moves_nothing() -> None:
    player = owner(20_000)
    waiting = correct(player, -15_000)
    reject(approval_id=waiting.approval_id, comment="No", actor=BOSS, at=AT)  # type: ignore[attr-defined]
    assert have(player) == (20_000, 0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"reason": "because"}, FieldErrors),
        ({"evidence": " "}, FieldErrors),
        ({"evidence": "card 4111 1111 1111 1111"}, FieldErrors),
        ({"by": -1}, points.NotEnoughPoints),
        ({"actor": Actor(ActorKind.STAFF, "7")}, AccessDenied),
    ],
)
def test_corrections_that_cannot_be(change: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        correct(owner(), **({"by": 5} | change))  # type: ignore[arg-type]


def test_bets_undone_after_their_points_were_spent_leave_less_than_nothing() -> None:
    with_items()
    player = owner()
    large = bet_placed(player, "1000.00")
    tell(large)
    catch_up("loyalty.accrual")
    redeem(player)
    tell(rolled_back(large))
    catch_up("loyalty.accrual")
    assert have(player) == (-1000, 0)
    tell(bet_placed(player, "1500.00"))
    catch_up("loyalty.accrual")
    assert have(player) == (500, 0)


# --- redeemed -----------------------------------------------------------------------------------------------------


def test_a_thousand_points_are_ten_euro_of_free_play() -> None:
    with_items()
    player = owner(2_999)
    done = redeem(player, steps=2)
    assert (done.state, done.points, done.worth) == (RedemptionState.GRANTED, 2_000, Money(2_000, "EUR"))
    assert redeem(player, steps=2) == done
    assert (have(player), get_balances(player).real) == ((999, 0), Money(2_000, "EUR"))
    (given,) = list_grants(player_id=player)
    assert (given.id, given.kind, given.occasion) == (done.grant_id, "points_redemption", f"redemption:{done.id}")
    kinds = [entry.kind for entry in reversed(selectors.list_points_entries(player))]
    assert kinds == ["addition", "hold", "redemption"]
    told = [event.payload for event in list_player_events(player, limit=50) if event.type == PointsRedeemed.wire_name]
    assert told == [
        {"redemption_id": str(done.id), "grant_id": str(given.id), "item": "free-play", "points": 2000, "balance": 999}
    ]
    with pytest.raises(IdempotencyConflict):
        redeem(player, steps=3)


def test_free_spins_for_points() -> None:
    with_items()
    player = owner(500)
    done = redeem(player, item="spins")
    (given,) = list_grants(player_id=player)
    assert (done.state, done.worth, given.spins, have(player)) == ("granted", None, 10, (0, 0))


def test_the_catalogue_is_what_the_player_may_have() -> None:
    with_items()
    player = owner(2_500)
    rows = [(row.code, row.affordable) for row in selectors.list_catalogue(player, AT)]
    assert rows == [("free-play", 2), ("spins", 1)]
    tell(bet_placed(player, "60000.00"))
    catch_up("loyalty.accrual")
    rows = [(row.code, row.affordable) for row in selectors.list_catalogue(player, AT)]
    assert rows == [("free-play", 62), ("spins", 1), ("gold-only", 100)]
    with pytest.raises(FieldErrors, match="500"):
        redeem(player, steps=51)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"item": "car"}, FieldErrors),
        ({"item": "gold-only"}, FieldErrors),
        ({"steps": 0}, FieldErrors),
        ({"steps": 101}, FieldErrors),
        ({"item": "spins", "steps": 2}, FieldErrors),
        ({"steps": 6}, points.NotEnoughPoints),
        ({"key": ""}, FieldErrors),
        ({"actor": Actor(ActorKind.STAFF, "7")}, AccessDenied),
    ],
)
def test_redemptions_that_cannot_be(change: dict[str, object], error: type[Exception]) -> None:
    with_items()
    player = owner(5_000)
    with pytest.raises(error):
        redeem(player, **change)  # type: ignore[arg-type]
    assert (have(player), Redemption.objects.count()) == ((5_000, 0), 0)


def test_many_points_wait_for_staff_who_confirm_or_reject() -> None:
    with_items()
    player = owner(100_000)
    first, second = redeem(player, steps=20, key="1"), redeem(player, steps=30, key="2")
    assert (first.state, have(player)) == (RedemptionState.HELD, (50_000, 50_000))
    done = redemptions.confirm(redemption_id=first.id, actor=CLERK, at=AT + DAY)
    assert (done.state, have(player), get_balances(player).real) == ("granted", (50_000, 30_000), Money(20_000, "EUR"))
    assert redemptions.confirm(redemption_id=first.id, actor=CLERK, at=AT + DAY) == done
    with pytest.raises(redemptions.RedemptionDecided):
        redemptions.reject(redemption_id=first.id, reason="x", actor=CLERK, at=AT + DAY)
    with pytest.raises(FieldErrors):
        redemptions.reject(redemption_id=second.id, reason=" ", actor=CLERK, at=AT + DAY)
    gone = redemptions.reject(redemption_id=second.id, reason="Abuse is looked into", actor=CLERK, at=AT + DAY)
    assert (gone.state, have(player)) == ("rejected", (80_000, 0))
    with pytest.raises(AccessDenied):
        redemptions.confirm(redemption_id=first.id, actor=Actor(ActorKind.STAFF, "7"), at=AT)
    with pytest.raises(redemptions.UnknownRedemption):
        redemptions.confirm(redemption_id=uuid4(), actor=CLERK, at=AT)


def test_what_nobody_decides_comes_back_after_its_time() -> None:
    with_items(hold_hours=72)
    player = owner(20_000)
    held = redeem(player, steps=20)
    assert held.decide_until == AT + 3 * DAY
    assert redemptions.expire_held(at=AT + 3 * DAY - timedelta(seconds=1)) == 0
    with pytest.raises(redemptions.RedemptionDecided):
        redemptions.confirm(redemption_id=held.id, actor=CLERK, at=AT + 3 * DAY)
    assert (redemptions.expire_held(at=AT + 3 * DAY), redemptions.expire_held(at=AT + 3 * DAY)) == (1, 0)
    assert have(player) == (20_000, 0)


def test_a_bonus_that_is_refused_gives_the_points_back_and_says_why() -> None:
    with_items()
    player = owner(1_000)
    pause_offer(code="free-play", reason="x", actor=MAKER, at=AT)
    assert (redeem(player).state, redeem(player).why, have(player)) == ("refused", "offer_not_live", (1_000, 0))
    resume_offer(code="free-play", reason="x", actor=MAKER, at=AT)
    impose(
        player_id=player,
        kind=RestrictionKind.BONUS_BLOCK,
        reason="x",
        source="t",
        actor=ACTOR,
        at=AT,
        idempotency_key="r",
    )
    blocked = redeem(player, key="2")
    assert (blocked.state, blocked.why, have(player)) == ("refused", "bonus_block", (1_000, 0))


def test_fifty_want_the_last_thousand_points() -> None:
    with_items()
    player = owner(1_999)

    def try_(key: str) -> int:
        try:
            return int(redeem(player, key=key).state == "granted")
        except points.NotEnoughPoints:
            return 0

    assert sum(in_parallel([partial(try_, str(n)) for n in range(50)], threads=10)) == 1
    assert (have(player), get_balances(player).real) == ((999, 0), Money(1_000, "EUR"))


def test_confirmed_and_rejected_at_once_is_one_of_both() -> None:
    with_items()
    player = owner(20_000)
    held = redeem(player, steps=20)

    def decide(yes: bool) -> str:
        try:
            if yes:
                return redemptions.confirm(redemption_id=held.id, actor=CLERK, at=AT).state
            return redemptions.reject(redemption_id=held.id, reason="x", actor=CLERK, at=AT).state
        except redemptions.RedemptionDecided:
            return "late"

    said = set(in_parallel([partial(decide, n % 2 == 0) for n in range(10)], threads=10))
    assert said in ({"granted", "late"}, {"rejected", "late"})
    assert have(player) in ((0, 0), (20_000, 0))


def test_killed_between_hold_and_grant_nothing_is_lost() -> None:
    """All of a redemption is one transaction: what is seen of it afterwards is all, or nothing."""
    with_items()
    players = [owner(50_000) for _ in range(4)]
    program = (
        "import django; django.setup()\n"
        "from loyalty.services.redemptions import request_redemption\n"
        "from tests.factories import ACTOR, AT\n"
        "from uuid import UUID\n"
        f"ids = {[str(player) for player in players]}\n"
        "for n in range(1000):\n"
        "    request_redemption(player_id=UUID(ids[n % 4]), item='free-play', steps=1,\n"
        "        idempotency_key=str(n), actor=ACTOR, at=AT)\n"
    )
    as_program = os.environ | {"DJANGO_SETTINGS_MODULE": "pms.settings"}
    process = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, env=as_program)
    for _ in range(500):
        if Redemption.objects.count() >= 12:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = Redemption.objects.filter(state="granted")
    assert 12 <= done.count() == Redemption.objects.count()
    for player in players:
        count = done.filter(player_id=player).count()
        assert have(player) == (50_000 - 1_000 * count, 0)
        assert get_balances(player).real.amount_minor == 1_000 * count


# --- expired ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "months", "expires"),
    [
        ("2025-03-14T15:09:26", 12, "2026-03-14T15:09:26"),
        ("2024-02-29T00:00:00", 12, "2025-02-28T00:00:00"),
        ("2025-08-31T10:00:00", 6, "2026-02-28T10:00:00"),
        ("2025-12-31T23:59:59", 1, "2026-01-31T23:59:59"),
        ("2026-01-31T10:00:00", -1, "2025-12-31T10:00:00"),
    ],
)
def test_months_end_where_calendars_do(active: str, months: int, expires: str) -> None:
    assert rules.months_later(datetime.fromisoformat(active), months) == datetime.fromisoformat(expires)


def told(player_id: UUID, event: type) -> list[dict[str, object]]:
    return [e.payload for e in list_player_events(player_id, limit=100) if e.type == event.wire_name]


def test_twelve_months_of_silence_end_all_points_after_two_warnings() -> None:
    silent, busy = owner(700), owner(700)
    last = datetime(2027, 3, 14, 15, 9, 26, tzinfo=UTC)
    assert expiry.warn(at=last - 30 * DAY - timedelta(seconds=1)) == 0
    assert (expiry.warn(at=last - 30 * DAY), expiry.warn(at=last - 30 * DAY)) == (2, 0)
    tell(bet_placed(busy, "1.00", at=last - 20 * DAY))
    catch_up("loyalty.accrual")
    assert (expiry.warn(at=last - 7 * DAY), expiry.warn(at=last - 6 * DAY)) == (1, 0)
    assert [(w["days"], w["points"]) for w in told(silent, PointsExpiring)] == [(7, 700), (30, 700)]
    assert expiry.expire_points(at=last - timedelta(seconds=1)) == 0
    assert (expiry.expire_points(at=last), expiry.expire_points(at=last)) == (1, 0)
    assert (have(silent), have(busy)) == ((0, 0), (701, 0))
    assert told(silent, PointsExpired) == [{"points": 700}]


def test_a_redemption_is_activity_and_what_is_set_aside_stays() -> None:
    with_items()
    player = owner(30_000, at=AT - 300 * DAY)
    held = redeem(player, steps=20)
    later = rules.months_later(AT, 12)
    assert expiry.expire_points(at=later - DAY) == 0
    assert expiry.expire_points(at=later) == 1
    assert have(player) == (0, 20_000)
    redemptions.expire_held(at=later)
    assert (have(player), selectors.find_redemption(held.id).state) == ((20_000, 0), "expired")  # type: ignore[union-attr]


def test_each_programme_has_its_own_months_and_many_expire_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    standard(expiry_months=1)
    players = [owner(10 + n) for n in range(7)]
    monkeypatch.setattr(expiry, "BATCH", 2)
    later = rules.months_later(AT, 1)
    runs = in_parallel([partial(expiry.expire_points, at=later)] * 3, threads=3)
    assert sum(runs) == 7
    assert {have(player) for player in players} == {(0, 0)}
    assert PointsEntry.objects.filter(kind="expiry").count() == 7
