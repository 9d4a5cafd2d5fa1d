"""The queue of verification cases: claim, compare documents with the profile, decide with reasons, take the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance import rules_kyc as rules
from compliance.admin_documents import pages_context, who
from compliance.admin_holds import reason_field
from compliance.admin_kyc_profile import profile_of
from compliance.models_documents import Document
from compliance.models_kyc import KycCase
from compliance.selectors_kyc import details, get_case, list_moves, review_queue
from compliance.services import kyc
from compliance.services.kyc_approvals import find_waiting, settle_case
from compliance.types_kyc import CaseDetails, CaseState, StepDetails, StepKind, StepState
from kernel import clock
from kernel.actors import Actor
from kernel.admin import PageAdmin, act, may, need, staff_actor
from kernel.display import chip, copyable, human, when
from kernel.errors import NotFound
from kernel.ids import uuid7
from players.services.searches import search_players
from players.types import RiskLevel

VIEW, AML_REASON = "compliance.view_kyccase", "players.view_aml_reason"
PAGE = 100
REVIEW, PLAYERS, SETTLED = "review", "players", "settled"
_TABS = {
    REVIEW: ("To review", Q(state=CaseState.IN_REVIEW)),
    PLAYERS: ("With the players", Q(state__in=[CaseState.OPEN, CaseState.SUBMITTED, CaseState.REJECTED_RETRY])),
    SETTLED: (
        "Settled",
        Q(state__in=[CaseState.CONFIRMED, CaseState.REJECTED_FINAL, CaseState.EXPIRED, CaseState.CANCELLED]),
    ),
}
_WAITING = (StepState.IN_REVIEW, StepState.SUBMITTED, StepState.REQUIRED, StepState.RETRY)
_OUTCOMES = {
    StepState.ACCEPTED: "Accept",
    StepState.RETRY: "Ask the player to try again",
    StepState.REJECTED: "Reject for good",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One case as the inbox shows it."""

    row: KycCase
    waits: str
    tone: str
    due: str
    claimed: str
    mine: bool
    steps: tuple[StepDetails, ...]


class StepForm(forms.Form):
    to = forms.ChoiceField(
        label="Decision",
        choices=[(state.value, text) for state, text in _OUTCOMES.items()],
        widget=forms.RadioSelect,
    )
    document_until = forms.DateField(
        label="The document is valid until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="When accepting: from then on it has to be proved anew, at the latest as the risk level wants it.",
    )
    reasons = forms.MultipleChoiceField(
        required=False,
        choices=[(code, human(code)) for code in (*rules.REASONS, *sorted(rules.CONFIDENTIAL_REASONS))],
        widget=forms.CheckboxSelectMultiple,
        help_text="Needed to refuse. The player is told what to do; forged, fraud, duplicate and lists are never told.",
    )
    note = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For staff; the player never sees it.",
    )


class CaseForm(forms.Form):
    to = forms.ChoiceField(label="Decision", widget=forms.RadioSelect)
    reason = reason_field("Kept with the decision.")
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, case: CaseDetails, data: Any = None) -> None:
        super().__init__(data, initial={"key": uuid7().hex})
        accepted = all(step.state is StepState.ACCEPTED for step in case.steps)
        choices = [(CaseState.CONFIRMED.value, "Confirm: every step is accepted")] if accepted else []
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            *choices,
            (CaseState.REJECTED_FINAL.value, "Reject for good"),
            (CaseState.CANCELLED.value, "Cancel: it was opened by mistake"),
        ]


