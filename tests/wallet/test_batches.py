"""Batches do what one call per item does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import OperationalError

from kernel.db import fetch_all, fetch_one
from kernel.errors import FieldErrors
from kernel.money import Money
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.connections import Session, in_parallel
from tests.database import admin_url
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.wallet.test_services_bets import bonus
from wallet.selectors import get_balances
from wallet.services.batches import MAX_ITEMS, TooManyItems, place_batch
from wallet.services.bets import place_bet, play
from wallet.services.rounds import close_round
from wallet.services.verification import verify
from wallet.types import BatchBet, Outcome, Posting

pytestmark = pytest.mark.usefixtures("db")

END_WAITING_BATCHES = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query LIKE '%wallet_bet_batch%' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"""


@pytest.fixture(autouse=True)
def game(db: None) -> None:
    make_game()


def item(player: PlayerDetails, key: str, stake: str = "1.00", win: str | None = None, **more: Any) -> BatchBet:
    what = {"game": "fruits", "round_id": f"round-{key}", **more}
    won = None if win is None else Money.parse(win, "EUR")
    return BatchBet(player.id, key, stake=Money.parse(stake, "EUR"), win=won, **what)


def batch(*items: BatchBet) -> list[Posting]:
    return place_batch(items=items, source="test", actor=ACTOR, at=AT)


def one_by_one(*items: BatchBet) -> list[Posting]:
    postings = []
    for i in items:
        what = {"player_id": i.player_id, "source": "test", "idempotency_key": i.idempotency_key, "game": i.game}
        what |= {"round_id": i.round_id, "stake": i.stake, "actor": ACTOR, "at": AT}
        postings.append(play(**what, win=i.win) if i.win is not None else place_bet(**what))
    return postings


def funded(amount: str = "100.00") -> PlayerDetails:
    player = make_player()
    fund(player.id, amount)
    return player


def said(postings: list[Posting]) -> list[tuple[object, ...]]:
    """Answers without their ids."""
    return [
        (p.outcome, p.reason, bool(p.transfer_id), bool(p.win_transfer_id), str(p.real), str(p.bonus), p.real.currency)
        for p in postings
    ]


def rows_of(player_ids: list[UUID]) -> dict[str, list[dict[str, Any]]]:
    """What was written for these players, without ids and hashes; players by their place in the list."""
    params = {"players": player_ids}
    return {
        "transfers": fetch_all(
            """SELECT array_position(%(players)s::uuid[], t.player_id) AS player, t.kind, t.currency, t.amount_minor,
                      t.source, t.reference, t.game, t.round, t.actor, t.request_id, t.occurred_at, t.rate_id, b.reference AS bet
               FROM wallet_transfer t LEFT JOIN wallet_transfer b ON b.id = t.bet_id
               WHERE t.player_id = ANY(%(players)s) AND t.kind IN ('bet', 'win') ORDER BY player, t.id""",
            params,
        ),
        "entries": fetch_all(
            """SELECT array_position(%(players)s::uuid[], t.player_id) AS player, t.reference, t.kind, a.kind AS account,
                      e.amount_minor, e.balance_after_minor, e.sequence
               FROM wallet_transfer t JOIN wallet_entry e ON e.transfer_id = t.id JOIN wallet_account a ON a.id = e.account_id
               WHERE t.player_id = ANY(%(players)s) AND t.kind IN ('bet', 'win') ORDER BY player, t.id, a.kind, a.id""",
            params,
        ),
        "purses": fetch_all(
            """SELECT array_position(%(players)s::uuid[], player_id) AS player, kind, balance_minor, sequence
               FROM wallet_account WHERE player_id = ANY(%(players)s) ORDER BY 1, 2""",
            params,
        ),
        "counted": fetch_all(
            """SELECT array_position(%(players)s::uuid[], player_id) AS player, plain, hour_at, hour_bets, hour_staked_minor,
                      hour_won_minor, session_bets, session_staked_minor, session_won_minor, session_started_at, last_bet_at,
                      last_game, last_category
               FROM compliance_playgate WHERE player_id = ANY(%(players)s) AND last_bet_at IS NOT NULL ORDER BY 1""",
            params,
        ),
        "events": fetch_all(
            """SELECT array_position(%(players)s::uuid[], player_id) AS player, type, occurred_at, request_id, epoch, shard,
                      payload - 'bet_id' - 'win_id' AS payload, payload ? 'bet_id' AS names_bet, payload ? 'win_id' AS names_win
               FROM events_event WHERE player_id = ANY(%(players)s) AND type IN ('wallet.bet-placed.v1', 'wallet.win-credited.v1')
               ORDER BY player, xid, position""",
            params,
        ),
    }


