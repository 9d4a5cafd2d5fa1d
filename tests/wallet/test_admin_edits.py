"""Two people change the same settings: nobody's change is lost unseen."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from kernel.errors import FieldErrors, NotFound
from kernel.ids import uuid7
from tests.connections import in_parallel
from tests.factories import ACTOR, AT
from tests.staff import staff_client, text_of
from tests.wallet.purses import charge
from tests.wallet.test_services_reconciliation import CLERK
from wallet.models_fees import FeeRule
from wallet.models_reconciliation import ReportMapping
from wallet.selectors_adapters import get_integration
from wallet.services.integrations import create_integration
from wallet.services.reconciliation import save_mapping
from wallet.types_adapters import AdapterProtocol
from wallet.types_purses import FeeKind
from wallet.types_reconciliation import MappingTerms, ReportSide

pytestmark = pytest.mark.usefixtures("db")

TERMS = MappingTerms("PSP", ReportSide.PAYMENTS, "sandbox", "id", "amount", "at", currency="EUR")
MAPPING = {
    "name": "PSP", "side": "payments", "source": "sandbox", "reference_column": "id", "amount_column": "amount",
    "time_column": "at", "currency": "EUR", "window_s": "3600", "tolerance_minor": "0", "covers": ["deposit"],
}  # fmt: skip


def seen(page: str) -> str:
    """What the form carries of what it has shown."""
    (found,) = re.findall(r'name="seen" value="([^"]*)"', page)
    return html.unescape(found)


def integration() -> tuple[str, dict[str, Any], Any]:
    create_integration(code="swipe", name="Swipe", protocol=AdapterProtocol.SWIPEGAMES, actor=ACTOR, at=AT)
    form = {"name": "Swipe", "status": "active", "currencies": "", "amount_scale": "100000", "allowed_ips": ""}
    return reverse("admin:wallet_integration_settings", args=["swipe"]), form, lambda: get_integration("swipe").name


def fee_rule() -> tuple[str, dict[str, Any], Any]:
    rule = charge(FeeKind.RAKE, percent="5")
    form = {"percent": "5", "fixed_minor": "0", "least_minor": "0", "active": "on",
            "effective_from_0": f"{AT:%Y-%m-%d}", "effective_from_1": f"{AT:%H:%M:%S}"}  # fmt: skip
    return reverse("admin:wallet_feerule_change", args=[rule.pk]), form, lambda: FeeRule.objects.get().game


def mapping() -> tuple[str, dict[str, Any], Any]:
    mapping_id = save_mapping(terms=TERMS, actor=CLERK, at=AT)
    page = reverse("admin:wallet_reportmapping_change", args=[mapping_id])
    return page, MAPPING, lambda: ReportMapping.objects.get().name


@pytest.mark.parametrize(
    ("setting", "field", "before", "role"),
    [
        (integration, "name", "Swipe", "integrator"),
        (fee_rule, "game", "", "finance"),
        (mapping, "name", "PSP", "finance"),
    ],
)
def test_the_second_to_save_is_told_what_the_first_has_changed(
    setting: Any, field: str, before: str, role: str
) -> None:
    page, form, now = setting()
    client = staff_client(role)
    opened = seen(text_of(client.get(page)))
    assert client.post(page, form | {field: "first", "seen": opened}).status_code == 302
    refused = client.post(page, form | {field: "second", "seen": opened})
    shown = html.unescape(text_of(refused))
    assert refused.status_code == 200
    assert f"Changed meanwhile, from “{before}” to “first”." in shown
    assert f"Somebody has changed this since you opened it: {field.title()}." in shown
    assert shown.count("Changed meanwhile") == 1, "only what was changed"
    assert 'value="second"' in shown, "what was typed is kept"
    assert now() == "first"
    assert client.post(page, form | {field: "second", "seen": seen(text_of(refused))}).status_code == 302
    assert now() == "second"


def test_of_two_who_save_at_once_one_is_told() -> None:
    page, form, now = mapping()
    client = staff_client("finance")
    opened = seen(text_of(client.get(page)))

    def save(name: str) -> int:
        one = Client()
        one.cookies = client.cookies
        return one.post(page, form | {"name": name, "seen": opened}).status_code

    calls = [lambda name=name: save(name) for name in ("one", "two", "three")]
    assert sorted(in_parallel(calls, 3)) == [200, 200, 302]
    assert now() in ("one", "two", "three")


def test_a_new_rule_has_nothing_to_compare_with() -> None:
    page = reverse("admin:wallet_feerule_add")
    client = staff_client("finance")
    new = {"kind": "rake", "currency": "EUR", "percent": "5", "fixed_minor": "0", "least_minor": "0", "active": "on",
           "effective_from_0": "2026-03-01", "effective_from_1": "00:00:00"}  # fmt: skip
    assert client.post(page, new | {"seen": seen(text_of(client.get(page)))}).status_code == 302
    for odd in ("", "[]", "{", '{"percent": 7}'):
        assert client.post(page, new | {"seen": odd}).status_code in (200, 302)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"currency": ""}, "currency"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency_column": "cur"}, "currency"),
        ({"covers": ("gift",)}, "covers"),
        ({"kind_column": "type"}, "kinds"),
        ({"kind_column": "type", "kinds": {"a": "gift"}}, "kinds"),
        ({"reference_column": ""}, "reference_column"),
        ({"delimiter": ";;"}, "delimiter"),
        ({"tolerance_minor": -1}, "tolerance_minor"),
    ],
)
def test_what_a_mapping_may_not_say(change: dict[str, Any], wrong: str) -> None:
    with pytest.raises(FieldErrors) as refused:
        save_mapping(terms=replace(TERMS, **change), actor=CLERK, at=AT)
    assert list(refused.value.errors) == [wrong]
    assert not ReportMapping.objects.exists()


def test_a_mapping_has_its_name_alone() -> None:
    mapping_id: UUID = save_mapping(terms=TERMS, actor=CLERK, at=AT)
    with pytest.raises(FieldErrors, match="name"):
        save_mapping(terms=TERMS, actor=CLERK, at=AT)
    assert save_mapping(terms=replace(TERMS, source="other"), mapping_id=mapping_id, actor=CLERK, at=AT) == mapping_id
    with pytest.raises(NotFound):
        save_mapping(terms=TERMS, mapping_id=uuid7(), actor=CLERK, at=AT)
