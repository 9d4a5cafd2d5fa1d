"""Many at once: the same rows, money, events and denials as one by one, once each whatever is killed or run twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from bonuses.models import Grant, Occasion, Spend
from bonuses.selectors import get_offer, list_grants
from bonuses.services import grants_many
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import grant
from bonuses.services.grants_many import Wanted, grant_many
from bonuses.services.lists import award_list, get_list, work_lists
from bonuses.services.triggers import award_due
from bonuses.types_offer import OfferRule
from events.selectors import list_player_events
from kernel.db import fetch_all
from kernel.money import Money
from players.selectors import UnknownPlayer
from players.services.accounts import change_status
from players.services.labels import set_label
from players.services.restrictions import impose
from players.types import RestrictionKind, Status
from tests.bonuses.offers import GIFT, SPINS, live_offer, work
from tests.connections import in_parallel
from tests.consumers import catch_up
from tests.database import PROJECT
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.packs import activate

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _currencies(settings: Any) -> None:
    settings.PLAYER_CURRENCIES = ("EUR", "SEK", "GBP")


# How a player is readied, for each of the two paths alike.
Ready = Callable[[UUID], object]


def restricted(kind: RestrictionKind) -> Ready:
    return lambda player_id: impose(
        player_id=player_id,
        kind=kind,
        reason="x",
        source="test",
        actor=ACTOR,
        at=AT,
        idempotency_key=f"{player_id}{kind}",
    )


def has_a_bonus(player_id: UUID) -> None:
    grant(offer="before", player_id=player_id, occasion="before", actor=ACTOR, at=AT)


def two_wait(player_id: UUID) -> None:
    has_a_bonus(player_id)
    grant(offer="queued", player_id=player_id, occasion="q", actor=ACTOR, at=AT)


CASES: list[tuple[dict[str, Any], Ready | None]] = [
    ({}, None),
    ({}, None),
    ({"last_name": "Keller", "postcode": "80331"}, None),
    ({"last_name": "Keller", "postcode": "80331"}, None),
    ({"country": "SE", "currency": "SEK"}, None),
    ({"country": "AT"}, lambda id_: set_label(player_id=id_, namespace="loyalty", key="level", value="gold", at=AT)),
    ({}, restricted(RestrictionKind.BONUS_BLOCK)),
    ({}, restricted(RestrictionKind.SELF_EXCLUDED)),
    ({}, restricted(RestrictionKind.DEPOSIT_BLOCK)),
    ({}, has_a_bonus),
    ({}, two_wait),
    ({"country": "GB"}, None),
    ({"country": "GB"}, lambda id_: set_label(player_id=id_, namespace="harm", key="marker", value="strong", at=AT)),
    ({"country": "SE"}, has_a_bonus),
    ({"country": "ES", "birth_date": date(2004, 1, 1)}, None),
    ({}, lambda id_: change_status(player_id=id_, to=Status.SUSPENDED, reason="x", actor=ACTOR, at=AT)),
]
OFFERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "wagered": (GIFT, {"wagering": {"multiple": "5", "max_stake": {"EUR": "5.00"}, "game_categories": ["slots"]}}),
    "real money": (GIFT, {"wagering": {"multiple": "0"}}),
    "queue": (GIFT, {"stacking": "queue"}),
    "taken by the player": (GIFT, {"claim": "player"}),
    "a household once": (GIFT, {"eligibility": {"per_household": 1, "per_player": 0}}),
    "budget for three": (GIFT, {"budget": {"total_eur": "30.00"}}),
    "a brake": (GIFT, {"budget": {"grants_per_hour": 4}}),
    "gold only": (GIFT, {"eligibility": {"labels": {"loyalty.level": ["gold"]}, "per_player": 0}}),
    "confirmed only": (GIFT, {"eligibility": {"confirmed_only": True, "per_player": 0}}),
    "in Germany": (GIFT, {"eligibility": {"jurisdictions": ["DE"], "per_player": 0}}),
    "spins": (SPINS, {}),
    "a device once": (GIFT, {"eligibility": {"per_device": 1, "per_player": 0}}),
    "not yet": (GIFT, {"starts_at": "2026-06-01T00:00:00Z"}),
    "with the level": (GIFT, {"award": {"scale_with_level": True}}),
}


def left(player_id: UUID, offer: str) -> list[object]:
    """Everything that giving leaves of a player, but for ids and the clock's times."""
    tables = {
        "bonuses_grant": "offer_id = (SELECT id FROM bonuses_offer WHERE code = %(offer)s) AND player_id = %(player)s",
        "wallet_account": "player_id = %(player)s",
        "wallet_transfer": "player_id = %(player)s",
        "wallet_entry": "account_id IN (SELECT id FROM wallet_account WHERE player_id = %(player)s)",
        "compliance_gatedecision": "player_id = %(player)s",
        "events_event": "player_id = %(player)s",
    }
    rows = {
        table: fetch_all(f"SELECT * FROM {table} t WHERE {where}", {"offer": offer, "player": player_id})
        for table, where in tables.items()
    }
    return [sorted(_plain(row, str(player_id)) for row in found) for found in rows.values()]


