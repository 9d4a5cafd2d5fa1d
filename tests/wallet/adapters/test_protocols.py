"""What is peculiar to one protocol: forms of the answers, precision, clocks, signatures of addresses."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from players.services.labels import set_label
from players.types import PlayerDetails
from tests.factories import AT, fund, make_player
from tests.wallet.adapters.aggregators import SECRET, new_id
from tests.wallet.adapters.test_conformance import kinds, says
from wallet.adapters.calls import Fault
from wallet.adapters.steps import fault_of
from wallet.selectors import list_transactions

pytestmark = pytest.mark.usefixtures("db")

# --- Hub88-style --------------------------------------------------------------------------------------------------


@pytest.fixture
def hub88(connect: Callable[..., Any]) -> Any:
    return connect("hub88")


@pytest.fixture
def swipegames(connect: Callable[..., Any]) -> Any:
    return connect("swipegames")


@pytest.fixture
def igsp(connect: Callable[..., Any]) -> Any:
    return connect("igsp")


def test_hub88_answers_money_in_its_units_and_echoes_the_request(hub88: Any) -> None:
    body = hub88.bet_body("b1", "10.00")
    assert hub88.post("transaction/bet", body).body == {
        "user": hub88.player,
        "status": "RS_OK",
        "request_uuid": body["request_uuid"],
        "currency": "EUR",
        "balance": 9_000_000,
    }


def test_hub88_refusals_echo_the_request_and_carry_a_balance_only_for_money(hub88: Any) -> None:
    short = hub88.bet_body("b1", "100.01")
    assert hub88.post("transaction/bet", short).body == {
        "user": hub88.player,
        "status": "RS_ERROR_NOT_ENOUGH_MONEY",
        "request_uuid": short["request_uuid"],
        "currency": "EUR",
        "balance": 10_000_000,
    }
    unknown = hub88.bet_body("b2", "1.00", token="made up")
    assert hub88.post("transaction/bet", unknown).body == {
        "user": hub88.player,
        "status": "RS_ERROR_INVALID_TOKEN",
        "request_uuid": unknown["request_uuid"],
    }


def test_hub88_tells_the_player_it_asks_for(hub88: Any, player: PlayerDetails) -> None:
    set_label(player_id=player.id, namespace="loyalty", key="level", value="gold", at=AT)
    set_label(player_id=player.id, namespace="crm", key="segment", value="chaser", at=AT)  # the casino's own
    answer = hub88.post("user/info", {"user": hub88.player, "request_uuid": "q1"}).body
    assert answer["tags"] == ["gold"]
    assert set(answer) == {
        "user", "status", "request_uuid", "country", "jurisdiction", "sub_partner_id", "birth_date",
        "registration_date", "tags", "sex", "affiliate_id",
    }  # fmt: skip
    assert (answer["status"], answer["country"], answer["request_uuid"]) == ("RS_OK", "DE", "q1")
    assert answer["registration_date"] == player.registered_at.date().isoformat()
    assert hub88.post("user/info", {"user": new_id(), "request_uuid": "q2"}).error == "RS_ERROR_UNKNOWN"


def units(hub88: Any, key: str, amount: Any) -> Any:
    """A bet of an amount in the protocol's own units."""
    return hub88.post("transaction/bet", hub88.bet_body(key, "0") | {"amount": amount})


def test_hub88_parts_of_a_cent_are_refused(hub88: Any) -> None:
    for amount in (1, 999, 1_000_001):
        reply = units(hub88, "b1", amount)
        assert (reply.status, reply.error) == (200, "RS_ERROR_WRONG_TYPES")
    assert units(hub88, "b2", 1000).balance == "99.99"
    assert units(hub88, "b3", "1000").error == "RS_ERROR_WRONG_TYPES"
    assert units(hub88, "b4", 1000.5).error == "RS_ERROR_WRONG_TYPES"


def test_hub88_another_scale(connect: Callable[..., Any]) -> None:
    hub88 = connect("hub88", amount_scale=1000)
    answer = units(hub88, "b1", 10_000)
    assert answer.body["balance"] == 90_000
    assert units(hub88, "b2", 5).error == "RS_ERROR_WRONG_TYPES"


def test_hub88_a_field_that_is_missing_is_syntax(hub88: Any) -> None:
    for name in ("user", "token", "transaction_uuid", "round", "request_uuid", "game_code", "currency", "amount"):
        body = hub88.bet_body("b1", "10.00")
        del body[name]
        assert hub88.post("transaction/bet", body).error == "RS_ERROR_WRONG_SYNTAX", name


