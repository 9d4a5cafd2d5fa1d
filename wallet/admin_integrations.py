"""Integrations of aggregators in the back office: connect one without code, change its keys, map its games."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, when
from kernel.edits import EditForm, lock_to_save
from kernel.errors import FieldErrors
from wallet.adapters.dispatch import TRUSTED_SECONDS, forget_integrations
from wallet.admin_adjustments import staff_name
from wallet.models_adapters import Integration
from wallet.selectors_adapters import get_integration, list_game_mappings, list_integration_keys
from wallet.services import integrations
from wallet.types_adapters import AdapterProtocol, IntegrationDetails, IntegrationStatus

CHANGE = "wallet.change_integration"
SHOWN_MAPPINGS = 200
PROTOCOLS = {
    AdapterProtocol.HUB88: "Hub88-style: RSA signature, amounts × 100,000",
    AdapterProtocol.SWIPEGAMES: "SwipeGames-style: HMAC signature, decimal strings",
    AdapterProtocol.IGSP: "iGSP-style: HMAC signature with timestamp, decimals",
}


def integration_link(code: str) -> str:
    return format_html(
        '<a class="pms-link" href="{}">{}</a>', reverse("admin:wallet_integration_change", args=[code]), code
    )


class SettingsForm(EditForm):
    """What may be changed of an integration."""

    name = forms.CharField(max_length=120)
    status = forms.ChoiceField(
        choices=[(status.value, human(status)) for status in IntegrationStatus],
        help_text="Disabled: no more bets. Wins and rollbacks of earlier bets still go through.",
    )
    currencies = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One per line: its code, our code. Leave it empty where both use ISO 4217 codes.",
    )
    amount_scale = forms.IntegerField(
        label="Units per major unit",
        initial=integrations.DEFAULT_AMOUNT_SCALE,
        min_value=1,
        help_text="Only where amounts are integers (Hub88-style): 100000 means that 1.00 is sent as 100000.",
    )
    allowed_ips = forms.CharField(
        label="Allowed addresses",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One address or network per line, such as 203.0.113.0/24. Leave it empty to allow all.",
    )

    def values(self) -> dict[str, Any]:
        """As the services take them. Raises: FieldErrors."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "currencies": integrations.read_mapping_lines(data["currencies"]),
            "amount_scale": data["amount_scale"],
            "allowed_ips": tuple(data["allowed_ips"].split()),
        }


class ConnectForm(SettingsForm):
    code = forms.CharField(max_length=40, help_text="Part of its address; small letters, digits, hyphens. It stays.")
    protocol = forms.ChoiceField(choices=[(key.value, text) for key, text in PROTOCOLS.items()])
    status = None  # type: ignore[assignment]

    field_order = ("code", "name", "protocol", "currencies", "amount_scale", "allowed_ips")


class KeyForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="Such as “production 2026”.")
    key = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 6, "class": "pms-code"}))

    def __init__(self, protocol: AdapterProtocol, data: Any = None) -> None:
        super().__init__(data)
        if protocol is AdapterProtocol.HUB88:
            self.fields["key"].label = "Its public RSA key"
            self.fields["key"].help_text = "In PEM form, as the aggregator's back office shows it."
        else:
            self.fields["key"].label = "Shared secret"
            self.fields["key"].help_text = "The aggregator's, or leave it empty: one is made and shown once."


class GamesForm(forms.Form):
    games = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 8, "class": "pms-code"}),
        help_text="One per line: its code, our code. One code alone stands for both. Known codes are pointed anew.",
    )


