"""What django-auditlog finds changed in configuration goes to the audit trail: its own table is not used.

auditlog listens to saves and works out what differs; whatever it would keep is handed to ``events.audit.record``. So
there is one trail, one search and one seal. It misses bulk updates and SQL: services that do those record by themselves.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from events.audit import record
from kernel import clock
from kernel.actors import Actor, system
from kernel.context import acting
from kernel.protection import Protection, Retention

_DEEDS = {0: "create", 1: "change", 2: "delete"}


class ConfigurationChanges(models.Manager["ConfigurationChange"]):
    """What auditlog calls instead of writing a row."""

    def log_create(self, instance: models.Model, force_log: bool = False, **kwargs: Any) -> ConfigurationChange | None:
        changes: dict[str, list[str]] = kwargs.get("changes") or {}
        if changes:
            before = {name: str(old) for name, (old, _) in changes.items() if old not in (None, "None")}
            after = {name: str(new) for name, (_, new) in changes.items() if new not in (None, "None")}
            _record(instance, _DEEDS[kwargs["action"]], before, after)
        return self.model() if changes else None

    def log_m2m_changes(
        self,
        changed_queryset: models.QuerySet[models.Model],
        instance: models.Model,
        operation: str,
        field_name: str,
        **kwargs: Any,
    ) -> ConfigurationChange | None:
        rows = changed_queryset.select_related()  # what a permission is called, its model says, too
        names = ", ".join(str(row) for row in rows)
        if names:
            _record(instance, "change", {}, {f"{field_name} {'added' if operation == 'add' else 'taken away'}": names})
        return self.model() if names else None


class ConfigurationChange(models.Model):
    """Stands where auditlog expects its log entry (AUDITLOG_LOGENTRY_MODEL). There is no table, and there are no rows."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    class Action:
        CREATE, UPDATE, DELETE, ACCESS = 0, 1, 2, 3

    objects = ConfigurationChanges()

    class Meta:
        managed = False
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return "a change of configuration"


def _record(instance: models.Model, deed: str, before: dict[str, str], after: dict[str, str]) -> None:
    label = instance._meta.label_lower
    record(
        action=f"configuration.{deed}",
        actor=_actor(),
        at=clock.now(),
        object_type=label,
        object_id=str(instance.pk),
        before=before,
        after=after,
    )


def _actor() -> Actor:
    """Whoever is at the request; a command or job otherwise."""
    whose = acting.get()
    return whose() if whose else system("command")
