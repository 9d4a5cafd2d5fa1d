"""Somebody who may do something tries it on what is not theirs: a VIP of another manager, a guessed id, their own account."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from analytics.live import current_snapshot
from kernel import access, clock
from kernel.actors import system
from kernel.money import Money
from players.selectors_access import get_staff_actor
from players.services.own_accounts import declare_own_account
from players.services.portfolios import put_into_portfolio
from pms.identity import ensure_client
from tests.factories import fund, make_game, make_player
from tests.pms.access_world import everything_stored
from tests.pms.test_admin import first_messages
from tests.staff import staff_client, staff_id, text_of
from wallet.selectors import list_deposits, list_instruments, list_withdrawals
from wallet.services.withdrawals import request_withdrawal

pytestmark = pytest.mark.usefixtures("db")

BOSS = system("test")


@pytest.fixture(autouse=True)
def _fresh(settings: Settings) -> Any:
    access.forget_policies()
    yield
    settings.ACCESS_POLICIES = {}
    access.forget_policies()


def two_players() -> tuple[UUID, UUID]:
    """One in the VIP manager's portfolio, and one of somebody else's; both paid in."""
    make_game()
    ids = []
    for login in ("annamine", "bertother"):
        player = make_player(login=login, first_name=login.title(), last_name="Keller", at=clock.now())
        fund(player.id, "100.00", at=clock.now())
        ids.append(player.id)
    put_into_portfolio(player_id=ids[0], staff_id=staff_id("vip_manager"), actor=BOSS, at=clock.now())
    return ids[0], ids[1]


def withdrawal_of(player_id: UUID, amount: str = "20.00") -> UUID:
    (instrument,) = list_instruments(player_id)
    return request_withdrawal(
        player_id=player_id, amount=Money.parse(amount, "EUR"), instrument_id=instrument.id, source="test",
        idempotency_key=str(uuid4()), actor=BOSS, at=clock.now(),
    ).id  # fmt: skip


def test_a_vip_of_another_manager_is_masked_and_their_money_is_not_there() -> None:
    mine, other = two_players()
    browser = staff_client("vip_manager")
    listed = text_of(browser.get(reverse("admin:players_player_changelist")))
    assert "Annamine Keller" in listed
    assert "Bertother Keller" not in listed
    assert "B•••" in listed
    assert browser.get(reverse("admin:players_player_tab", args=[mine, "wallet"])).status_code == 200
    assert browser.get(reverse("admin:players_player_tab", args=[other, "wallet"])).status_code == 403
    assert browser.get(reverse("admin:players_player_tab", args=[other, "timeline"])).status_code == 403
    assert "Keller" not in text_of(browser.get(reverse("admin:players_player_change", args=[other])))
    deposits = text_of(browser.get(reverse("admin:wallet_deposit_changelist")))
    assert "annamine" in deposits
    assert "bertother" not in deposits
    for player_id, status in ((mine, 200), (other, 404)):
        (deposit,) = list_deposits(player_id, limit=1)
        assert browser.get(reverse("admin:wallet_deposit_change", args=[deposit.id])).status_code == status


def test_live_figures_show_the_deposits_of_ones_own_players_only() -> None:
    two_players()
    (said,) = first_messages(staff_client("vip_manager"))
    assert "annamine" in said["parts"]["deposits"]
    assert "bertother" not in said["parts"]["deposits"]
    everybody = current_snapshot(clock.now()).for_actor(get_staff_actor(staff_id("operations")))
    assert "bertother" in everybody["parts"]["deposits"], "the snapshot is shared, and was not cut"


def test_ones_own_account_is_nowhere(settings: Settings) -> None:
    own, _ = two_players()
    withdrawal_of(own)
    me = staff_id("operations")
    declare_own_account(staff_id=me, player_id=own, reason="x", actor=BOSS, at=clock.now())
    browser = staff_client("operations")
    (mine,) = list_withdrawals(own, limit=1)
    before = everything_stored()
    for address in (
        reverse("admin:players_player_change", args=[own]),
        reverse("admin:players_player_impose", args=[own]),
        reverse("admin:players_player_status", args=[own]),
        reverse("admin:wallet_adjustment_adjust", args=[own]),
        reverse("admin:wallet_withdrawal_approve", args=[mine.id]),
        reverse("admin:wallet_withdrawal_claim", args=[mine.id]),
    ):
        for answer in (browser.get(address), browser.post(address, {"confirmed": "1", "reason": "x"})):
            assert answer.status_code in (403, 404), address
    bulk = browser.post(reverse("admin:wallet_withdrawal_bulk"), {"ids": [str(mine.id)], "confirmed": "1"})
    assert bulk.status_code == 302
    after = everything_stored()
    assert {name for name in after if after[name] != before[name]} == set()
    for page in ("players_player", "wallet_deposit", "wallet_withdrawal", "wallet_transfer", "events_event"):
        shown = text_of(browser.get(reverse(f"admin:{page}_changelist")))
        assert str(own) not in shown
        assert "annamine" not in shown, page
    found = text_of(browser.get("/admin/search/", {"s": "annam", "extended": "1"}))
    assert str(own) not in found
    assert "Nothing waits" in text_of(browser.post(reverse("admin:wallet_withdrawal_next"), follow=True))


def test_bulk_approval_asks_for_each_one(settings: Settings) -> None:
    one, other = two_players()
    settings.ACCESS_POLICIES = {
        "amount_ceilings": {"ceilings": {"wallet.approve_withdrawal": {"operations": {"EUR": "30.00"}}}}
    }
    access.forget_policies()
    small, large = withdrawal_of(one, "20.00"), withdrawal_of(other, "40.00")
    browser = staff_client("operations")
    shown = text_of(browser.post(reverse("admin:wallet_withdrawal_bulk"), {"ids": [str(small), str(large)]}))
    assert "above the ceiling of 30.00 EUR" in shown
    browser.post(reverse("admin:wallet_withdrawal_bulk"), {"ids": [str(small), str(large)], "confirmed": "1"})
    assert [list_withdrawals(player, limit=1)[0].state for player in (one, other)] == ["approved", "in_review"]


def test_guessed_ids_in_export_links_are_nobodys() -> None:
    for role, status in (("finance", 404), ("support_agent", 403), ("auditor", 403)):
        browser = staff_client(role)
        for name in ("wallet_transferexport_file", "wallet_transferexport_manifest"):
            assert browser.get(reverse(f"admin:{name}", args=[uuid4()])).status_code == status, (role, name)


def test_a_file_of_all_is_not_for_whoever_sees_some(settings: Settings) -> None:
    settings.ACCESS_POLICIES = {"jurisdiction": {"roles": {"finance": ["DE"]}}}
    access.forget_policies()
    from kernel.access import AccessDenied
    from wallet.services.exports import export_period

    with pytest.raises(AccessDenied, match="some players only"):
        next(
            export_period(
                since=clock.now(), until=clock.now(), actor=get_staff_actor(staff_id("finance")), at=clock.now()
            )
        )


def test_the_tester_names_role_object_and_every_policy() -> None:
    mine, other = two_players()
    browser = staff_client("auditor")
    query = {"staff": staff_id("vip_manager"), "action": "players.view_personal_data", "player": str(mine)}
    yes = text_of(browser.get(reverse("admin:auth_group_tester"), query))
    assert "granted players.view_personal_data by vip_manager" in yes
    assert "players.care_for_player" in yes
    no = text_of(browser.get(reverse("admin:auth_group_tester"), query | {"player": str(other)}))
    assert "the player is not in your portfolio" in no
    for title in ("Own account", "Portfolio"):
        assert title in no
    assert get_user_model().objects.filter(username="vip_manager-1").exists()
    strange = browser.get(reverse("admin:auth_group_tester"), query | {"player": "nobody", "amount": "x"})
    assert strange.status_code == 200
    assert "No player is named so." in text_of(strange)
    assert Client().get(reverse("admin:auth_group_tester")).status_code == 302


def test_a_client_that_may_do_more_says_that_it_waits() -> None:
    ensure_client(client_id="games", secret="a secret", name="Games", scopes=["wallet:read"])
    address = reverse("admin:kernel_serviceclient_settings", args=["games"])
    form = {"name": "Games", "scopes": ["wallet:read", "wallet:write"], "comment": "New games", "key": "k"}
    for role, shown in (
        ("administrator", "/admin/compliance/approval/"),
        ("integrator", "/admin/kernel/serviceclient/"),
    ):
        browser = staff_client(role)
        more = browser.post(address, form | {"key": role}, follow=True)
        assert "It waits for a second person now." in text_of(more)
        assert more.redirect_chain[-1][0].startswith(shown), "who sees no approvals is not sent to one"
    less = browser.post(address, form | {"scopes": ["wallet:read"], "name": "Games 2", "key": "l"}, follow=True)
    assert "Changed;" in text_of(less)
    assert "waits" not in text_of(less)


def test_the_secret_of_a_client_is_shown_once(settings: Settings) -> None:
    settings.FOUR_EYES = []
    browser = staff_client("integrator")
    form = {"client_id": "games", "name": "Games", "scopes": ["wallet:read"], "comment": "x", "key": "k"}
    assert browser.post(reverse("admin:kernel_serviceclient_new"), form).status_code == 302
    page = reverse("admin:kernel_serviceclient_change", args=["games"])
    assert "no secret yet" in text_of(browser.get(page)).lower()
    answer = browser.post(reverse("admin:kernel_serviceclient_secret", args=["games"]), {"grace": "0"})
    secret = answer.context["secret"]
    assert secret in text_of(answer)
    assert "no-store" in answer["Cache-Control"]
    assert secret not in text_of(browser.get(page))
    token = Client().post(
        "/identity/o/api/token",
        {"grant_type": "client_credentials", "client_id": "games", "client_secret": secret},
    )
    assert token.status_code == 200
