"""Roles in the back office: what each may do, as pages and as a matrix; custom roles; who has which; why, and why not."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance.services import role_changes
from compliance.types import ApprovalDetails
from kernel import clock
from kernel.access import Subject, allowed, explain, list_policies, params_of
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.context import client_ip
from kernel.currencies import UnknownCurrency
from kernel.display import chip, human
from kernel.errors import NotFound
from kernel.money import InvalidAmount, Money
from kernel.streaming import csv_download
from players.selectors import get_player, list_matching_ids
from players.selectors_access import (
    get_role,
    get_staff,
    get_staff_actor,
    list_permissions_in_use,
    list_roles,
    list_staff,
)
from players.types_access import PermissionDetails

VIEW = "auth.view_group"


class RoleForm(forms.Form):
    """A custom role: made here, and no deployment touches it."""

    name = forms.CharField(max_length=40, help_text="Small letters, digits and underscores, such as support_germany.")
    description = forms.CharField(max_length=200, required=False, help_text="Who should have it, and for what.")
    permissions = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    comment = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}), label="Why")
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, permissions: Sequence[PermissionDetails], data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        areas: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for permission in permissions:
            areas[human(permission.area)].append((permission.code, permission.name))
        self.fields["permissions"].choices = list(areas.items())  # type: ignore[attr-defined]


class StaffRolesForm(forms.Form):
    roles = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    comment = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}), label="Why")
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["roles"].choices = [  # type: ignore[attr-defined]
            (role.name, f"{human(role.name)} ({len(role.permissions)} permissions)") for role in list_roles()
        ]


class TesterForm(forms.Form):
    """May X do Y to Z?"""

    staff = forms.ChoiceField(label="Who")
    action = forms.ChoiceField(label="does what")
    player = forms.CharField(
        label="to which player", required=False, max_length=254, help_text="Id, login, email or phone; may be empty."
    )
    amount = forms.CharField(required=False, max_length=24, label="for how much", help_text="Such as 250.00")
    currency = forms.CharField(required=False, max_length=3, initial="EUR")
    address = forms.GenericIPAddressField(required=False, label="from which address")
    at = forms.DateTimeField(
        required=False, label="when (UTC)", help_text="Now, unless you say such as 2026-11-21 22:30."
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["staff"].choices = [(str(person.id), person.login) for person in list_staff()]  # type: ignore[attr-defined]
        self.fields["action"].choices = [  # type: ignore[attr-defined]
            (permission.code, f"{permission.name} ({permission.code})") for permission in list_permissions_in_use()
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("player"):
            found = list_matching_ids(data["player"])
            data["player_id"] = found[0] if len(found) == 1 else None
            if len(found) != 1:
                self.add_error("player", "No player is named so." if not found else "Several players are; use the id.")
        if data.get("amount"):
            try:
                data["money"] = Money.parse(data["amount"], (data.get("currency") or "").upper())
            except (InvalidAmount, UnknownCurrency) as error:
                self.add_error("amount", str(error))
        return data


@admin.register(Group)
class RoleAdmin(PageAdmin):
    list_display = ("name_", "origin", "description_", "permissions_", "members")
    list_display_links = None
    ordering = ("name",)
    page_template = "compliance/role.html"
    list_before_template = "compliance/roles_top.html"
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).select_related("role").prefetch_related("permissions", "user_set")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_edit": may(request, role_changes.EDIT_ROLE), **(extra_context or {})}
        return super().changelist_view(request, context)

    @column("Role")
    def name_(self, row: Group) -> str:
        href = reverse("admin:auth_group_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, human(row.name))

    @column("Comes")
    def origin(self, row: Group) -> str:
        return chip("with the software") if self._shipped(row) else chip("custom", "accent")

    @column("For")
    def description_(self, row: Group) -> str:
        return getattr(getattr(row, "role", None), "description", "") or "–"

    @column("Permissions")
    def permissions_(self, row: Group) -> str:
        return str(len(row.permissions.all()))

    @column("People")
    def members(self, row: Group) -> str:
        return str(sum(user.is_active for user in row.user_set.all()))

    def _shipped(self, row: Group) -> bool:
        return bool(getattr(getattr(row, "role", None), "shipped", False))

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("matrix/", self.matrix_view, "matrix"),
            self.view_path("matrix.csv", self.matrix_file_view, "matrix_file"),
            self.view_path("policies/", self.policies_view, "policies"),
            self.view_path("tester/", self.tester_view, "tester"),
            self.view_path("custom/", self.new_view, "new"),
            self.view_path("staff/<int:staff_id>/", self.staff_view, "staff"),
            self.view_path("<int:role_id>/edit/", self.edit_view, "edit"),
            *super().get_urls(),
        ]

    def page_title(self, obj: Group) -> str:
        return human(obj.name)

    def page_context(self, request: HttpRequest, obj: Group) -> dict[str, object]:
        role = get_role(obj.name)
        names = {permission.code: permission for permission in list_permissions_in_use()}
        return {
            "role": role,
            "permissions": sorted((names[code].area, names[code].name, code) for code in role.permissions),
            "people": list_staff(role=obj.name),
            "policies": [
                (policy.title, text) for policy in list_policies() if (text := self._sentence(policy, obj.name))
            ],
            "may_edit": may(request, role_changes.EDIT_ROLE) and not role.shipped,
        }

    def _sentence(self, policy: Any, role: str) -> str:
        """What the policy says, where it binds this role."""
        params = params_of(policy)
        bound = set(params.get("roles", () if "ceilings" in params else ("*",)))
        bound |= {name for by_role in params.get("ceilings", {}).values() for name in by_role}
        return policy.describe(params) if bound & {role, "*"} else ""

    # --- all of them at once ---

    def _matrix(self, query: str) -> dict[str, Any]:
        roles, wanted = list_roles(), query.strip().casefold()
        areas: dict[str, list[tuple[PermissionDetails, list[bool]]]] = defaultdict(list)
        for permission in list_permissions_in_use():
            if wanted in f"{permission.code} {permission.name} {permission.area}".casefold():
                row = [permission.code in role.permissions for role in roles]
                areas[human(permission.area)].append((permission, row))
        return {"roles": roles, "areas": dict(areas), "query": query}

    def matrix_view(self, request: HttpRequest) -> HttpResponse:
        """Roles and permissions, found by a word."""
        need(request, VIEW)
        context = self._matrix(request.GET.get("q", ""))
        return self.render(request, "compliance/matrix.html", "Roles and permissions", context)

    def matrix_file_view(self, request: HttpRequest) -> HttpResponseBase:
        need(request, VIEW)
        matrix = self._matrix(request.GET.get("q", ""))
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(["area", "permission", "means", *(role.name for role in matrix["roles"])])
        for area, rows in matrix["areas"].items():
            lines.writerows([area, p.code, p.name, *("yes" if has else "" for has in row)] for p, row in rows)
        return csv_download(request, iter([text.getvalue().encode()]), "roles.csv")

    def policies_view(self, request: HttpRequest) -> HttpResponse:
        """What limits roles, in words, with the parameters in force."""
        need(request, VIEW)
        policies = [
            {"policy": policy, "says": policy.describe(params_of(policy)), "params": params_of(policy)}
            for policy in list_policies()
        ]
        return self.render(request, "compliance/policies.html", "Access policies", {"policies": policies})

    def tester_view(self, request: HttpRequest) -> HttpResponse:
        """May X do Y to Z, and why. Nothing is done, only asked."""
        need(request, VIEW)
        form = TesterForm(request.GET if "staff" in request.GET else None)
        context: dict[str, Any] = {"form": form}
        if form.is_bound and form.is_valid():
            context |= self._answer(request, form.cleaned_data)
        return self.render(request, "compliance/tester.html", "Who may what", context)

    def _answer(self, request: HttpRequest, data: dict[str, Any]) -> dict[str, Any]:
        player_id: UUID | None = data.get("player_id")
        if player_id:
            need(request, "players.view_player", player_id)
        actor = get_staff_actor(int(data["staff"]))
        at: datetime = data.get("at") or clock.now()
        subject = Subject(player_id=player_id, amount=data.get("money"))
        token = client_ip.set(data.get("address") or client_ip.get())
        try:
            decision = allowed(actor, data["action"], subject, at)
            checks = explain(actor, data["action"], subject, at)
        finally:
            client_ip.reset(token)
        return {
            "decision": decision,
            "checks": checks,
            "who": get_staff(int(data["staff"])),
            "action": data["action"],
            "player": get_player(player_id) if player_id else None,
            "at": at,
        }

    # --- changing ---

    def new_view(self, request: HttpRequest) -> HttpResponse:
        need(request, role_changes.EDIT_ROLE)
        return self._edit(request, None)

    def edit_view(self, request: HttpRequest, role_id: int) -> HttpResponse:
        need(request, role_changes.EDIT_ROLE)
        row: Group = self.get_or_404(request, str(role_id))
        if self._shipped(row):
            raise Http404("Shipped roles are changed by a deployment.")
        return self._edit(request, row)

    def _edit(self, request: HttpRequest, row: Group | None) -> HttpResponse:
        permissions = list_permissions_in_use()
        role = get_role(row.name) if row else None
        initial: dict[str, Any] = {"key": uuid4()}
        if role:
            initial |= {"name": role.name, "description": role.description, "permissions": sorted(role.permissions)}
        form = RoleForm(permissions, request.POST or None, initial=initial)
        if role:
            form.fields["name"].disabled = True
        back = self.reverse("change", row.pk) if row else self.reverse("changelist")
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = self._asked(
                request,
                form,
                "role_permissions",
                lambda: role_changes.change_role(
                    name=data["name"],
                    description=data["description"],
                    permissions=data["permissions"],
                    comment=data["comment"],
                    idempotency_key=data["key"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                back,
            )
            if done:
                return done
        title = f"Edit {human(role.name)}" if role else "New custom role"
        context = {"form": form, "back": back, "role": role}
        return self.render(request, "compliance/edit_role.html", title, context, row and row.pk)

    def staff_view(self, request: HttpRequest, staff_id: int) -> HttpResponse:
        """Somebody's roles, and what they add up to."""
        need(request, "players.view_user")
        try:
            staff = get_staff(staff_id)
        except NotFound as error:
            raise Http404(error.detail) from None
        form = StaffRolesForm(request.POST or None, initial={"roles": staff.roles, "key": uuid4()})
        back = reverse("admin:players_user_change", args=[staff_id])
        if request.method == "POST":
            need(request, role_changes.GIVE_ROLES)
            if form.is_valid():
                data = form.cleaned_data
                done = self._asked(
                    request,
                    form,
                    "staff_roles",
                    lambda: role_changes.change_staff_roles(
                        staff_id=staff_id,
                        roles=data["roles"],
                        comment=data["comment"],
                        idempotency_key=data["key"],
                        actor=staff_actor(request),
                        at=clock.now(),
                    ),
                    self.reverse("staff", staff_id),
                )
                if done:
                    return done
        actor = get_staff_actor(staff_id)
        context = {
            "staff": staff,
            "form": form,
            "back": back,
            "may_give": may(request, role_changes.GIVE_ROLES) and str(staff_id) != staff_actor(request).id,
            "own": str(staff_id) == staff_actor(request).id,
            "permissions": [p for p in list_permissions_in_use() if p.code in actor.permissions],
        }
        return self.render(request, "compliance/staff_roles.html", f"Roles of {staff.login}", context)

    def _asked(self, request: HttpRequest, form: forms.Form, what: str, ask: Any, back: str) -> HttpResponse | None:
        """Do it or ask for it; where it waits (FOUR_EYES names ``what``), show what waits."""
        waiting: list[ApprovalDetails | None] = []
        words = "It waits for a second person now." if what in settings.FOUR_EYES else "Done."
        done = act(request, lambda: waiting.append(ask()), done=words, back=back, form=form)
        if waiting and waiting[0] is not None:
            return HttpResponseRedirect(reverse("admin:compliance_approval_change", args=[waiting[0].id]))
        return done
