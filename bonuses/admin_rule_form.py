"""The form of an offer's rule: a table of fields, each at its place in the rule, read and written both ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from bonuses.rules_terms import LANGUAGES
from bonuses.services.offers import parse_rule
from bonuses.types_offer import AwardKind, Claim, Counts, OfferRule, OnWithdrawal, Stacking, TriggerKind, WageringOf
from kernel.display import human
from kernel.errors import FieldErrors

_LANGUAGES = {"en": "English", "de": "German", "sv": "Swedish"}


@dataclass(frozen=True, slots=True)
class Part:
    """One field: its place in the rule (``path``), its control, how text becomes the rule's value and back.

    ``shown_for`` names kinds of trigger or award without which the field means nothing.
    """

    path: str
    label: str
    control: Callable[..., forms.Field]
    read: Callable[[Any], Any]
    show: Callable[[Any], Any]
    hint: str = ""
    shown_for: str = ""

    @property
    def name(self) -> str:
        return self.path.replace(".", "__")


def _text(path: str, label: str, hint: str = "", shown_for: str = "") -> Part:
    return Part(path, label, forms.CharField, str.strip, str, hint, shown_for)


def _number(path: str, label: str, hint: str = "", shown_for: str = "") -> Part:
    return Part(path, label, forms.IntegerField, int, int, hint, shown_for)


def _decimal(path: str, label: str, hint: str = "", shown_for: str = "") -> Part:
    return Part(path, label, forms.CharField, str.strip, str, hint, shown_for)


def _flag(path: str, label: str, hint: str = "", shown_for: str = "") -> Part:
    return Part(path, label, forms.BooleanField, bool, bool, hint, shown_for)


def _list(path: str, label: str, hint: str = "", shown_for: str = "") -> Part:
    return Part(path, label, forms.CharField, _words, ", ".join, hint, shown_for)


def _amounts(path: str, label: str, hint: str = "", shown_for: str = "") -> Part:
    return Part(
        path, label, forms.CharField, _read_amounts, _show_pairs("{1} {0}"), hint or "100.00 EUR, 1000 SEK", shown_for
    )


def _percents(path: str, label: str, hint: str = "", shown_for: str = "") -> Part:
    return Part(path, label, forms.CharField, _read_pairs, _show_pairs("{0} {1}"), hint, shown_for)


def _labels(path: str, label: str, hint: str = "") -> Part:
    return Part(path, label, forms.CharField, _read_labels, _show_labels, hint)


def _moment(path: str, label: str) -> Part:
    help_ = "2026-12-01T00:00:00Z; empty: no limit."
    return Part(path, label, forms.CharField, str.strip, datetime.isoformat, help_)


def _choice(path: str, label: str, kinds: type[StrEnum], hint: str = "", shown_for: str = "") -> Part:
    options = [(kind.value, human(kind.value)) for kind in kinds]

    def control(**how: Any) -> forms.Field:
        return forms.ChoiceField(choices=options, **how)

    return Part(path, label, control, str, str, hint, shown_for)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _read_amounts(text: str) -> dict[str, str]:
    """ "100.00 EUR, 1000 SEK" by currency."""
    pairs = [word.split() for word in _words(text)]
    if any(len(pair) != 2 or not pair[0].replace(".", "", 1).isdecimal() for pair in pairs):
        raise ValidationError("Write amounts as 100.00 EUR, separated by commas.")
    return {currency.upper(): amount for amount, currency in pairs}


def _read_pairs(text: str) -> dict[str, str]:
    """ "table 10, live 0" by name."""
    pairs = [word.rsplit(maxsplit=1) for word in _words(text)]
    if any(len(pair) != 2 for pair in pairs):
        raise ValidationError("Write pairs of a name and a number, such as table 10, separated by commas.")
    return {name: number.rstrip("%") for name, number in pairs}


def _show_pairs(form: str) -> Callable[[Any], str]:
    return lambda value: ", ".join(form.format(name, number) for name, number in sorted(value.items()))


def _read_labels(text: str) -> dict[str, list[str]]:
    """ "loyalty.level gold|platinum" by label."""
    pairs = [word.split(maxsplit=1) for word in _words(text)]
    if any(len(pair) != 2 for pair in pairs):
        raise ValidationError("Write a label and its values, such as loyalty.level gold|platinum.")
    return {label: [value.strip() for value in values.split("|")] for label, values in pairs}


def _show_labels(value: Any) -> str:
    return ", ".join(f"{label} {'|'.join(values)}" for label, values in sorted(value.items()))


_OF_MONEY = "deposit_match fixed cashback"
SECTIONS: tuple[tuple[str, tuple[Part, ...]], ...] = (
    (
        "What players read",
        tuple(_text(f"titles.{code}", f"Title in {_LANGUAGES[code]}") for code in LANGUAGES),
    ),
    (
        "When it is given",
        (
            _choice("trigger.kind", "Occasion", TriggerKind),
            _number("trigger.nth", "Number of the deposit", "0: each. Referral: 1 is the friend's first.", "deposit referral"),
            _decimal("trigger.amount_eur", "Turnover reached, in EUR", "", "turnover"),
            _text("trigger.label", "Label of the segment", "namespace.key", "segment"),
            _text("trigger.value", "Value", "The level, or the value of the label (empty: any).", "level segment"),
            _number("trigger.days", "Days without a bet", "", "inactivity"),
            _number("trigger.weekday", "Day of the week", "0 is Monday, 6 Sunday, -1 every day.", "schedule"),
            _number("trigger.hour", "Hour (UTC)", "", "schedule"),
            _moment("starts_at", "From"),
            _moment("ends_at", "Until"),
        ),
    ),
    (
        "Who may have it",
        (
            _list("eligibility.jurisdictions", "Where they live", "DE, CA-ON; empty: wherever rules allow it."),
            _labels("eligibility.labels", "Labels", "loyalty.level gold|platinum"),
            _flag("eligibility.confirmed_only", "Only whose identity is confirmed"),
            _number("eligibility.per_player", "Times for one player", "0: no cap."),
            _number("eligibility.per_household", "Times for one household", "Country, postcode and family name. 0: no cap."),
            _number("eligibility.per_device", "Times for players on one device", "0: no cap."),
        ),
    ),
    (
        "What is given",
        (
            _choice("award.kind", "Kind", AwardKind),
            _decimal("award.percent", "Per cent", "", "deposit_match cashback"),
            _percents("award.percent_by_level", "Per cent by level", "gold 10, platinum 15", "cashback deposit_match"),
            _amounts("award.cap", "At most", "", "deposit_match cashback"),
            _amounts("award.min_deposit", "Smallest deposit", "", "deposit_match"),
            _amounts("award.amount", "Amount", "", "fixed"),
            _number("award.window_days", "Days that count", "Whole days (UTC) before the day it is given.", "cashback"),
            _number("award.spins", "Spins", "", "free_spins"),
            _amounts("award.spin_value", "Value of a spin", "", "free_spins"),
            _list("award.games", "Games of the spins", "Their codes; empty: all.", "free_spins"),
            _text("award.spin_wins", "Wins are", "bonus or real", "free_spins"),
            _number("award.spin_days", "Days to use the spins", "", "free_spins"),
            _flag("award.scale_with_level", "Times the multiplier of the player's level"),
        ),
    ),
    (
        "What has to be staked for it",
        (
            _decimal("wagering.multiple", "Times", "0: it is real money at once."),
            _choice("wagering.of", "Of", WageringOf, "", "deposit_match"),
            _choice("wagering.counts", "Which stakes count", Counts),
            _number("wagering.days", "Days"),
            _percents("wagering.contribution", "Per cent that counts, by category", "table 10, live 0; others in full."),
            _percents("wagering.game_contribution", "Per cent that counts, by game", "Goes before the category."),
            _list("wagering.excluded_games", "Excluded games", "Their codes."),
            _list("wagering.game_categories", "Categories that the bonus can be played on", "Empty: all."),
            _amounts("wagering.max_stake", "Largest stake"),
            _amounts("wagering.max_conversion", "At most becomes real money"),
            _flag("wagering.breach_forfeits", "A bet against these terms ends the bonus"),
            _choice("on_withdrawal", "Who withdraws meanwhile", OnWithdrawal),
            _choice("stacking", "Beside another bonus", Stacking),
            _choice("claim", "Taken", Claim),
            _number("claim_days", "Days to take it"),
        ),
    ),
    (
        "When issuing stops by itself",
        (
            _decimal("budget.total_eur", "Budget in all, in EUR", "Empty: none."),
            _decimal("budget.per_day_eur", "Budget of a day, in EUR", "Empty: none."),
            _number("budget.grants_per_hour", "Most in an hour", "The brake. Empty: none."),
            _text("earned_by", "Product that leads to it"),
            _text("pays_in", "Product that it is for"),
            _flag("public", "Advertised to everybody"),
        ),
    ),
)  # fmt: skip
PARTS = {part.name: part for _, parts in SECTIONS for part in parts}


class RuleForm(forms.Form):
    """Code, name and rule of an offer. ``newest`` is the number of the version that it was opened on."""

    code = forms.SlugField(max_length=60, help_text="Its stable name, in files and events. It never changes.")
    name = forms.CharField(max_length=120, help_text="For staff.")
    note = forms.CharField(
        max_length=300, required=False, label="What is new", help_text="For whoever reads the versions."
    )
    newest = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, fixed_code: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule: OfferRule | None = None
        if fixed_code:
            self.fields["code"].disabled = True
            self.initial["code"] = fixed_code
        for name, part in PARTS.items():
            self.fields[name] = part.control(
                label=part.label, required=False, help_text=part.hint, initial=_DEFAULTS.get(part.path)
            )

    def sections(self) -> list[tuple[str, list[tuple[forms.BoundField, str]]]]:
        """Headings, each with its fields and the kinds that they are shown for."""
        return [(title, [(self[part.name], part.shown_for) for part in parts]) for title, parts in SECTIONS]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        content: dict[str, Any] = {}
        for name, part in PARTS.items():
            value = values.get(name)
            if value in (None, "") or name in self.errors:
                continue
            try:
                _put(content, part.path, part.read(value))
            except ValidationError as error:
                self.add_error(name, error)
        if not self.errors:
            try:
                self.rule = parse_rule(json.dumps(content))
            except FieldErrors as error:
                self.take(error)
        return values

    def take(self, error: FieldErrors) -> None:
        """Put a service's errors beside the fields that they speak of."""
        for path, texts in error.errors.items():
            name = path.partition("[")[0].replace(".", "__")  # "award.amount[...]" speaks of a currency's
            found = next((known for known in self.fields if name == known or name.startswith(f"{known}__")), None)
            self.add_error(found, ValidationError(texts if found else [f"{path}: {text}" for text in texts]))


def initial_of(rule: OfferRule) -> dict[str, Any]:
    """What the form shows of a rule."""
    found: dict[str, Any] = {}
    for name, part in PARTS.items():
        value: Any = rule
        for key in part.path.split("."):
            value = value.get(key) if isinstance(value, dict) else getattr(value, key)
        found[name] = "" if value is None else part.show(value)
    return found


def _put(content: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for key in parents:
        content = content.setdefault(key, {})
    content[last] = value


# What stands in a new form: a version leaves out what is so by default, and so does a file.
_DEFAULTS = {
    "trigger.kind": "manual",
    "trigger.nth": 1,
    "trigger.weekday": 0,
    "trigger.hour": 6,
    "award.kind": "fixed",
    "award.spin_wins": "bonus",
    "award.spin_days": 7,
    "award.window_days": 7,
    "eligibility.per_player": 1,
    "eligibility.per_household": 0,
    "eligibility.per_device": 0,
    "wagering.multiple": "10",
    "wagering.days": 60,
    "wagering.of": "bonus",
    "wagering.counts": "all",
    "on_withdrawal": "forfeit",
    "stacking": "exclusive",
    "claim": "automatic",
    "claim_days": 7,
    "earned_by": "casino",
    "pays_in": "casino",
}
