"""Forms of the player page. Each asks for a reason, and carries a key so that it has its effect once."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms

from kernel.ids import uuid7
from players.rules import STATUS_MOVES
from players.types import RestrictionKind, Status


def new_key() -> str:
    return uuid7().hex


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the change; other staff read it. At most 500 characters.",
    )


class ImposeForm(ReasonForm):
    kind = forms.ChoiceField(
        label="Restriction", choices=[(kind.value, kind.replace("_", " ").capitalize()) for kind in RestrictionKind]
    )
    active_until = forms.DateTimeField(
        label="Until (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Leave it empty for a restriction that stands until somebody lifts it.",
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    field_order = ("kind", "active_until", "reason", "key")

    def clean_active_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["active_until"]
        return until.replace(tzinfo=UTC) if until else None


class StatusForm(ReasonForm):
    to = forms.ChoiceField(label="New status")

    field_order = ("to", "reason")

    def __init__(self, current: Status, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        # Erasure is a procedure of its own, never a click here.
        moves = sorted(STATUS_MOVES[current] - {Status.ERASED})
        self.fields["to"].choices = [(status.value, status.capitalize()) for status in moves]  # type: ignore[attr-defined]
