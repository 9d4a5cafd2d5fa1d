"""The ledger's screens: found by every reference, balanced on the page, never counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from kernel.money import Money
from kernel.sealing import new_private_key
from players.types import PlayerDetails
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.staff import staff_client, text_of
from wallet.selectors import list_deposits, list_ledger, list_purses, list_transactions
from wallet.services.bets import credit_win, roll_back_bet
from wallet.services.deposits import request_deposit
from wallet.services.proofs import prove
from wallet.services.sealing import seal_ledger

pytestmark = pytest.mark.usefixtures("db")

LISTS = [f"/admin/wallet/{name}/" for name in ("transfer", "entry", "account", "deposit", "game", "seal")]


@pytest.fixture
def player() -> PlayerDetails:
    """Somebody who paid in, bet, won and had a bet rolled back."""
    make_game()
    someone = make_player(login="annakeller")
    fund(someone.id, "100.00")
    bet(someone.id, "10.00", key="first")
    credit_win(
        player_id=someone.id,
        source="test",
        idempotency_key="first-win",
        bet_key="first",
        amount=Money(2500, "EUR"),
        actor=ACTOR,
        at=AT,
    )
    bet(someone.id, "3.00", key="second")
    roll_back_bet(
        player_id=someone.id,
        source="test",
        idempotency_key="second-back",
        bet_key="second",
        currency="EUR",
        actor=ACTOR,
        at=AT,
    )
    return someone


def test_every_list_and_every_page_opens(player: PlayerDetails) -> None:
    client = staff_client("finance")
    for address in LISTS:
        assert client.get(address).status_code == 200, address
    pages = [
        *(("transfer", row.id) for row in list_transactions(player.id)),
        *(("entry", row.id) for row in list_ledger(player.id)),
        *(("account", row.id) for row in list_purses(player.id)),
        *(("deposit", row.id) for row in list_deposits(player.id)),
        ("game", "fruits"),
    ]
    assert len(pages) >= 12
    for name, key in pages:
        response = client.get(reverse(f"admin:wallet_{name}_change", args=[key]))
        assert response.status_code == 200, name


@pytest.mark.parametrize("address", LISTS)
def test_no_list_counts_its_table(player: PlayerDetails, address: str) -> None:
    client = staff_client("finance")
    with CaptureQueriesContext(connection) as captured:
        client.get(address)
    assert not [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()]


@pytest.mark.parametrize("address", LISTS)
def test_roles_without_the_right_do_not_see_them(player: PlayerDetails, address: str) -> None:
    client = staff_client("integrator") if "game" not in address else staff_client("administrator")
    expected = 200 if "game" in address else 403
    assert client.get(address).status_code == expected


def test_a_transfer_shows_its_entries_and_that_they_sum_to_zero(player: PlayerDetails) -> None:
    first = list_transactions(player.id)[-2]
    shown = text_of(staff_client("finance").get(reverse("admin:wallet_transfer_change", args=[first.id])))
    assert "Sums to zero" in shown
    assert "\N{MINUS SIGN}10.00" in shown
    assert "Real of annakeller" in shown
    assert "Gaming" in shown
    assert "What became of it" in shown
    assert "25.00" in shown


def test_transfers_are_found_by_id_by_the_integrations_key_and_by_player(player: PlayerDetails) -> None:
    client = staff_client("finance")
    win = next(row for row in list_transactions(player.id) if row.kind == "win")

    def found(text: str) -> list[object]:
        response = client.get("/admin/wallet/transfer/", {"q": text})
        return sorted(row.kind for row in response.context["cl"].result_list)

    assert found(str(win.id)) == ["win"]
    assert found("first") == ["bet"]
    assert found("annakeller") == found(str(player.id)) == ["bet", "bet", "deposit", "rollback", "win"]
    assert found("nobody-has-this") == []


def test_lists_go_back_in_time_and_filter_within_the_newest(player: PlayerDetails) -> None:
    client = staff_client("finance")

    def rows(**query: str) -> int:
        return len(client.get("/admin/wallet/transfer/", query).context["cl"].result_list)

    assert rows() == 5
    assert rows(kind__exact="bet") == 2
    assert rows(until="2020-01-01") == 0
    assert rows(until="2199-12-31") == 5
    assert rows(until="nonsense") == 5


def test_only_the_window_is_looked_at(player: PlayerDetails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.admin.LIST_DEPTH", 3)
    rows = staff_client("finance").get("/admin/wallet/transfer/").context["cl"].result_list
    newest = list_transactions(player.id)[:3]
    assert [row.pk for row in rows] == [row.id for row in newest]


def test_a_failed_deposit_says_why(player: PlayerDetails) -> None:
    failed = request_deposit(
        player_id=player.id,
        amount=Money(500, "EUR"),
        provider="sandbox",
        instrument="tok_decline",
        source="test",
        idempotency_key="declined",
        actor=ACTOR,
        at=AT,
    )
    client = staff_client("finance")
    assert "Declined by issuer" in text_of(client.get("/admin/wallet/deposit/"))
    shown = text_of(client.get(reverse("admin:wallet_deposit_change", args=[failed.id])))
    assert "Declined by issuer" in shown


@pytest.mark.parametrize("name", ["transfer", "entry", "account", "deposit", "game"])
def test_nothing_of_the_ledger_is_written_by_hand(player: PlayerDetails, name: str) -> None:
    client = staff_client("administrator")
    assert client.get(f"/admin/wallet/{name}/add/").status_code == 403
    row = {
        "transfer": list_transactions(player.id)[0].id,
        "entry": list_ledger(player.id)[0].id,
        "account": list_purses(player.id)[0].id,
        "deposit": list_deposits(player.id)[0].id,
        "game": "fruits",
    }[name]
    assert client.get(f"/admin/wallet/{name}/{row}/delete/").status_code == 403


def test_the_seals_page_tells_of_the_last_verification_and_rows_of_their_seal(
    player: PlayerDetails, settings: Settings, tmp_path: Path
) -> None:
    settings.SEALS_PATH, settings.SEAL_PRIVATE_KEYS = tmp_path, [new_private_key()]
    client = staff_client("auditor")
    line = list_ledger(player.id)[0]
    assert "not verified yet" in text_of(client.get("/admin/wallet/seal/")).lower()
    assert "not sealed yet" in text_of(client.get(f"/admin/wallet/entry/{line.id}/change/")).lower()
    (seal,) = seal_ledger(at=AT)
    prove(at=AT)
    assert "Every check passed" in text_of(client.get("/admin/wallet/seal/"))
    assert seal.root in client.get("/admin/wallet/seal/1/change/").content.decode()
    assert "Seal 1" in text_of(client.get(f"/admin/wallet/entry/{line.id}/change/"))
    assert "Seal 1" in text_of(client.get(f"/admin/wallet/transfer/{line.transfer_id}/change/"))
