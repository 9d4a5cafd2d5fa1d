"""The reconciliation desk: mappings, uploaded reports with their progress, cases, and what players are owed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from celery import current_app
from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from kombu.exceptions import OperationalError

from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, money, when
from kernel.edits import EditForm, lock_to_save
from kernel.money import Money
from kernel.streaming import csv_download
from wallet.admin_adjustments import staff_name, wallet_tab
from wallet.admin_forms import AmountField, read_amount
from wallet.models_reconciliation import ReconciliationCase, Report, ReportMapping, ReportRow
from wallet.rules_matching import COVERED, DEPOSIT, FEE, PAYOUT
from wallet.selectors_reconciliation import (
    find_last_check,
    find_withdrawal_of,
    get_liability_now,
    list_liability,
    list_liability_currencies,
    list_same_files,
    sum_fees,
)
from wallet.services import reconciliation
from wallet.services.disputes import Redress
from wallet.services.exports import export_cases, export_liability, export_report
from wallet.types_reconciliation import CaseState, MappingTerms, ReportSide, ReportState, RowState


class MappingForm(EditForm, forms.ModelForm):
    covers = forms.MultipleChoiceField(
        label="The file lists",
        choices=[(kind, f"{human(kind)}s") for kind in COVERED],
        initial=["deposit"],
        widget=forms.CheckboxSelectMultiple,
        help_text="What of ours it does not hold becomes a case. For games it does not matter.",
    )
    kinds = forms.CharField(
        label="Words of that column",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One a line, as “Auszahlung = payout”; ours are: " + ", ".join((*COVERED, FEE)) + ".",
    )

    def __init__(self, data: Any, instance: ReportMapping | None) -> None:
        kinds = instance.kinds.items() if instance else ()
        words = {"kinds": "\n".join(f"{word} = {kind}" for word, kind in kinds)}
        super().__init__(data, instance=instance, initial=words)

    class Meta:
        model = ReportMapping
        fields = (
            "name", "side", "source", "reference_column", "amount_column", "time_column", "currency_column", "currency",
            "time_format", "decimal_comma", "delimiter", "encoding", "window_s", "tolerance_minor", "covers",
            "kind_column", "kinds", "fee_column", "net",
        )  # fmt: skip
        help_texts = {
            "source": "The payment provider's or the integration's name, as deposits or transfers carry it.",
            "currency": "Where the file has no column for it.",
            "time_format": "As strptime writes it, such as %d.%m.%Y %H:%M; empty for ISO 8601. Times are UTC.",
            "delimiter": "Empty: detected.",
            "encoding": "Empty: detected.",
            "window_s": "Rows without a known id match the same amount within so many seconds.",
            "tolerance_minor": "Amounts that differ by at most so many minor units (cents) are taken as the same.",
            "kind_column": "Where the file names each line's kind. Without it the amount's sign tells money in from out.",
            "fee_column": "The provider's own fee, where the file has it: it is summed and shown, not compared.",
            "net": "The amounts are what is left after the fee.",
        }

    def clean_kinds(self) -> dict[str, str]:
        kinds: dict[str, str] = {}
        for line in filter(str.strip, self.cleaned_data["kinds"].splitlines()):
            word, _, kind = (part.strip() for part in line.rpartition("="))
            if not word or kind not in (*COVERED, FEE):
                raise forms.ValidationError(f"“{line.strip()[:60]}” does not say which of ours it is.")
            kinds[word] = kind
        return kinds

    def terms(self) -> MappingTerms:
        data = {name: self.cleaned_data[name] for name in self.Meta.fields}
        return MappingTerms(**data | {"side": ReportSide(data["side"]), "covers": tuple(data["covers"])})


class UploadForm(forms.Form):
    mapping = forms.ModelChoiceField(ReportMapping.objects.order_by("name"))
    file = forms.FileField(help_text="CSV, at most 50 MiB.")


class ResolveForm(forms.Form):
    resolution = forms.CharField(
        max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text="What was found and done."
    )
    amount = AmountField(
        max_length=24, required=False, help_text="Leave it empty when no money moves; a minus debits the player."
    )

    def __init__(self, currency: str, data: Any = None) -> None:
        super().__init__(data)
        self.currency = currency
        self.fields["amount"].label = f"Correction of the player's real-money purse, in {currency or 'no currency'}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["money"] = read_amount(self, "amount", self.currency)
        return data


def find_subject_link(what: str, subject_id: UUID | None) -> str:
    """The page of what a case is about: a deposit, a payout's withdrawal, a transfer."""
    if subject_id is None:
        return ""
    if what == DEPOSIT:
        return reverse("admin:wallet_deposit_change", args=[subject_id])
    if what == PAYOUT:
        return reverse("admin:wallet_withdrawal_change", args=[find_withdrawal_of(subject_id)])
    return reverse("admin:wallet_transfer_change", args=[subject_id])


