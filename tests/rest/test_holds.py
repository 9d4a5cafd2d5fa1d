"""Reserved bets over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from players.types import PlayerDetails
from tests.factories import fund, make_game, make_player
from tests.rest.conftest import Api, problem

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    return player


def reserve(api: Api, player: PlayerDetails, amount: str, key: str, **more: object) -> str:
    body = {"player_id": str(player.id), "game": "fruits", "round": "r1", "amount": amount, "currency": "EUR"} | more
    answer = api.post("wallet/holds", body, key=key)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["transfer_id"])


def test_reserve_capture_win_and_release(api: Api, player: PlayerDetails) -> None:
    hold = reserve(api, player, "30.00", "h1")
    assert reserve(api, player, "30.00", "h1") == hold
    captured = api.post(f"wallet/holds/{hold}/capture", {"amount": "12.50", "currency": "EUR"}, key="bet1").json()
    assert (captured["outcome"], captured["balance"]["real"]) == ("applied", "70.00")
    win = {"player_id": str(player.id), "bet_key": "bet1", "amount": "5.00", "currency": "EUR"}
    assert api.post("wallet/wins", win, key="w1").json()["balance"]["real"] == "75.00"
    shown = api.get(f"wallet/holds/{hold}").json()
    now = datetime.now(UTC)
    assert now + timedelta(days=6) < datetime.fromisoformat(shown.pop("expires_at")) < now + timedelta(days=8)
    del shown["reserved_at"]
    assert shown == {
        "id": hold, "player_id": str(player.id), "currency": "EUR", "amount": "30.00", "captured": "12.50",
        "released": "0.00", "left": "17.50", "game": "fruits", "round": "r1", "source": "casino", "key": "h1",
    }  # fmt: skip
    too_much = {"amount": "17.51", "currency": "EUR"}
    assert (
        problem(api.post(f"wallet/holds/{hold}/capture", too_much), 422, "hold_exceeded")["balance"]["real"] == "75.00"
    )
    assert api.post(f"wallet/holds/{hold}/release", {"amount": "7.50"}).json()["balance"]["real"] == "82.50"
    assert api.post(f"wallet/holds/{hold}/release", {}, key="rest").json()["balance"]["real"] == "92.50"
    assert api.post(f"wallet/holds/{hold}/release", {}, key="rest").json()["outcome"] == "replayed"
    problem(api.post(f"wallet/holds/{hold}/release", {}), 422, "hold_exceeded")


def test_a_players_holds_page_by_page(api: Api, player: PlayerDetails) -> None:
    ids = [reserve(api, player, "1.00", f"h{n}") for n in range(5)]
    api.post(f"wallet/holds/{ids[2]}/release", {})
    page = api.get(f"players/{player.id}/holds", limit=3).json()
    assert [hold["id"] for hold in page["items"]] == ids[:1:-1]
    rest = api.get(page["next"]).json()
    assert [hold["id"] for hold in rest["items"]] == ids[1::-1]
    assert rest["next"] is None
    still_open = api.get(f"players/{player.id}/holds", open=True).json()["items"]
    assert [hold["id"] for hold in still_open] == [ids[4], ids[3], ids[1], ids[0]]
    assert api.get(f"players/{uuid4()}/holds").status_code == 404


def test_what_is_no_hold_or_somebody_elses(api: Api, player: PlayerDetails, token_for: Callable[..., str]) -> None:
    hold = reserve(api, player, "1.00", "h1")
    other = Api(token_for("wallet:write", "wallet:read", client_id="other"))
    for client, which in ((other, hold), (api, uuid4())):
        problem(client.post(f"wallet/holds/{which}/capture", {"amount": "1.00", "currency": "EUR"}), 404, "not_found")
        problem(client.post(f"wallet/holds/{which}/release", {}), 404, "not_found")
    assert other.get(f"wallet/holds/{hold}").status_code == 200
    problem(api.get(f"wallet/holds/{uuid4()}"), 404, "not_found")


def test_how_long_it_stays(api: Api, player: PlayerDetails) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    hold = reserve(api, player, "1.00", "h1", expires_at=until.isoformat())
    assert datetime.fromisoformat(api.get(f"wallet/holds/{hold}").json()["expires_at"]) == until
    body = {"player_id": str(player.id), "game": "fruits", "round": "r1", "amount": "1.00", "currency": "EUR"}
    problem(api.post("wallet/holds", body | {"expires_at": "2020-01-01T00:00:00Z"}), 422, "hold_expired")
    wrong = problem(api.post("wallet/holds", body | {"expires_at": "2030-01-01T00:00:00"}), 422, "validation_failed")
    assert wrong["errors"].keys() == {"expires_at"}
