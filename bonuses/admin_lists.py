"""Offers for lists of players: uploaded, looked at, worked in the background, with what became of each."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from bonuses.admin_offers import names_of, who
from bonuses.models_lists import ListAward, ListItem
from bonuses.selectors import list_offers
from bonuses.services import lists
from bonuses.services.grants import GRANT
from bonuses.types import OfferState
from bonuses.types_lists import ItemState
from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import copyable, human, when
from kernel.ids import uuid7
from players.selectors import list_ids_by_login

MAX_UPLOAD = 10_000_000
KEPT_S = 3600  # who is on a file that was looked at, until it is confirmed


class ListForm(forms.Form):
    """A file with a player a line: id or login."""

    offer = forms.ChoiceField()
    note = forms.CharField(max_length=300, label="What the list is", help_text="Kept with it, and on the audit trail.")
    file = forms.FileField(help_text="CSV or text: a player's id or login a line, at most 200,000.", required=False)
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, offers: list[tuple[str, str]], by: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["offer"].choices = offers  # type: ignore[attr-defined]
        self.unknown: list[str] = []

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if "confirmed" in self.data:
            values["ids"] = self._kept(values.get("key", ""))
            if not values["ids"]:
                self.add_error("file", "Choose the file again: who is on it is kept for an hour.")
        elif "file" not in self.errors:
            if not values.get("file"):
                self.add_error("file", "Choose a file.")
            else:
                values["ids"] = self._read(values["file"])
                if not values["ids"]:
                    self.add_error("file", "No player of this file is known.")
                elif values.get("key"):
                    content = b"".join(player_id.bytes for player_id in values["ids"])
                    cache.set(self._place(values["key"]), content, KEPT_S)
        return values

    def _kept(self, key: str) -> list[UUID]:
        """Who was on the file that this person has looked at; a form could not carry so many."""
        content: bytes = cache.get(self._place(key)) or b""
        return [UUID(bytes=content[start : start + 16]) for start in range(0, len(content), 16)]

    def _place(self, key: str) -> str:
        return f"bonuses.list.{self.by}.{hashlib.sha256(key.encode()).hexdigest()}"

    def _read(self, file: UploadedFile) -> list[UUID]:
        if (file.size or 0) > MAX_UPLOAD:
            raise forms.ValidationError({"file": "The file may have at most 10 MB."})
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError({"file": "Save the file as UTF-8."}) from None
        if "\0" in text:
            raise forms.ValidationError({"file": "This is no text file."})
        wanted = list(dict.fromkeys(row[0].strip() for row in csv.reader(io.StringIO(text)) if row and row[0].strip()))
        if len(wanted) > lists.MAX_LIST:
            raise forms.ValidationError({"file": f"At most {lists.MAX_LIST:,} players: give longer lists in parts."})
        found = list_ids_by_login(wanted)
        self.unknown = [text for text in wanted if text not in found]
        return list(dict.fromkeys(found[text] for text in wanted if text in found))


@admin.register(ListAward)
class ListAwardAdmin(PageAdmin):
    ordering = ("-id",)
    list_display = ("note_", "offer_", "size_", "progress", "asked", "asked_by_")
    list_display_links = None
    list_filter = ("offer",)
    list_select_related = ("offer",)
    sortable_by = ()
    list_before_template = "bonuses/lists_top.html"
    page_template = "bonuses/list.html"

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With who asked and how many wait, asked for all rows at once; what is done is not counted."""
        listed = super().get_changelist_instance(request)
        rows = list(listed.result_list)
        names = names_of(row.asked_by for row in rows)
        waiting = ListItem.objects.filter(state=ItemState.WAITING, list_id__in=[row.pk for row in rows])
        left = dict(waiting.values_list("list_id").annotate(n=Count("id")))
        for row in listed.result_list:
            row.by, row.left = names[row.asked_by], left.get(row.pk, 0)
        return listed

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_give": may(request, GRANT), **(extra_context or {})})

    @column("List")
    def note_(self, row: ListAward) -> str:
        href = reverse("admin:bonuses_listaward_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{}</a>', href, row.note)

    @column("Offer")
    def offer_(self, row: ListAward) -> str:
        return row.offer.name

    @column("Players")
    def size_(self, row: ListAward) -> str:
        return f"{row.size:,}"

    @column("Done")
    def progress(self, row: Any) -> str:
        return _bar(row.size, row.left)

    @column("Asked for")
    def asked(self, row: ListAward) -> str:
        return when(row.asked_at)

    @column("By")
    def asked_by_(self, row: Any) -> str:
        return str(row.by)

    def page_title(self, obj: ListAward) -> str:
        return obj.note

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, object]:
        found = lists.get_list(obj.pk)
        why = ListItem.objects.filter(list_id=obj.pk, state=ItemState.REFUSED).values("why").annotate(n=Count("id"))
        return {
            "waiting": found.left > 0,
            "reasons": [(human(row["why"]), row["n"]) for row in why.order_by("-n")],
            "refused": [
                (_player_link(row), human(row.why))
                for row in ListItem.objects.filter(list_id=obj.pk, state=ItemState.REFUSED).order_by("id")[:100]
            ],
            "facts": [
                ("Done", _bar(found.size, found.left)),
                ("Offer", self.offer_(obj)),
                ("Players", f"{found.size:,}"),
                ("Given", f"{found.given:,}"),
                ("Refused", f"{found.refused:,}"),
                ("Waiting", f"{found.left:,}"),
                ("Asked for", when(found.asked_at)),
                ("By", who(obj.asked_by)),
                ("Id", copyable(obj.pk)),
            ],
        }

    def get_urls(self) -> list[URLPattern]:
        return [self.view_path("new/", self.new_view, "new"), *super().get_urls()]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """A file, then who is on it, then the deed."""
        need(request, GRANT)
        live = [(offer.code, offer.name) for offer in list_offers(state=OfferState.LIVE)]
        by = str(staff_actor(request))
        form = ListForm(live, by, request.POST or None, request.FILES or None, initial={"key": str(uuid7())})
        back = self.reverse("changelist")
        valid = request.method == "POST" and form.is_valid()
        if valid and "confirmed" in request.POST:
            data = form.cleaned_data
            done = act(
                request,
                lambda: lists.award_list(
                    offer=data["offer"],
                    player_ids=data["ids"],
                    note=data["note"],
                    idempotency_key=data["key"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="Taken: the bonuses are given in the background.",
                back=back,
                form=form,
            )
            if done:
                return done
        ids = form.cleaned_data.get("ids", []) if valid else []
        context = {
            "form": form,
            "back": back,
            "has": live,
            "preview": valid and not form.errors,
            "count": len(ids),
            "unknown": form.unknown[:50],
            "unknown_count": len(form.unknown),
        }
        return self.render(request, "bonuses/new_list.html", "An offer for a list of players", context)


def _bar(size: int, left: int) -> str:
    percent = (size - left) * 100 // size
    text = '<div class="pms-bar"><progress max="100" value="{}" aria-label="{} % done"></progress></div>{} %'
    return format_html(text, percent, percent, percent)


def _player_link(row: ListItem) -> str:
    """To the player, unless there is none of that id."""
    known = row.why != "unknown_player"
    return copyable(row.player_ref, reverse("admin:players_player_change", args=[row.player_ref]) if known else "")