def test_hub88_a_bet_names_the_player_of_its_session(hub88: Any) -> None:
    someone = make_player()
    fund(someone.id)
    hub88.player = str(someone.id)
    says(hub88.bet("b1", "10.00"), "unknown session", hub88)
    says(hub88.balance(), "unknown session", hub88)


def test_hub88_another_players_bet_is_neither_paid_nor_undone(hub88: Any) -> None:
    hub88.bet("b1", "10.00")
    someone = make_player()
    fund(someone.id)
    hub88.player = str(someone.id)
    says(hub88.win("w1", "b1", "5.00"), "unknown bet", hub88)
    says(hub88.undo("u1", "b1"), "unknown bet", hub88)
    hub88.player = "no player of ours"
    assert hub88.undo("u2", "b1").error == "RS_ERROR_UNKNOWN"


# --- SwipeGames-style ---------------------------------------------------------------------------------------------


def test_swipegames_answers_with_our_transaction(swipegames: Any, player: PlayerDetails) -> None:
    placed = swipegames.bet("b1", "10.00").body
    bet = next(row for row in list_transactions(player.id) if row.kind == "bet")
    assert placed == {"balance": "90.00", "txID": str(bet.id)}
    undone, again = swipegames.undo("u1", "b1").body, swipegames.undo("u1", "b1").body
    assert undone == again
    assert UUID(undone["txID"]) != bet.id
    buried, still = swipegames.undo("u2", "never came").body, swipegames.undo("u2", "never came").body
    assert buried == still
    assert UUID(buried["txID"])


def test_swipegames_refusals_have_the_protocols_form(swipegames: Any) -> None:
    body = swipegames.bet("b1", "100.01").body
    assert body == {
        "message": "Not enough money",
        "details": "insufficient_funds",
        "code": "insufficient_funds",
        "actionData": '{"balance":"100.00"}',
    }
    swipegames.token = "gone"
    assert swipegames.bet("b2", "1.00").body["action"] == "refresh"


def test_swipegames_a_win_finds_the_latest_bet_of_its_round_that_stands(swipegames: Any, player: PlayerDetails) -> None:
    for key in ("b1", "b2", "b3"):
        swipegames.bet(key, "10.00")
    swipegames.bet("b4", "10.00", round_id="r2")
    swipegames.undo("u3", "b3")
    swipegames.win("w1", "", "5.00")
    rows = list_transactions(player.id)
    win = next(row for row in rows if row.kind == "win")
    assert next(row for row in rows if row.id == win.bet_id).reference == "b2"


def test_swipegames_a_retried_win_stays_with_its_bet(swipegames: Any) -> None:
    """Another bet of the same round came between the win and its retry."""
    swipegames.bet("b1", "10.00")
    assert swipegames.win("w1", "", "5.00").balance == "95.00"
    swipegames.bet("b2", "10.00")
    assert swipegames.win("w1", "", "5.00").balance == "85.00"
    says(swipegames.win("w1", "", "6.00"), "other content", swipegames)
    says(swipegames.win("w1", "", "5.00", round_id="r9"), "other content", swipegames)


def test_swipegames_a_refund_is_of_the_whole_stake(swipegames: Any) -> None:
    swipegames.bet("b1", "10.00")
    says(swipegames.undo("u1", "b1", "9.99"), "other content", swipegames)
    assert swipegames.undo("u1", "b1", "10.00").balance == "100.00"


@pytest.mark.parametrize("token", ["a b&c=d", "żółć", "%41", 'quote"back\\slash', "1"])
def test_swipegames_a_get_is_signed_over_its_sorted_parameters(swipegames: Any, token: str) -> None:
    """No such session, but signed well: the answer says that the session is unknown, not that the signature is wrong."""
    from urllib.parse import quote

    canonical = json.dumps({"sessionID": token, "zone": "1"}, separators=(",", ":"), ensure_ascii=False).encode()
    sign = {"X-REQUEST-SIGN": hmac.new(SECRET.encode(), canonical, hashlib.sha256).hexdigest()}
    status, data = swipegames.send("GET", f"balance?zone=1&sessionID={quote(token)}", b"", sign)
    says(swipegames.reply(status, data), "unknown session", swipegames)


def test_swipegames_a_get_signed_otherwise_is_refused(swipegames: Any) -> None:
    good = f"sessionID={swipegames.token}"
    canonical = json.dumps({"sessionID": swipegames.token}, separators=(",", ":")).encode()
    sign = {"X-REQUEST-SIGN": hmac.new(SECRET.encode(), canonical, hashlib.sha256).hexdigest()}
    assert swipegames.reply(*swipegames.send("GET", f"balance?{good}", b"", sign)).ok
    for query in (f"{good}&more=1", f"{good}&{good}", "sessionID=other", "", "&".join(f"a{n}=1" for n in range(50))):
        says(swipegames.reply(*swipegames.send("GET", f"balance?{query}", b"", sign)), "signature", swipegames)


