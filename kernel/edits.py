"""Settings that two people change at once: whoever saves second is told what has changed, and keeps what was typed."""

from __future__ import annotations

import json
from typing import Any, TypeVar, cast

from django import forms
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, QueryDict

Row = TypeVar("Row", bound=Model)


class EditForm(forms.Form):
    """A form of settings that are there: it carries them as they were when it was opened (``seen``).

    Where they have changed since, it is refused once, with each change at its field; saved again, it saves over them.
    Whoever saves it locks the row (``lock_to_save``) before the form is made.
    """

    seen = forms.JSONField(required=False, widget=forms.HiddenInput)

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        return self._shown() if field_name == "seen" else super().get_initial_for_field(field, field_name)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        now = self._shown()
        seen = data["seen"] if isinstance(data.get("seen"), dict) else now
        changed = [name for name in now if seen.get(name, now[name]) != now[name]]
        for name in changed:
            self.add_error(name, f"Changed meanwhile, from “{seen[name]}” to “{now[name]}”.")
        if changed:
            self.add_error(
                None,
                f"Somebody has changed this since you opened it: {', '.join(str(self[name].label) for name in changed)}. "
                "What you typed is kept: compare it with the changes below, and save again to put it in their place.",
            )
            # What is there now is on the page that says so: the next attempt has seen it.
            typed = cast(QueryDict, self.data).copy()
            typed[self.add_prefix("seen")] = json.dumps(now)
            self.data = typed
        return data

    def _shown(self) -> dict[str, str]:
        row = getattr(self, "instance", None)
        if row is not None and row._state.adding:
            return {}
        return {
            name: _in_words(self.get_initial_for_field(field, name))
            for name, field in self.fields.items()
            if name != "seen"
        }


def lock_to_save(request: HttpRequest, row: Row) -> Row:
    """The row that a form is about; where the form is being saved, as it is now and kept from other writers.

    Until the transaction ends. New rows may refer to it meanwhile.
    """
    if request.method != "POST" or not transaction.get_connection().in_atomic_block:  # the history is no form
        return row
    found: Row = type(row)._base_manager.select_for_update(no_key=True).get(pk=row.pk)
    return found


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
