"""Limits over REST: the player's own, and what service clients see and set."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from kernel import clock
from tests.factories import fund, make_player
from tests.identity.calls import Program, registered
from tests.identity.test_login import player_id
from tests.rest.conftest import Api, problem

DAY = {"kind": "deposit", "period": "day"}


@pytest.mark.usefixtures("db")
def test_a_player_sets_lowers_raises_and_confirms() -> None:
    program, data = registered()
    whole = program.api("GET", "me/limits").json()
    assert (whole["limits"], whole["changes"], whole["missing"], whole["prompt_due"]) == ([], [], [], False)
    assert {"kind": "balance", "periods": [""]} in whole["offered"]

    first = program.api("PUT", "me/limits", DAY | {"amount": "100.00", "currency": "EUR"}).json()
    assert (first["limit"]["amount"], first["limit"]["set_by"], first["change"]) == ("100.00", "player", None)
    fund(player_id(data), "30.00", at=clock.now())
    (line,) = program.api("GET", "me/limits").json()["limits"]
    assert (line["used"], line["remaining"]) == ("30.00", "70.00")

    waiting = program.api("PUT", "me/limits", DAY | {"amount": "200.00", "currency": "EUR"}).json()
    assert (waiting["limit"], waiting["change"]["state"]) == (None, "waiting")
    change = f"me/limits/changes/{waiting['change']['id']}"
    early = problem(program.api("POST", f"{change}/confirm"), 409, "limit_change_not_ready")
    assert early["eligible_at"]
    problem(Program(access=program.access).api("POST", f"me/limits/changes/{uuid4()}/confirm"), 404, "not_found")
    stranger, _ = registered()
    problem(stranger.api("POST", f"{change}/confirm"), 404, "not_found")
    problem(stranger.api("DELETE", change), 404, "not_found")
    assert program.api("DELETE", change).json()["state"] == "cancelled"
    problem(program.api("POST", f"{change}/confirm"), 409, "limit_change_ended")

    time_limit = program.api("PUT", "me/limits", {"kind": "session_time", "period": "day", "minutes": 90}).json()
    assert (time_limit["limit"]["minutes"], time_limit["limit"]["amount"]) == (90, None)
    for wrong in (
        {"kind": "session_time", "period": "day", "amount": "5.00", "currency": "EUR"},
        {"kind": "balance", "period": "day", "amount": "5.00", "currency": "EUR"},
        DAY | {"amount": "5.00"},
        DAY | {"amount": "5.00", "currency": "USD"},
        DAY | {"amount": "-5.00", "currency": "EUR"},
        DAY | {"amount": "5.005", "currency": "EUR"},
        DAY | {"minutes": 5},
        {"kind": "net_deposit", "period": "month", "amount": "5.00", "currency": "EUR"},
    ):
        problem(program.api("PUT", "me/limits", wrong), 422, "validation_failed")
    problem(program.api("POST", "me/limits/prompt", {"point": "never"}), 422, "validation_failed")
    assert program.api("POST", "me/limits/prompt", {"point": "registration"}).status_code == 200

    again = program.api("PUT", "me/limits", DAY).json()["change"]
    assert (again["amount"], again["minutes"]) == (None, None), "a removal waits as well"
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False):
        program = Program(device=program.device)
        program.login(value=data["email"])
        assert program.api("POST", f"me/limits/changes/{again['id']}/confirm").json()["state"] == "applied"
        assert [line["limit"]["kind"] for line in program.api("GET", "me/limits").json()["limits"]] == ["session_time"]


def test_a_client_sees_and_sets_with_its_scopes(api: Api) -> None:
    who = make_player(at=clock.now())
    path = f"players/{who.id}/limits"

    def put(body: dict[str, object]) -> object:
        return api.browser.put(f"/api/v1/{path}", body, content_type="application/json", headers=api._headers())

    answer = put(DAY | {"amount": "50.00", "currency": "EUR", "set_by": "regulator", "reason": "order 7"})
    assert answer.json()["limit"]["set_by"] == "regulator"  # type: ignore[attr-defined]
    problem(
        put(DAY | {"amount": "60.00", "currency": "EUR", "set_by": "regulator", "reason": "x"}), 409, "loosens_limit"
    )  # type: ignore[arg-type]
    problem(put(DAY | {"amount": "60.00", "currency": "EUR", "set_by": "staff"}), 422, "validation_failed")  # type: ignore[arg-type]
    own = put(DAY | {"amount": "80.00", "currency": "EUR"})
    assert own.json()["limit"]["set_by"] == "player"  # type: ignore[attr-defined]
    (line,) = api.get(path).json()["limits"]
    assert (line["limit"]["amount"], line["limit"]["set_by"]) == ("50.00", "regulator")
    before = (clock.now() - timedelta(hours=1)).isoformat()
    assert api.get(path, at=before).json()["limits"] == []
    problem(api.get(f"players/{uuid4()}/limits"), 404, "unknown_player")
