"""Deputies: who decides in whose place, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html

from compliance.admin import staff_names
from compliance.models_delegation import Delegation
from compliance.ports import get_handler, list_handlers
from compliance.services.delegations import ADD, APPOINT, appoint_deputy, end_delegation
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, staff_actor
from kernel.display import chip, when
from players.selectors_access import list_staff


class DeputyForm(forms.Form):
    principal = forms.ChoiceField(label="Who is away")
    deputy = forms.ChoiceField(label="Who decides in their place")
    kinds = forms.MultipleChoiceField(label="On", widget=forms.CheckboxSelectMultiple, required=False)
    active_from = forms.DateTimeField(label="From (UTC)")
    active_until = forms.DateTimeField(label="Until (UTC)", help_text="At most three months.")
    reason = forms.CharField(max_length=500, label="Why", widget=forms.Textarea(attrs={"rows": 2}))


@admin.register(Delegation)
class DelegationAdmin(PageAdmin):
    list_display = ("deputy_", "principal_", "state", "kinds_", "from_", "until", "by")
    list_display_links = None
    list_before_template = "compliance/delegations_top.html"
    ordering = ("-id",)
    sortable_by = ()
    page_template = "compliance/delegation.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_appoint": may(request, ADD) or may(request, APPOINT), **(extra_context or {})}
        return super().changelist_view(request, context)

    @column("Deputy")
    def deputy_(self, row: Delegation) -> str:
        href = self.reverse("change", row.pk)
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, staff_names(row.deputy)[row.deputy])

    @column("In the place of")
    def principal_(self, row: Delegation) -> str:
        return staff_names(row.principal)[row.principal]

    @column("State")
    def state(self, row: Delegation) -> str:
        at = clock.now()
        if row.ended_at or at >= row.active_until:
            return chip("ended")
        return chip("in force", "good") if at >= row.active_from else chip("planned")

    @column("On")
    def kinds_(self, row: Delegation) -> str:
        return ", ".join(get_handler(kind).title for kind in row.kinds)

    @column("From")
    def from_(self, row: Delegation) -> str:
        return when(row.active_from)

    @column("Until")
    def until(self, row: Delegation) -> str:
        return when(row.ended_at or row.active_until)

    @column("Appointed by")
    def by(self, row: Delegation) -> str:
        return staff_names(row.appointed_by)[row.appointed_by]

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("appoint/", self.appoint_view, "appoint"),
            self.view_path("<uuid:delegation_id>/end/", self.end_view, "end"),
            *super().get_urls(),
        ]

    def page_title(self, obj: Delegation) -> str:
        names = staff_names(obj.deputy, obj.principal)
        return f"{names[obj.deputy]} for {names[obj.principal]}"

    def page_context(self, request: HttpRequest, obj: Delegation) -> dict[str, object]:
        own = str(staff_actor(request)) in (obj.principal, obj.deputy)
        open_ = obj.ended_at is None and clock.now() < obj.active_until
        return {
            "facts": [
                ("Deputy", staff_names(obj.deputy)[obj.deputy]),
                ("In the place of", self.principal_(obj)),
                ("State", self.state(obj)),
                ("On", self.kinds_(obj)),
                ("Why", obj.reason),
                ("From", when(obj.active_from)),
                ("Until", when(obj.active_until)),
                ("Appointed by", self.by(obj)),
                ("Appointed", when(obj.appointed_at)),
                ("Ended early", when(obj.ended_at)),
                ("Ended by", staff_names(obj.ended_by)[obj.ended_by] if obj.ended_by else ""),
            ],
            "may_end": open_ and (own or may(request, APPOINT)),
        }

    def appoint_view(self, request: HttpRequest) -> HttpResponse:
        """For oneself, or for others where the role says so."""
        if not may(request, ADD) and not may(request, APPOINT):
            raise PermissionDenied
        actor, at = staff_actor(request), clock.now()
        initial = {"principal": actor.id, "active_from": at, "active_until": at + timedelta(days=14)}
        form = DeputyForm(request.POST or None, initial=initial)
        people = [(str(person.id), person.login) for person in list_staff()]
        own = [choice for choice in people if choice[0] == actor.id]
        form.fields["principal"].choices = people if may(request, APPOINT) else own  # type: ignore[attr-defined]
        form.fields["deputy"].choices = people  # type: ignore[attr-defined]
        form.fields["kinds"].choices = [  # type: ignore[attr-defined]
            (handler.kind, handler.title)
            for handler in list_handlers()
            if may(request, APPOINT) or may(request, handler.decide_permission)
        ]
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: appoint_deputy(
                    principal_id=int(data["principal"]),
                    deputy_id=int(data["deputy"]),
                    kinds=data["kinds"],
                    reason=data["reason"],
                    active_from=data["active_from"],
                    active_until=data["active_until"],
                    actor=actor,
                    at=clock.now(),
                ),
                done="Appointed.",
                back=self.reverse("changelist"),
                form=form,
            )
            if done:
                return done
        says = [
            "The deputy decides with the other's ceilings, and only where their own roles decide too.",
            "A deputy cannot decide on what the person asked for, for whom they stand in.",
        ]
        context = {"form": form, "back": self.reverse("changelist"), "button": "Appoint", "says": says}
        return self.render(request, "back_office/form.html", "Appoint a deputy", context)

    def end_view(self, request: HttpRequest, delegation_id: UUID) -> HttpResponse:
        row: Delegation = self.get_or_404(request, str(delegation_id))
        if str(staff_actor(request)) not in (row.principal, row.deputy) and not may(request, APPOINT):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        answer = act(
            request,
            lambda: end_delegation(delegation_id=delegation_id, actor=staff_actor(request), at=clock.now()),
            done="It has ended.",
            back=self.reverse("changelist"),
        )
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer
