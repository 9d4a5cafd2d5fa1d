"""The rounds viewer: from the first bet to the last entry."""

from __future__ import annotations

import html
import re

import pytest

from kernel.ids import uuid7
from kernel.money import Money
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from tests.wallet.purses import eur, on, said
from wallet import admin_rounds
from wallet.services.bets import credit_win, place_bet, roll_back_bet
from wallet.services.rounds import close_round

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
    assert [(row["row"].round, str(row["row"].result)) for row in listed.context["rounds"]] == [
        ("round-gone", "0.00"),
        ("round-b1", "-3.00"),
    ]
    one = ops.get(f"/admin/wallet/transfer/rounds/{player.id}/one/", {"game": "fruits", "round": "round-b1"})
    assert [movement["row"].kind for movement in one.context["movements"]] == ["bet", "win", "win", "win"]
    assert [len(movement["entries"]) for movement in one.context["movements"]] == [2, 2, 2, 0]
    assert (str(one.context["round"].result), one.context["round"].movements) == ("-3.00", 4)
    assert "Not yet" not in text_of(one)  # a win of zero has closed it
    assert "no money moved" in text_of(one)
    assert "round-b1" in text_of(ops.get("/admin/wallet/transfer/"))


def test_figures_are_of_the_whole_round_however_few_movements_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_rounds, "MOST_MOVEMENTS", 2)
    make_game()
    player = make_player().id
    fund(player)
    place_bet(stake=eur("10.00"), **on(), **said(player, "b"))
    for amount in ("1.00", "2.00"):
        credit_win(bet_key="b", amount=eur(amount), **said(player))
    close_round(game="fruits", round_id="r1", currency="EUR", **said(player))
    ops = staff_client("operations")
    page = ops.get(f"/admin/wallet/transfer/rounds/{player}/one/", {"game": "fruits", "round": "r1", "source": "test"})
    assert len(page.context["movements"]) == 2
    assert str(page.context["round"].result) == "-7.00"
    assert "The latest 2 of 3 movements" in text_of(page)
    assert "Not yet" not in text_of(page)


def test_rounds_of_one_name_are_told_apart_by_their_source() -> None:
    make_game()
    player = make_player().id
    fund(player)
    for source, stake in (("one", "1.00"), ("two", "2.00")):
        place_bet(stake=eur(stake), **on(), **said(player, "k", source=source))
    ops = staff_client("operations")
    listed = ops.get(f"/admin/wallet/transfer/rounds/{player}/")
    assert [(row["row"].source, str(row["row"].staked)) for row in listed.context["rounds"]] == [
        ("two", "2.00"),
        ("one", "1.00"),
    ]
    for row in listed.context["rounds"]:
        address = re.search('href="([^"]+)"', row["link"])
        assert address
        page = ops.get(html.unescape(address[1]))
        assert [movement["row"].source for movement in page.context["movements"]] == [row["row"].source]
    newest = ops.get(f"/admin/wallet/transfer/rounds/{player}/one/", {"round": "r1"})  # an address without a source
    assert newest.context["round"].source == "two"
    assert "Not yet: bets may still be placed" in text_of(newest)


def test_what_is_not_there_and_who_may_not_look() -> None:
    player = make_player()
    ops = staff_client("operations")
    assert ops.get(f"/admin/wallet/transfer/rounds/{uuid7()}/").status_code == 404
    assert ops.get(f"/admin/wallet/transfer/rounds/{player.id}/one/", {"round": "x"}).status_code == 404
    assert "No rounds here" in text_of(ops.get(f"/admin/wallet/transfer/rounds/{player.id}/?before=x"))
    assert staff_client("support_agent").get(f"/admin/wallet/transfer/rounds/{player.id}/").status_code == 403
