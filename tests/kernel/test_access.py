"""May X do Y to Z: permissions, objects, policies over attributes; what it costs; and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from kernel import access, policies
from kernel.access import NOTHING, Subject, allowed, explain, remembering
from kernel.actors import Actor, ActorKind, system
from kernel.money import Money

AT = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)  # a Saturday
PAY = "wallet.approve_withdrawal"


def staff(number: int = 7, **roles: set[str]) -> Actor:
    grants = tuple((name, frozenset(codes)) for name, codes in sorted(roles.items()))
    everything = frozenset().union(*(codes for _, codes in grants))
    return Actor(ActorKind.STAFF, str(number), everything, frozenset(roles), grants)


@pytest.fixture(autouse=True)
def _fresh(settings: Settings) -> Any:
    access.forget_policies()
    yield
    access.forget_policies()


@pytest.fixture
def configure(settings: Settings) -> Callable[..., None]:
    def set_(**params: Any) -> None:
        settings.ACCESS_POLICIES = params
        access.forget_policies()

    return set_


def test_a_client_has_its_scopes_and_a_player_their_own_account() -> None:
    client = Actor(ActorKind.CLIENT, "casino", frozenset({"players:read"}))
    assert allowed(client, "players:read", UUID(int=1))
    assert not allowed(client, "players:write")
    player = Actor(ActorKind.PLAYER, str(UUID(int=1)), frozenset({"me:read"}))
    assert allowed(player, "me:read", UUID(int=1))
    assert allowed(player, "me:read", UUID(int=2)).reason == "players act on their own account only"
    assert not allowed(player, "me:write", UUID(int=1))


def test_the_reason_names_the_role_that_grants() -> None:
    actor = staff(operations={PAY}, finance={PAY}, analyst={"wallet.view_deposit"})
    assert allowed(actor, PAY).reason == f"granted {PAY} by finance, operations"


@pytest.mark.parametrize(
    ("roles", "amount", "currency", "passes"),
    [
        (("operations",), "10000.00", "EUR", True),
        (("operations",), "-10000.01", "EUR", False),
        (("operations",), "1.00", "SEK", False),  # no ceiling is named in that currency: nothing goes through
        (("finance",), "99999.00", "EUR", True),
        (("finance", "operations"), "99999.00", "EUR", True),  # whoever may more by another role, may more
        (("operations", "analyst"), "99999.00", "EUR", False),  # another role that does not grant it helps nothing
    ],
)
def test_ceilings_of_amounts(roles: tuple[str, ...], amount: str, currency: str, passes: bool) -> None:
    actor = staff(**{role: {PAY} if role != "analyst" else {"x.view"} for role in roles})
    decision = allowed(actor, PAY, Subject(amount=Money.parse(amount, currency)))
    assert bool(decision) is passes, decision.reason


@pytest.mark.parametrize(
    ("at", "passes"),
    [
        (datetime(2026, 3, 13, 7, 59, tzinfo=UTC), True),  # Friday 08:59 in Berlin
        (datetime(2026, 3, 13, 6, 59, tzinfo=UTC), False),  # 07:59
        (datetime(2026, 3, 13, 17, 0, tzinfo=UTC), False),  # 18:00 is outside
        (datetime(2026, 7, 10, 6, 30, tzinfo=UTC), True),  # summer time: 08:30
        (AT, False),  # Saturday
    ],
)
def test_working_hours_are_those_of_their_zone(configure: Callable[..., None], at: datetime, passes: bool) -> None:
    configure(working_hours={"actions": [PAY], "zone": "Europe/Berlin"})
    decision = allowed(staff(finance={PAY}), PAY, at=at)
    assert bool(decision) is passes, decision.reason
    assert allowed(staff(finance={"x.y"}), "x.y", at=AT)


def test_the_country_of_the_address(configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    configure(address_country={"actions": [PAY], "countries": ["DE", "MT"]})
    for country, passes in (("DE", True), ("US", False), ("", False)):
        monkeypatch.setattr(policies, "country_of_request", lambda country=country: country)
        assert bool(allowed(staff(finance={PAY}), PAY)) is passes


def test_every_policy_says_in_words_what_it_does(configure: Callable[..., None]) -> None:
    configure(working_hours={"actions": [PAY]}, address_country={"actions": [PAY], "countries": ["DE"]},
              jurisdiction={"roles": {"support_de": ["DE", "AT"]}})  # fmt: skip
    for policy in access.list_policies():
        text = policy.describe(access.params_of(policy))
        assert text.endswith("."), policy.name
        assert "_" not in text, text


def test_policies_that_are_not_configured_concern_nothing() -> None:
    for policy in access.list_policies():
        params = access.params_of(policy)
        if not policy.describe(params):
            assert not policy.concerns(params, PAY), policy.name


@pytest.mark.usefixtures("db")  # it also reads what was given on objects
def test_an_explanation_goes_to_the_end_where_a_decision_stops(db: None, configure: Callable[..., None]) -> None:
    configure(working_hours={"actions": [PAY]})
    actor = staff(operations={PAY})
    checks = explain(actor, PAY, Subject(amount=Money.parse("20000", "EUR")), AT)
    failed = [check.name for check in checks if check.passed is False]
    assert set(failed) == {"amount_ceilings", "working_hours"}
    assert not allowed(actor, PAY, Subject(amount=Money.parse("20000", "EUR")), AT)
    assert explain(system("job"), PAY)[0].passed


def test_a_policy_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="own_account"):
        access.register_policy(next(p for p in access.list_policies() if p.name == "own_account"))


def test_nothing_remembered_leaks_into_the_next_request() -> None:
    made: list[int] = []
    for _ in range(2):
        with remembering():
            for _ in range(3):
                access.remember(("test", "x"), lambda: made.append(1))
    assert len(made) == 2
    assert access.subject_of(None) is NOTHING
