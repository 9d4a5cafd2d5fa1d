"""The log of requests, trying one again, and the sessions and secrets behind them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from pytest_django import Settings

from kernel import clock
from kernel.db import fetch_all
from kernel.secrets import Unreadable, derive_token, seal, unseal
from players.types import PlayerDetails
from tests.factories import ACTOR, AT
from tests.wallet.adapters.conftest import forget_integrations, issue
from tests.wallet.adapters.test_conformance import kinds
from wallet.adapters.dispatch import ReplayRefused, replay
from wallet.selectors import get_balances
from wallet.selectors_adapters import get_adapter_request
from wallet.services.adapter_requests import drop_months
from wallet.services.integrations import map_games

pytestmark = pytest.mark.usefixtures("db")


def log() -> list[dict[str, Any]]:
    return fetch_all("SELECT * FROM wallet_adapterrequest ORDER BY id")


def test_every_request_is_written_down_without_its_token(aggregator: Any, player: PlayerDetails) -> None:
    aggregator.bet("b1", "10.00")
    aggregator.balance()
    aggregator.bet("b2", "1000.00")
    aggregator.token = "somebody else's token"
    aggregator.bet("b3", "1.00")
    bet, balance, poor, stranger = log()
    assert (bet["outcome"], bet["reference"], bet["player_id"], bet["status_code"]) == ("applied", "b1", player.id, 200)
    assert bet["session_id"]
    assert bet["signature_ok"]
    assert bet["duration_us"] > 0
    assert balance["outcome"] == "answered"
    assert poor["outcome"] == "insufficient_funds"
    assert stranger["outcome"] == "unknown_session"
    everything = str(log())
    assert "[token]" in everything
    assert issue(player, aggregator.code, at=clock.now()) not in everything
    assert "somebody else" not in everything
    assert everything.count("[token]") == 4


def test_a_token_in_a_broken_or_odd_body_is_blotted_too(aggregator: Any) -> None:
    name = {"hub88": "token", "swipegames": "sessionID", "igsp": "session"}[aggregator.protocol]
    aggregator.post(aggregator.bet_endpoint, f'{{"{name}" : "{aggregator.token}", "amount": '.encode())
    escaped = aggregator.bet_body("b1", "1.00")
    del escaped[name]
    raw = ("{" + f'"\\u{ord(name[0]):04x}{name[1:]}": "{aggregator.token}", ').encode()
    import json

    aggregator.post(aggregator.bet_endpoint, raw + json.dumps(escaped).encode()[1:])
    assert [row["outcome"] for row in log()][1] == "applied"
    assert aggregator.token not in str(log())


def test_strangers_are_logged_briefly_and_nul_bytes_do_no_harm(aggregator: Any) -> None:
    aggregator.send("POST", aggregator.bet_endpoint, b"\0" + b"x" * 5000)
    (row,) = log()
    assert (row["signature_ok"], row["outcome"], len(row["body"])) == (False, "bad_signature", 500)


def test_personal_answers_are_not_kept(connect: Callable[..., Any]) -> None:
    hub88 = connect("hub88")
    hub88.post("user/info", {"user": hub88.player, "request_uuid": "q1"})
    assert log()[0]["answer"] == ""


def test_a_bet_tried_again_shows_the_same_answer_and_stays_nowhere(aggregator: Any, player: PlayerDetails) -> None:
    first = aggregator.bet("b1", "10.00")
    row, answer = replay(request_id=log()[0]["id"], for_real=False, actor=ACTOR, at=clock.now())
    assert aggregator.reply(answer.status, answer.body).body == first.body
    tried = log()[-1]
    assert (tried["id"], tried["replay_of"], tried["outcome"]) == (row, log()[0]["id"], "tried: replayed")
    assert tried["replayed_by"] == str(ACTOR)
    assert kinds(player) == {"deposit": 1, "bet": 1}


def test_trying_never_moves_money(aggregator: Any, player: PlayerDetails) -> None:
    """The bet was refused for its unknown game; the game is mapped since. Trying says: now it would be placed."""
    if aggregator.protocol == "swipegames":
        pytest.skip("its calls name no game")
    aggregator.game = "new-game"
    assert aggregator.bet("b1", "10.00").error
    map_games(integration=aggregator.code, games={"new-game": "bells"}, actor=ACTOR, at=AT)
    _, answer = replay(request_id=log()[0]["id"], for_real=False, actor=ACTOR, at=clock.now())
    assert aggregator.reply(answer.status, answer.body).balance == "90.00"
    assert str(get_balances(player.id).real) == "100.00"
    with pytest.raises(ReplayRefused):
        replay(request_id=log()[0]["id"], for_real=True, actor=ACTOR, at=clock.now())


def test_a_win_that_came_too_early_is_dispatched_for_real(aggregator: Any, player: PlayerDetails) -> None:
    aggregator.win("w1", "b1", "5.00")
    early = log()[0]["id"]
    aggregator.bet("b1", "10.00")
    for outcome, kept in (("applied", "95.00"), ("replayed", "95.00")):
        row, answer = replay(request_id=early, for_real=True, actor=ACTOR, at=clock.now())
        assert aggregator.reply(answer.status, answer.body).ok
        assert get_adapter_request(row).outcome == outcome
        assert str(get_balances(player.id).real) == kept


def test_what_was_not_signed_is_never_tried(aggregator: Any) -> None:
    aggregator.send("POST", aggregator.win_endpoint, b"{}")
    with pytest.raises(ReplayRefused):
        replay(request_id=log()[0]["id"], for_real=False, actor=ACTOR, at=clock.now())


def test_old_months_of_the_log_are_dropped_and_recent_ones_never(aggregator: Any) -> None:
    aggregator.balance()
    assert drop_months(clock.now(), False) == 0
    assert drop_months(clock.now() + timedelta(days=3000), False) == 0
    assert len(log()) == 1


def test_neither_tokens_nor_keys_are_in_the_database(aggregator: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(s::text, '') FROM wallet_gamesession s")
        assert aggregator.token not in str(cursor.fetchone())
        cursor.execute("SELECT string_agg(encode(sealed, 'escape'), '') FROM wallet_integrationkey")
        kept = str(cursor.fetchone())
    assert "a shared secret" not in kept
    assert "PUBLIC KEY" not in kept


def test_secrets_open_for_their_purpose_and_survive_a_change_of_the_key() -> None:
    sealed = seal("open sesame", "cave")
    assert unseal(sealed, "cave") == "open sesame"
    assert b"sesame" not in sealed
    with pytest.raises(Unreadable):
        unseal(sealed, "another cave")
    from django.conf import settings

    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert unseal(sealed, "cave") == "open sesame"
    with override_settings(SECRET_KEY="new"), pytest.raises(Unreadable):
        unseal(sealed, "cave")
    assert derive_token("one", "p") == derive_token("one", "p") != derive_token("two", "p")
    assert len(derive_token("one", "p")) == 43


def test_integrations_keys_are_sealed_anew_after_a_change_of_the_secret_key(
    connect: Callable[..., Any], settings: Settings
) -> None:
    hub88 = connect("hub88")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key, as long as they should be"
    assert hub88.bet("b1", "10.00").ok
    for sealed in ("1 secrets", "0 secrets"):
        out = StringIO()
        call_command("rotate_keys", "--secrets", stdout=out)
        assert sealed in out.getvalue()
    settings.SECRET_KEY_FALLBACKS = []
    forget_integrations()
    assert hub88.bet("b2", "10.00").ok


@pytest.mark.rule(69)
def test_card_numbers_are_masked_in_it_and_names_of_rounds_are_not(connect: Callable[..., Any]) -> None:
    card, round_id = "4111111111111111", "5555555555554444"
    hub88 = connect("hub88")
    hub88.bet("b1", "1.00", round=round_id, meta={"card": card})
    hub88.token = "made up"
    hub88.bet("b2", "1.00", meta={"note": f"card {card}"})
    bet, stranger = log()
    assert card not in str(log())
    assert round_id in bet["body"]
    assert "[card ••1111]" in stranger["body"]
    assert replay(request_id=bet["id"], for_real=False, actor=ACTOR, at=clock.now())[1].status == 200
