"""Review cases as an inbox: what is due first comes first, one person works on each, and says what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance.admin import staff_names
from compliance.admin_gate import show
from compliance.models_cases import ReviewCase
from compliance.services import cases
from compliance.types_cases import DEFAULT_SLA, SLA, CaseKind, CaseState
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, when
from players.services.searches import search_players

OUTCOMES = (
    ("nothing_found", "Nothing found"),
    ("spoken_to", "Spoken to the player"),
    ("confirmed", "Confirmed, and acted on"),
    ("not_decidable", "Cannot be decided"),
)


class ResolveForm(forms.Form):
    outcome = forms.ChoiceField(choices=OUTCOMES, label="What came of it")
    comment = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Why",
        help_text="Kept with the case and on the audit trail. At most 1,000 characters.",
    )


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", "In my hands"), ("resolved", "Resolved"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> QuerySet[ReviewCase]:
        match self.value():
            case "mine":
                return queryset.filter(state=CaseState.CLAIMED, claimed_by=str(staff_actor(request)))
            case "resolved":
                return queryset.filter(state=CaseState.RESOLVED)
            case "all":
                return queryset
        return queryset.exclude(state=CaseState.RESOLVED)


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.value, human(kind)) for kind in CaseKind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> QuerySet[ReviewCase]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(ReviewCase)
class ReviewCaseAdmin(PageAdmin):
    """Open ones, those that are due first at the top."""

    list_display = ("about", "player_", "state_", "due", "opened", "hands")
    list_display_links = None
    list_filter = (OpenFilter, KindFilter)
    list_select_related = ("player__user",)
    ordering = ("due_at", "id")
    search_fields = ("id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()
    list_before_template = "compliance/cases_top.html"
    page_template = "compliance/case.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("next/", self.next_view, "next"),
            self.view_path("<uuid:case_id>/claim/", self.claim_view, "claim"),
            self.view_path("<uuid:case_id>/release/", self.release_view, "release"),
            self.view_path("<uuid:case_id>/resolve/", self.resolve_view, "resolve"),
            *super().get_urls(),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReviewCase], search_term: str
    ) -> tuple[QuerySet[ReviewCase], bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        waiting = self.get_queryset(request).exclude(state=CaseState.RESOLVED)
        queue = {
            "waiting": waiting.filter(state=CaseState.OPEN).count(),
            "late": waiting.filter(due_at__lt=clock.now()).count(),
            "may_resolve": may(request, cases.RESOLVE),
        }
        return super().changelist_view(request, {**queue, **(extra_context or {})})

    # --- the list's columns ---

    @column("About")
    def about(self, row: ReviewCase) -> str:
        href = reverse("admin:compliance_reviewcase_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, human(row.kind))

    @column("Player")
    def player_(self, row: ReviewCase) -> str:
        if row.player is None:
            return NOTHING
        href = reverse("admin:players_player_change", args=[row.player_id])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("State")
    def state_(self, row: ReviewCase) -> str:
        return chip(row.state)

    @column("Due")
    def due(self, row: ReviewCase) -> str:
        if row.state == CaseState.RESOLVED:
            return NOTHING
        return format_html("{} {}", chip(*_due(row, clock.now())), when(row.due_at))

    @column("Opened")
    def opened(self, row: ReviewCase) -> str:
        return when(row.opened_at)

    @column("In the hands of")
    def hands(self, row: ReviewCase) -> str:
        return staff_names(row.claimed_by)[row.claimed_by] if row.claimed_by else NOTHING

    # --- the page ---

    def page_title(self, obj: ReviewCase) -> str:
        return human(obj.kind)

    def page_context(self, request: HttpRequest, obj: ReviewCase) -> dict[str, object]:
        actor = str(staff_actor(request))
        open_ = obj.state != CaseState.RESOLVED
        names = staff_names(obj.opened_by, obj.claimed_by, obj.resolved_by)
        works = open_ and may(request, cases.RESOLVE)
        return {
            "facts": [
                ("Player", self.player_(obj)),
                ("State", self.state_(obj)),
                ("Due", self.due(obj)),
                *((human(name), show(value)) for name, value in obj.facts.items()),
                ("Opened", when(obj.opened_at)),
                ("Opened by", names[obj.opened_by]),
                ("In the hands of", self.hands(obj)),
                *(
                    ()
                    if open_
                    else (
                        ("Resolved", when(obj.resolved_at)),
                        ("Resolved by", names[obj.resolved_by]),
                        ("What came of it", human(obj.outcome)),
                        ("Why", obj.comment),
                    )
                ),
                ("Id", copyable(obj.id)),
            ],
            "may_claim": works and not obj.claimed_by,
            "may_release": works and obj.claimed_by == actor,
            "may_resolve": works and obj.claimed_by in ("", actor),
            "taken": works and obj.claimed_by not in ("", actor),
            "form": ResolveForm(),
        }

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Take the one that is due first in hand, and open it."""
        self._only_post(request)
        found = self.get_queryset(request).filter(state=CaseState.OPEN).order_by("due_at", "id").first()
        if found is None:
            self.message_user(request, "Nothing waits for you.")
            return HttpResponseRedirect(self.reverse("changelist"))
        return self._claim(request, found.id)

    def claim_view(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        self._only_post(request)
        self.get_or_404(request, str(case_id))
        return self._claim(request, case_id)

    def release_view(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        self._only_post(request)
        self.get_or_404(request, str(case_id))
        return self._answer(
            request,
            lambda: cases.release_case(case_id=case_id, actor=staff_actor(request), at=clock.now()),
            "It is back in the queue.",
            case_id,
        )

    def resolve_view(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        self._only_post(request)
        obj = self.get_or_404(request, str(case_id))
        form = ResolveForm(request.POST)
        if form.is_valid():
            done = act(
                request,
                lambda: cases.resolve_case(
                    case_id=case_id, **form.cleaned_data, actor=staff_actor(request), at=clock.now()
                ),
                done="Resolved. What came of it is kept.",
                back=self.reverse("changelist"),
                form=form,
            )
            if done:
                return done
        context = {"object": obj, **self.page_context(request, obj), "form": form}
        return self.render(request, self.page_template, self.page_title(obj), context, obj.pk)

    def _claim(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        return self._answer(
            request,
            lambda: cases.claim_case(case_id=case_id, actor=staff_actor(request), at=clock.now()),
            "It is in your hands.",
            case_id,
        )

    def _answer(self, request: HttpRequest, do: Any, done: str, case_id: UUID) -> HttpResponse:
        answer = act(request, do, done=done, back=self.reverse("change", case_id))
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def _only_post(self, request: HttpRequest) -> None:
        need(request, cases.RESOLVE)
        if request.method != "POST":
            raise Http404


def _due(row: ReviewCase, at: datetime) -> tuple[str, str]:
    """Words and colour: late, in the last quarter of its time, or neither."""
    left = row.due_at - at
    if left < timedelta(0):
        return "late", "bad"
    return ("soon", "warn") if left < SLA.get(CaseKind(row.kind), DEFAULT_SLA) / 4 else ("in time", "good")