@admin.register(ReportMapping)
class ReportMappingAdmin(PageAdmin):
    list_display = ("name_", "side", "source", "reference_column", "amount_column", "time_column")
    list_display_links = None
    ordering = ("name",)
    sortable_by = ()
    list_before_template = "wallet/mappings_top.html"

    @column("Mapping")
    def name_(self, row: ReportMapping) -> str:
        href = reverse("admin:wallet_reportmapping_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.name)

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("new/", self.new_view, "new"), *super().get_urls()]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        need(request, reconciliation.RECONCILE)
        return self._edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._edit(request, self.get_or_404(request, object_id))

    @transaction.atomic
    def _edit(self, request: HttpRequest, mapping: ReportMapping | None) -> HttpResponse:
        form = MappingForm(request.POST or None, mapping and lock_to_save(request, mapping))
        if request.method == "POST":
            need(request, reconciliation.RECONCILE)
            if form.is_valid():
                done = act(
                    request,
                    lambda: reconciliation.save_mapping(
                        terms=form.terms(),
                        mapping_id=mapping.pk if mapping else None,
                        actor=staff_actor(request),
                        at=clock.now(),
                    ),
                    done="The mapping is kept; it counts for files uploaded from now on.",
                    back=self.reverse("changelist"),
                    form=form,
                )
                if done:
                    return done
        context = {"form": form, "back": self.reverse("changelist"), "may_save": may(request, reconciliation.RECONCILE)}
        return self.render(request, "wallet/mapping.html", mapping.name if mapping else "New mapping", context)


