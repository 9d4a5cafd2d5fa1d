"""Approvals over REST: read, never decided."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.compliance.test_services_approvals import ask, reject
from tests.factories import make_player
from tests.rest.conftest import Api, _fresh_tokens, api, problem, token_for  # noqa: F401  (fixtures)

pytestmark = pytest.mark.usefixtures("db", "handler")


def test_approvals_are_listed_filtered_and_paged(api: Api) -> None:  # noqa: F811
    player = make_player()
    rows = [ask(player.id, key=f"k{number}") for number in range(3)]
    reject(rows[0])
    first = api.get("compliance/approvals", limit=2).json()
    assert [item["id"] for item in first["items"]] == [str(rows[2].id), str(rows[1].id)]
    rest = api.get(first["next"]).json()
    assert ([item["state"] for item in rest["items"]], rest["next"]) == (["rejected"], None)
    assert len(api.get("compliance/approvals", state="requested").json()["items"]) == 2
    assert api.get("compliance/approvals", player_id=str(uuid4())).json()["items"] == []
    problem(api.get("compliance/approvals", state="nonsense"), 422, "validation_failed")


def test_one_approval_shows_what_it_binds(api: Api) -> None:  # noqa: F811
    found = ask(make_player().id)
    body = api.get(f"compliance/approvals/{found.id}").json()
    assert body["content"] == {"value": "trusted"}
    assert (body["before"], body["after"]) == ({"label": None}, {"label": "trusted"})
    assert body["digest"] == found.digest
    problem(api.get(f"compliance/approvals/{uuid4()}"), 404, "not_found")


def test_it_takes_the_scope(token_for: Callable[..., str]) -> None:  # noqa: F811
    problem(Api(token_for("wallet:read")).get("compliance/approvals"), 403, "access_denied")
