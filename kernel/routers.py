"""Which table lives in which database: the keys of sealed personal data in ``keys``, everything else in ``default``."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

KEYS = "keys"
_IN_KEYS = ("kernel", "subjectkey")


class KeysRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return KEYS if _place(model) == _IN_KEYS else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        return (db == KEYS) == ((app_label, model_name) == _IN_KEYS)


def _place(model: type[Model]) -> tuple[str, str | None]:
    return model._meta.app_label, model._meta.model_name