def without_shards(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [{k: v for k, v in row.items() if k != "shard"} for row in of] for name, of in rows.items()}


def assert_sound() -> None:
    assert not [finding for finding in verify() if finding.broken]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_batch_writes_what_one_call_per_item_writes(seed: int) -> None:
    """Two groups of players, alike in everything: one group's items go in batches, the other's one by one."""
    random = Random(seed)
    make_game("inactive", active=False)
    groups = [[make_player() for _ in range(6)] for _ in range(2)]
    for players in groups:
        for place, player in enumerate(players):
            if place != 5:
                fund(player.id, "20.00")
        bonus(players[1], "10.00", key=f"bonus-{players[1].id}")
        impose(
            player_id=players[2].id, kind=RestrictionKind.FRAUD_HOLD, reason="x", source="test", actor=ACTOR, at=AT,
            idempotency_key=f"hold-{players[2].id}",
        )  # fmt: skip
    items: list[tuple[int, dict[str, Any]]] = []
    for number in range(60):
        what: dict[str, Any] = {"key": f"k{number}", "stake": random.choice(["0.50", "1.00", "7.00"])}
        what["win"] = random.choice([None, "0.00", "1.25"])
        what["round_id"] = f"round-{number}"
        if random.random() < 0.05:
            what["game"] = random.choice(["inactive", "nowhere"])
        if number and random.random() < 0.1:  # sent twice, with the same content or another
            place, known = random.choice(items)
            items.append((place, known if random.random() < 0.5 else known | {"stake": "9.99"}))
            continue
        items.append((random.choice([0, 0, 0, 1, 2, 3, 4, 5]), what))

    def of(group: list[PlayerDetails]) -> list[BatchBet]:
        return [item(group[place], **{**what, "key": f"{what['key']}"}) for place, what in items]

    # Keys are one source's: the second group's calls come from another.
    in_batches = [p for start in range(0, len(items), 25) for p in batch(*of(groups[0])[start : start + 25])]
    written = rows_of([player.id for player in groups[0]])
    assert_sound()
    singles = one_by_one(*[replace(i, idempotency_key=f"single-{i.idempotency_key}") for i in of(groups[1])])
    expected = rows_of([player.id for player in groups[1]])
    for of_what in ("transfers", "entries"):
        for row in expected[of_what]:
            for field in ("reference", "bet"):
                if row.get(field):
                    row[field] = row[field].removeprefix("single-")
    assert said(in_batches) == said(singles)
    assert Counter(p.outcome for p in in_batches).keys() == {
        Outcome.APPLIED, Outcome.REFUSED, Outcome.REPLAYED, Outcome.CONFLICT,
    }  # fmt: skip
    assert without_shards(written) == without_shards(expected)


def test_one_players_items_take_effect_in_their_order() -> None:
    player = funded("1.00")
    lost, refused, won, then = batch(
        item(player, "a", "1.00"), item(player, "b", "0.01"), item(funded(), "c"), item(player, "d", "0.02")
    )
    assert [p.outcome for p in (lost, refused, won, then)] == ["applied", "refused", "applied", "refused"]
    rich = funded("1.00")
    postings = batch(*[item(rich, f"r{n}", "1.00", "1.00") for n in range(50)], item(rich, "last", "1.00", "0.00"))
    assert {p.outcome for p in postings} == {Outcome.APPLIED}
    assert [str(p.real) for p in postings] == ["1.00"] * 50 + ["0.00"]
    assert_sound()


def test_one_that_is_refused_or_in_conflict_does_not_stop_the_rest() -> None:
    poor, rich, other = make_player(), funded(), funded()
    bet(rich.id, "1.00", key="used")
    postings = batch(
        item(poor, "p"), item(rich, "used", "2.00"), item(other, "o"), item(rich, "new"), item(other, "g", game="nowhere"),
        replace(item(rich, "stranger"), player_id=uuid4()),
    )  # fmt: skip
    assert [(p.outcome, p.reason) for p in postings] == [
        ("refused", "insufficient_funds"),
        ("conflict", ""),
        ("applied", ""),
        ("applied", ""),
        ("refused", "unknown_game"),
        ("refused", "unknown_player"),
    ]
    assert str(get_balances(rich.id).real) == "98.00"


