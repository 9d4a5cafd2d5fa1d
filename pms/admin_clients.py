"""Service clients in the back office: asked for, given a secret that is shown once, changed, disabled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from allauth.idp.oidc.models import Token
from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join

from compliance.services import client_changes
from compliance.types import ApprovalDetails
from kernel import clients, clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.clients import ClientSettings
from kernel.display import NOTHING, chip, copyable, when
from kernel.errors import DomainError
from kernel.models_clients import ServiceClient
from kernel.rest.tokens import TRUSTED_SECONDS
from kernel.scopes import SCOPES
from players.selectors import find_staff_login

GRACES = [(0, "end at once"), (1, "stay good for an hour"), (24, "stay good for a day"), (168, "stay good for a week")]


class SettingsForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What people know it by, such as “Game server, Malta”.")
    contact = forms.CharField(max_length=200, required=False, help_text="Whom to ask when it misbehaves.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        widget=forms.CheckboxSelectMultiple,
        choices=[(scope, f"{words} ({scope})") for scope, words in SCOPES.items()],
        required=False,
    )
    allowed_ips = forms.CharField(
        label="Allowed addresses",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One address or network per line, such as 203.0.113.0/24. Empty: from everywhere.",
    )
    requests_per_minute = forms.IntegerField(
        required=False, min_value=1, help_text="Outside the wallet's hot path. Empty: as configured for all."
    )

    comment = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}), label="What it is for, or why")
    key = forms.CharField(widget=forms.HiddenInput)

    def settings(self) -> ClientSettings:
        data = self.cleaned_data
        return ClientSettings(
            name=data["name"],
            scopes=tuple(data["scopes"]),
            contact=data["contact"],
            allowed_ips=tuple(data["allowed_ips"].split()),
            requests_per_minute=data["requests_per_minute"],
        )


class NewClientForm(SettingsForm):
    client_id = forms.CharField(max_length=60, help_text="Small letters, digits, hyphens. It stays.")

    field_order = ("client_id",)


class SecretForm(forms.Form):
    grace = forms.TypedChoiceField(
        label="The secret it has now shall", choices=GRACES, coerce=int, initial=24, help_text="Time to change it over."
    )


@admin.register(ServiceClient)
class ServiceClientAdmin(PageAdmin):
    list_display = ("id_", "name", "state", "scopes", "addresses", "secret", "used")
    list_display_links = None
    list_filter = (("disabled_at", admin.EmptyFieldListFilter),)
    list_select_related = ("client",)
    list_before_template = "pms/clients_top.html"
    ordering = ("client_id",)
    search_fields = ("client__id", "client__name", "contact")
    sortable_by = ()
    page_template = "pms/client.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # they are asked for at an address of their own

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_add": may(request, clients.ADD), **(extra_context or {})})

    @column("Client id")
    def id_(self, row: ServiceClient) -> str:
        return copyable(row.pk, reverse("admin:kernel_serviceclient_change", args=[row.pk]))

    @column("Name")
    def name(self, row: ServiceClient) -> str:
        return row.client.name

    @column("State")
    def state(self, row: ServiceClient) -> str:
        if row.disabled_at:
            return chip("disabled", "bad")
        return chip("active") if row.secret_issued_at else chip("no secret yet", "warn")

    @column("May")
    def scopes(self, row: ServiceClient) -> str:
        return format_html_join(", ", "{}", ((scope,) for scope in row.client.get_scopes())) or NOTHING

    @column("From")
    def addresses(self, row: ServiceClient) -> str:
        return ", ".join(row.allowed_ips) or "everywhere"

    @column("Secret issued")
    def secret(self, row: ServiceClient) -> str:
        return when(row.secret_issued_at)

    @column("Last used")
    def used(self, row: ServiceClient) -> str:
        return when(row.last_used_at)

    def page_title(self, obj: ServiceClient) -> str:
        return obj.client.name

    def page_context(self, request: HttpRequest, obj: ServiceClient) -> dict[str, object]:
        tokens = Token.objects.valid().filter(client=obj.client).count()
        old = obj.old_secret_until if obj.old_secret_until and obj.old_secret_until > clock.now() else None
        return {
            "facts": [
                ("Client id", copyable(obj.pk)),
                ("State", self.state(obj)),
                ("Contact", obj.contact),
                ("From", self.addresses(obj)),
                ("Requests per minute", obj.requests_per_minute or "as configured for all"),
                ("Secret issued", when(obj.secret_issued_at)),
                ("The one before is good until", when(old) if old else "it has ended"),
                ("Access tokens out there", str(tokens)),
                ("Last used", format_html("{} {}", when(obj.last_used_at), obj.last_used_ip or "")),
                ("Made", when(obj.created_at)),
                ("By", find_staff_login(obj.created_by.removeprefix("staff:")) or obj.created_by),
                ("Disabled", when(obj.disabled_at)),
            ],
            "scopes": [(scope, SCOPES.get(scope, "")) for scope in obj.client.get_scopes()],
            "client": obj,
            "old": old,
            "may_change": may(request, clients.CHANGE),
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("new/", self.new_view, "new"),
            self.view_path("<slug:client_id>/settings/", self.settings_view, "settings"),
            self.view_path("<slug:client_id>/secret/", self.secret_view, "secret"),
            self.view_path("<slug:client_id>/end-old-secret/", self.end_old_view, "end_old_secret"),
            self.view_path("<slug:client_id>/revoke/", self.revoke_view, "revoke"),
            self.view_path("<slug:client_id>/disable/", self.disable_view, "disable"),
            self.view_path("<slug:client_id>/enable/", self.enable_view, "enable"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        need(request, clients.ADD)
        form = NewClientForm(request.POST or None, initial={"key": uuid4()})
        if request.method == "POST" and form.is_valid():
            done = self._ask(request, form, client_changes.make_client, form.cleaned_data["client_id"], "Made.")
            if done:
                return done
        says = [
            "It waits for a second person where that is configured.",
            "Its secret is issued on its page afterwards.",
        ]
        context = {"form": form, "back": self.reverse("changelist"), "button": "Ask for it", "says": says}
        return self.render(request, "back_office/form.html", "New API client", context)

    def settings_view(self, request: HttpRequest, client_id: str) -> HttpResponse:
        row = self._permitted(request, client_id)
        initial = {
            "name": row.client.name,
            "contact": row.contact,
            "scopes": row.client.get_scopes(),
            "allowed_ips": "\n".join(row.allowed_ips),
            "requests_per_minute": row.requests_per_minute,
            "key": uuid4(),
        }
        form = SettingsForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            changed = f"Changed; all processes go by it within {TRUSTED_SECONDS} seconds."
            done = self._ask(request, form, client_changes.change_client, client_id, changed)
            if done:
                return done
        says = []
        if "service_clients" in settings.FOUR_EYES:
            says = [
                "More of what it may do, and more addresses, wait for a second person. Less of either counts at once."
            ]
        context = {"form": form, "back": self.reverse("change", client_id), "button": "Save", "says": says}
        return self.render(request, "back_office/form.html", f"Settings of {row.client.name}", context, client_id)

    def _ask(
        self,
        request: HttpRequest,
        form: SettingsForm,
        service: Callable[..., ApprovalDetails | None],
        client_id: str,
        done: str,
    ) -> HttpResponse | None:
        """Do it, or show what waits for a second person; None when the form has errors."""
        waiting: list[ApprovalDetails | None] = []
        answer = act(
            request,
            lambda: waiting.append(
                service(
                    client_id=client_id,
                    data=form.settings(),
                    comment=form.cleaned_data["comment"],
                    idempotency_key=form.cleaned_data["key"],
                    actor=staff_actor(request),
                    at=clock.now(),
                )
            ),
            done=lambda: "It waits for a second person now." if waiting[0] else done,
            back=self.reverse("change", client_id),
            form=form,
        )
        if waiting and waiting[0] is not None:
            if not may(request, "compliance.view_approval"):
                return HttpResponseRedirect(self.reverse("changelist"))  # one that is asked for has no page yet
            return HttpResponseRedirect(reverse("admin:compliance_approval_change", args=[waiting[0].id]))
        return answer

    def secret_view(self, request: HttpRequest, client_id: str) -> HttpResponse:
        """Issue a secret and show it, this once."""
        row = self._permitted(request, client_id)
        form = SecretForm(request.POST or None)
        back = self.reverse("change", client_id)
        if request.method == "POST" and form.is_valid():
            try:
                secret = client_changes.issue_secret(
                    client_id=client_id,
                    grace=timedelta(hours=form.cleaned_data["grace"]),
                    actor=staff_actor(request),
                    at=clock.now(),
                )
            except DomainError as error:
                form.add_error(None, error.detail)
            else:
                context = {"secret": secret, "client": row, "back": back}
                response = self.render(request, "pms/client_secret.html", "The secret", context, client_id)
                response["Cache-Control"] = "no-store"
                return response
        says = [
            "The new secret is shown once, on the next page.",
            "Access tokens that it has stay good until they end.",
        ]
        context = {"form": form, "back": back, "button": "Issue a secret", "says": says}
        return self.render(request, "back_office/form.html", f"A secret for {row.client.name}", context, client_id)

    def end_old_view(self, request: HttpRequest, client_id: str) -> HttpResponse:
        return self._posted(
            request, client_id, client_changes.end_old_secret, "The secret before the present one has ended."
        )

    def revoke_view(self, request: HttpRequest, client_id: str) -> HttpResponse:
        return self._posted(
            request, client_id, client_changes.revoke_tokens, "Its access tokens have ended; it may get new ones."
        )

    def disable_view(self, request: HttpRequest, client_id: str) -> HttpResponse:
        done = f"Disabled: its tokens have ended, in every process within {TRUSTED_SECONDS} seconds."
        return self._posted(request, client_id, client_changes.disable_client, done)

    def enable_view(self, request: HttpRequest, client_id: str) -> HttpResponse:
        return self._posted(request, client_id, client_changes.enable_client, "Enabled: it may get tokens again.")

    def _posted(self, request: HttpRequest, client_id: str, service: Callable[..., Any], done: str) -> HttpResponse:
        self._permitted(request, client_id)
        if request.method != "POST":
            raise Http404
        answer = act(
            request,
            lambda: service(client_id=client_id, actor=staff_actor(request), at=clock.now()),
            done=done,
            back=self.reverse("change", client_id),
        )
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def _permitted(self, request: HttpRequest, client_id: str) -> ServiceClient:
        need(request, clients.CHANGE)
        row: ServiceClient = self.get_or_404(request, client_id)
        return row