@admin.register(Report)
class ReportAdmin(PageAdmin):
    list_display = ("file_", "mapping", "state_", "matched", "differing", "unmatched", "missing", "bad", "uploaded")
    list_display_links = None
    list_filter = ("state", "mapping")
    list_select_related = ("mapping",)
    ordering = ("-id",)
    sortable_by = ()
    list_before_template = "wallet/desk_top.html"
    page_template = "wallet/report.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("content")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        open_cases = ReconciliationCase.objects.exclude(state=CaseState.RESOLVED)[:1000].count()
        desk = {
            "open_cases": open_cases,
            "may_reconcile": may(request, reconciliation.RECONCILE),
            "check": find_last_check(),
        }
        return super().changelist_view(request, {**desk, **(extra_context or {})})

    @column("File")
    def file_(self, row: Report) -> str:
        href = reverse("admin:wallet_report_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.file_name)

    @column("State")
    def state_(self, row: Report) -> str:
        return chip(row.state)

    @column("Uploaded")
    def uploaded(self, row: Report) -> str:
        return when(row.uploaded_at)

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("upload/", self.upload_view, "upload"),
            self.view_path("liability/", self.liability_view, "liability"),
            self.view_path("liability.csv", self.liability_file_view, "liability_file"),
            self.view_path("<uuid:report_id>/rows.csv", self.rows_view, "rows"),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, obj: Report) -> dict[str, object]:
        bad = ReportRow.objects.filter(report=obj, state=RowState.BAD).order_by("line")[:50]
        return {
            "facts": [
                ("Mapping", obj.mapping.name),
                ("Compared with", f"{human(obj.mapping.side)} of {obj.mapping.source}"),
                ("SHA-256", copyable(bytes(obj.digest).hex())),
                ("Uploaded by", staff_name(obj.uploaded_by)),
                ("Uploaded", when(obj.uploaded_at)),
                ("Finished", when(obj.finished_at)),
                ("What is wrong with it", obj.note),
            ],
            "working": obj.state in (ReportState.WAITING, ReportState.MATCHING),
            "percent_read": obj.bytes_read * 100 // obj.bytes_whole,
            "bad_rows": bad,
            "same_files": [
                (self.reverse("change", report_id), name, when(at)) for report_id, name, at in list_same_files(obj.pk)
            ],
            "fees": sum_fees(obj.pk),
            "rows_link": self.reverse("rows", obj.pk),
            "cases_link": f"{reverse('admin:wallet_reconciliationcase_changelist')}?report__id__exact={obj.pk}",
        }

    def rows_view(self, request: HttpRequest, report_id: UUID) -> StreamingHttpResponse:
        """Every line of the report and what became of it, as a file."""
        need(request, "wallet.view_report")
        rows = export_report(report_id=report_id, actor=staff_actor(request), at=clock.now())
        return csv_download(request, rows, f"reconciliation-{report_id}.csv")

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        need(request, reconciliation.RECONCILE)
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            found: list[UUID] = []
            done = act(
                request,
                lambda: found.append(
                    reconciliation.upload_report(
                        mapping_id=form.cleaned_data["mapping"].pk,
                        file_name=file.name,
                        content=file.read(),
                        actor=staff_actor(request),
                        at=clock.now(),
                    )
                ),
                done="The file is kept and is being matched.",
                back=self.reverse("changelist"),
                form=form,
            )
            if found:
                with suppress(OperationalError):  # a nudge only: the schedule finds what waits, should it be lost
                    current_app.send_task("wallet.tasks.match_reports", ignore_result=True)
                return HttpResponseRedirect(self.reverse("change", found[0]))
            if done:
                return done
        context = {"form": form, "back": self.reverse("changelist")}
        return self.render(request, "wallet/upload.html", "Upload a provider's report", context)

    def liability_view(self, request: HttpRequest) -> HttpResponse:
        need(request, "wallet.view_liabilityday")
        currencies = list_liability_currencies()
        currency = request.GET.get("currency", "")
        currency = currency if currency in currencies else (currencies[0] if currencies else "")
        context = {
            "currencies": currencies,
            "currency": currency,
            "lines": list_liability(currency=currency) if currency else [],
            "now": get_liability_now(currency=currency, at=clock.now()) if currency else None,
            "check": find_last_check(),
        }
        return self.render(request, "wallet/liability.html", "What players are owed", context)

    def liability_file_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """All closed days and currencies, as a file."""
        need(request, "wallet.view_liabilityday")
        return csv_download(request, export_liability(actor=staff_actor(request), at=clock.now()), "liability.csv")


