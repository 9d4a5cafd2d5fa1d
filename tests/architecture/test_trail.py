"""Whatever the admin's own forms can change leaves a record: auditlog follows the table, or the admin's services write it."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib import admin
from django.db.models import Model

from kernel.admin import ReadOnlyAdmin

TRACKED = {row["model"].lower() for row in settings.AUDITLOG_INCLUDE_TRACKING_MODELS}
# Admins that write to the trail by themselves, or only offer pages that call services which do.
RECORD_THEMSELVES = {"players.user", "kernel.serviceclient", "wallet.integration"}


def edits(model: type[Model]) -> bool:
    found = type(admin.site._registry[model])
    names = [f"has_{deed}_permission" for deed in ("add", "change", "delete")]
    return any(getattr(found, name) is not getattr(ReadOnlyAdmin, name) for name in names)


EDITED = {model._meta.label_lower: model for model in admin.site._registry if edits(model)}


@pytest.mark.parametrize("label", sorted(EDITED))
def test_what_the_admins_forms_change_is_on_the_trail(label: str) -> None:
    rows = {label, *(inline.model._meta.label_lower for inline in admin.site._registry[EDITED[label]].inlines)}
    missing = rows - TRACKED - RECORD_THEMSELVES
    assert not missing, f"name {missing} in AUDITLOG_INCLUDE_TRACKING_MODELS"


def test_the_list_of_those_that_record_themselves_is_no_longer_than_needed() -> None:
    assert EDITED.keys() - TRACKED >= RECORD_THEMSELVES
