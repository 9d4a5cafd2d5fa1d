"""Bonus codes in the back office: batches made, imported, downloaded and closed."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from bonuses.admin_offers import ReasonForm, names_of, who
from bonuses.models_codes import CodeBatch
from bonuses.selectors import list_offers
from bonuses.services import codes
from bonuses.types import OfferDetails, OfferState
from bonuses.types_offer import TriggerKind
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, when
from kernel.ids import uuid7
from kernel.streaming import csv_download

MAX_UPLOAD = 10_000_000


class CodesForm(forms.Form):
    """Made at random, or read from a file with a code a line."""

    offer = forms.ChoiceField(help_text="Offers that are given by code.")
    name = forms.CharField(max_length=120, help_text="Where they go: “Flyers of March”.")
    size = forms.IntegerField(required=False, min_value=1, label="How many", help_text="Made at random.")
    prefix = forms.CharField(max_length=20, required=False)  # type: ignore[assignment]
    file = forms.FileField(
        required=False, label="Or a file of codes", help_text="CSV or text, a code a line, at most 200,000."
    )
    uses_per_code = forms.IntegerField(min_value=0, initial=1, label="Players per code", help_text="0: any number.")
    expires_at = forms.DateTimeField(required=False, label="Until (UTC)", help_text="2026-12-31 23:59; empty: no end.")
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, offers: list[OfferDetails], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offer"].choices = [(offer.code, offer.name) for offer in offers]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if bool(values.get("size")) == bool(values.get("file")):
            self.add_error("size", "Say how many, or choose a file: one of the two.")
        return values

    def clean_file(self) -> list[str] | None:
        file: UploadedFile | None = self.cleaned_data.get("file")
        if file is None:
            return None
        if (file.size or 0) > MAX_UPLOAD:
            raise forms.ValidationError("The file may have at most 10 MB.")
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError("Save the file as UTF-8.") from None
        if "\0" in text:
            raise forms.ValidationError("This is no text file.")
        rows = [row[0].strip() for row in csv.reader(io.StringIO(text)) if row and row[0].strip()]
        return rows[1:] if rows and rows[0].lower() == "code" else rows


@admin.register(CodeBatch)
class CodeBatchAdmin(PageAdmin):
    ordering = ("-id",)
    list_display = ("name_", "offer_", "size_", "uses", "state", "expires", "made", "made_by_")
    list_display_links = None
    list_filter = ("offer",)
    list_select_related = ("offer",)
    search_fields = ("name",)
    sortable_by = ()
    list_before_template = "bonuses/codes_top.html"
    page_template = "bonuses/codes.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_make": may(request, codes.MAKE), **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With who made them, asked for all rows at once."""
        listed = super().get_changelist_instance(request)
        names = names_of(row.made_by for row in listed.result_list)
        for row in listed.result_list:
            row.by = names[row.made_by]
        return listed

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By name, or the batch that a code is of."""
        text = codes.normalise(search_term)
        if text and (found := queryset.filter(codes__code=text)).exists():
            return found, False
        return super().get_search_results(request, queryset, search_term)

    @column("Codes")
    def name_(self, row: CodeBatch) -> str:
        href = reverse("admin:bonuses_codebatch_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.name)

    @column("Offer")
    def offer_(self, row: CodeBatch) -> str:
        return format_html(
            '<a class="pms-link" href="{}">{}</a>',
            reverse("admin:bonuses_offer_change", args=[row.offer_id]),
            row.offer.name,
        )

    @column("How many")
    def size_(self, row: CodeBatch) -> str:
        return f"{row.size:,}"

    @column("Players per code")
    def uses(self, row: CodeBatch) -> str:
        return f"{row.uses_per_code:,}" if row.uses_per_code else "any number"

    @column("State")
    def state(self, row: CodeBatch) -> str:
        if row.closed_at:
            return chip("closed", "bad")
        over = row.expires_at is not None and row.expires_at <= clock.now()
        return chip("expired", "bad") if over else chip("open", "good")

    @column("Until")
    def expires(self, row: CodeBatch) -> str:
        return when(row.expires_at)

    @column("Made")
    def made(self, row: CodeBatch) -> str:
        return when(row.made_at)

    @column("By")
    def made_by_(self, row: Any) -> str:
        return str(row.by)

    def page_title(self, obj: CodeBatch) -> str:
        return obj.name

    def page_context(self, request: HttpRequest, obj: CodeBatch) -> dict[str, object]:
        used = obj.codes.filter(uses__gt=0)
        return {
            "may_make": may(request, codes.MAKE),
            "closed": obj.closed_at is not None,
            "facts": [
                ("Offer", self.offer_(obj)),
                ("Codes", self.size_(obj)),
                ("Used codes", f"{used.count():,}"),
                ("Uses in all", f"{used.aggregate(n=Sum('uses'))['n'] or 0:,}"),
                ("Players per code", self.uses(obj)),
                ("State", self.state(obj)),
                ("Until", self.expires(obj)),
                ("Made", self.made(obj)),
                ("By", who(obj.made_by)),
                ("Closed", when(obj.closed_at) if obj.closed_at else NOTHING),
                ("Id", copyable(obj.pk)),
            ],
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("new/", self.new_view, "new"),
            self.view_path("<uuid:pk>/file/", self.file_view, "file"),
            self.view_path("<uuid:pk>/close/", self.close_view, "close"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Make codes, or read them from a file."""
        need(request, codes.MAKE)
        offers = [
            offer
            for offer in list_offers()
            if offer.live and offer.state is not OfferState.STOPPED and offer.rule.trigger.kind is TriggerKind.CODE
        ]
        form = CodesForm(offers, request.POST or None, request.FILES or None, initial={"key": str(uuid7())})
        back = self.reverse("changelist")
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            about = {
                "offer": data["offer"],
                "name": data["name"],
                "uses_per_code": data["uses_per_code"],
                "expires_at": data["expires_at"],
                "idempotency_key": data["key"],
                "actor": staff_actor(request),
                "at": clock.now(),
            }

            def make() -> None:
                if data["file"] is None:
                    codes.make_codes(size=data["size"], prefix=data["prefix"], **about)
                else:
                    codes.import_codes(codes=data["file"], **about)

            done = act(request, make, done="Made: download them from their page.", back=back, form=form)
            if done:
                return done
        return self.render(request, "bonuses/new_codes.html", "New codes", {"form": form, "back": back, "has": offers})

    def file_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Every code with its uses, as CSV."""
        need(request, codes.MAKE)
        obj = self.get_or_404(request, str(pk))
        chunks = codes.export_codes(batch_id=obj.pk, actor=staff_actor(request), at=clock.now())
        return csv_download(request, chunks, f"codes-{obj.pk}.csv")

    def close_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """No code of it works any more."""
        need(request, codes.MAKE)
        obj = self.get_or_404(request, str(pk))
        back = reverse("admin:bonuses_codebatch_change", args=[pk])
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: codes.close_batch(
                    batch_id=pk, reason=form.cleaned_data["reason"], actor=staff_actor(request), at=clock.now()
                ),
                done="Closed: none of these codes works any more.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {"form": form, "back": back, "batch": obj}
        return self.render(request, "bonuses/close_codes.html", f"Close {obj.name}", context, pk)
