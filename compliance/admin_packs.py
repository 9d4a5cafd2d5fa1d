"""Packs of rules: which hold, what they say and where from, what a version changes and for how many players."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse

from compliance.admin import staff_names
from compliance.models_packs import PackActivation
from compliance.pack_files import load_sources
from compliance.pack_schema import SCHEMA
from compliance.rules_packs import list_changes, list_loosened, show
from compliance.selectors_packs import get_book, list_uncovered, list_versions
from compliance.services.packs import ACTIVATE, SIGNED_AT_MOST, request_activation
from compliance.types_packs import DEFAULT, HOUSE, PackVersion, ValueChange, VersionState
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import chip, copyable, when
from kernel.ids import uuid7
from kernel.packs import PackFile, Sourced, Status
from kernel.reauthentication import reauthenticate_first

VIEW = "compliance.view_packactivation"
_TONES = {
    VersionState.IN_FORCE: "good",
    VersionState.WAITS: "info",
    VersionState.DUE: "warn",
}
_TRUST = {Status.OFFICIAL: "good", Status.SECONDARY: "info", Status.PRIOR: "warn", Status.OWN: ""}


class ActivationForm(forms.Form):
    """A reason per value that nobody has seen a source for, and one for the whole."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    comment = forms.CharField(
        max_length=500,
        label="Why now",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Whoever decides reads it, and it stays on the audit trail.",
    )

    def __init__(self, file: PackFile, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.unsourced = file.unsourced
        for key in file.unsourced:
            item = file.values[key] if key in file.values else file.only[key.partition(":")[0]][key.partition(":")[2]]
            self.fields[f"sign:{key}"] = forms.CharField(
                max_length=SIGNED_AT_MOST,
                label=f"{key} = {show(item.value)}",
                help_text=f"{item.rule}. Nobody has seen a source: who says that it holds, and why?",
            )

    @property
    def signed_off(self) -> dict[str, str]:
        return {key: self.cleaned_data[f"sign:{key}"] for key in self.unsourced}


@admin.register(PackActivation)
class PackAdmin(PageAdmin):
    """What was put in force, newest first, under an overview of every pack."""

    list_display = ("name", "from_", "signed", "asked", "decided", "at")
    list_display_links = None
    ordering = ("-id",)
    sortable_by = ()
    list_before_template = "compliance/packs.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("versions/<str:pack_id>/<str:version>/", self.version_view, "version"),
            self.view_path("versions/<str:pack_id>/<str:version>/activate/", self.activate_view, "activate"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        need(request, VIEW)
        at = clock.now()
        packs = [(pack_id, [_line(version) for version in rows]) for pack_id, rows in list_versions(at).items()]
        context = {"packs": packs, "uncovered": list_uncovered(at)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """An activation's page is its version's."""
        obj = self.get_or_404(request, object_id)
        return HttpResponseRedirect(self.reverse("version", obj.pack, obj.version.isoformat()))

    @column("Version")
    def name(self, row: PackActivation) -> str:
        return str(row)

    @column("In force from")
    def from_(self, row: PackActivation) -> str:
        return when(row.in_force_from)

    @column("Signed without a source")
    def signed(self, row: PackActivation) -> int:
        return len(row.signed_off)

    @column("Asked for by")
    def asked(self, row: PackActivation) -> str:
        return staff_names(row.requested_by)[row.requested_by]

    @column("Activated by")
    def decided(self, row: PackActivation) -> str:
        return staff_names(row.activated_by)[row.activated_by]

    @column("Activated")
    def at(self, row: PackActivation) -> str:
        return when(row.activated_at)

    # --- one version ---

    def version_view(self, request: HttpRequest, pack_id: str, version: str) -> HttpResponse:
        need(request, VIEW)
        found, before = self._find(pack_id, version)
        compared = get_book().in_force(pack_id, clock.now())
        if compared is None or compared.version >= found.file.version:
            compared = before
        house = get_book().in_force(HOUSE, clock.now()) if pack_id != HOUSE else None
        signed = found.activation.signed_off if found.activation else {}
        context = {
            "facts": _facts(found),
            "state": chip(found.state.value, _TONES.get(found.state, "")),
            "version": found,
            "compared": compared,
            "changes": [_change(change) for change in list_changes(compared, found.file)] if compared else [],
            "groups": _groups(found.file, signed),
            "loosened": [(key, show(ours), show(theirs)) for key, ours, theirs in _loosened(found.file, house)],
            "may_activate": may(request, ACTIVATE) and _can_be_activated(found),
        }
        return self.render(request, "compliance/pack_version.html", f"{pack_id} {version}", context, version)

    def activate_view(self, request: HttpRequest, pack_id: str, version: str) -> HttpResponse:
        need(request, ACTIVATE)
        found, _ = self._find(pack_id, version)
        back = self.reverse("version", pack_id, version)
        first = reauthenticate_first(request, clock.now(), back)
        if first:
            return first
        form = ActivationForm(found.file, request.POST or None, initial={"key": uuid7()})
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: request_activation(
                    pack_id=pack_id,
                    version=found.file.version,
                    signed_off=form.signed_off,
                    comment=form.cleaned_data["comment"],
                    idempotency_key=str(form.cleaned_data["key"]),
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="It waits for a second person now, among the approvals.",
                back=reverse("admin:compliance_approval_changelist"),
                form=form,
            )
            if done:
                return done
        context = {"form": form, "back": back, "version": found}
        return self.render(
            request, "compliance/pack_activate.html", f"Put {pack_id} {version} in force", context, version
        )

    def _find(self, pack_id: str, version: str) -> tuple[PackVersion, PackFile | None]:
        """The version, and the one before it. Raises: Http404."""
        try:
            day = date.fromisoformat(version)
        except ValueError:
            raise Http404(f"{version} is no day.") from None
        rows = list_versions(clock.now()).get(pack_id, [])
        found = next((row for row in rows if row.file.version == day), None)
        if found is None:
            raise Http404(f"There is no {pack_id} {version}.")
        return found, next((row.file for row in rows if row.file.version < day), None)


def _can_be_activated(version: PackVersion) -> bool:
    return version.file.id != DEFAULT and version.state in (VersionState.DUE, VersionState.NOT_ACTIVATED)


def _loosened(file: PackFile, house: PackFile | None) -> Any:
    return list_loosened(file, house) if house else ()


def _line(version: PackVersion) -> dict[str, object]:
    return {
        "version": version,
        "day": version.file.version.isoformat(),
        "state": chip(version.state.value, _TONES.get(version.state, "")),
        "effective": when(version.effective_at),
        "unsourced": len(version.file.unsourced),
    }


def _facts(version: PackVersion) -> list[tuple[str, object]]:
    file, activation = version.file, version.activation
    rows: list[tuple[str, object]] = [
        ("Authority", file.authority),
        ("For who lives in", ", ".join(file.residence) or "every pack, which it tightens"),
        ("Currency and time zone", f"{file.currency or 'any'} · {file.timezone}"),
        ("In force from" if activation else "Takes effect", when(version.effective_at)),
        ("SHA-256", copyable(file.digest)),
    ]
    if activation:
        names = staff_names(activation.requested_by, activation.activated_by)
        rows += [
            ("Asked for by", names[activation.requested_by]),
            ("Activated by", names[activation.activated_by]),
            ("Activated", when(activation.activated_at)),
        ]
    return rows


def _change(change: ValueChange) -> dict[str, object]:
    before, after = (item and show(item.value) for item in (change.before, change.after))
    source = change.after or change.before
    return {
        "key": change.key,
        "before": before,
        "after": after,
        "same": change.same_value,
        "rule": source.rule if source else "",
    }


def _groups(file: PackFile, signed: Any) -> dict[str, list[dict[str, object]]]:
    """Values by group, in the schema's order; those for single packs under the pack's name."""
    groups: dict[str, list[dict[str, object]]] = {}
    for key in SCHEMA:
        if key in file.values:
            groups.setdefault(key.partition(".")[0], []).append(_value(key, file.values[key], signed.get(key, "")))
    for pack_id, values in file.only.items():
        for key, item in values.items():
            groups.setdefault(f"only {pack_id}", []).append(_value(key, item, signed.get(f"{pack_id}:{key}", "")))
    return groups


def _value(key: str, item: Sourced, signed: str) -> dict[str, object]:
    where = load_sources().get(item.source, "")
    return {
        "key": key,
        "means": SCHEMA[key].means,
        "unit": SCHEMA[key].kind.unit,
        "tighter": SCHEMA[key].tighter.value,
        "value": show(item.value),
        "rule": item.rule,
        "since": item.since,
        "status": chip(item.status.value, _TRUST[item.status]),
        "source": item.source,
        "link": where if where.startswith("http") else "",
        "where": where,
        "signed": signed,
    }
