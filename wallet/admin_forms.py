"""Forms of the wallet's screens. Amounts are decimal strings, and each form carries a key so that it acts once."""

from __future__ import annotations

from typing import Any

from django import forms

from kernel.ids import uuid7
from kernel.money import InvalidAmount, Money


def new_key() -> str:
    return uuid7().hex


def choices_of(codes: list[str]) -> list[tuple[str, str]]:
    return [(code, code.replace("_", " ").capitalize()) for code in codes]


class AmountField(forms.CharField):
    """A decimal string in major units; read with a currency by ``read_amount``."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "placeholder": "12.34"})


def read_amount(form: forms.Form, name: str, currency: str) -> Money | None:
    """The field as money, or an error on it."""
    text = form.cleaned_data.get(name, "")
    if not text:
        return None
    try:
        return Money.parse(text, currency)
    except InvalidAmount as error:
        form.add_error(name, str(error))
        return None


class EvidenceForm(forms.Form):
    reason = forms.ChoiceField()
    evidence = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What shows that this is right. An auditor reads it.",
    )
    reference = forms.CharField(
        max_length=200, required=False, help_text="Transfer, round, payment or ticket that it is about."
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, reasons: list[str], data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, initial={"key": new_key()}, **kwargs)
        self.fields["reason"].choices = choices_of(reasons)  # type: ignore[attr-defined]


class AdjustForm(EvidenceForm):
    purse = forms.ChoiceField()
    direction = forms.ChoiceField(choices=[("credit", "Credit the player"), ("debit", "Debit the player")])
    amount = AmountField(max_length=24)

    field_order = ("purse", "direction", "amount", "reason", "evidence", "reference", "key")

    def __init__(self, currency: str, purses: list[tuple[str, str]], reasons: list[str], data: Any = None) -> None:
        super().__init__(reasons, data)
        self.currency = currency
        self.fields["purse"].choices = purses  # type: ignore[attr-defined]
        self.fields["amount"].label = f"Amount in {currency}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        amount = read_amount(self, "amount", self.currency)
        if amount is not None:
            if amount.amount_minor <= 0:
                self.add_error("amount", "The amount must be more than zero; choose credit or debit above.")
            data["signed"] = amount if data.get("direction") == "credit" else -amount
        return data


class DisputeForm(forms.Form):
    subject = forms.CharField(max_length=200)
    story = forms.CharField(label="What the player says", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    claimed = AmountField(max_length=24, required=False)
    reference = forms.CharField(max_length=200, required=False, help_text="Transfer, round or payment.")
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, currency: str, data: Any = None) -> None:
        super().__init__(data, initial={"key": new_key()})
        self.currency = currency
        self.fields["claimed"].label = f"Claimed, in {currency}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["money"] = read_amount(self, "claimed", self.currency)
        return data


class SettleForm(forms.Form):
    outcome = forms.ChoiceField(choices=[("resolved", "Resolve it"), ("rejected", "Reject it")])
    resolution = forms.CharField(
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What was found, and what the player is told.",
    )
    amount = AmountField(
        max_length=24, required=False, help_text="Leave it empty when no money moves; a minus debits the player."
    )

    def __init__(self, currency: str, data: Any = None) -> None:
        super().__init__(data)
        self.currency = currency
        self.fields["amount"].label = f"Correction of the real-money purse, in {currency}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["money"] = read_amount(self, "amount", self.currency)
        return data
