"""Money over HTTP: every outcome of a posting has one status and one form."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse

from kernel.scopes import SCOPES
from players.services.accounts import change_status
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind, Status
from tests.factories import ACTOR, AT, fund, make_game, make_player
from tests.rest.conftest import Api, problem
from wallet.selectors import get_balances

HOSTILE = ["", " \x00", "a\x00b", "\u2028", "x" * 201, "\ufeff", "line\nbreak"]


@pytest.fixture
def player(db: None) -> PlayerDetails:
    """Holds 100.00 EUR; the game `fruits` is there."""
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    return player


def play_of(player: PlayerDetails, **changes: Any) -> dict[str, Any]:
    body = {
        "player_id": str(player.id),
        "game": "fruits",
        "round": "r1",
        "stake": "10.00",
        "win": "4.00",
        "currency": "EUR",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def bet_of(player: PlayerDetails, **changes: Any) -> dict[str, Any]:
    return play_of(player, **{"win": None} | changes)


def balance(real: str, bonus: str = "0.00") -> dict[str, str]:
    return {"currency": "EUR", "real": real, "bonus": bonus, "total": real}


def holding(real: str) -> dict[str, object]:
    """What the player's own balance says besides."""
    return {**balance(real), "free_spins": 0, "free_spins_value": "0.00", "tournament": "0.00", "held": "0.00"}


def refused(answer: HttpResponse, status: int, code: str, outcome: str, real: str = "100.00") -> None:
    body = problem(answer, status, code)
    assert (body["outcome"], body["balance"]) == (outcome, balance(real))


def test_a_play_is_answered_with_its_outcome_and_the_balance(api: Api, player: PlayerDetails) -> None:
    answer = api.post("wallet/plays", play_of(player))
    assert answer.status_code == 200
    body = answer.json()
    assert body["transfer_id"]
    assert body["win_transfer_id"]
    del body["transfer_id"], body["win_transfer_id"]
    assert body == {"outcome": "applied", "reason": "", "balance": balance("94.00")}
    assert answer["Cache-Control"] == "no-store"
    assert api.get(f"players/{player.id}/balance").json() == holding("94.00")


def test_the_same_play_again_gives_the_first_answer(api: Api, player: PlayerDetails) -> None:
    first = api.post("wallet/plays", play_of(player), key="once").json()
    again = api.post("wallet/plays", play_of(player), key="once").json()
    assert again == first | {"outcome": "replayed"}
    refused(
        api.post("wallet/plays", play_of(player, stake="11.00"), key="once"),
        409,
        "idempotency_conflict",
        "conflict",
        "94.00",
    )
    assert get_balances(player.id).real.amount_minor == 9400


def test_parallel_copies_of_one_play_are_one_play(api: Api, player: PlayerDetails, live_server: Any) -> None:
    def send(_: int) -> tuple[int, str]:
        headers = api._headers() | {"Idempotency-Key": "once", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310  (our own server)
            f"{live_server.url}/api/v1/wallet/plays", json.dumps(play_of(player)).encode(), headers
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return answer.status, json.load(answer)["outcome"]

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(send, range(24)))
    assert sorted(answers) == [(200, "applied")] + 23 * [(200, "replayed")]
    assert get_balances(player.id).real.amount_minor == 9400


def test_two_clients_may_use_the_same_key(token_for: Callable[..., str], player: PlayerDetails) -> None:
    for client in ("one", "two"):
        answer = Api(token_for(*SCOPES, client_id=client)).post("wallet/plays", play_of(player), key="k")
        assert answer.json()["outcome"] == "applied"


def test_bet_win_and_rollback(api: Api, player: PlayerDetails) -> None:
    assert api.post("wallet/bets", bet_of(player), key="b1").json()["balance"] == balance("90.00")
    win = {"player_id": str(player.id), "bet_key": "b1", "amount": "25.50", "currency": "EUR"}
    assert api.post("wallet/wins", win, key="w1").json()["balance"] == balance("115.50")
    assert api.post("wallet/wins", win, key="w1").json()["outcome"] == "replayed"
    rollback = {"player_id": str(player.id), "bet_key": "b1"}
    assert api.post("wallet/rollbacks", rollback, key="x1").json()["balance"] == balance("100.00")
    assert api.post("wallet/rollbacks", rollback, key="x1").json()["outcome"] == "replayed"
    refused(api.post("wallet/wins", win, key="w2"), 404, "unknown_reference", "unknown_reference")