@admin.register(ReconciliationCase)
class CaseAdmin(PageAdmin):
    list_before_template = "wallet/cases_top.html"
    list_display = ("reference_", "kind_", "what_", "reason", "theirs", "ours", "state_", "hands", "happened")
    list_display_links = None
    list_filter = ("state", "kind", "report")
    ordering = ("-id",)
    sortable_by = ()
    page_template = "wallet/case.html"

    @column("Case")
    def reference_(self, row: ReconciliationCase) -> str:
        href = reverse("admin:wallet_reconciliationcase_change", args=[row.pk])
        name = row.reference or f"line {row.line}"
        return format_html(
            '<div class="pms-clip"><a class="pms-strong" href="{}" title="{}">{}</a></div>', href, name, name
        )

    @column("Kind")
    def kind_(self, row: ReconciliationCase) -> str:
        return chip(row.kind, "accent")

    @column("About")
    def what_(self, row: ReconciliationCase) -> str:
        return human(row.what) or NOTHING

    @column("Theirs")
    def theirs(self, row: ReconciliationCase) -> str:
        return NOTHING if row.theirs_minor is None else money(Money(row.theirs_minor, row.currency))

    @column("Ours")
    def ours(self, row: ReconciliationCase) -> str:
        return NOTHING if row.ours_minor is None else money(Money(row.ours_minor, row.currency))

    @column("State")
    def state_(self, row: ReconciliationCase) -> str:
        return chip(row.state)

    @column("In the hands of")
    def hands(self, row: ReconciliationCase) -> str:
        return staff_name(row.claimed_by) if row.claimed_by else NOTHING

    @column("Happened")
    def happened(self, row: ReconciliationCase) -> str:
        return when(row.happened_at)

    def page_title(self, obj: ReconciliationCase) -> str:
        return f"{human(obj.kind)}: {obj.reference or f'line {obj.line}'}"

    def page_context(self, request: HttpRequest, obj: ReconciliationCase) -> dict[str, object]:
        player = obj.player_id and copyable(obj.player_id, wallet_tab(obj.player_id))
        report = format_html(
            '<a class="pms-link" href="{}">{}</a>',
            reverse("admin:wallet_report_change", args=[obj.report_id]),
            obj.report.file_name,
        )
        adjustment = obj.adjustment_id and copyable(
            obj.adjustment_id, reverse("admin:wallet_adjustment_change", args=[obj.adjustment_id])
        )
        return {
            "facts": [
                ("Report", report),
                ("Line", obj.line),
                ("Their id", copyable(obj.reference)),
                ("Why it is a case", human(obj.reason)),
                ("They say", self.theirs(obj)),
                ("We say", self.ours(obj)),
                ("About", human(obj.what)),
                ("Ours", copyable(obj.subject_id, find_subject_link(obj.what, obj.subject_id))),
                ("Player", player),
                ("Happened", when(obj.happened_at)),
                ("State", chip(obj.state)),
                ("In the hands of", self.hands(obj)),
                ("Resolution", obj.resolution),
                ("Resolved", when(obj.resolved_at)),
                ("Correction", adjustment),
            ],
            "may_work": may(request, reconciliation.RECONCILE, obj) and obj.state != CaseState.RESOLVED,
            "mine": obj.claimed_by == str(staff_actor(request)),
            "form": ResolveForm(obj.currency),
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("cases.csv", self.file_view, "file"),
            self.view_path("<path:object_id>/claim/", self.claim_view, "claim"),
            self.view_path("<path:object_id>/resolve/", self.resolve_view, "resolve"),
            *super().get_urls(),
        ]

    def file_view(self, request: HttpRequest) -> HttpResponseBase:
        """What the list shows, by its filters and to this person, as a file."""
        need(request, self.view_permission)
        try:
            cases = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self.reverse("changelist"))
        rows = export_cases(cases=cases, wanted=request.GET.urlencode(), actor=staff_actor(request), at=clock.now())
        return csv_download(request, rows, "reconciliation-cases.csv")

    def claim_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        case = self._posted(request, object_id)
        answer = act(
            request,
            lambda: reconciliation.claim_case(case_id=case.pk, actor=staff_actor(request), at=clock.now()),
            done="It is yours.",
            back=self.reverse("change", case.pk),
        )
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def resolve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        case = self._posted(request, object_id)
        form = ResolveForm(case.currency, request.POST)
        if form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: reconciliation.resolve_case(
                    case_id=case.pk,
                    resolution=data["resolution"],
                    redress=Redress(data["money"], data["resolution"]) if data["money"] else None,
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The case is resolved.",
                back=self.reverse("change", case.pk),
                form=form,
            )
            if done:
                return done
        context = {"object": case, **self.page_context(request, case), "form": form}
        return self.render(request, self.page_template, self.page_title(case), context, case.pk)

    def _posted(self, request: HttpRequest, object_id: str) -> ReconciliationCase:
        need(request, reconciliation.RECONCILE)
        if request.method != "POST":
            raise Http404
        case: ReconciliationCase = self.get_or_404(request, object_id)
        need(request, reconciliation.RECONCILE, case)
        return case
