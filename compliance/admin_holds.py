"""Legal holds, and what purges would take: the back office's page of retention."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance.models_holds import LegalHold
from compliance.services.holds import PLACE, place_hold, release_hold
from compliance.services.purging import RUN, purge
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, when
from players.selectors import find_player_by_login


def reason_field(help_text: str) -> forms.CharField:
    return forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}), help_text=help_text)


class PlaceForm(forms.Form):
    player = forms.CharField(required=False, max_length=150, label="Player", help_text="Id or login; or name an object")
    object_type = forms.CharField(
        required=False, max_length=80, label="Object's type", help_text="wallet.adapterrequest"
    )
    object_id = forms.CharField(required=False, max_length=120, label="Object's id")
    ends_on = forms.DateField(
        required=False,
        label="Until the end of (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Leave it empty for a hold that stands until somebody releases it.",
    )
    reason = reason_field("The case or order that asks for it.")

    def clean_player(self) -> UUID | None:
        text: str = self.cleaned_data["player"].strip()
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError:
            found = find_player_by_login(text)
        if found is None:
            raise ValidationError("No player has this id or login.")
        return found.id

    def clean_ends_on(self) -> datetime | None:
        day = self.cleaned_data["ends_on"]
        return datetime.combine(day, time.max, UTC) if day else None


class ReleaseForm(forms.Form):
    reason = reason_field("Kept with the hold, and on the audit trail.")


@admin.register(LegalHold)
class LegalHoldAdmin(PageAdmin):
    """Holds, newest first, under what the purges would take now."""

    list_display = ("on", "state", "why", "placed", "placed_by", "ends")
    list_display_links = None
    list_filter = (("released_at", admin.EmptyFieldListFilter),)
    ordering = ("-id",)
    sortable_by = ()
    list_before_template = "compliance/retention.html"
    page_template = "compliance/hold.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("place/", self.place_view, "place"),
            self.view_path("<uuid:hold_id>/release/", self.release_view, "release"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        need(request, "compliance.view_legalhold")
        may_purge = may(request, RUN)
        would = purge(actor=staff_actor(request), at=clock.now(), dry_run=True) if may_purge else []
        context = {"purges": would, "may_purge": may_purge, "may_place": may(request, PLACE)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def place_view(self, request: HttpRequest) -> HttpResponse:
        need(request, PLACE)
        form = PlaceForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: place_hold(
                    player_id=data["player"],
                    object_type=data["object_type"].strip(),
                    object_id=data["object_id"].strip(),
                    ends_at=data["ends_on"],
                    reason=data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The hold stands: nothing of it is purged or erased.",
                back=self.reverse("changelist"),
                form=form,
            )
            if done:
                return done
        context = {"form": form, "back": self.reverse("changelist"), "button": "Place the hold"}
        return self.render(request, "compliance/hold_form.html", "Place a legal hold", context)

    def release_view(self, request: HttpRequest, hold_id: UUID) -> HttpResponse:
        need(request, PLACE)
        hold = self.get_or_404(request, str(hold_id))
        form = ReleaseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: release_hold(
                    hold_id=hold_id, reason=form.cleaned_data["reason"], actor=staff_actor(request), at=clock.now()
                ),
                done="Released: what is past its retention goes with the next purge.",
                back=self.reverse("changelist"),
                form=form,
            )
            if done:
                return done
        context = {"form": form, "back": self.reverse("changelist"), "button": "Release it", "hold": hold}
        return self.render(request, "compliance/hold_form.html", "Release a legal hold", context, hold_id)

    def page_title(self, obj: LegalHold) -> str:
        return "Legal hold"

    def page_context(self, request: HttpRequest, obj: LegalHold) -> dict[str, object]:
        stands = _stands(obj)
        return {
            "facts": [
                ("On", self.on(obj)),
                ("State", self.state(obj)),
                ("Because", obj.reason),
                ("Placed", when(obj.placed_at)),
                ("By", obj.placed_by),
                ("Ends", when(obj.ends_at) if obj.ends_at else "when it is released"),
                ("Released", when(obj.released_at) if obj.released_at else ""),
                ("Released by", obj.released_by),
                ("Released because", obj.release_reason),
            ],
            "may_release": stands and may(request, PLACE),
        }

    @column("On")
    def on(self, row: LegalHold) -> str:
        if row.player_id:
            link = copyable(row.player_id, reverse("admin:players_player_change", args=[row.player_id]))
            return format_html("player {}", link)
        return format_html("{} {}", row.object_type, copyable(row.object_id))

    @column("State")
    def state(self, row: LegalHold) -> str:
        return chip("in force", "warn") if _stands(row) else chip("released" if row.released_at else "over")

    @column("Because")
    def why(self, row: LegalHold) -> str:

        href = reverse("admin:compliance_legalhold_change", args=[row.pk])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.reason[:80])

    @column("Placed")
    def placed(self, row: LegalHold) -> str:
        return when(row.placed_at)

    @column("Ends")
    def ends(self, row: LegalHold) -> str:
        return when(row.ends_at) if row.ends_at else NOTHING


def _stands(row: LegalHold) -> bool:
    return row.released_at is None and (row.ends_at is None or row.ends_at > clock.now())
