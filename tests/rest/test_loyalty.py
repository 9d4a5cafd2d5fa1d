"""Loyalty over HTTP."""

from __future__ import annotations

from uuid import uuid4

from players.selectors import find_player_by_login
from tests.factories import make_player
from tests.identity.calls import registered
from tests.loyalty.programmes import with_items
from tests.rest.conftest import Api, problem


def test_levels(api: Api) -> None:
    levels = api.get("loyalty/levels").json()["items"]
    assert [level["order"] for level in levels] == sorted(level["order"] for level in levels)
    assert levels[0].keys() == {
        "code",
        "name",
        "order",
        "entry_eur",
        "keep_eur",
        "multiplier",
        "cashback",
        "privileges",
    }


def test_where_a_player_stands(api: Api) -> None:
    player = make_player()
    standing = api.get(f"loyalty/{player.id}").json()
    levels = api.get("loyalty/levels").json()["items"]
    assert (standing["level"], standing["next_level"]) == (levels[0], levels[1])
    assert (standing["points"], standing["to_next_eur"]) == (0, levels[1]["entry_eur"])
    assert api.get(f"loyalty/{player.id}/points").json() == {"items": [], "next": None}


def test_strangers(api: Api) -> None:
    problem(api.get(f"loyalty/{uuid4()}"), 404, "unknown_player")
    problem(api.get(f"loyalty/{uuid4()}/points"), 404, "unknown_player")


def test_points_are_added_redeemed_and_read(api: Api) -> None:
    with_items()
    player = make_player()
    body = {"player_id": str(player.id), "points": 25_000, "reason": "quest"}
    first = api.post("loyalty/points/add", body, key="a")
    assert first.json()["balance_after"] == 25_000
    assert api.post("loyalty/points/add", body, key="a").json() == first.json()
    problem(api.post("loyalty/points/add", body | {"points": 1}, key="a"), 409, "idempotency_conflict")
    problem(api.post("loyalty/points/add", body | {"points": 0}, key="b"), 422, "validation_failed")
    problem(api.post("loyalty/points/add", body | {"points": -25_001}, key="c"), 409, "not_enough_points")
    problem(api.post("loyalty/points/add", body | {"player_id": str(uuid4())}, key="d"), 404, "unknown_player")
    items = api.get(f"loyalty/{player.id}/catalogue").json()["items"]
    assert [(row["code"], row["value"], row["currency"], row["affordable"]) for row in items] == [
        ("free-play", "10.00", "EUR", 25), ("spins", None, None, 1),
    ]  # fmt: skip
    done = api.post(f"loyalty/{player.id}/redemptions", {"item": "free-play", "steps": 2}, key="r1").json()
    assert (done["state"], done["worth"], done["currency"], done["points"]) == ("granted", "20.00", "EUR", 2_000)
    held = api.post(f"loyalty/{player.id}/redemptions", {"item": "free-play", "steps": 20}, key="r2").json()
    assert held["state"] == "held"
    assert api.get(f"loyalty/{player.id}").json()["points_held"] == 20_000
    assert api.get(f"loyalty/redemptions/{held['id']}").json() == held
    gone = api.post(f"loyalty/redemptions/{held['id']}/reject", {"reason": "Looked into"}).json()
    assert gone["state"] == "rejected"
    problem(api.post(f"loyalty/redemptions/{held['id']}/confirm", {}), 409, "redemption_decided")
    problem(api.get(f"loyalty/redemptions/{uuid4()}"), 404, "not_found")
    problem(
        api.post(f"loyalty/{player.id}/redemptions", {"item": "car", "steps": 1}, key="r3"), 422, "validation_failed"
    )
    listed = api.get(f"loyalty/{player.id}/redemptions?limit=1").json()
    assert [row["id"] for row in listed["items"]] == [held["id"]]
    assert listed["next"]
    kinds = [row["kind"] for row in api.get(f"loyalty/{player.id}/points").json()["items"]]
    assert kinds == ["release", "hold", "redemption", "hold", "addition"]


def test_a_player_redeems_their_own_points(api: Api) -> None:
    with_items()
    program, data = registered()
    player = find_player_by_login(data["username"])
    assert player
    api.post("loyalty/points/add", {"player_id": str(player.id), "points": 1_500, "reason": "x"}, key="a")
    (item, _) = program.api("GET", "me/loyalty/catalogue").json()["items"]
    assert (item["code"], item["affordable"]) == ("free-play", 1)
    done = program.api("POST", "me/loyalty/redemptions", {"item": "free-play", "steps": 1}).json()
    assert (done["state"], program.api("GET", "me/balance").json()["real"]) == ("granted", "10.00")
    assert program.api("POST", "me/loyalty/redemptions", {"item": "free-play", "steps": 1}).status_code == 409
    assert [row["id"] for row in program.api("GET", "me/loyalty/redemptions").json()["items"]] == [done["id"]]
