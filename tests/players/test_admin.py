"""The player list, the player page, and what staff may do there."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kernel import clock
from kernel.actors import Actor, ActorKind, system
from players.admin_masking import mask_email, mask_name, mask_phone, masked
from players.ports import list_panels
from players.selectors import get_player, list_restrictions
from players.services.labels import set_label
from players.services.restrictions import impose
from players.services.roles import UnknownPermission, apply_roles
from players.services.staff import LoginTaken, ensure_staff
from players.types import PlayerDetails, RestrictionKind, Status
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.staff import client_of, staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")

LIST = "/admin/players/player/"


def anna(**fields: Any) -> PlayerDetails:
    data = {
        "login": "annakeller",
        "email": "anna.keller@example.com",
        "first_name": "Anna",
        "last_name": "Keller",
        "phone": "+4915112345678",
        "birth_date": date(1990, 5, 17),
    }
    return make_player(**(data | fields))


def page(player: PlayerDetails) -> str:
    return reverse("admin:players_player_change", args=[player.id])


def tab(player: PlayerDetails, key: str) -> str:
    return reverse("admin:players_player_tab", args=[player.id, key])


def restrict(player: PlayerDetails, kind: RestrictionKind, reason: str = "Documents missing") -> Any:
    return impose(player_id=player.id, kind=kind, reason=reason, source="staff", actor=ACTOR, at=clock.now())


# --- list and search ---


@pytest.mark.parametrize("wanted", ["annakeller", "annak", "anna.keller@example.com", "+4915112345678", "Keller Anna"])
def test_the_list_finds_a_player_by_login_email_phone_and_name(wanted: str) -> None:
    anna()
    make_player(login="somebody-else")
    shown = text_of(staff_client("operations").get(LIST, {"q": wanted}))
    assert "annakeller" in shown
    assert "somebody-else" not in shown


def test_the_list_finds_a_player_by_id() -> None:
    player, other = anna(), make_player(login="somebody-else")
    shown = text_of(staff_client("operations").get(LIST, {"q": str(other.id)}))
    assert "somebody-else" in shown
    assert player.login not in shown


def test_the_list_filters_by_country_and_by_standing_restriction() -> None:
    held, free = anna(country="DE"), make_player(login="free-bird", country="FR")
    restrict(held, RestrictionKind.PLAY_BLOCK)
    client = staff_client("operations")
    assert "free-bird" not in text_of(client.get(LIST, {"restricted": "any"}))
    assert held.login in text_of(client.get(LIST, {"restricted": "play_block"}))
    assert held.login not in text_of(client.get(LIST, {"restricted": "kyc_hold"}))
    shown = text_of(client.get(LIST, {"country": "FR"}))
    assert free.login in shown
    assert held.login not in shown


def test_the_newest_registration_comes_first() -> None:
    make_player(login="early-bird", at=AT)
    make_player(login="late-comer", at=AT + timedelta(days=1))
    shown = text_of(staff_client("operations").get(LIST))
    assert shown.index("late-comer") < shown.index("early-bird")


def test_the_list_takes_the_same_few_queries_for_one_player_and_for_many_and_never_counts() -> None:
    client = staff_client("operations")
    anna()
    client.get(LIST)

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return [query["sql"] for query in captured]

    few = queries()
    for _ in range(12):
        set_label(player_id=make_player().id, namespace="loyalty", key="level", value="gold", at=AT)
    many = queries()
    assert len(many) == len(few) <= 9
    assert not [sql for sql in many if "COUNT(" in sql.upper()]


# --- the page ---


def test_every_panel_opens_at_an_address_of_its_own() -> None:
    player = anna()
    make_game()
    fund(player.id, "50.00", at=clock.now())
    bet(player.id, "5.00", at=clock.now())
    restrict(player, RestrictionKind.WITHDRAWAL_HOLD)
    client = staff_client("administrator")
    keys = [panel.key for panel in list_panels()]
    assert keys == [
        "overview", "wallet", "bonuses", "loyalty", "play", "verification", "restrictions", "exclusions", "limits", "refusals",
        "sessions", "consents", "timeline", "as-of", "audit",
    ]  # fmt: skip
    for key in keys:
        response = client.get(tab(player, key))
        assert response.status_code == 200, key
        assert "45.00" in text_of(response), "the balance stands in the header of every tab"
    assert client.get(tab(player, "no-such-tab")).status_code == 404


def test_a_panel_that_the_role_may_not_see_is_neither_shown_nor_opened() -> None:
    player = anna()
    client = staff_client("mlro")
    assert tab(player, "loyalty") not in text_of(client.get(page(player)))
    assert client.get(tab(player, "loyalty")).status_code == 403


def test_an_unknown_player_is_not_found() -> None:
    client = staff_client("operations")
    assert client.get("/admin/players/player/018f0000-0000-7000-8000-000000000000/change/").status_code == 404
    assert client.get("/admin/players/player/nonsense/change/").status_code == 404


def test_the_timeline_tells_in_words_what_happened_and_pages_by_key() -> None:
    player = anna()
    make_game()
    fund(player.id, "500.00")
    for _ in range(55):
        bet(player.id, "1.00")
    client = staff_client("support_agent")
    first = client.get(tab(player, "timeline"))
    assert "Bet 1.00 EUR on fruits" in text_of(first)
    assert "Registered in DE" not in text_of(first)
    older = client.get(tab(player, "timeline"), {"before": str(first.context["older"])})
    assert "Registered in DE with an account in EUR" in text_of(older)
    assert "Deposit of 500.00 EUR made" in text_of(older)


def test_the_page_takes_few_queries_however_long_the_history() -> None:
    player = anna()
    make_game()
    fund(player.id, "500.00")
    bet(player.id, "1.00")
    client = staff_client("administrator")

    def queries(key: str) -> int:
        return min(asked(key) for _ in range(3))  # once in a while a session is noted as seen

    def asked(key: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(tab(player, key))
        return len(captured)

    before = {panel.key: queries(panel.key) for panel in list_panels()}
    for _ in range(40):
        bet(player.id, "1.00")
    after = {panel.key: queries(panel.key) for panel in list_panels()}
    assert before == after
    assert max(after.values()) <= 23


# --- who sees what ---


PERSONAL = ["anna.keller@example.com", "Keller", "+4915112345678", "1990-05-17"]


@pytest.mark.parametrize("role", ["analyst", "auditor", "crm_specialist", "finance"])
def test_personal_data_is_masked_for_roles_without_the_right(role: str) -> None:
    player = anna()
    client = staff_client(role)
    shown = text_of(client.get(LIST)) + text_of(client.get(page(player)))
    assert player.login in shown
    assert not [value for value in PERSONAL if value in shown]


def test_personal_data_is_shown_to_roles_with_the_right() -> None:
    shown = text_of(staff_client("support_lead").get(page(anna())))
    assert not [value for value in PERSONAL if value not in shown]


def test_personal_values_in_the_history_of_settings_are_masked_too() -> None:
    from players.services.accounts import change_settings

    player = anna()
    change_settings(player_id=player.id, changes={"city": "Wuppertal", "language": "fr"}, actor=ACTOR, at=AT)
    shown = text_of(staff_client("analyst").get(page(player)))
    assert "Wuppertal" not in shown
    assert ">fr<" in shown
    assert "Wuppertal" in text_of(staff_client("support_lead").get(page(player)))


def test_masks_keep_nothing_that_identifies() -> None:
    assert mask_email("anna.keller@example.com") == "a•••@e•••"
    assert mask_phone("+4915112345678") == "+49 ••• 78"
    assert mask_name("Anna") == "A•••"
    assert mask_name("") == ""
    player = anna()
    seen = masked(player, Actor(ActorKind.STAFF, "1", frozenset({"players.view_player"})))
    assert seen.birth_date is None
    assert masked(player, Actor(ActorKind.STAFF, "1", frozenset({"players.view_personal_data"}))) == player


@pytest.mark.parametrize("role", ["support_agent", "support_lead", "operations"])
def test_why_a_money_laundering_hold_stands_is_hidden_from_support(role: str) -> None:
    player = anna()
    restrict(player, RestrictionKind.AML_HOLD, "Structuring, case 118")
    client = staff_client(role)
    for key in ("restrictions", "timeline", "overview"):
        shown = text_of(client.get(tab(player, key)))
        assert "AML hold" in shown
        assert "Structuring" not in shown
    assert "Structuring, case 118" in text_of(staff_client("mlro").get(tab(player, "restrictions")))


def test_players_and_strangers_do_not_get_in() -> None:
    player = anna()
    assert Client().get(page(player)).status_code == 302
    assert staff_client("integrator").get(page(player)).status_code == 403
    assert staff_client("integrator").get(LIST).status_code == 403


# --- impose, lift, status ---


def test_a_restriction_is_imposed_after_saying_what_it_does_and_once_only() -> None:
    player, client = anna(), staff_client("support_lead")
    address = reverse("admin:players_player_impose", args=[player.id])
    key = client.get(address).context["form"]["key"].value()
    data = {"kind": "cooling_off", "reason": "Asked for a break", "active_until": "", "key": key}
    preview = client.post(address, data)
    assert "deposit, place bets, receive bonuses or be sent marketing" in text_of(preview)
    assert list_restrictions(player.id) == []
    for _ in range(2):
        assert client.post(address, data | {"confirmed": "1"}).status_code == 302
    (restriction,) = list_restrictions(player.id)
    assert restriction.kind is RestrictionKind.COOLING_OFF
    assert restriction.reason == "Asked for a break"
    assert restriction.imposed_by.startswith("staff:")


def test_a_restriction_needs_a_reason_and_an_end_in_the_future() -> None:
    player, client = anna(), staff_client("support_lead")
    address = reverse("admin:players_player_impose", args=[player.id])
    data = {"kind": "cooling_off", "reason": " ", "key": "k", "confirmed": "1"}
    assert "This field is required" in text_of(client.post(address, data))
    late = data | {"reason": "Break", "active_until": "2020-01-01T00:00"}
    assert "The end must lie in the future" in text_of(client.post(address, late))
    assert list_restrictions(player.id) == []


def test_a_restriction_is_lifted_with_a_reason() -> None:
    player, client = anna(), staff_client("support_lead")
    restriction_id = restrict(player, RestrictionKind.PLAY_BLOCK)
    address = reverse("admin:players_player_lift", args=[player.id, restriction_id])
    assert "place bets" in text_of(client.get(address))
    client.post(address, {"reason": "Documents came in"})
    (restriction,) = list_restrictions(player.id)
    assert restriction.lift_reason == "Documents came in"
    again = client.post(address, {"reason": "Twice"}, follow=True)
    assert "not in force any more" in text_of(again)


def test_the_status_is_changed_with_a_reason() -> None:
    player, client = anna(), staff_client("operations")
    address = reverse("admin:players_player_status", args=[player.id])
    assert "erased" not in text_of(client.get(address)).lower()
    client.post(address, {"to": "suspended", "reason": "Chargeback"})
    assert get_player(player.id).status is Status.SUSPENDED


@pytest.mark.parametrize("role", ["auditor", "support_agent", "analyst"])
def test_roles_without_the_right_can_not_act(role: str) -> None:
    player = anna()
    restriction_id = restrict(player, RestrictionKind.PLAY_BLOCK)
    client = staff_client(role)
    for address in (
        reverse("admin:players_player_impose", args=[player.id]),
        reverse("admin:players_player_lift", args=[player.id, restriction_id]),
        reverse("admin:players_player_status", args=[player.id]),
    ):
        assert address not in text_of(client.get(tab(player, "restrictions")))
        assert client.post(address, {"reason": "x", "to": "closed", "confirmed": "1"}).status_code == 403
    assert get_player(player.id).status is Status.ACTIVE
    assert list_restrictions(player.id)[0].lifted_at is None


def test_nobody_adds_edits_or_deletes_a_player_by_hand() -> None:
    player, client = anna(), staff_client("administrator")
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(f"{LIST}{player.id}/delete/").status_code == 403


# --- staff and roles ---


def test_the_list_of_staff_never_shows_players() -> None:
    anna()
    shown = text_of(staff_client("administrator").get("/admin/players/user/"))
    assert "administrator-1" in shown
    assert "annakeller" not in shown


def test_an_administrator_makes_a_staff_account_that_can_log_in() -> None:
    client = staff_client("administrator")
    data = {
        "username": "new.hand",
        "email": "n@example.com",
        "password1": "quite a long 1",
        "password2": "quite a long 1",
    }
    assert client.post("/admin/players/user/add/", data | {"groups": []}).status_code == 302
    made = get_user_model().objects.get(username="new.hand")
    assert made.check_password("quite a long 1")
    other = client_of(made.pk)
    assert other.get("/admin/").status_code == 200
    assert other.get(LIST).status_code == 403


def test_the_auditor_reads_staff_but_changes_nobody() -> None:
    client = staff_client("auditor")
    assert client.get("/admin/players/user/").status_code == 200
    assert client.get("/admin/players/user/add/").status_code == 403
    assert client.get("/admin/auth/group/").status_code == 200


def test_staff_setup_refuses_a_players_login_and_an_unknown_permission() -> None:
    player = anna()
    with pytest.raises(LoginTaken):
        ensure_staff(login=player.login, email="x@example.com", password="long enough 1", roles=[], at=AT)
    with pytest.raises(UnknownPermission, match=r"players\.fly"):
        apply_roles({"pilot": {"players.fly"}}, actor=system("test"), at=AT)


def test_the_list_of_staff_does_not_walk_through_the_players() -> None:
    client = staff_client("administrator")
    with CaptureQueriesContext(connection) as captured:
        client.get("/admin/players/user/")
    (listed,) = [q["sql"] for q in captured if 'FROM "players_user"' in q["sql"] and "ORDER BY" in q["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {listed}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "players_user_staff" in plan
