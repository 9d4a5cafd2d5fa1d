"""Fee rules in the back office: each said in a sentence."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from kernel.admin import column
from kernel.display import NOTHING, chip, when
from kernel.money import Money
from wallet.admin_payment_rules import ConfigurationAdmin
from wallet.models_fees import FeeRule
from wallet.types_purses import FeeKind

_TAKEN = {
    FeeKind.WITHDRAWAL: "of a withdrawal",
    FeeKind.RAKE: "of a pot",
    FeeKind.TOURNAMENT_BUY_IN: "of a tournament's buy-in, on top",
}


def in_words(row: FeeRule) -> str:
    """What the rule takes, of whom: "2 % + 1.50 EUR of a withdrawal, at least 2.00 EUR: players at level gold, by card"."""
    parts = []
    if row.percent:
        parts.append(f"{row.percent.normalize():f} %")
    if row.fixed_minor:
        parts.append(f"{Money(row.fixed_minor, row.currency)} {row.currency}")
    text = f"{' + '.join(parts) or 'Nothing'} {_TAKEN[FeeKind(row.kind)]}"
    if row.least_minor:
        text += f", at least {Money(row.least_minor, row.currency)} {row.currency}"
    if row.most_minor is not None:
        text += f", at most {Money(row.most_minor, row.currency)} {row.currency}"
    whose = [f"players at level {row.level}" if row.level else ""]
    whose += [f"by {row.get_method_display().lower()}" if row.method else "", f"in {row.game}" if row.game else ""]
    said = ", ".join(filter(None, whose))
    return f"{text}: {said}" if said else text


@admin.register(FeeRule)
class FeeRuleAdmin(ConfigurationAdmin):
    """What players are charged."""

    sortable_by = ()
    list_display = ("says", "currency", "from_", "until", "state")
    list_filter = ("kind", "active")
    ordering = ("kind", "currency", "-effective_from")
    fieldsets = (
        (None, {"fields": ("kind", "currency", "active")}),
        ("What it takes", {"fields": ("percent", "fixed_minor", "least_minor", "most_minor")}),
        (
            "When it applies",
            {
                "fields": ("level", "method", "game", "effective_from", "effective_until"),
                "description": "Of the rules that fit, the one that names most of level, method and game applies.",
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: FeeRule | None = None) -> tuple[str, ...]:
        return ("kind", "currency") if obj else ()

    @column("Takes")
    def says(self, row: FeeRule) -> str:
        return in_words(row)

    @column("From")
    def from_(self, row: FeeRule) -> str:
        return when(row.effective_from)

    @column("Until")
    def until(self, row: FeeRule) -> str:
        return when(row.effective_until) if row.effective_until else NOTHING

    @column("State")
    def state(self, row: FeeRule) -> str:
        return chip("active" if row.active else "switched off")
