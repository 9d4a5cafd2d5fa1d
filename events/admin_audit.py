"""The audit trail in the back office: one search over all of it, one page per record, export."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern

from events.audit_display import actor_link, changes_of, lines_of, names_of, object_link, player_link, recorded_at
from events.models_audit import AuditRecord
from events.models_configuration import ConfigurationChange
from events.ports import get_directory
from events.selectors_audit import UnknownRecord, find_seal_number, get_audit, list_actions, list_audit
from events.services.audit_exports import EXPORT, ExportFormat, export_audit
from events.services.audit_sealing import find_last_proof
from events.types import AuditEntry, AuditOutcome, AuditQuery
from kernel import clock
from kernel.actors import ActorKind
from kernel.admin import PageAdmin, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, when
from kernel.streaming import download

VIEW = "events.view_auditrecord"
PAGE = 50
_KINDS = [kind.value for kind in ActorKind]


class SearchForm(forms.Form):
    """What is looked for. Nothing is compulsory; what makes no sense is said beside its field."""

    person = forms.CharField(
        required=False, max_length=150, label="Person or program", help_text="Login, id or kind:id"
    )
    role = forms.CharField(required=False, max_length=150, label="Role")
    player = forms.CharField(required=False, max_length=150, label="Player", help_text="Id or login")
    object = forms.CharField(required=False, max_length=300, label="Object", help_text="type:id, or a type")
    action = forms.CharField(
        required=False,
        max_length=100,
        label="Action",
        help_text="“players.” finds all of players",
        widget=forms.TextInput(attrs={"list": "audit-actions", "autocomplete": "off"}),
    )
    outcome = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((o.value, o.name.capitalize()) for o in AuditOutcome)], label="Outcome"
    )
    since = forms.DateField(required=False, label="From (UTC)", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(
        required=False, label="Up to the end of (UTC)", widget=forms.DateInput(attrs={"type": "date"})
    )
    ip = forms.GenericIPAddressField(required=False, label="Address")
    request_id = forms.CharField(required=False, max_length=64, label="Request id")
    text = forms.CharField(required=False, max_length=200, label="In the reason")

    def clean_person(self) -> tuple[str, str]:
        text: str = self.cleaned_data["person"].strip()
        kind, colon, rest = text.partition(":")
        if colon and kind in _KINDS:
            return kind, rest
        known = get_directory().find_staff_id(text) if text else None
        return ("staff", known) if known else ("", text)

    def clean_player(self) -> UUID | None:
        text: str = self.cleaned_data["player"].strip()
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError:
            found = get_directory().find_player_id(text)
        if found is None:
            raise forms.ValidationError("No player has this id or login.")
        return found

    def query(self) -> AuditQuery:
        """Raises nothing: call it when the form is valid."""
        data = self.cleaned_data
        kind, _, object_id = data["object"].strip().partition(":")
        return AuditQuery(
            actor_kind=data["person"][0],
            actor_id=data["person"][1],
            role=data["role"].strip(),
            player_id=data["player"],
            object_type=kind,
            object_id=object_id,
            action=data["action"].strip(),
            outcome=AuditOutcome(data["outcome"]) if data["outcome"] else None,
            since=_midnight(data["since"]),
            until=_midnight(data["until"] and data["until"] + timedelta(days=1)),
            ip=data["ip"],
            request_id=data["request_id"].strip(),
            text=data["text"].strip(),
        )


class ExportForm(forms.Form):
    form = forms.ChoiceField(choices=[(f.value, f.name) for f in ExportFormat], label="Format")
    reason = forms.CharField(max_length=500, label="What for", widget=forms.Textarea(attrs={"rows": 2}))


def _midnight(day: Any) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None


admin.site.unregister(ConfigurationChange)  # auditlog's own list: it would read a table that is not there


@admin.register(AuditRecord)
class AuditAdmin(PageAdmin):
    """The list is a search page of its own: it pages by id and never counts."""

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("export/", self.export_view, "export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        need(request, VIEW)
        form = SearchForm(request.GET)
        entries = list_audit(form.query(), before=_before(request), limit=PAGE + 1) if form.is_valid() else []
        shown = entries[:PAGE]
        kept = {name: value for name, value in request.GET.items() if value and name in form.fields}
        context = {
            "form": form,
            "lines": lines_of(shown),
            "older": urlencode({**kept, "before": shown[-1].id}) if len(entries) > PAGE else "",
            "newest": urlencode(kept) if "before" in request.GET else None,
            "kept": kept,
            "actions": list_actions(),
            "proof": _last_proof(),
            "may_export": may(request, EXPORT) and form.is_valid(),
            "export_form": ExportForm(),
        }
        return self.render(request, "events/audit.html", "Audit trail", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        need(request, VIEW)
        try:
            entry = get_audit(UUID(object_id))
        except (ValueError, UnknownRecord):
            raise Http404("There is no such audit record.") from None
        beside = list_audit(AuditQuery(request_id=entry.request_id), limit=20) if entry.request_id else []
        context = {
            "entry": entry,
            "facts": self._facts(entry),
            # Values of personal fields, which the record keeps under the player's key.
            "changes": changes_of(entry, opened=may(request, "players.view_personal_data", entry.player_id)),
            "beside": lines_of([other for other in beside if other.id != entry.id]),
        }
        return self.render(request, "events/audit_record.html", entry.action, context, entry.id)

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        need(request, EXPORT)
        search, form = SearchForm(request.POST), ExportForm(request.POST)
        if request.method != "POST" or not (search.is_valid() and form.is_valid()):
            raise Http404("Exports begin on the search page.")
        actor, at = staff_actor(request), clock.now()
        chunks = export_audit(
            query=search.query(),
            form=ExportFormat(form.cleaned_data["form"]),
            reason=form.cleaned_data["reason"],
            actor=actor,
            at=at,
        )
        return download(request, chunks, f"audit-{at:%Y%m%dT%H%M%SZ}.zip", "application/zip")

    def _facts(self, entry: AuditEntry) -> list[tuple[str, object]]:
        seal = find_seal_number(entry)
        agent = entry.user_agent or NOTHING
        return [
            ("Action", entry.action),
            ("Outcome", chip(entry.outcome)),
            ("By", actor_link(entry.actor_kind, entry.actor_id, names_of([entry]))),
            ("In the roles", ", ".join(entry.actor_roles)),
            ("Player", player_link(entry.player_id)),
            ("Object", object_link(entry)),
            ("Reason", entry.reason),
            ("Happened", when(entry.occurred_at)),
            ("Recorded", when(recorded_at(entry))),
            ("From address", entry.ip),
            ("With", agent),
            ("Request", copyable(entry.request_id) if entry.request_id else ""),
            ("Place", f"record {entry.sequence:,} of chain {entry.chain}"),
            ("Hash", copyable(entry.hash.hex())),
            ("Sealed", f"by seal {seal:,}" if seal else "not yet: within a minute"),
        ]


def _before(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET.get("before", ""))
    except ValueError:
        return None


def _last_proof() -> dict[str, object] | None:
    proof = find_last_proof()
    return {"proof": proof, "at": datetime.fromisoformat(proof.finished_at)} if proof else None
