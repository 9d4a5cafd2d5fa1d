"""Instruments, and the rules that withdrawals go by, in the back office."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin

from kernel import clock, vault
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import chip, copyable, human, money, when
from kernel.edits import EditForm, lock_to_save
from kernel.money import Money
from players.services.searches import search_players
from wallet.admin import player_link
from wallet.models_payments import ApprovalRule, Instrument, Payout, WithdrawalPolicy
from wallet.selectors_instruments import label_of
from wallet.services.payment_means import CONFIRM, confirm_ownership
from wallet.types_payments import Ownership


class ConfirmForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What shows that it is the player's own: the document you have seen. Kept on the audit trail.",
    )


@admin.register(Instrument)
class InstrumentAdmin(PageAdmin):
    """Means of payment, newest first."""

    list_display = ("label_", "player_", "kind_", "paid_in", "owed_back", "added", "used")
    list_display_links = None
    list_filter = ("kind", "provider")
    list_select_related = ("player__user",)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Instrument], search_term: str
    ) -> tuple[QuerySet[Instrument], bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        vault.remember({row.player_id for row in changelist.result_list})
        return changelist

    @column("Instrument")
    def label_(self, row: Instrument) -> str:
        href = reverse("admin:wallet_instrument_change", args=[row.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, label_of(row))

    @column("Player")
    def player_(self, row: Instrument) -> str:
        return player_link(row)

    @column("Kind")
    def kind_(self, row: Instrument) -> str:
        return human(row.kind)

    @column("Paid in")
    def paid_in(self, row: Instrument) -> str:
        return money(Money(row.paid_in_minor, row.player.currency))

    @column("Owed back")
    def owed_back(self, row: Instrument) -> str:
        return money(Money(max(row.paid_in_minor - row.paid_out_minor, 0), row.player.currency))

    @column("First seen")
    def added(self, row: Instrument) -> str:
        return when(row.added_at)

    @column("Last used")
    def used(self, row: Instrument) -> str:
        return when(row.last_used_at)

    page_template = "wallet/instrument.html"

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("<uuid:instrument_id>/confirm/", self.confirm_view, "confirm"), *super().get_urls()]

    def confirm_view(self, request: HttpRequest, instrument_id: UUID) -> HttpResponse:
        """Say what shows that an account is the player's own though its holder is written otherwise."""
        need(request, CONFIRM)
        obj: Instrument = self.get_or_404(request, str(instrument_id))
        need(request, CONFIRM, obj.player_id)
        form, back = ConfirmForm(request.POST or None), self.reverse("change", obj.pk)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: confirm_ownership(
                    instrument_id=obj.pk,
                    reason=form.cleaned_data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="It counts as the player's own account from now on.",
                back=back,
                form=form,
            )
            if done:
                return done
        says = ["Money may be taken from this account and paid to it, whatever its provider says of the holder."]
        context = {"form": form, "back": back, "button": "Confirm", "says": says}
        return self.render(request, "back_office/form.html", f"The player's own: {label_of(obj)}", context, obj.pk)

    def page_title(self, obj: Instrument) -> str:
        return label_of(obj)

    def page_context(self, request: HttpRequest, obj: Instrument) -> dict[str, object]:
        shared = Instrument.objects.filter(fingerprint_index=obj.fingerprint_index).exclude(pk=obj.pk)
        others = list(shared.select_related("player__user")[:10]) if obj.fingerprint_index else []
        return {
            "may_confirm": obj.ownership == Ownership.FOREIGN and may(request, CONFIRM, obj.player_id),
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Player", player_link(obj)),
                ("Provider", obj.provider),
                ("Kind", human(obj.kind)),
                ("Funded by", human(obj.funding)),
                ("Whose", chip(obj.ownership, "bad" if obj.ownership == Ownership.FOREIGN else "good")),
                ("Paid in", self.paid_in(obj)),
                ("Paid back, with what is on its way", money(Money(obj.paid_out_minor, obj.player.currency))),
                ("Owed back", self.owed_back(obj)),
                ("Also used by", format_html_join(", ", "{}", ((player_link(row),) for row in others)) or "nobody"),
                ("Payouts to it", str(Payout.objects.filter(instrument=obj).count())),
                ("First seen", when(obj.added_at)),
                ("Last used", when(obj.last_used_at)),
            ],
        }


class ConfigurationForm(EditForm, forms.ModelForm):
    pass


class ConfigurationAdmin(ModelAdmin):
    """Rows that staff write, as far as their role says so; nothing is deleted, rules are switched off."""

    actions = None
    form = ConfigurationForm
    change_form_before_template = "back_office/seen.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in super().get_fields(request, obj) if name != "seen"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        obj = super().get_object(request, object_id, from_field)
        # The history, which is opened by the same call, saves nothing and has no transaction.
        saves = request.resolver_match is not None and str(request.resolver_match.url_name).endswith("_change")
        return lock_to_save(request, obj) if obj and saves else obj

    def _may(self, request: HttpRequest, action: str) -> bool:
        return may(request, f"{self.opts.app_label}.{action}_{self.opts.model_name}")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view") or self._may(request, "change")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(ConfigurationAdmin):
    """Which withdrawals need no person."""

    list_display = ("says", "max_score", "state")
    ordering = ("currency", "level")

    @column("Approved without a person")
    def says(self, row: ApprovalRule) -> str:
        whose = f"Players at level {row.level}" if row.level else "Everybody"
        return f"{whose}: up to {Money(row.up_to_minor, row.currency)} {row.currency}"

    @column("State")
    def state(self, row: ApprovalRule) -> str:
        return chip("active" if row.active else "switched off")


@admin.register(WithdrawalPolicy)
class WithdrawalPolicyAdmin(ConfigurationAdmin):
    """How long withdrawals cool down, by country."""

    list_display = ("where", "cooling")
    ordering = ("country",)

    @column("Country")
    def where(self, row: WithdrawalPolicy) -> str:
        return str(row)

    @column("Cools down")
    def cooling(self, row: WithdrawalPolicy) -> str:
        return f"{row.cooling_minutes} minutes" if row.cooling_minutes else "not at all"