_HIDDEN = {
    "xid",
    "position",
    "epoch",
    "recorded_at",
    "digest",
    "hash",
    "last_hash",
    "shard",
    "offer_id",
    "version_id",
    "opened_at",
}


def _plain(row: dict[str, Any], player_id: str) -> str:
    if "household" in row:
        row |= {"household": bool(row["household"])}
    text = json.dumps({k: v for k, v in row.items() if k not in _HIDDEN}, default=str, sort_keys=True)
    text = text.replace(player_id, "PLAYER").replace("many-path", "PATH").replace("single-path", "PATH")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)


@pytest.mark.parametrize("name", OFFERS)
def test_both_paths_leave_the_same(name: str) -> None:
    activate("GB", "SE", "ES")
    live_offer(GIFT, code="before", wagering={"days": 90}, eligibility={"per_player": 0})
    live_offer(GIFT, code="queued", stacking="queue", eligibility={"per_player": 0})
    rule, changes = OFFERS[name]
    paths = ("single-path", "many-path")
    players: dict[str, list[UUID]] = {}
    for path in paths:
        live_offer(rule, code=path, **changes)
        players[path] = []
        for number, (fields, ready) in enumerate(CASES):
            # Two worlds: the households of one path are not those of the other.
            own = {k: f"{v} {path}" if k == "last_name" else v for k, v in fields.items()}
            player = make_player(**{"first_name": "Ann", "last_name": f"N{number} {path}", "postcode": "1", **own}).id
            if ready:
                ready(player)
            players[path].append(player)
    single: list[object] = []
    for player in players["single-path"]:
        try:
            grant(offer="single-path", player_id=player, occasion="list:x", actor=ACTOR, at=AT)
            single.append([])
        except NotEligible as error:
            single.append([(reason.code, reason.text) for reason in error.reasons])
    given = grant_many(
        offer="many-path", wanted=[Wanted(player, "list:x") for player in players["many-path"]], actor=ACTOR, at=AT
    )
    many = [[(reason.code, reason.text) for reason in row.reasons] for row in given]
    assert many == single
    for one, other in zip(*players.values(), strict=True):
        for expected, found in zip(left(one, "single-path"), left(other, "many-path"), strict=True):
            assert found == expected
    spends = [
        list(Spend.objects.filter(offer__code=path).values_list("day", "grants", "cost_eur_minor")) for path in paths
    ]
    assert spends[0] == spends[1]
    assert [row.grant_id for row in given] == [
        row.grant_id
        for row in grant_many(
            offer="many-path", wanted=[Wanted(player, "list:x") for player in players["many-path"]], actor=ACTOR, at=AT
        )
    ], "asked again, the same"


def test_most_go_by_few_statements(django_assert_max_num_queries: Any) -> None:
    live_offer(GIFT, code="gift")
    players = [make_player().id for _ in range(60)]
    with django_assert_max_num_queries(40):
        given = grant_many(offer="gift", wanted=[Wanted(player, "x") for player in players], actor=ACTOR, at=AT)
    assert all(row.grant_id for row in given)


def test_a_batch_that_the_ledger_refuses_goes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    live_offer(GIFT, code="gift")
    players = [make_player().id for _ in range(3)]

    def refuse(**frame: object) -> list[UUID]:
        raise grants_many.PursesRefused("x")

    monkeypatch.setattr(grants_many, "open_bonus_purses", refuse)
    given = grant_many(offer="gift", wanted=[Wanted(player, "x") for player in players], actor=ACTOR, at=AT)
    assert all(row.grant_id for row in given)
    assert Grant.objects.count() == 3


def test_strangers_and_a_stopped_offer() -> None:
    live_offer(GIFT, code="gift")
    nobody, somebody = uuid4(), make_player().id
    given = grant_many(offer="gift", wanted=[Wanted(nobody, "x"), Wanted(somebody, "x")], actor=ACTOR, at=AT)
    assert [[reason.code for reason in row.reasons] for row in given] == [[UnknownPlayer.code], []]


