"""Forms of the payments inbox. What people write is kept for years: no card numbers in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms

from kernel.money import InvalidAmount, Money, total
from kernel.pan import CardNumberFound, refuse_pan
from wallet.types_payments import InstrumentDetails


class PlainTextField(forms.CharField):
    """Words of staff; a card number among them is refused."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return refuse_pan(text)
        except CardNumberFound as error:
            raise forms.ValidationError(str(error)) from None


class RejectForm(forms.Form):
    reason = PlainTextField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the withdrawal for other staff; the player does not see it. At most 500 characters.",
    )


class ApproveForm(forms.Form):
    """How much goes to which of the player's instruments; what is left over goes back to the player."""

    reason = PlainTextField(
        label="Note", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="If you like."
    )

    def __init__(
        self,
        asked: Money,
        instruments: Sequence[InstrumentDetails],
        plan: Sequence[tuple[UUID, Money]],
        data: Any = None,
    ) -> None:
        super().__init__(data)
        self.asked = asked
        self.split: list[tuple[UUID, Money]] = []
        planned = dict(plan)
        for row in instruments:
            self.fields[f"part_{row.id}"] = forms.CharField(
                label=f"{row.label} ({asked.currency})",
                required=False,
                max_length=24,
                initial=str(planned.get(row.id, "")),
                help_text=f"Paid in {row.paid_in}, owed back {row.owed_back}.",
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    @property
    def approved(self) -> Money:
        return total((part for _, part in self.split), self.asked.currency)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self.split = []
        for name, text in list(data.items()):
            if not name.startswith("part_") or not text.strip():
                continue
            try:
                part = Money.parse(text.strip(), self.asked.currency)
            except InvalidAmount as error:
                self.add_error(name, str(error))
                continue
            if part.amount_minor < 0:
                self.add_error(name, "Give an amount of zero or more.")
            elif part.amount_minor:
                self.split.append((UUID(name.removeprefix("part_")), part))
        if not self.errors and not 0 < self.approved.amount_minor <= self.asked.amount_minor:
            raise forms.ValidationError(f"Together give more than nothing and at most {self.asked}.")
        return data
