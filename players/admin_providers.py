"""Single sign-on in the back office: which servers log staff in, and which of their groups bring which roles."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import chip
from kernel.reauthentication import reauthenticate_first
from players.models_staff import IdentityProvider
from players.ports import get_provider_changer
from players.selectors_staff import find_provider
from players.services.staff_providers import set_provider_secret
from players.types_staff import Protocol, ProviderSettings

ADD, CHANGE = "players.add_identityprovider", "players.change_identityprovider"
PROTOCOLS = [(Protocol.OIDC.value, "OIDC"), (Protocol.SAML.value, "SAML")]


class ProviderForm(forms.Form):
    name = forms.CharField(max_length=40, help_text="What the button on the login page says.")
    slug = forms.CharField(max_length=40, help_text="Part of the addresses that the provider is told. It stays.")
    protocol = forms.ChoiceField(choices=PROTOCOLS, help_text="It stays.")
    active = forms.BooleanField(required=False, initial=True, label="Staff may log in with it")
    client_id = forms.CharField(max_length=190, required=False, help_text="OIDC only.")
    parameters = forms.JSONField(
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text="Where it is and how it is spoken to. No secrets: whoever approves reads them.",
    )
    groups_claim = forms.CharField(
        max_length=120, initial="groups", help_text="The claim or attribute whose values are mapped to roles."
    )
    mfa_contexts = forms.CharField(
        required=False,
        help_text="Values of amr, acr or AuthnContextClassRef that stand for a second factor, separated by commas.",
    )
    roles = forms.CharField(
        required=False,
        label="Groups and the roles they bring",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )
    comment = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}), label="Why")
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
        self.fields["roles"].help_text = f"One pair per line, such as casino-ops = operations. Roles: {names}."

    def clean_parameters(self) -> dict[str, object]:
        parameters = self.cleaned_data["parameters"]
        if not isinstance(parameters, dict):
            raise ValidationError('Write an object, such as {"server_url": "https://login.example.com"}.')
        return parameters

    def clean_roles(self) -> frozenset[tuple[str, str]]:
        pairs = set()
        for line in self.cleaned_data["roles"].splitlines():
            group, equals, role = line.rpartition("=")  # names of groups may hold one: CN=casino,OU=groups
            if line.strip() and not (equals and group.strip() and role.strip()):
                raise ValidationError(f"“{line.strip()}”: write a group, =, and a role.")
            if line.strip():
                pairs.add((group.strip(), role.strip()))
        return frozenset(pairs)

    def settings(self) -> ProviderSettings:
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("comment", "key")}
        contexts = tuple(text for part in data["mfa_contexts"].split(",") if (text := part.strip()))
        return ProviderSettings(**{**data, "protocol": Protocol(data["protocol"]), "mfa_contexts": contexts})


class SecretForm(forms.Form):
    secret = forms.CharField(
        strip=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="What the provider gave you. It is kept encrypted and never shown.",
    )


@admin.register(IdentityProvider)
class IdentityProviderAdmin(PageAdmin):
    """Servers that log staff in by single sign-on."""

    list_display = ("name_", "protocol", "state", "slug")
    list_display_links = None
    list_before_template = "staff/providers_top.html"
    ordering = ("name",)
    sortable_by = ()
    page_template = "staff/provider.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_add": may(request, ADD), **(extra_context or {})})

    @column("Name")
    def name_(self, row: IdentityProvider) -> str:
        href = reverse("admin:players_identityprovider_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.name)

    @column("State")
    def state(self, row: IdentityProvider) -> str:
        return chip("in use", "good") if row.active else chip("off")

    def page_context(self, request: HttpRequest, obj: IdentityProvider) -> dict[str, object]:
        return {
            "facts": [
                ("State", self.state(obj)),
                ("Protocol", obj.get_protocol_display()),
                ("In the addresses", obj.slug),
                ("Client id", obj.client_id),
                ("Secret", "kept encrypted" if obj.secret else "none"),
                ("Groups are in", obj.groups_claim),
                ("Stands for a second factor", ", ".join(obj.mfa_contexts)),
            ],
            "parameters": obj.parameters,
            "mappings": obj.mappings.select_related("role").order_by("group", "role__name"),
            "may_change": may(request, CHANGE),
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("new/", self.new_view, "new"),
            self.view_path("<int:object_id>/edit/", self.edit_view, "edit"),
            self.view_path("<int:object_id>/secret/", self.secret_view, "secret"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        need(request, ADD)
        return self._edit(request, None)

    def edit_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        need(request, CHANGE)
        return self._edit(request, self.get_or_404(request, str(object_id)))

    def _edit(self, request: HttpRequest, row: IdentityProvider | None) -> HttpResponse:
        first = reauthenticate_first(request, clock.now(), request.get_full_path())
        if first:
            return first
        form = ProviderForm(request.POST or None, initial={"key": uuid4(), **(_initial(row) if row else {})})
        for name in ("slug", "protocol") if row else ():
            form.fields[name].disabled = True
        back = self.reverse("change", row.pk) if row else self.reverse("changelist")
        if request.method == "POST" and form.is_valid():
            waiting: list[UUID | None] = []
            done = act(
                request,
                lambda: waiting.append(
                    get_provider_changer()(
                        data=form.settings(),
                        comment=form.cleaned_data["comment"],
                        idempotency_key=form.cleaned_data["key"],
                        actor=staff_actor(request),
                        at=clock.now(),
                    )
                ),
                done=lambda: "It waits for a second person now." if waiting[0] else "Changed.",
                back=back,
                form=form,
            )
            if waiting and waiting[0]:
                return HttpResponseRedirect(reverse("admin:compliance_approval_change", args=[waiting[0]]))
            if done:
                return done
        says = ["Whoever runs that server decides who is in which group, and so who has which role here."]
        if "single_sign_on" in settings.FOUR_EYES:
            says.append("It waits for a second person. Switching it off and taking groups away happens at once.")
        title = f"Edit {row.name}" if row else "New identity provider"
        context = {"form": form, "back": back, "button": "Ask for it", "says": says}
        return self.render(request, "back_office/form.html", title, context, row and row.pk)

    def secret_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The secret by which we log in to an OIDC provider: it lets nobody in here, so one person keeps it."""
        need(request, CHANGE)
        row: IdentityProvider = self.get_or_404(request, str(object_id))
        first = reauthenticate_first(request, clock.now(), self.reverse("secret", row.pk))
        if first:
            return first
        form, back = SecretForm(request.POST or None), self.reverse("change", row.pk)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: set_provider_secret(
                    slug=row.slug, secret=form.cleaned_data["secret"], actor=staff_actor(request), at=clock.now()
                ),
                done="The secret is kept.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {"form": form, "back": back, "button": "Keep it", "says": ["The secret there is, is replaced."]}
        return self.render(request, "back_office/form.html", f"Secret of {row.name}", context, row.pk)


def _initial(row: IdentityProvider) -> dict[str, Any]:
    data = find_provider(row.slug)
    assert data is not None  # noqa: S101  (it is the row that was read a moment ago)
    return {
        "name": data.name,
        "slug": data.slug,
        "protocol": data.protocol.value,
        "active": data.active,
        "client_id": data.client_id,
        "parameters": data.parameters,
        "groups_claim": data.groups_claim,
        "mfa_contexts": ", ".join(data.mfa_contexts),
        "roles": "\n".join(f"{group} = {role}" for group, role in sorted(data.roles)),
    }