@admin.register(KycCase)
class KycCaseAdmin(PageAdmin):
    page_template = "compliance/kyc_case.html"
    list_select_related = ("player__user",)
    search_fields = ("id",)

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("next/", self.next_view, "next"),
            self.view_path("<uuid:case_id>/claim/", self.claim_view, "claim"),
            self.view_path("<uuid:case_id>/release/", self.release_view, "release"),
            self.view_path("<uuid:case_id>/step/<uuid:step_id>/", self.step_view, "step"),
            self.view_path("<uuid:case_id>/decide/", self.decide_view, "decide"),
            *super().get_urls(),
        ]

    # --- the inbox ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        need(request, VIEW)
        at, tab = clock.now(), request.GET.get("tab", REVIEW)
        tab, text = tab if tab in _TABS else REVIEW, request.GET.get("q", "").strip()[:200]
        seen = self.get_queryset(request).select_related("player__user").prefetch_related("steps")
        rows = seen.filter(_TABS[tab][1])
        if text:
            rows = rows.filter(
                Q(player_id__in=search_players(text=text, actor=staff_actor(request), at=clock.now()))
                | Q(id=_uuid(text))
            )
        order = {REVIEW: ("review_due_at", "id"), PLAYERS: ("opened_at", "id"), SETTLED: ("-id",)}[tab]
        context = {
            "lines": [self._line(row, str(staff_actor(request)), at) for row in rows.order_by(*order)[:PAGE]],
            "tabs": [
                (key, title, None if key == SETTLED else seen.filter(what).count())
                for key, (title, what) in _TABS.items()
            ],
            "tab": tab,
            "q": text,
            "may_decide": may(request, kyc.REVIEW),
        }
        return self.render(request, "compliance/kyc_queue.html", "Verification", context)

    def _line(self, row: KycCase, actor: str, at: datetime) -> Line:
        claimed = _is_claimed(row, at)
        tone, due = clock_of(row.review_due_at, row.opened_at, at)
        return Line(
            row=row,
            waits=_span(at - row.opened_at),
            tone=tone,
            due=due,
            claimed=who(row.claimed_by) if claimed else "",
            mine=claimed and row.claimed_by == actor,
            steps=details(row).steps,
        )

    # --- one case ---

    def page_title(self, obj: KycCase) -> str:
        return f"Verification of {obj.player.user.username}"

    def page_context(self, request: HttpRequest, obj: KycCase) -> dict[str, object]:
        at, actor, case = clock.now(), staff_actor(request), get_case(obj.pk)
        claimed = _is_claimed(obj, at)
        mine = claimed and obj.claimed_by == str(actor)
        waiting = find_waiting(case)
        decides = may(request, kyc.REVIEW, obj.player_id) and (mine or not claimed)
        # Support sees what the player is told: never suspicion, never notes.
        full = may(request, kyc.REVIEW, obj.player_id) or may(request, AML_REASON, obj.player_id)
        tone, due = clock_of(obj.review_due_at, obj.opened_at, at)
        return {
            "case": case,
            "facts": self._facts(obj, case, chip(due, tone) if due and case.state is CaseState.IN_REVIEW else ""),
            "profile": profile_of(obj.player_id, actor, at, seen=mine),
            "steps": self._steps(case, full),
            "moves": [
                {"row": move, "who": who(move.actor), "reasons": _shown(move.reasons, full)}
                for move in list_moves(obj.pk)
            ],
            "claimed_by": who(obj.claimed_by) if claimed else "",
            "mine": mine,
            "waiting": waiting,
            "may_claim": decides and not mine and not case.finished,
            "may_decide": decides and not waiting and not case.finished,
            "may_next": may(request, kyc.REVIEW),
            "second": kyc.needs_second_person(RiskLevel(obj.player.risk_level), case),
            "player_tab": reverse("admin:players_player_tab", args=[obj.player_id, "verification"]),
            **pages_context(request, self._documents(case), obj.player_id),
        }

    def _steps(self, case: CaseDetails, full: bool) -> list[dict[str, object]]:
        waiting = [step.id for step in case.steps if step.state in _WAITING]
        return [
            {
                "row": step,
                "reasons": _shown(step.reasons, full),
                "note": step.note if full else "",
                "decidable": StepState.ACCEPTED in rules.STEP_MOVES[step.state] or step.state is StepState.ACCEPTED,
                "first": step.id in waiting[:1],
            }
            for step in case.steps
        ]

    def _facts(self, obj: KycCase, case: CaseDetails, due: str) -> list[tuple[str, object]]:
        href = reverse("admin:players_player_change", args=[obj.player_id])
        return [
            ("Player", format_html('<a class="pms-link" href="{}">{}</a>', href, obj.player.user.username)),
            ("State", chip(case.state)),
            ("Decide", due),
            ("Opened because of", human(case.trigger)),
            ("Why", case.reason),
            ("In law", human(case.legal_reason)),
            ("Risk level", chip(obj.player.risk_level)),
            ("Money", chip(case.funds)),
            ("To be finished by", when(case.due_at)),
            ("Rules", case.pack),
            ("Opened", when(case.opened_at)),
            ("Decided", when(case.decided_at)),
            ("By", who(case.decided_by) if case.decided_by else ""),
            ("Because", case.decision_reason),
            ("Proved anew", when(case.expires_at)),
            ("Id", copyable(obj.pk)),
        ]

    def _documents(self, case: CaseDetails, step: StepDetails | None = None) -> list[Document]:
        """Those handed in for the case (or one step of it), the newest first."""
        shows = {StepKind.AGE: (StepKind.AGE, StepKind.IDENTITY), StepKind.ENHANCED: tuple(StepKind)}
        kinds = shows.get(step.kind, (step.kind,)) if step else tuple(StepKind)
        steps = [each.id for each in case.steps if each.kind in kinds]
        return list(Document.objects.filter(player_id=case.player_id, step_id__in=steps).order_by("-id")[:20])

    # --- working it ---

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Take the one that is due first in hand, and open it."""
        self._need_post(request)
        actor, at = staff_actor(request), clock.now()
        waiting = self.visible(request, review_queue(at, str(actor)), kyc.REVIEW)
        for case_id in waiting.values_list("id", flat=True)[:20]:
            try:
                kyc.claim_case(case_id=case_id, actor=actor, at=at)
            except kyc.CaseClaimed:  # somebody else was quicker
                continue
            return HttpResponseRedirect(self.reverse("change", case_id))
        self.message_user(request, "Nothing waits: everything is decided or somebody works on it.")
        return HttpResponseRedirect(self.reverse("changelist"))

    def claim_view(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        return self._simple(request, case_id, kyc.claim_case, "It is yours for half an hour.")

    def release_view(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        return self._simple(request, case_id, kyc.release_case, "Others may work on it now.")

    def step_view(self, request: HttpRequest, case_id: UUID, step_id: UUID) -> HttpResponse:
        """Decide one step: its documents beside the profile and the form."""
        obj, case, actor, at = self._open(request, case_id)
        step = next((each for each in case.steps if each.id == step_id), None)
        if step is None:
            raise Http404("The case has no such step.")
        form, back = StepForm(request.POST or None), self.reverse("change", case_id)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            until = data["document_until"]
            done = act(
                request,
                lambda: kyc.decide_step(
                    step_id=step_id,
                    to=StepState(data["to"]),
                    reasons=data["reasons"],
                    note=data["note"],
                    document_until=until and datetime.combine(until, time(), UTC) + timedelta(days=1),
                    actor=actor,
                    at=clock.now(),
                ),
                done=f"{human(step.kind)}: {human(data['to']).lower()}.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {
            "step": step,
            "form": form,
            "back": back,
            "profile": profile_of(obj.player_id, actor, at, seen=_is_claimed(obj, at)),
            **pages_context(request, self._documents(case, step), obj.player_id),
        }
        title = f"{human(step.kind)} of {obj.player.user.username}"
        return self.render(request, "compliance/kyc_step.html", title, context, obj.pk)

    def decide_view(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        """Decide the whole case; of a player at high risk, ask a second person."""
        obj, case, actor, _ = self._open(request, case_id)
        second = kyc.needs_second_person(RiskLevel(obj.player.risk_level), case)
        form, back = CaseForm(case, request.POST or None), self.reverse("change", case_id)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: settle_case(
                    case_id=case_id,
                    to=CaseState(data["to"]),
                    reason=data["reason"],
                    idempotency_key=data["key"],
                    actor=actor,
                    at=clock.now(),
                ),
                done="It waits for a second person." if second else "The case is decided.",
                back=back,
                form=form,
            )
            if done:
                return done
        says = [
            "Rejected for good, the player cannot be verified; what the case locked goes back to where it came from."
        ]
        if second:
            says.insert(0, "The player is at high risk: you ask, and a second person decides.")
        context = {"form": form, "back": back, "button": "Ask for it" if second else "Decide", "says": says}
        return self.render(request, "back_office/form.html", f"Decide: {self.page_title(obj)}", context, obj.pk)

    def _open(self, request: HttpRequest, case_id: UUID) -> tuple[KycCase, CaseDetails, Actor, datetime]:
        need(request, kyc.REVIEW)
        obj: KycCase = self.get_or_404(request, str(case_id))
        need(request, kyc.REVIEW, obj.player_id)
        return obj, get_case(obj.pk), staff_actor(request), clock.now()

    def _simple(self, request: HttpRequest, case_id: UUID, service: Any, done: str) -> HttpResponse:
        self._need_post(request)
        try:
            answer = act(
                request,
                lambda: service(case_id=case_id, actor=staff_actor(request), at=clock.now()),
                done=done,
                back=self.reverse("change", case_id),
            )
        except NotFound as error:
            raise Http404(error.detail) from None
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def _need_post(self, request: HttpRequest) -> None:
        need(request, kyc.REVIEW)
        if request.method != "POST":
            raise Http404

    def get_queryset(self, request: HttpRequest) -> QuerySet[KycCase]:
        return super().get_queryset(request).select_related("player__user")


def clock_of(due_at: datetime | None, since: datetime, at: datetime) -> tuple[str, str]:
    """Colour and words of the time that is left: from half of it on a warning, bad when it is over."""
    if due_at is None:
        return "", ""
    if at >= due_at:
        return "bad", f"{_span(at - due_at)} late"
    return ("warn" if at - since > due_at - at else "good"), f"due in {_span(due_at - at)}"


def _shown(reasons: Sequence[str], full: bool) -> Sequence[str]:
    return reasons if full else rules.public_codes(reasons)


def _is_claimed(row: KycCase, at: datetime) -> bool:
    return bool(row.claimed_by and row.claimed_until and row.claimed_until > at)


def _span(time: timedelta) -> str:
    """In one unit: "35 min", "3 h", "4 d"."""
    minutes = int(time.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
