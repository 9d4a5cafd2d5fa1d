"""The queue of approvals: take the next, read what will happen, say yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance.models import Approval
from compliance.ports import get_handler, list_handlers
from compliance.rules import claim_stands, differences
from compliance.selectors import about, count_open, details, list_next_open
from compliance.selectors_delegation import list_principals
from compliance.services import approvals
from compliance.types import ApprovalDetails, ApprovalState
from kernel import clock
from kernel.access import allowed
from kernel.actors import Actor
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, when
from kernel.reauthentication import reauthenticate_first
from players.selectors import list_staff_names
from players.services.searches import search_players

VIEW = "compliance.view_approval"


class CommentForm(forms.Form):
    comment = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the decision. A rejection needs it. At most 500 characters.",
    )
    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    acting_for = forms.ChoiceField(
        label="Decide", required=False, help_text="In somebody's place you are bound by what binds them."
    )

    def __init__(self, places: Sequence[tuple[str, str]], data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["acting_for"].choices = [("", "in my own name"), *places]  # type: ignore[attr-defined]
        if not places:
            self.fields["acting_for"].widget = forms.HiddenInput()


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(handler.kind, handler.title) for handler in list_handlers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Approval]) -> QuerySet[Approval]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Approval)
class ApprovalAdmin(PageAdmin):
    list_display = ("subject_", "kind_", "player_", "state_", "asked", "expires", "hands")
    list_display_links = None
    list_filter = ("state", KindFilter)
    list_select_related = ("player__user",)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()
    list_before_template = "compliance/queue.html"
    page_template = "compliance/approval.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Approval], search_term: str
    ) -> tuple[QuerySet[Approval], bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        kinds = self._kinds(request)
        queue = {"waiting": count_open(kinds=kinds, at=clock.now()), "may_decide": bool(kinds)}
        return super().changelist_view(request, {**queue, **(extra_context or {})})

    # --- the list's columns ---

    @column("Asked for")
    def subject_(self, row: Approval) -> str:
        return format_html(
            '<a class="pms-strong" href="{}">{}</a>', reverse("admin:compliance_approval_change", args=[row.pk]), row
        )

    @column("Kind")
    def kind_(self, row: Approval) -> str:
        return get_handler(row.kind).title

    @column("Player")
    def player_(self, row: Approval) -> str:
        if row.player_id is None:
            return NOTHING
        href = reverse("admin:players_player_change", args=[row.player_id])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)  # type: ignore[union-attr]

    @column("State")
    def state_(self, row: Approval) -> str:
        return chip(row.state)

    @column("Asked")
    def asked(self, row: Approval) -> str:
        return when(row.requested_at)

    @column("Decided or expires")
    def expires(self, row: Approval) -> str:
        return when(row.decided_at or row.expires_at)

    @column("In the hands of")
    def hands(self, row: Approval) -> str:
        if row.state != ApprovalState.REQUESTED or not claim_stands(row.claimed_at, clock.now()):
            return NOTHING
        return staff_names(row.claimed_by)[row.claimed_by]

    # --- the page ---

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("next/", self.next_view, "next"),
            self.view_path("<path:object_id>/claim/", self.claim_view, "claim"),
            self.view_path("<path:object_id>/release/", self.release_view, "release"),
            self.view_path("<path:object_id>/approve/", self.approve_view, "approve"),
            self.view_path("<path:object_id>/reject/", self.reject_view, "reject"),
            self.view_path("<path:object_id>/take-back/", self.take_back_view, "take_back"),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, obj: Approval) -> dict[str, object]:
        found, at, actor = details(obj), clock.now(), staff_actor(request)
        handler = get_handler(obj.kind)
        places = self._places(request, obj)
        decision = allowed(actor, handler.decide_permission, about(found.player_id, found.content))
        open_ = obj.state == ApprovalState.REQUESTED and at < obj.expires_at
        claimed = claim_stands(obj.claimed_at, at)
        own, stand_in = obj.requested_by == str(actor), obj.requested_by in dict(places)
        one = open_ and not own and approvals.one_person(str(actor), obj.requested_by, at)
        taken = claimed and obj.claimed_by not in (str(actor), *dict(places))
        may_decide = may(request, handler.decide_permission) and (bool(decision) or bool(places))
        return {
            "handler": handler,
            "names": staff_names(obj.requested_by, obj.claimed_by, obj.decided_by, obj.decided_for),
            "player_link": self.player_(obj),
            "effects": handler.effects(found, at) if open_ else (),
            "differences": differences(obj.before, obj.after),
            "content": obj.content,
            "digest": copyable(found.digest),
            "open": open_,
            "overdue": obj.state == ApprovalState.REQUESTED and not open_,
            "claimed": claimed,
            "mine": claimed and obj.claimed_by == str(actor),
            "own": own,
            "stand_in": stand_in,
            "taken": taken,
            "refusal": "" if decision else decision.reason,
            "one_person": approvals.ONE_PERSON if one and may_decide else "",
            "may_decide": open_ and may_decide and not (own or stand_in or taken or one),
            "form": CommentForm(places, initial={"digest": found.digest}),
        }

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Take the one that expires first in hand, and open it."""
        need(request, VIEW)
        if not self._kinds(request):
            raise PermissionDenied
        self._only_post(request)
        actor, at = staff_actor(request), clock.now()
        absent = {row.principal for row in list_principals(deputy=str(actor), at=at)}
        waiting = list_next_open(kinds=self._kinds(request), actor_id=str(actor), at=at)
        found = next((row for row in waiting if row.requested_by not in absent and self._mine(row, actor)), None)
        if found is None:
            self.message_user(request, "Nothing waits for you.")
            return HttpResponseRedirect(self.reverse("changelist"))
        return self._answer(
            request,
            lambda: approvals.claim(approval_id=found.id, actor=actor, at=at),
            "It is in your hands for half an hour.",
            found.id,
        )

    def claim_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self._open(request, object_id)
        return self._answer(
            request,
            lambda: approvals.claim(approval_id=obj.pk, actor=staff_actor(request), at=clock.now()),
            "It is in your hands for half an hour.",
            obj.pk,
        )

    def release_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self._open(request, object_id)
        return self._answer(
            request,
            lambda: approvals.release(approval_id=obj.pk, actor=staff_actor(request), at=clock.now()),
            "It is back in the queue.",
            obj.pk,
        )

    def approve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decided(request, object_id, yes=True)

    def reject_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decided(request, object_id, yes=False)

    def take_back_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self._open(request, object_id)
        return self._answer(
            request,
            lambda: approvals.take_back(
                approval_id=obj.pk, comment="Taken back.", actor=staff_actor(request), at=clock.now()
            ),
            "Taken back. Nothing was changed.",
            obj.pk,
        )

    def _decided(self, request: HttpRequest, object_id: str, *, yes: bool) -> HttpResponse:
        obj = self._open(request, object_id)
        first = reauthenticate_first(request, clock.now(), self.reverse("change", obj.pk))
        if first:
            return first
        form = CommentForm(self._places(request, obj), request.POST)
        if form.is_valid():
            data, actor, at = form.cleaned_data, staff_actor(request), clock.now()
            how = {"comment": data["comment"], "acting_for": data["acting_for"], "actor": actor, "at": at}

            def decide() -> None:
                if yes:
                    approvals.approve(approval_id=obj.pk, seen_digest=data["digest"], **how)
                else:
                    approvals.reject(approval_id=obj.pk, **how)

            done = act(
                request,
                decide,
                done="Approved and carried out." if yes else "Rejected. Nothing was changed.",
                back=self.reverse("change", obj.pk),
                form=form,
            )
            if done:
                return done
        context = {"object": obj, **self.page_context(request, obj), "form": form}
        return self.render(request, self.page_template, self.page_title(obj), context, obj.pk)

    def _answer(self, request: HttpRequest, do: Any, done: str, pk: object) -> HttpResponse:
        answer = act(request, do, done=done, back=self.reverse("change", pk))
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def _open(self, request: HttpRequest, object_id: str) -> Approval:
        need(request, VIEW)
        obj: Approval = self.get_or_404(request, object_id)
        # In whose name, and for how much, is decided by the service; without the permission nobody gets that far.
        need(request, get_handler(obj.kind).decide_permission)
        self._only_post(request)
        return obj

    def _only_post(self, request: HttpRequest) -> None:
        if request.method != "POST":
            raise Http404

    def _places(self, request: HttpRequest, obj: Approval) -> list[tuple[str, str]]:
        """In whose place the person may decide on this: (actor, words)."""
        rows = list_principals(deputy=str(staff_actor(request)), at=clock.now(), kind=obj.kind)
        names = staff_names(*(row.principal for row in rows))
        return [(row.principal, f"in the place of {names[row.principal]}") for row in rows]

    def _mine(self, row: ApprovalDetails, actor: Actor) -> bool:
        permission = get_handler(row.kind).decide_permission
        return bool(allowed(actor, permission, about(row.player_id, row.content)))

    def _kinds(self, request: HttpRequest) -> list[str]:
        return [handler.kind for handler in list_handlers() if may(request, handler.decide_permission)]


def staff_names(*actors: str) -> dict[str, str]:
    """Logins of staff among these actors ("staff:7"); the others as they are."""
    ids = [int(actor.removeprefix("staff:")) for actor in actors if actor.startswith("staff:")]
    logins = {f"staff:{pk}": login for pk, login in list_staff_names(ids).items()}
    return {actor: logins.get(actor, human(actor)) for actor in actors}


from compliance import (  # noqa: E402  (they use what stands above)
    admin_cases,  # noqa: F401
    admin_delegations,  # noqa: F401
    admin_documents,  # noqa: F401
    admin_exclusions,  # noqa: F401
    admin_holds,  # noqa: F401
    admin_kyc,  # noqa: F401
    admin_packs,  # noqa: F401
    admin_registers,  # noqa: F401
    admin_roles,  # noqa: F401
)
