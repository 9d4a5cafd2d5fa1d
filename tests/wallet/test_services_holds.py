"""Reserved bets: set aside, captured in parts, released; never more than was reserved."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from events.catalogue.base import CATALOGUE
from events.selectors import Cursor, read_log
from kernel.actors import system
from kernel.db import fetch_one
from kernel.errors import FieldErrors
from kernel.money import Money
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.wallet.test_services_bets import balances, bonus, eur, rollback, win
from wallet.models import Hold
from wallet.selectors import get_balances, list_purses
from wallet.selectors_holds import list_holds
from wallet.services import holds
from wallet.services.purses import close_bonus_purse
from wallet.types import AccountKind, Outcome, Posting

pytestmark = pytest.mark.usefixtures("db")

_keys = count(1)


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    return player


def reserve(player: PlayerDetails, amount: str, key: str = "hold") -> Posting:
    return holds.reserve(
        player_id=player.id,
        source="test",
        idempotency_key=key,
        game="fruits",
        round_id="match",
        amount=eur(amount),
        actor=ACTOR,
        at=AT,
    )


def capture(player: PlayerDetails, amount: str, key: str = "", hold: str = "hold") -> Posting:
    return holds.capture(
        player_id=player.id,
        source="test",
        idempotency_key=key or f"capture {next(_keys)}",
        hold_key=hold,
        amount=eur(amount),
        actor=ACTOR,
        at=AT,
    )


def release(player: PlayerDetails, amount: str = "", key: str = "", hold: str = "hold") -> Posting:
    return holds.release(
        player_id=player.id,
        source="test",
        idempotency_key=key or f"release {next(_keys)}",
        hold_key=hold,
        currency="EUR",
        amount=eur(amount) if amount else None,
        actor=ACTOR,
        at=AT,
    )


def held(player: PlayerDetails) -> str:
    return str(next(purse.balance for purse in list_purses(player.id) if purse.kind is AccountKind.HELD))


def published(name: str) -> list[dict[str, object]]:
    return [event.payload for event in read_log(Cursor(), [name], 100)[0]]


def test_what_is_reserved_cannot_be_bet(player: PlayerDetails) -> None:
    assert reserve(player, "60.00").outcome is Outcome.APPLIED
    assert (balances(player), held(player)) == (("40.00", "0.00"), "60.00")
    assert bet(player.id, "40.01").reason == "insufficient_funds"
    assert published("wallet.bet-placed.v1") == []
    assert published("wallet.bet-reserved.v1")[0]["amount"] == "60.00"


def test_captured_in_parts_and_the_rest_released(player: PlayerDetails) -> None:
    reserve(player, "60.00")
    assert capture(player, "20.00").outcome is Outcome.APPLIED
    assert capture(player, "15.00").outcome is Outcome.APPLIED
    assert release(player, "5.00").outcome is Outcome.APPLIED
    assert release(player).outcome is Outcome.APPLIED
    assert (balances(player), held(player)) == (("65.00", "0.00"), "0.00")
    hold = Hold.objects.get()
    assert (hold.captured_minor, hold.released_minor, hold.left_minor) == (3500, 2500, [0])
    assert [event["stake"] for event in published("wallet.bet-placed.v1")] == ["20.00", "15.00"]
    assert [event["amount"] for event in published("wallet.hold-released.v1")] == ["5.00", "20.00"]


def test_no_more_than_was_reserved(player: PlayerDetails) -> None:
    reserve(player, "60.00")
    assert capture(player, "60.01").reason == "hold_exceeded"
    capture(player, "60.00")
    for late in (capture(player, "0.01"), release(player), release(player, "0.01")):
        assert (late.outcome, late.reason) == (Outcome.REFUSED, "hold_exceeded")
    assert balances(player) == ("40.00", "0.00")


def test_a_captured_bet_wins_and_is_rolled_back_like_any_other(player: PlayerDetails) -> None:
    bonus(player, "10.00")
    reserve(player, "105.00")
    assert balances(player) == ("0.00", "5.00")
    capture(player, "105.00", key="captured")
    win(player, "captured", "210.00")
    assert balances(player) == ("200.00", "15.00")
    assert rollback(player, "captured").outcome is Outcome.APPLIED
    assert (balances(player), held(player)) == (("100.00", "10.00"), "0.00")


def test_parts_come_from_the_purses_in_proportion(player: PlayerDetails) -> None:
    bonus(player, "50.00")
    reserve(player, "150.00")
    capture(player, "30.00")
    assert Hold.objects.get().left_minor == [8000, 4000]
    (placed,) = published("wallet.bet-placed.v1")
    assert (placed["real"], placed["bonus"]) == ("20.00", "10.00")
    release(player)
    assert balances(player) == ("80.00", "40.00")


def test_a_release_follows_a_purse_that_was_closed(player: PlayerDetails) -> None:
    released, forfeited = bonus(player, "10.00", key="one"), bonus(player, "20.00", key="two")
    reserve(player, "130.00")
    for purse, keep in ((released, True), (forfeited, False)):
        close_bonus_purse(
            player_id=player.id, purse_id=purse, release=keep, currency="EUR", source="test",  # type: ignore[arg-type]
            idempotency_key=f"close {purse}", actor=ACTOR, at=AT,
        )  # fmt: skip
    release(player)
    assert balances(player) == ("110.00", "0.00")


def test_same_key_is_replayed_and_other_content_a_conflict(player: PlayerDetails) -> None:
    first = reserve(player, "10.00")
    assert (reserve(player, "10.00").outcome, reserve(player, "10.00").transfer_id) == (
        Outcome.REPLAYED,
        first.transfer_id,
    )
    assert reserve(player, "11.00").outcome is Outcome.CONFLICT
    captured = capture(player, "4.00", key="c")
    again = capture(player, "4.00", key="c")
    assert (again.outcome, again.transfer_id) == (Outcome.REPLAYED, captured.transfer_id)
    assert capture(player, "5.00", key="c").outcome is Outcome.CONFLICT
    assert release(player, "4.00", key="c").outcome is Outcome.CONFLICT
    assert held(player) == "6.00"


def test_unknown_holds_and_others_holds(player: PlayerDetails) -> None:
    other = make_player()
    fund(other.id)
    reserve(player, "10.00")
    bet(player.id, "1.00", key="a bet")
    assert capture(player, "1.00", hold="never made").outcome is Outcome.UNKNOWN_REFERENCE
    assert capture(player, "1.00", hold="a bet").outcome is Outcome.UNKNOWN_REFERENCE
    assert capture(other, "1.00").outcome is Outcome.UNKNOWN_REFERENCE


def test_refusals_are_those_of_a_bet(player: PlayerDetails) -> None:
    assert reserve(player, "100.01").reason == "insufficient_funds"
    impose(player_id=player.id, kind=RestrictionKind.PLAY_BLOCK, reason="asked", source="test", actor=ACTOR, at=AT)
    assert reserve(player, "1.00", key="blocked").reason == "play_block"
    with pytest.raises(FieldErrors):
        reserve(player, "0.00", key="nothing")


def test_a_block_does_not_undo_a_bet_that_was_reserved_before(player: PlayerDetails) -> None:
    reserve(player, "10.00")
    impose(player_id=player.id, kind=RestrictionKind.PLAY_BLOCK, reason="asked", source="test", actor=ACTOR, at=AT)
    assert capture(player, "10.00").outcome is Outcome.APPLIED


def test_holds_made_at_once_never_exceed_the_balance(player: PlayerDetails) -> None:
    works = [lambda key=f"h{number}": reserve(player, "10.00", key).outcome for number in range(40)]
    assert Counter(in_parallel(works, 20)) == {Outcome.APPLIED: 10, Outcome.REFUSED: 30}
    assert (balances(player), held(player)) == (("0.00", "0.00"), "100.00")


def test_two_commits_of_one_hold_at_once_are_one(player: PlayerDetails) -> None:
    reserve(player, "10.00")
    works = [lambda key=f"c{number}": capture(player, "10.00", key).outcome for number in range(20)]
    assert Counter(in_parallel(works, 20)) == {Outcome.APPLIED: 1, Outcome.REFUSED: 19}
    assert fetch_one("SELECT count(*) FROM wallet_transfer WHERE kind = 'bet'")[0] == 1


def test_a_release_racing_a_capture_moves_the_money_once(player: PlayerDetails) -> None:
    works = []
    for number in range(15):
        reserve(player, "2.00", f"h{number}")
        works.append(lambda number=number: capture(player, "2.00", f"c{number}", f"h{number}").ok)
        works.append(lambda number=number: release(player, key=f"r{number}", hold=f"h{number}").ok)
    done = in_parallel(works, 20)
    assert sum(done) == 15
    captured = sum(done[::2])
    assert (get_balances(player.id).real, held(player)) == (Money(10_000 - 200 * captured, "EUR"), "0.00")


@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.integers(0, 10**15), min_size=1, max_size=6).filter(any), data=st.data())
def test_shares_are_whole_exact_and_never_more_than_the_part(parts: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(1, sum(parts)))
    shares = fetch_one("SELECT wallet_shares(%s::bigint[], %s)", [parts, amount])[0]
    assert sum(shares) == amount
    for part, share in zip(parts, shares, strict=True):
        assert 0 <= share <= part
        assert abs(share * sum(parts) - amount * part) < sum(parts)


def test_the_catalogue_knows_what_holds_publish(player: PlayerDetails) -> None:
    reserve(player, "10.00")
    release(player)
    names = ["wallet.bet-reserved.v1", "wallet.hold-released.v1"]
    events = read_log(Cursor(), names, 10)[0]
    assert [event.type for event in events] == names
    for event in events:
        CATALOGUE[event.type].from_log(event.player_id, event.occurred_at, event.payload)


def test_what_is_left_goes_back_when_its_time_is_over(player: PlayerDetails) -> None:
    bonus(player, "10.00")
    reserve(player, "105.00")
    assert capture(player, "42.00").outcome is Outcome.APPLIED
    reserve(player, "1.00", key="later, refused for want of money on the way")
    job = system("expire-holds")
    assert holds.expire_holds(actor=job, at=AT + timedelta(hours=settings.HOLD_HOURS, seconds=-1)) == 0
    over = AT + timedelta(hours=settings.HOLD_HOURS)
    late = holds.capture(
        player_id=player.id, source="test", idempotency_key="late", hold_key="hold", amount=eur("1.00"), actor=ACTOR, at=over
    )  # fmt: skip
    assert (late.outcome, late.reason) == (Outcome.REFUSED, "hold_expired")
    assert holds.expire_holds(actor=job, at=over) == 2
    assert balances(player) == ("60.00", "8.00")
    assert [(e["amount"], e["expired"]) for e in published("wallet.hold-released.v1")] == [
        ("63.00", True),
        ("1.00", True),
    ]
    assert [str(hold.left) for hold in list_holds(player.id)] == ["0.00", "0.00"]
    assert holds.expire_holds(actor=job, at=over + timedelta(days=1)) == 0


def test_a_hold_may_say_how_long_it_stays(player: PlayerDetails) -> None:
    what = {"player_id": player.id, "source": "test", "game": "fruits", "round_id": "match", "actor": ACTOR}
    what |= {"amount": eur("10.00"), "idempotency_key": "brief"}
    until = AT + timedelta(minutes=5)
    assert holds.reserve(**what, expires_at=until, at=AT).outcome is Outcome.APPLIED
    assert holds.reserve(**what, at=until + timedelta(days=1)).outcome is Outcome.REPLAYED
    (hold,) = list_holds(player.id, open_only=True)
    assert (hold.expires_at, hold.key, str(hold.left)) == (until, "brief", "10.00")
    refused = holds.reserve(**what | {"idempotency_key": "past"}, expires_at=AT, at=AT)
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "hold_expired")


def test_a_capture_racing_the_end_of_the_hold_moves_the_money_once(player: PlayerDetails) -> None:
    """A capture whose moment is before the end, worked while the job runs."""
    for n in range(5):
        reserve(player, "10.00", key=f"hold {n}")
    over = AT + timedelta(hours=settings.HOLD_HOURS)
    works = [lambda n=n: capture(player, "10.00", hold=f"hold {n}").outcome is Outcome.APPLIED for n in range(5)]
    works += [lambda: holds.expire_holds(actor=ACTOR, at=over)] * 3
    done = in_parallel(works, 8)
    assert sum(done) == 5
    captured = sum(done[:5])
    assert get_balances(player.id).real == eur(f"{100 - 10 * captured}.00")
