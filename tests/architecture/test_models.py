"""The house's rules for tables, checked on every model there is."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

from kernel.protection import Protection

FLOORS = [
    "kernel",
    "events",
    "players",
    "compliance",
    "wallet",
    "bonuses",
    "loyalty",
    "crm",
    "helpdesk",
    "analytics",
    "pms",
]
BESIDE = {frozenset({"crm", "helpdesk"})}  # one floor, two apps: neither knows the other
OWN = [model for model in apps.get_models() if model._meta.app_label in FLOORS]


def own_fields(model: type[models.Model]) -> list[models.Field]:
    return [field for field in model._meta.get_fields() if isinstance(field, models.Field)]


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_foreign_keys_point_down(model: type[models.Model]) -> None:
    for field in own_fields(model):
        target = field.related_model
        if target is None or target._meta.app_label not in FLOORS:
            continue
        here, there = model._meta.app_label, target._meta.app_label
        assert FLOORS.index(there) <= FLOORS.index(here), f"{model._meta.label}.{field.name} points up to {there}"
        assert frozenset({here, there}) not in BESIDE, f"{model._meta.label}.{field.name} points sideways"


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_nothing_is_deleted_by_the_way(model: type[models.Model]) -> None:
    for field in own_fields(model):
        if isinstance(field, models.ForeignKey):
            assert field.remote_field.on_delete is models.PROTECT, f"{model._meta.label}.{field.name} must PROTECT"


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_every_model_says_what_a_row_means(model: type[models.Model]) -> None:
    text = model.__doc__ or ""
    assert len(text.split()) > 8, f"{model._meta.label} has no docstring of its own"
    assert not text.startswith(f"{model.__name__}("), f"{model._meta.label} has only Django's docstring"


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_every_model_says_what_is_personal_and_how_long_it_is_kept(model: type[models.Model]) -> None:
    protection = model.__dict__.get("protection")
    assert isinstance(protection, Protection), f"{model._meta.label} carries no Protection"
    names = {field.name for field in own_fields(model)}
    assert protection.personal.keys() <= names, f"{model._meta.label} protects a field that it does not have"


PERSONAL_NAMES = {"email", "phone", "first_name", "last_name", "birth_date", "city", "postcode", "street", "username"}


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_what_looks_personal_is_declared(model: type[models.Model]) -> None:
    found = PERSONAL_NAMES & {field.name for field in own_fields(model)}
    assert found <= model.__dict__["protection"].personal.keys(), model._meta.label


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_every_moment_is_named_so(model: type[models.Model]) -> None:
    """Datetimes end in _at, _until, _from or are ``since``: a reader never takes one for a date."""
    django_own = {"last_login", "date_joined"}
    for field in own_fields(model):
        if isinstance(field, models.DateTimeField) and field.name not in django_own:
            assert field.name.endswith(("_at", "_until", "_from", "since")), f"{model._meta.label}.{field.name}"
