"""Jackpots in the back office, with what is in them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from kernel.admin import column
from kernel.display import copyable, money
from kernel.money import Money
from wallet.admin_payment_rules import ConfigurationAdmin
from wallet.models_rounds import Jackpot
from wallet.selectors import list_jackpots


@admin.register(Jackpot)
class JackpotAdmin(ConfigurationAdmin):
    """Which jackpots games may pay into."""

    sortable_by = ()
    list_display = ("name", "code_", "currency", "balance")
    ordering = ("name",)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        self.held = {row.code: row.balance for row in list_jackpots()}  # one read for the whole list
        return super().changelist_view(request, extra_context)

    def get_readonly_fields(self, request: HttpRequest, obj: Jackpot | None = None) -> tuple[str, ...]:
        return ("code", "currency") if obj else ()

    @column("Code")
    def code_(self, row: Jackpot) -> str:
        return copyable(row.code)

    @column("In it")
    def balance(self, row: Jackpot) -> str:
        return money(self.held.get(row.code, Money.zero(row.currency)))
