"""Exports of a period's transfers: asked for by a form, watched while they are written, downloaded with a manifest."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from celery import current_app
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from kombu.exceptions import OperationalError

from kernel import clock
from kernel.access import is_limited
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import chip, copyable, human, when
from wallet.admin_adjustments import staff_name
from wallet.models_exports import TransferExport
from wallet.services import period_exports
from wallet.services.exports import EXPORT
from wallet.types import TransferKind
from wallet.types_exports import ExportFilter, ExportState

_KINDS = [(kind.value, human(kind.value)) for kind in TransferKind]


class ExportForm(forms.Form):
    """Days are UTC, both included."""

    since = forms.DateField(label="First day (UTC)", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="Last day (UTC), included", widget=forms.DateInput(attrs={"type": "date"}))
    kinds = forms.MultipleChoiceField(
        label="Kinds of transfer",
        choices=_KINDS,
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text="None chosen: all. Ctrl or ⌘ chooses several.",
    )
    currency = forms.CharField(max_length=3, required=False, help_text="ISO 4217, such as EUR; empty: all.")
    source = forms.CharField(max_length=120, required=False, help_text="An integration's name; empty: all.")

    def read(self) -> ExportFilter:
        data = self.cleaned_data
        since, last = (datetime.combine(data[name], time(), UTC) for name in ("since", "until"))
        kinds = tuple(TransferKind(kind) for kind in data["kinds"])
        return ExportFilter(since, last + timedelta(days=1), kinds, data["currency"].upper(), data["source"])


@admin.register(TransferExport)
class TransferExportAdmin(PageAdmin):
    list_display = ("period", "state_", "rows_", "size", "asked_by", "asked_at", "expires")
    list_display_links = None
    list_filter = ("state",)
    ordering = ("-id",)
    sortable_by = ()
    list_before_template = "wallet/exports_top.html"
    page_template = "wallet/export.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_export": may(request, EXPORT), **(extra_context or {})})

    @column("Period (UTC)")
    def period(self, row: TransferExport) -> str:
        href = reverse("admin:wallet_transferexport_change", args=[row.pk])
        last = row.period_until - timedelta(days=1)
        days = f"{row.since:%Y-%m-%d} – {last:%Y-%m-%d}"
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, days)

    @column("State")
    def state_(self, row: TransferExport) -> str:
        return chip(row.state)

    @column("Lines")
    def rows_(self, row: TransferExport) -> str:
        return f"{row.rows:,}"

    @column("Size")
    def size(self, row: TransferExport) -> str:
        return filesizeformat(row.bytes_written)

    @column("Asked for by")
    def asked_by(self, row: TransferExport) -> str:
        return staff_name(row.requested_by)

    @column("Asked for")
    def asked_at(self, row: TransferExport) -> str:
        return when(row.requested_at)

    @column("To be had until")
    def expires(self, row: TransferExport) -> str:
        return when(row.expires_at)

    def page_title(self, obj: TransferExport) -> str:
        return f"Transfers {obj.since:%Y-%m-%d} – {obj.period_until - timedelta(days=1):%Y-%m-%d}"

    def page_context(self, request: HttpRequest, obj: TransferExport) -> dict[str, object]:
        done = obj.state == ExportState.DONE
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Kinds", ", ".join(map(human, obj.kinds)) or "all"),
                ("Currency", obj.currency or "all"),
                ("Source", obj.source or "all"),
                ("Lines", self.rows_(obj)),
                ("Size", self.size(obj)),
                ("SHA-256", copyable(obj.sha256)),
                ("Asked for by", self.asked_by(obj)),
                ("Asked for", when(obj.requested_at)),
                ("Written", when(obj.finished_at) if done or obj.state == ExportState.EXPIRED else ""),
                ("To be had until", when(obj.expires_at)),
                ("What went wrong", obj.note),
            ],
            "working": obj.state in (ExportState.WAITING, ExportState.WRITING),
            "percent": _percent(obj, clock.now()),
            "may_download": done and may(request, EXPORT),
            "may_export": may(request, EXPORT),
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("new/", self.new_view, "new"),
            self.view_path("<uuid:export_id>/cancel/", self.cancel_view, "cancel"),
            self.view_path("<uuid:export_id>/file.csv", self.file_view, "file"),
            self.view_path("<uuid:export_id>/manifest.json", self.manifest_view, "manifest"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        need(request, EXPORT)
        form = ExportForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            found: list[UUID] = []
            done = act(
                request,
                lambda: found.append(
                    period_exports.request_export(wanted=form.read(), actor=staff_actor(request), at=clock.now())
                ),
                done="The file is being written.",
                back=self.reverse("changelist"),
                form=form,
            )
            if found:
                with suppress(OperationalError):  # a nudge only: the schedule finds what waits, should it be lost
                    current_app.send_task("wallet.tasks.write_exports", ignore_result=True)
                return HttpResponseRedirect(self.reverse("change", found[0]))
            if done:
                return done
        context = {"form": form, "back": self.reverse("changelist")}
        return self.render(request, "wallet/new_export.html", "Export transfers", context)

    def cancel_view(self, request: HttpRequest, export_id: UUID) -> HttpResponse:
        need(request, EXPORT)
        if request.method != "POST":
            raise Http404
        answer = act(
            request,
            lambda: period_exports.cancel_export(export_id=export_id, actor=staff_actor(request), at=clock.now()),
            done="It is not written any further.",
            back=self.reverse("change", export_id),
        )
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def file_view(self, request: HttpRequest, export_id: UUID) -> HttpResponseBase:
        row = self._done(request, export_id)
        try:
            file = period_exports.find_file(row.pk).open("rb")
        except FileNotFoundError:
            raise Http404("The file is gone.") from None
        period_exports.note_download(row, actor=staff_actor(request), at=clock.now())
        return self._download(FileResponse(file, content_type="text/csv"), period_exports.file_name(row))

    def manifest_view(self, request: HttpRequest, export_id: UUID) -> HttpResponseBase:
        row = self._done(request, export_id)
        text = json.dumps(period_exports.build_manifest(row), indent=2)
        name = period_exports.file_name(row).replace(".csv", ".manifest.json")
        return self._download(HttpResponse(text, content_type="application/json"), name)

    def _done(self, request: HttpRequest, export_id: UUID) -> TransferExport:
        need(request, EXPORT)
        if is_limited(staff_actor(request), EXPORT):
            raise PermissionDenied
        row: TransferExport = self.get_or_404(request, str(export_id))
        if row.state != ExportState.DONE or (row.expires_at and row.expires_at <= clock.now()):
            raise Http404("The file is not there.")
        return row

    def _download(self, answer: HttpResponseBase, name: str) -> HttpResponseBase:
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        answer["Cache-Control"] = "no-store"
        return answer


def _percent(row: TransferExport, at: datetime) -> int:
    """How far, by time: lines are written in the order in which they were recorded."""
    if row.reached_at is None:
        return 0
    end = min(row.period_until, at)
    return max(0, min(99, int((row.reached_at - row.since) / max(end - row.since, timedelta(seconds=1)) * 100)))
