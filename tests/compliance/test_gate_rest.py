"""Why something was refused, as programs learn of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models_limits import Limit
from compliance.services.play_gate import refresh
from compliance.types_gate import LONG_AGO
from compliance.types_limits import LimitKind, LimitPeriod, SetBy
from kernel import clock
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.factories import ACTOR, fund, make_game, make_player
from tests.rest.conftest import Api, _fresh_tokens, api, problem, token_for  # noqa: F401  (fixtures)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> PlayerDetails:
    make_game()
    at = clock.now() - timedelta(minutes=1)
    player = make_player(at=at)
    fund(player.id, "50.00", at=at)
    Limit.objects.create(
        player_id=player.id,
        kind=LimitKind.LOSS,
        period=LimitPeriod.DAY,
        amount_minor=1_000,
        set_by=SetBy.PLAYER,
        active_from=LONG_AGO,
    )
    refresh(player_id=player.id, at=at)
    return player


def bet(player: PlayerDetails, stake: str) -> dict[str, str]:
    return {"player_id": str(player.id), "game": "fruits", "round": "r", "stake": stake, "currency": "EUR"}


def test_a_limit_is_told_with_its_end_and_listed(api: Api, player: PlayerDetails) -> None:  # noqa: F811
    told = problem(api.post("wallet/bets", bet(player, "10.01")), 403, "limit_reached")
    assert told["details"] == {
        "kind": "loss", "period": "day", "limit": "10.00", "currency": "EUR", "resets_at": told["details"]["resets_at"],
    }  # fmt: skip
    [kept] = api.get("compliance/decisions", player_id=str(player.id), action="bet").json()["items"]
    assert (kept["verdict"], kept["reasons"][0]["code"], kept["packs"][:7]) == ("deny", "limit_reached", "default")
    assert kept["reasons"][0]["details"] == told["details"]
    assert kept["inputs"]["stake"] == {"amount": "10.01", "currency": "EUR"}
    assert api.get("compliance/decisions", player_id=str(player.id), action="deposit").json()["items"] == []
    problem(api.get("compliance/decisions", action="nonsense"), 422, "validation_failed")


def test_what_would_warn_the_player_has_a_neutral_name(api: Api, player: PlayerDetails) -> None:  # noqa: F811
    impose(player_id=player.id, kind=RestrictionKind.AML_HOLD, reason="x", source="rule", actor=ACTOR, at=clock.now())
    problem(api.post("wallet/bets", bet(player, "1.00")), 403, "account_hold")
    [kept] = api.get("compliance/decisions", player_id=str(player.id)).json()["items"]
    assert kept["reasons"][0]["code"] == "account_hold"
    assert "aml" not in str(kept).lower()
