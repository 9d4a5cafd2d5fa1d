"""Documents in the back office: the list, one document with its pages, and handing one in for a player."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from compliance.admin_holds import reason_field
from compliance.models_documents import Document
from compliance.services import documents
from compliance.services.document_files import PageMissing
from compliance.types_documents import DocumentKind, DocumentSide
from kernel import clock
from kernel.admin import LatestAdmin, act, column, need, note_refusal, staff_actor
from kernel.display import chip, copyable, human, when
from kernel.ids import uuid7
from players.selectors import UnknownPlayer, get_player, list_staff_names
from players.services.reveals import may_reveal, reveal
from players.types import PersonalSection


class UploadForm(forms.Form):
    kind = forms.ChoiceField(label="Document", choices=[(kind.value, human(kind)) for kind in DocumentKind])
    side = forms.ChoiceField(label="Side", choices=[(side.value, human(side)) for side in DocumentSide])
    file = forms.FileField(
        label="File",
        allow_empty_file=True,  # said by the service, as all that is wrong with a file
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"}),
        help_text="JPEG, PNG, WebP or PDF, at most 10 MiB. It is read by its content, drawn anew and kept sealed.",
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def clean_file(self) -> bytes:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > documents.MAX_BYTES:
            raise ValidationError(documents.rules.REFUSALS["too_large"])
        content: bytes = file.read()
        return content


class RevealForm(forms.Form):
    reason = reason_field("Why you need to see it. Whoever looked, and why, is kept.")


@admin.register(Document)
class DocumentAdmin(LatestAdmin):
    list_display = ("document_", "player_", "pages", "by", "uploaded")
    list_display_links = None
    list_filter = ("kind",)
    list_select_related = ("player__user",)
    search_fields = ("id",)
    search_help_text = "Document's or player's id"
    sortable_by = ()
    page_template = "compliance/document.html"

    # --- the list's columns ---

    @column("Document")
    def document_(self, row: Document) -> str:
        return format_html(
            '<a class="pms-strong" href="{}">{}</a> <span class="pms-subtle">{}</span>',
            self.reverse("change", row.pk),
            human(row.kind),
            human(row.side),
        )

    @column("Player")
    def player_(self, row: Document) -> str:
        href = reverse("admin:players_player_tab", args=[row.player_id, "verification"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("Handed in by")
    def by(self, row: Document) -> str:
        return chip(row.uploaded_by.partition(":")[0])

    @column("At")
    def uploaded(self, row: Document) -> str:
        return when(row.uploaded_at)

    # --- the page ---

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("upload/<uuid:player_id>/", self.upload_view, "upload"),
            self.view_path("<uuid:document_id>/page/<int:page>/", self.page_view, "page"),
            self.view_path("<uuid:document_id>/reveal/", self.reveal_view, "reveal"),
            *super().get_urls(),
        ]

    def page_title(self, obj: Document) -> str:
        return f"{human(obj.kind)} of {obj.player.user.username}"

    def page_context(self, request: HttpRequest, obj: Document) -> dict[str, object]:
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Player", self.player_(obj)),
                ("Said to be", human(obj.kind)),
                ("Side", human(obj.side)),
                ("Came as", obj.came_as),
                ("Pages", obj.pages),
                ("Kept", f"{obj.kept_bytes / 1024:,.0f} KiB, sealed under the player's key"),
                ("Scanned by", obj.scanned_by),
                ("Handed in by", who(obj.uploaded_by)),
                ("At", when(obj.uploaded_at)),
            ],
            **pages_context(request, [obj], obj.player_id),
            "back_to": self.reverse("change", obj.pk),
        }

    def page_view(self, request: HttpRequest, document_id: UUID, page: int) -> HttpResponse:
        """One page's picture. Whoever has not said why is refused, as everywhere else."""
        obj = self.get_or_404(request, str(document_id))
        try:
            content = documents.open_page(document_id=obj.pk, page=page, actor=staff_actor(request), at=clock.now())
        except documents.RevealFirst as error:
            note_refusal(request, error.detail)
            return HttpResponse(error.detail, status=403, content_type="text/plain; charset=utf-8")
        except documents.DocumentGone as error:
            return HttpResponse(error.detail, status=410, content_type="text/plain; charset=utf-8")
        except PageMissing as error:
            raise Http404(str(error)) from None
        answer = HttpResponse(content, content_type="image/jpeg")
        answer["Cache-Control"] = "no-store"
        answer["Content-Disposition"] = "inline"
        answer["X-Content-Type-Options"] = "nosniff"
        return answer

    def reveal_view(self, request: HttpRequest, document_id: UUID) -> HttpResponse:
        """Say why, and see the player's documents for a while."""
        obj = self.get_or_404(request, str(document_id))
        need(request, documents.VIEW, obj.player_id)
        form = RevealForm(request.POST or None)
        back = self.reverse("change", obj.pk)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: reveal(
                    player_id=obj.player_id,
                    section=PersonalSection.DOCUMENTS,
                    reason=form.cleaned_data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The player's documents are shown to you for a while.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {
            "form": form,
            "back": back,
            "button": "Show",
            "says": [
                "You see all documents of this player for some minutes; each that you open is on the audit trail."
            ],
        }
        return self.render(request, "back_office/form.html", f"Show: {self.page_title(obj)}", context, obj.pk)

    def upload_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        """Hand a document in that came to staff otherwise: by post, at a counter."""
        need(request, documents.ADD, player_id)
        try:
            player = get_player(player_id)
        except UnknownPlayer as error:
            raise Http404(error.detail) from None
        form = UploadForm(request.POST or None, request.FILES or None, initial={"key": uuid7().hex})
        back = reverse("admin:players_player_tab", args=[player_id, "verification"])
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                documents.store_document(
                    player_id=player_id,
                    kind=DocumentKind(data["kind"]),
                    side=DocumentSide(data["side"]),
                    content=data["file"],
                    idempotency_key=data["key"],
                    actor=staff_actor(request),
                    at=clock.now(),
                )
            except documents.DocumentRefused as error:
                form.add_error("file", error.detail)
            else:
                self.message_user(request, "The document is kept, sealed under the player's key.")
                return HttpResponseRedirect(back)
        context = {"form": form, "back": back, "player": player}
        return self.render(request, "compliance/upload.html", f"A document of {player.login}", context)


def pages_context(request: HttpRequest, rows: list[Document], player_id: UUID) -> dict[str, Any]:
    """What the template of pages needs: the pages' addresses, or the way to reveal them."""
    actor, at = staff_actor(request), clock.now()
    shown = documents.may_see(player_id, actor, at)
    return {
        "shown": shown,
        "may_show": may_reveal(actor, player_id),
        "documents": [
            {
                "row": row,
                "title": f"{human(row.kind)}, {human(row.side).lower()}",
                "pages": [
                    (number, reverse("admin:compliance_document_page", args=[row.pk, number]))
                    for number in range(1, row.pages + 1)
                ],
            }
            for row in rows
        ],
    }


def who(actor: str) -> str:
    """Staff by their login; a player, program or job as it is written."""
    kind, _, id_ = actor.partition(":")
    if kind != "staff":
        return human(kind)
    return list_staff_names([int(id_)]).get(int(id_), actor)