def test_a_player_whose_currency_has_no_rate_is_told_so_and_nothing_is_parked() -> None:
    live_offer(GIFT, code="gift", award={"amount": {"EUR": "10.00", "GBP": "10.00"}})
    player = make_player(currency="GBP", country="IE").id
    (row,) = grant_many(offer="gift", wanted=[Wanted(player, "x")], actor=ACTOR, at=AT)
    assert [reason.code for reason in row.reasons] == ["no_rate"]
    with pytest.raises(NotEligible, match="exchange rate"):
        grant(offer="gift", player_id=player, occasion="x", actor=ACTOR, at=AT)


def test_the_last_of_a_budget_is_exact_between_both_paths() -> None:
    live_offer(GIFT, code="gift", budget={"total_eur": "200.00"})
    players = [make_player().id for _ in range(60)]

    def one(player: UUID) -> bool:
        try:
            return bool(grant(offer="gift", player_id=player, occasion="x", actor=ACTOR, at=AT))
        except NotEligible:
            return False

    def many(part: list[UUID]) -> int:
        rows = grant_many(offer="gift", wanted=[Wanted(player, "x") for player in part], actor=ACTOR, at=AT)
        return sum(row.grant_id is not None for row in rows)

    works: list[Callable[[], int]] = [lambda part=players[n : n + 15]: many(part) for n in (0, 15, 30)]  # type: ignore[misc]
    works += [lambda player=player: int(one(player)) for player in players[45:]]  # type: ignore[misc]
    assert sum(in_parallel(works, threads=10)) == 20
    assert Spend.objects.get().cost_eur_minor == 20_000


def test_a_list_run_by_many_at_once_gives_each_once() -> None:
    live_offer(GIFT, code="gift")
    players = [make_player().id for _ in range(80)]
    listed = award_list(offer="gift", player_ids=players, note="x", idempotency_key="1", actor=ACTOR, at=AT)
    in_parallel([lambda: work_lists(at=AT)] * 4, threads=4)
    assert (get_list(listed.id).given, Grant.objects.count()) == (80, 80)


def test_a_list_that_was_killed_half_way_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    live_offer(GIFT, code="gift")
    players = [make_player().id for _ in range(400)]
    listed = award_list(offer="gift", player_ids=players, note="x", idempotency_key="1", actor=ACTOR, at=AT)
    program = (
        "import django; django.setup()\n"
        "from bonuses.services import grants_many, lists\n"
        "from tests.factories import AT\n"
        "grants_many.BATCH = lists.BATCH = 20\n"
        "lists.work_lists(at=AT)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, env=os.environ | {"DJANGO_SETTINGS_MODULE": "pms.settings"}
    )
    for _ in range(600):
        if get_list(listed.id).given >= 40:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    between = get_list(listed.id).given
    assert 40 <= between < 400
    assert Grant.objects.count() == between
    while work_lists(at=AT):
        pass
    assert (get_list(listed.id).given, Grant.objects.count()) == (400, 400)


def test_cashback_of_a_day_is_the_losers_and_once() -> None:
    make_game()
    offer = live_offer(
        GIFT,
        code="cashback",
        trigger={"kind": "schedule", "hour": 6},
        award={"kind": "cashback", "percent": "10", "cap": {"EUR": "100.00"}, "amount": {}, "window_days": 1},
        wagering={"multiple": "0"},
    )
    losers = [make_player().id for _ in range(7)]
    for number, player in enumerate(losers):
        fund(player, "200.00")
        if number < 5:
            bet(player, f"{10 * (number + 1)}.00", key=f"b{player}")
    catch_up("bonuses.play")
    morning = (AT + DAY).replace(hour=6, minute=0)
    assert award_due(at=morning - timedelta(hours=1)) == 0
    assert award_due(at=morning) == 5
    assert award_due(at=morning) == 0
    amounts = sorted(row.amount for player in losers for row in list_grants(player_id=player))
    assert amounts == [Money(100 * n, "EUR") for n in range(1, 6)]
    assert Occasion.objects.filter(offer__code=offer.code, grant__isnull=False).count() == 5
    told = [event.type for event in list_player_events(losers[0], limit=20)]
    assert told.count("bonuses.bonus-redeemed.v1") == 1
    work()
    assert get_offer("cashback").rule == offer.rule
    assert isinstance(offer.rule, OfferRule)