def test_a_rollback_that_comes_before_its_bet(api: Api, player: PlayerDetails) -> None:
    answer = api.post("wallet/rollbacks", {"player_id": str(player.id), "bet_key": "late"})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "tombstoned")
    assert answer.json()["balance"] == balance("100.00")
    refused(api.post("wallet/bets", bet_of(player), key="late"), 409, "tombstoned", "tombstoned")


def test_refusals(api: Api, player: PlayerDetails) -> None:
    refused(api.post("wallet/plays", play_of(player, stake="100.01")), 422, "insufficient_funds", "refused")
    refused(api.post("wallet/plays", play_of(player, game="nope")), 422, "unknown_game", "refused")
    refused(api.post("wallet/plays", play_of(player, currency="SEK")), 422, "wrong_currency", "refused")
    stranger = problem(api.post("wallet/plays", play_of(player, player_id=str(uuid4()))), 422, "unknown_player")
    assert (stranger["outcome"], stranger["balance"]) == ("refused", None)
    assert get_balances(player.id).real.amount_minor == 10000


def test_restrictions_and_status_are_forbidden(api: Api, player: PlayerDetails) -> None:
    impose(player_id=player.id, kind=RestrictionKind.PLAY_BLOCK, reason="test", source="staff", actor=ACTOR, at=AT)
    refused(api.post("wallet/bets", bet_of(player)), 403, "play_block", "refused")
    change_status(player_id=player.id, to=Status.SUSPENDED, reason="test", actor=ACTOR, at=AT)
    refused(api.post("wallet/bets", bet_of(player)), 403, "status_suspended", "refused")


@pytest.mark.parametrize(
    "amount",
    [1, 1.5, None, True, "", "1,5", "1e2", "-1.00", "0.00", "0", "0.001", "∞", "NaN", "٣", "9" * 16, [], {"a": 1}],
)
def test_amounts_that_are_none(api: Api, player: PlayerDetails, amount: object) -> None:
    body = play_of(player) | {"stake": amount}
    assert list(problem(api.post("wallet/plays", body), 422, "validation_failed")["errors"]) == ["stake"]
    deposit = {
        "player_id": str(player.id),
        "amount": amount,
        "currency": "EUR",
        "provider": "sandbox",
        "instrument": "tok_ok",
    }
    answer = api.post("wallet/deposits", deposit)
    assert list(problem(answer, 422, "validation_failed")["errors"]) == ["amount"]


@pytest.mark.parametrize("field", ["game", "round", "bet_key"])
def test_references_with_hostile_texts(api: Api, player: PlayerDetails, field: str) -> None:
    for text in HOSTILE:
        if field == "bet_key":
            body = {"player_id": str(player.id), "bet_key": text, "amount": "1.00", "currency": "EUR"}
            answer = api.post("wallet/wins", body)
        else:
            answer = api.post("wallet/plays", play_of(player, **{field: text}))
        problem(answer, 422, "validation_failed")
    for text in ("'; DROP TABLE wallet_transfer; --", "%s%s", "{0}", "../../etc/passwd", "<script>"):
        assert api.post("wallet/plays", play_of(player, round=text, stake="0.01", win="0.00")).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"player_id": "1"}, "player_id"),
        ({"player_id": 7}, "player_id"),
        ({"player_id": None}, "player_id"),
        ({"currency": "euro"}, "currency"),
        ({"currency": 978}, "currency"),
        ({"game": ["fruits"]}, "game"),
        ({"round": 1}, "round"),
        ({"win": "-1.00"}, "win"),
        ({"occurred_at": "2020-01-01T00:00:00Z"}, "occurred_at"),
    ],
)
def test_each_wrong_field_is_named(api: Api, player: PlayerDetails, change: dict[str, Any], field: str) -> None:
    body = {name: value for name, value in (play_of(player) | change).items() if value is not None}
    errors = problem(api.post("wallet/plays", body), 422, "validation_failed")["errors"]
    assert list(errors) == [field]
    assert errors[field][0].endswith(".")