def test_the_second_of_two_with_one_key_is_replayed_or_in_conflict() -> None:
    player, other = funded(), funded()
    same, again, changed, strangers = batch(
        item(player, "k"), item(player, "k"), item(player, "k", "2.00"), item(other, "k")
    )
    assert [p.outcome for p in (same, again, changed, strangers)] == ["applied", "replayed", "conflict", "conflict"]
    assert again.transfer_id == same.transfer_id


def test_what_a_batch_placed_is_known_to_single_calls_and_the_other_way_round() -> None:
    player = funded()
    items = [item(player, "a", win="2.00"), item(player, "b")]
    first = batch(*items)
    assert [p.outcome for p in first] == ["applied", "applied"]
    for again in (one_by_one(*items), batch(*items)):
        assert [p.outcome for p in again] == ["replayed", "replayed"]
        assert [(p.transfer_id, p.win_transfer_id) for p in again] == [
            (p.transfer_id, p.win_transfer_id) for p in first
        ]


def test_batches_of_the_same_players_and_keys_at_once_have_one_effect() -> None:
    players = [funded() for _ in range(8)]
    items = [item(player, f"{player.id}-{n}", win="0.50") for n in range(5) for player in players]
    answers = in_parallel([lambda backwards=n % 2: batch(*(items[::-1] if backwards else items)) for n in range(8)], 8)
    outcomes = Counter(posting.outcome for postings in answers for posting in postings)
    assert outcomes == {Outcome.APPLIED: 40, Outcome.REPLAYED: 280}
    assert {str(get_balances(player.id).real) for player in players} == {"97.50"}
    assert_sound()


def test_a_call_that_dies_half_way_leaves_nothing_and_its_retry_completes() -> None:
    """A key that the batch writes is taken by a transaction that stays open: it waits there, most of it written."""
    player, other = funded(), funded()
    items = [item(player, "a"), item(player, "z")]
    holder, working = Session(), Session()
    holder.begin()
    holder.do(lambda: bet(other.id, "1.00", key="z"))
    result = working.start(lambda: batch(*items))
    with psycopg.connect(admin_url(), autocommit=True) as superuser:
        while not superuser.execute(END_WAITING_BATCHES).fetchall():
            assert not result.done()
    with pytest.raises(OperationalError):
        result.result(timeout=20)
    holder.close()
    working.close()
    assert fetch_one("SELECT count(*) FROM wallet_transfer WHERE kind = 'bet'")[0] == 0
    assert [p.outcome for p in batch(*items)] == [Outcome.APPLIED, Outcome.APPLIED]
    assert_sound()


def test_a_batch_places_nothing_on_a_closed_round() -> None:
    player, other = funded(), funded()
    batch(item(player, "a", round_id="r"))
    closed = {"player_id": player.id, "game": "fruits", "round_id": "r", "currency": "EUR", "source": "test"}
    assert close_round(**closed, idempotency_key="close", actor=ACTOR, at=AT).ok
    postings = batch(item(player, "b", round_id="r"), item(player, "c", round_id="r2"), item(other, "d", round_id="r"))
    assert [(p.outcome, p.reason) for p in postings] == [("refused", "round_closed"), ("applied", ""), ("applied", "")]


def test_what_is_wrong_is_named_by_its_number_and_nothing_is_placed() -> None:
    player = funded()
    for wrong, field in [
        (item(player, ""), "items[1].idempotency_key"),
        (item(player, "x", "0.00"), "items[1].stake"),
        (item(player, "x", "1.00", "-1.00"), "items[1].win"),
        (replace(item(player, "x"), win=Money(1, "SEK")), "items[1].win"),
        (item(player, "x", game="a\nb"), "items[1].game"),
    ]:
        with pytest.raises(FieldErrors) as caught:
            batch(item(player, "good"), wrong)
        assert caught.value.errors.keys() == {field}
    with pytest.raises(TooManyItems):
        batch(*[item(player, f"k{n}") for n in range(MAX_ITEMS + 1)])
    assert str(get_balances(player.id).real) == "100.00"
    assert batch() == []


def test_a_full_batch() -> None:
    players = [funded() for _ in range(20)]
    postings = batch(*[item(players[n % 20], f"k{n}", "0.10", "0.20" if n % 3 else None) for n in range(MAX_ITEMS)])
    assert {p.outcome for p in postings} == {Outcome.APPLIED}
    assert_sound()
