"""The rounds viewer: from the first bet to the last entry."""

from __future__ import annotations

import pytest

from kernel.ids import uuid7
from kernel.money import Money
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from wallet.services.bets import credit_win, roll_back_bet

pytestmark = pytest.mark.usefixtures("db")


def test_a_round_from_bet_to_entries_and_the_list_that_leads_to_it() -> None:
    make_game()
    player = make_player()
    fund(player.id)
    bet(player.id, "10.00", key="b1")
    common = {"player_id": player.id, "source": "test", "actor": ACTOR, "at": AT}
    for number, amount in enumerate((400, 300, 0)):
        credit_win(**common, idempotency_key=f"w{number}", bet_key="b1", amount=Money(amount, "EUR"))  # type: ignore[arg-type]
    bet(player.id, "5.00", key="gone")
    roll_back_bet(**common, idempotency_key="back", bet_key="gone", currency="EUR")  # type: ignore[arg-type]
    ops = staff_client("operations")
    listed = ops.get(f"/admin/wallet/transfer/rounds/{player.id}/")
    assert [(row["row"].round, str(row["result"])) for row in listed.context["rounds"]] == [
        ("round-gone", "0.00"),
        ("round-b1", "-3.00"),
    ]
    one = ops.get(f"/admin/wallet/transfer/rounds/{player.id}/one/", {"game": "fruits", "round": "round-b1"})
    assert [movement["row"].kind for movement in one.context["movements"]] == ["bet", "win", "win", "win"]
    assert [len(movement["entries"]) for movement in one.context["movements"]] == [2, 2, 2, 0]
    assert str(one.context["result"]) == "-3.00"
    assert "no money moved" in text_of(one)
    assert "round-b1" in text_of(ops.get("/admin/wallet/transfer/"))


def test_what_is_not_there_and_who_may_not_look() -> None:
    player = make_player()
    ops = staff_client("operations")
    assert ops.get(f"/admin/wallet/transfer/rounds/{uuid7()}/").status_code == 404
    assert ops.get(f"/admin/wallet/transfer/rounds/{player.id}/one/", {"round": "x"}).status_code == 404
    assert "No rounds here" in text_of(ops.get(f"/admin/wallet/transfer/rounds/{player.id}/?before=x"))
    assert staff_client("support_agent").get(f"/admin/wallet/transfer/rounds/{player.id}/").status_code == 403