@admin.register(Integration)
class IntegrationAdmin(PageAdmin):
    list_display = ("code_", "name", "protocol_", "state", "created")
    list_display_links = None
    list_filter = ("protocol", "status")
    search_fields = ("code", "name")
    ordering = ("code",)
    sortable_by = ()
    page_template = "wallet/integration.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, "wallet.add_integration")

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("<slug:code>/settings/", self.settings_view, "settings"),
            self.view_path("<slug:code>/keys/add/", self.add_key_view, "add_key"),
            self.view_path("<slug:code>/keys/<int:key_id>/revoke/", self.revoke_key_view, "revoke_key"),
            self.view_path("<slug:code>/games/", self.games_view, "games"),
            self.view_path("<slug:code>/games/remove/", self.unmap_view, "unmap"),
            *super().get_urls(),
        ]

    @column("Code")
    def code_(self, row: Integration) -> str:
        return integration_link(row.pk)

    @column("Protocol")
    def protocol_(self, row: Integration) -> str:
        return PROTOCOLS[AdapterProtocol(row.protocol)].partition(":")[0]

    @column("State")
    def state(self, row: Integration) -> str:
        return chip(row.status)

    @column("Connected")
    def created(self, row: Integration) -> str:
        return when(row.created_at)

    def page_context(self, request: HttpRequest, obj: Integration) -> dict[str, object]:
        details = get_integration(obj.pk)
        mappings = list_game_mappings(obj.pk)
        address = request.build_absolute_uri(f"/adapters/{details.protocol}/{details.code}/")
        currencies = ", ".join(f"{theirs} = {ours}" for theirs, ours in details.currencies.items())
        return {
            "facts": [
                ("Code", copyable(obj.pk)),
                ("Protocol", PROTOCOLS[details.protocol]),
                ("Its requests come to", copyable_whole(address)),
                ("State", chip(obj.status)),
                ("Currencies", currencies or "ISO 4217 codes"),
                ("Units per major unit", f"{details.amount_scale:,}" if details.protocol == "hub88" else NOTHING),
                ("Allowed addresses", ", ".join(details.allowed_ips) or "all"),
                ("Connected", when(obj.created_at)),
                ("By", staff_name(obj.created_by)),
            ],
            "integration": details,
            "keys": list_integration_keys(obj.pk),
            "mappings": mappings[:SHOWN_MAPPINGS],
            "mapping_count": len(mappings),
            "may_change": may(request, CHANGE),
            "sees_requests": may(request, "wallet.view_adapterrequest"),
        }

    # --- acting ---

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        need(request, "wallet.add_integration")
        form = ConnectForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: integrations.create_integration(
                    code=form.cleaned_data["code"],
                    protocol=AdapterProtocol(form.cleaned_data["protocol"]),
                    **form.values(),
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="It is connected. Add a key and map its games, and it can call.",
                back=self.reverse("change", form.cleaned_data["code"]),
                form=form,
            )
            if done:
                return done
        context = {"form": form, "back": reverse("admin:wallet_integration_changelist"), "button": "Connect"}
        return self.render(request, "back_office/form.html", "Connect an aggregator", context)

    @transaction.atomic
    def settings_view(self, request: HttpRequest, code: str) -> HttpResponse:
        self._permitted(request, code)
        lock_to_save(request, self.get_or_404(request, code))
        details = get_integration(code)
        initial = {
            "name": details.name,
            "status": details.status,
            "currencies": "\n".join(f"{theirs}, {ours}" for theirs, ours in details.currencies.items()),
            "amount_scale": details.amount_scale,
            "allowed_ips": "\n".join(details.allowed_ips),
        }
        form = SettingsForm(request.POST or None, initial=initial)
        return self._form_page(
            request,
            details,
            form,
            lambda: integrations.change_integration(
                code=code,
                status=IntegrationStatus(form.cleaned_data["status"]),
                **form.values(),
                actor=staff_actor(request),
                at=clock.now(),
            ),
            title=f"Settings of {details.name}",
            done=f"Changed; all processes go by it within {TRUSTED_SECONDS} seconds.",
            button="Save",
        )

    def add_key_view(self, request: HttpRequest, code: str) -> HttpResponse:
        details = self._permitted(request, code)
        form = KeyForm(details.protocol, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                key = integrations.add_key(
                    integration=code,
                    name=form.cleaned_data["name"],
                    key=form.cleaned_data["key"].strip() or None,
                    actor=staff_actor(request),
                    at=clock.now(),
                )
            except FieldErrors as error:
                form.add_error("key", [text for texts in error.errors.values() for text in texts])
            else:
                forget_integrations()
                context = {"key": key, "name": form.cleaned_data["name"], "back": self.reverse("change", code)}
                return self.render(request, "wallet/integration_key.html", "The key is added", context, code)
        context = {"form": form, "back": self.reverse("change", code), "button": "Add the key"}
        return self.render(request, "back_office/form.html", f"Add a key to {details.name}", context, code)

    def revoke_key_view(self, request: HttpRequest, code: str, key_id: int) -> HttpResponse:
        details = self._permitted(request, code)
        return self._form_page(
            request,
            details,
            forms.Form(request.POST if request.method == "POST" else None),
            lambda: integrations.revoke_key(
                integration=code, key_id=key_id, actor=staff_actor(request), at=clock.now()
            ),
            title=f"Revoke a key of {details.name}",
            done=f"Revoked; no process takes it any more after {TRUSTED_SECONDS} seconds.",
            button="Revoke it",
            says=[
                "Requests signed with this key are refused from now on, wins and rollbacks included.",
                "It cannot be made valid again; the same key may be added anew.",
            ],
        )

    def games_view(self, request: HttpRequest, code: str) -> HttpResponse:
        details = self._permitted(request, code)
        form = GamesForm(request.POST or None)
        return self._form_page(
            request,
            details,
            form,
            lambda: integrations.map_games(
                integration=code,
                games=integrations.read_mapping_lines(form.cleaned_data["games"]),
                actor=staff_actor(request),
                at=clock.now(),
            ),
            title=f"Map games of {details.name}",
            done="Mapped.",
            button="Map them",
        )

    def unmap_view(self, request: HttpRequest, code: str) -> HttpResponse:
        details = self._permitted(request, code)
        if request.method != "POST":
            return HttpResponseRedirect(self.reverse("change", code))
        done = act(
            request,
            lambda: integrations.unmap_game(
                integration=code,
                their_code=request.POST.get("their_code", ""),
                actor=staff_actor(request),
                at=clock.now(),
            ),
            done=f"{details.name} has one game less.",
            back=self.reverse("change", code),
        )
        forget_integrations()
        return done or HttpResponseRedirect(self.reverse("change", code))

    def _permitted(self, request: HttpRequest, code: str) -> IntegrationDetails:
        need(request, CHANGE)
        self.get_or_404(request, code)
        return get_integration(code)

    def _form_page(
        self,
        request: HttpRequest,
        details: IntegrationDetails,
        form: forms.Form,
        do: Any,
        *,
        title: str,
        done: str,
        button: str,
        says: list[str] | None = None,
    ) -> HttpResponse:
        """A form that calls a service; ``says`` tells first what will happen."""
        back = self.reverse("change", details.code)
        if request.method == "POST" and form.is_valid():
            answer = act(request, do, done=done, back=back, form=form)
            transaction.on_commit(forget_integrations)
            if answer:
                return answer
        context = {"form": form, "back": back, "button": button, "says": says, "kind": "danger" if says else ""}
        return self.render(request, "back_office/form.html", title, context, details.code)


def copyable_whole(text: str) -> str:
    """An address, shown in full."""
    return format_html(
        '<code>{}</code> <button type="button" class="pms-copy" data-copy="{}" aria-label="Copy"></button>', text, text
    )
