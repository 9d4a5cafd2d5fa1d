"""Portfolios, own accounts, jurisdictions and VIPs: who may do what to which player, one by one and in lists."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from pytest_django import Settings

from kernel import access
from kernel.access import AccessDenied, allowed, narrowed, remembering
from kernel.actors import Actor, system
from kernel.errors import FieldErrors
from players.models import Player
from players.selectors_access import get_staff_actor, list_own_accounts, list_portfolios
from players.services.labels import set_label
from players.services.own_accounts import AlreadyDeclared, declare_own_account, end_own_account
from players.services.portfolios import put_into_portfolio, take_from_portfolio
from players.types import PlayerDetails
from tests.factories import AT, make_player
from tests.staff import staff_id

pytestmark = pytest.mark.usefixtures("db")

PERSONAL, RESTRICT, VIEW = "players.view_personal_data", "players.impose_restriction", "players.view_player"
BOSS = system("test")


@pytest.fixture(autouse=True)
def _fresh(settings: Settings) -> Any:
    access.forget_policies()
    yield
    access.forget_policies()


def actor(role: str) -> Actor:
    return get_staff_actor(staff_id(role))


def platinum(player: PlayerDetails) -> PlayerDetails:
    set_label(player_id=player.id, namespace="loyalty", key="level", value="platinum", at=AT)
    return player


def test_a_vip_manager_knows_their_own_players_only() -> None:
    mine, other = make_player(), make_player()
    put_into_portfolio(player_id=mine.id, staff_id=staff_id("vip_manager"), actor=BOSS, at=AT)
    manager = actor("vip_manager")
    assert allowed(manager, PERSONAL, mine)
    assert allowed(manager, PERSONAL, other).reason == "the player is not in your portfolio"
    assert allowed(manager, VIEW, other)
    assert allowed(actor("compliance_officer"), PERSONAL, other), "other roles are not bound"
    take_from_portfolio(player_id=mine.id, staff_id=staff_id("vip_manager"), actor=BOSS, at=AT)
    assert not allowed(manager, PERSONAL, mine)
    assert list_portfolios() == []


def test_portfolios_are_kept_by_whoever_may() -> None:
    player, manager = make_player(), staff_id("vip_manager")
    with pytest.raises(AccessDenied):
        put_into_portfolio(player_id=player.id, staff_id=manager, actor=actor("vip_manager"), at=AT)
    with pytest.raises(FieldErrors):
        put_into_portfolio(player_id=player.id, staff_id=staff_id("integrator"), actor=BOSS, at=AT)
    assert put_into_portfolio(player_id=player.id, staff_id=manager, actor=actor("operations"), at=AT)
    assert not put_into_portfolio(player_id=player.id, staff_id=manager, actor=actor("operations"), at=AT)
    (care,) = list_portfolios(staff_id=manager)
    assert (care.player_id, care.staff_login) == (player.id, "vip_manager-1")


def test_nobody_touches_their_own_account() -> None:
    own, other = make_player(), make_player()
    me = staff_id("administrator")
    noted = declare_own_account(staff_id=me, player_id=own.id, reason="I play here", actor=get_staff_actor(me), at=AT)
    for action in (VIEW, PERSONAL, RESTRICT):
        assert allowed(get_staff_actor(me), action, own).reason == "this is your own player account"
        assert allowed(get_staff_actor(me), action, other)
        assert allowed(actor("compliance_officer"), action, own)
    with pytest.raises(AlreadyDeclared):
        declare_own_account(staff_id=me, player_id=own.id, reason="again", actor=get_staff_actor(me), at=AT)
    with pytest.raises(AccessDenied):
        end_own_account(own_account_id=noted, actor=get_staff_actor(me), at=AT)
    end_own_account(own_account_id=noted, actor=actor("compliance_officer"), at=AT)
    assert allowed(get_staff_actor(me), VIEW, own)
    assert list_own_accounts() == []


def test_only_some_note_the_account_of_somebody_else() -> None:
    player, colleague = make_player(), staff_id("operations")
    with pytest.raises(AccessDenied):
        declare_own_account(staff_id=colleague, player_id=player.id, reason="x", actor=actor("support_agent"), at=AT)
    declare_own_account(
        staff_id=colleague, player_id=player.id, reason="same card", actor=actor("compliance_officer"), at=AT
    )
    assert not allowed(get_staff_actor(colleague), VIEW, player)


def test_support_looks_at_vips_and_does_not_touch_them() -> None:
    vip, other = platinum(make_player()), make_player()
    lead = actor("support_lead")
    assert allowed(lead, VIEW, vip)
    assert allowed(lead, RESTRICT, other)
    assert allowed(lead, RESTRICT, vip).reason == "the player is at level platinum"
    assert allowed(actor("operations"), RESTRICT, vip)


def test_roles_work_for_their_countries(settings: Settings) -> None:
    settings.ACCESS_POLICIES = {"jurisdiction": {"roles": {"support_lead": ["DE", "AT"]}}}
    access.forget_policies()
    german, briton = make_player(country="DE"), make_player(country="GB")
    assert allowed(actor("support_lead"), VIEW, german)
    assert allowed(actor("support_lead"), VIEW, briton).reason == "the player is of GB, your roles work for AT, DE"
    assert allowed(actor("operations"), VIEW, briton)


def test_lists_show_exactly_what_may_be_touched_one_by_one(settings: Settings) -> None:
    settings.ACCESS_POLICIES = {"jurisdiction": {"roles": {"support_lead": ["DE"], "vip_manager": ["DE", "GB"]}}}
    access.forget_policies()
    players = [make_player(country=country) for country in ("DE", "DE", "GB", "GB", "SE")]
    platinum(players[0])
    platinum(players[2])
    for player in (players[1], players[2], players[4]):
        put_into_portfolio(player_id=player.id, staff_id=staff_id("operations"), actor=BOSS, at=AT)
    manager = staff_id("vip_manager")
    settings.ACCESS_POLICIES = {}
    access.forget_policies()
    for player in (players[1], players[2], players[4]):
        put_into_portfolio(player_id=player.id, staff_id=manager, actor=BOSS, at=AT)
    settings.ACCESS_POLICIES = {"jurisdiction": {"roles": {"support_lead": ["DE"], "vip_manager": ["DE", "GB"]}}}
    access.forget_policies()
    for role in ("support_lead", "vip_manager", "administrator"):
        declare_own_account(staff_id=staff_id(role), player_id=players[1].id, reason="x", actor=BOSS, at=AT)
    seen = 0
    for role, action in product(
        ("support_lead", "support_agent", "vip_manager", "administrator", "finance"),
        (VIEW, PERSONAL, RESTRICT, "wallet.view_deposit", "wallet.approve_withdrawal"),
    ):
        who = actor(role)
        if action not in who.permissions:
            continue
        listed = set(narrowed(who, action, Player.objects.all(), "id").values_list("id", flat=True))
        assert listed == {player.id for player in players if allowed(who, action, player)}, (role, action)
        seen += len(players) - len(listed)
    assert seen > 20, "the policies had something to say"


def test_the_second_question_in_a_request_costs_nothing(
    django_assert_num_queries: Callable[..., Any],
) -> None:
    player, other = make_player(), make_player()
    put_into_portfolio(player_id=player.id, staff_id=staff_id("vip_manager"), actor=BOSS, at=AT)
    who = actor("vip_manager")
    with remembering():
        with django_assert_num_queries(3):  # the player's facts; what the person and their teams were given
            assert allowed(who, PERSONAL, player)
        with django_assert_num_queries(0):
            for action in (PERSONAL, VIEW, RESTRICT, "wallet.view_deposit"):
                allowed(who, action, player)
        with django_assert_num_queries(1):  # another player: their facts
            assert not allowed(who, PERSONAL, other)
        with django_assert_num_queries(0):
            allowed(who, PERSONAL, other)


def test_a_page_of_players_costs_one_query(django_assert_num_queries: Callable[..., Any]) -> None:
    players = [make_player() for _ in range(5)]
    who = actor("operations")
    with remembering(), django_assert_num_queries(1):
        access.prefetch(player.id for player in players)
        assert all(allowed(who, PERSONAL, player) for player in players)


def test_asking_twice_in_a_request_of_the_back_office_asks_the_database_once(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    who = actor("operations")
    with django_assert_max_num_queries(0), remembering():
        assert allowed(who, "players.view_player"), "without a player nothing has to be read"