def test_a_deposit_is_credited_once(api: Api, player: PlayerDetails) -> None:
    body = {
        "player_id": str(player.id),
        "amount": "50.00",
        "currency": "EUR",
        "provider": "sandbox",
        "instrument": "tok_ok",
    }
    first = api.post("wallet/deposits", body, key="d1")
    assert (first.status_code, first.json()["state"], first.json()["amount"]) == (201, "made", "50.00")
    again = api.post("wallet/deposits", body, key="d1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert api.get(first["Location"]).json() == first.json()
    problem(api.post("wallet/deposits", body | {"amount": "51.00"}, key="d1"), 409, "idempotency_conflict")
    assert get_balances(player.id).real.amount_minor == 15000


def test_deposits_that_are_not_made(api: Api, player: PlayerDetails) -> None:
    body = {
        "player_id": str(player.id),
        "amount": "50.00",
        "currency": "EUR",
        "provider": "sandbox",
        "instrument": "tok_decline",
    }
    declined = api.post("wallet/deposits", body).json()
    assert (declined["state"], declined["failure_reason"]) == ("failed", "declined_by_issuer")
    assert api.post("wallet/deposits", body | {"instrument": "tok_pending"}).json()["state"] == "pending"
    for change, field in (
        ({"provider": "nobody"}, "provider"),
        ({"instrument": "4111 1111 1111 1111"}, "instrument"),
        ({"instrument": "a\x00"}, "instrument"),
        ({"currency": "SEK"}, "currency"),
        ({"currency": "€€€"}, "currency"),
        ({"note": "hi"}, "note"),
    ):
        assert field in problem(api.post("wallet/deposits", body | change), 422, "validation_failed")["errors"]
    impose(player_id=player.id, kind=RestrictionKind.DEPOSIT_BLOCK, reason="test", source="staff", actor=ACTOR, at=AT)
    assert problem(api.post("wallet/deposits", body), 403, "deposit_refused")["reason"] == "deposit_block"
    problem(api.post("wallet/deposits", body | {"player_id": str(uuid4())}), 404, "unknown_player")
    problem(api.get(f"wallet/deposits/{uuid4()}"), 404, "not_found")


def test_transactions_page_by_page(api: Api, player: PlayerDetails) -> None:
    for number in range(3):
        api.post("wallet/plays", play_of(player, round=f"r{number}"), key=f"p{number}")
    path: str | None = f"players/{player.id}/transactions?limit=2"
    seen = []
    while path:
        answer = api.get(path).json()
        assert len(answer["items"]) <= 2
        seen += answer["items"]
        path = answer["next"]
    assert [(line["kind"], line["amount"]) for line in seen] == [("win", "4.00"), ("bet", "-10.00")] * 3 + [
        ("deposit", "100.00")
    ]
    assert [line["real_after"] for line in seen[:3]] == ["82.00", "78.00", "88.00"]
    bets = api.get(f"players/{player.id}/transactions?kind=bet&kind=deposit").json()["items"]
    assert [line["kind"] for line in bets] == ["bet", "bet", "bet", "deposit"]
    problem(api.get(f"players/{uuid4()}/transactions"), 404, "unknown_player")
    problem(api.get(f"players/{player.id}/transactions?kind=theft"), 422, "validation_failed")


def test_games(api: Api, db: None) -> None:
    make_game("fruits")
    make_game("gone", active=False)
    assert [game["code"] for game in api.get("wallet/games").json()["items"]] == ["fruits", "gone"]
    assert [game["code"] for game in api.get("wallet/games?active=true").json()["items"]] == ["fruits"]
    assert api.get("wallet/games").json()["items"][0]["rtp"] == "0.9600"


def test_what_the_hot_path_costs(
    api: Api, player: PlayerDetails, django_assert_num_queries: Callable[..., Any]
) -> None:
    api.get(f"players/{player.id}/balance")
    api.post("wallet/plays", play_of(player))  # the first has the player's row of the gate compiled
    with django_assert_num_queries(1):
        api.get(f"players/{player.id}/balance")
    with django_assert_num_queries(1):
        api.post("wallet/plays", play_of(player))
    with django_assert_num_queries(1):
        api.post("wallet/bets", bet_of(player), key="b")
    with django_assert_num_queries(1):
        api.post("wallet/wins", {"player_id": str(player.id), "bet_key": "b", "amount": "1.00", "currency": "EUR"})


def test_a_player_without_money_has_a_balance_too(api: Api, db: None) -> None:
    assert api.get(f"players/{make_player().id}/balance").json() == holding("0.00")
    problem(api.get(f"players/{uuid4()}/balance"), 404, "unknown_player")