def test_swipegames_amounts_are_strings(swipegames: Any) -> None:
    for amount in (10, 10.0, "010.00", "10.", ".5", "10,00", "+1", " 1", "1.001"):
        reply = swipegames.post("bet", swipegames.bet_body("b1", "1") | {"amount": amount})
        assert reply.status == 400, amount
    assert swipegames.bet("b2", "10.1").balance == "89.90"


# --- iGSP-style ---------------------------------------------------------------------------------------------------


def test_igsp_answers_decimals_as_numbers(igsp: Any, player: PlayerDetails) -> None:
    answer = igsp.bet("b1", "0.10")
    bet = next(row for row in list_transactions(player.id) if row.kind == "bet")
    expected = {"status": "ok", "transaction_id": str(bet.id), "currency": "EUR", "balance": Decimal("99.90")}
    assert answer.body == expected


def test_igsp_amounts_are_read_digit_by_digit(igsp: Any) -> None:
    """70.10 as a binary fraction is a little less."""
    raw = json.dumps(igsp.bet_body("b1", "0")).replace('"amount": 0.0', '"amount": 70.10').encode()
    assert b"70.10" in raw
    assert igsp.post("hooks", raw).balance == "29.90"
    text = json.dumps(igsp.bet_body("b2", "0") | {"amount": "29.90"}).encode()
    assert igsp.post("hooks", text).balance == "0.00"


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (-290, True), (290, True), (-310, False), (310, False)])
def test_igsp_the_clock_may_be_five_minutes_off(igsp: Any, seconds: int, good: bool) -> None:
    igsp.seconds_off = seconds
    reply = igsp.balance()
    if good:
        assert reply.ok, reply.body
    else:
        says(reply, "signature", igsp)


def test_igsp_the_timestamp_is_part_of_what_is_signed(igsp: Any) -> None:
    body = json.dumps({"action": "balance", "session": igsp.token, "player_id": igsp.player}).encode()
    headers = igsp.signed(body)
    assert igsp.reply(*igsp.send("POST", "hooks", body, headers)).ok
    later = headers | {"X-Timestamp": str(int(headers["X-Timestamp"]) + 1)}
    says(igsp.reply(*igsp.send("POST", "hooks", body, later)), "signature", igsp)
    milliseconds = str(int(time.time() * 1000))
    signature = hmac.new(SECRET.encode(), body + milliseconds.encode(), hashlib.sha256).hexdigest()
    assert igsp.reply(*igsp.send("POST", "hooks", body, {"X-Signature": signature, "X-Timestamp": milliseconds})).ok
    for stamp in ("", "now", "-1", "1e9", "9" * 30):
        signature = hmac.new(SECRET.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
        reply = igsp.reply(*igsp.send("POST", "hooks", body, {"X-Signature": signature, "X-Timestamp": stamp}))
        says(reply, "signature", igsp)


def test_igsp_a_refund_may_name_the_amount(igsp: Any, player: PlayerDetails) -> None:
    igsp.bet("b1", "10.00")
    says(igsp.undo("u1", "b1", "9.00"), "other content", igsp)
    assert igsp.undo("u1", "b1", "10.00").balance == "100.00"
    assert kinds(player)["rollback"] == 1


def test_reasons_of_the_gate_are_told_as_limits_or_blocks() -> None:
    limits = {"loss": Fault.LOSS_LIMIT, "session_time": Fault.TIME_LIMIT, "wagering": Fault.BET_LIMIT}
    assert {kind: fault_of("limit_reached", kind) for kind in limits} == limits
    told = {
        "reality_check_due": Fault.TIME_LIMIT,
        "break_due": Fault.TIME_LIMIT,
        "too_fast": Fault.TIME_LIMIT,
        "limits_required": Fault.PLAYER_BLOCKED,
        "verification_required": Fault.PLAYER_BLOCKED,
        "game_type_not_offered": Fault.UNKNOWN_GAME,
        "stake_above_cap": Fault.BET_LIMIT,
        "status_suspended": Fault.PLAYER_BLOCKED,
        "self_excluded": Fault.PLAYER_BLOCKED,
        "unknown_game": Fault.UNKNOWN_GAME,
        "insufficient_funds": Fault.INSUFFICIENT_FUNDS,
    }
    assert {reason: fault_of(reason) for reason in told} == told
