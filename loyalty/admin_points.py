"""Points in the hands of staff: corrections, and the queue of redemptions that wait for a yes."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel import clock
from kernel.admin import LatestAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, money, when
from kernel.ids import uuid7
from kernel.money import Money
from loyalty.models import Redemption
from loyalty.selectors import get_standing
from loyalty.services import points, redemptions
from loyalty.types import CorrectionDetails, RedemptionState
from players.selectors import UnknownPlayer, get_player

TONES = {
    RedemptionState.HELD: "warn",
    RedemptionState.GRANTED: "good",
    RedemptionState.REJECTED: "bad",
    RedemptionState.EXPIRED: "bad",
    RedemptionState.REFUSED: "bad",
}


class CorrectionForm(forms.Form):
    points = forms.IntegerField(label="Points", help_text="Below zero takes them, such as -500.")
    reason = forms.ChoiceField()
    evidence = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="What shows that this is right",
        help_text="It is what an auditor reads.",
    )
    key = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: object = None, **more: object) -> None:
        super().__init__(data, **more)  # type: ignore[arg-type]
        reasons = [(code, human(code)) for code in settings.LOYALTY_CORRECTION_REASONS]
        self.fields["reason"].choices = reasons  # type: ignore[attr-defined]


class CorrectionPages:
    """Mixed into the list of standings."""

    def correct_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        """Points given or taken by hand: what will happen is shown before it does."""
        need(request, points.CORRECT, player_id)
        try:
            player = get_player(player_id)
        except UnknownPlayer as error:
            raise Http404(error.detail) from None
        at = clock.now()
        sent = request.POST if request.method == "POST" else None
        form = CorrectionForm(sent, initial={"key": str(uuid7())})
        back = reverse("admin:players_player_tab", args=[player_id, "loyalty"])
        standing = get_standing(player_id, at)
        context = {"form": form, "player": player, "standing": standing, "back": back}
        if sent and form.is_valid():
            said = form.cleaned_data
            by = said["points"]
            waits = points.would_wait(player_id=player_id, points=by, actor=staff_actor(request), at=at)
            context |= {"preview": True, "by": by, "after": standing.points + by, "waits": waits}
            if "confirmed" in sent:
                found: list[CorrectionDetails] = []
                done = act(
                    request,
                    lambda: found.append(
                        points.correct_points(
                            player_id=player_id,
                            points=by,
                            reason=said["reason"],
                            evidence=said["evidence"],
                            idempotency_key=said["key"],
                            actor=staff_actor(request),
                            at=at,
                        )
                    ),
                    done=lambda: "It waits for a second person." if found[0].approval_id else "Corrected.",
                    back=back,
                    form=form,
                )
                if done:
                    return done
                context["preview"] = False
        response: HttpResponse = self.render(  # type: ignore[attr-defined]
            request, "loyalty/correct.html", f"Correct the points of {player.login}", context
        )
        return response


class RejectForm(forms.Form):
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}), label="Why")


@admin.register(Redemption)
class RedemptionAdmin(LatestAdmin):
    """Points for bonuses, newest first; those that wait for staff are confirmed or rejected on their pages."""

    list_display = ("item_", "player_", "points_", "worth_", "state_", "asked", "until")
    list_display_links = None
    list_filter = ("state", "item", "programme")
    list_select_related = ("player__user",)
    search_fields = ("id", "player_id")
    sortable_by = ()
    page_template = "loyalty/redemption.html"

    @column("Item")
    def item_(self, row: Redemption) -> str:
        href = reverse("admin:loyalty_redemption_change", args=[row.pk])
        return format_html('<a class="pms-strong" href="{}">{} × {}</a>', href, row.steps, human(row.item))

    @column("Player")
    def player_(self, row: Redemption) -> str:
        href = reverse("admin:players_player_tab", args=[row.player_id, "loyalty"])
        return format_html('<a class="pms-link" href="{}">{}</a>', href, row.player.user.username)

    @column("Points")
    def points_(self, row: Redemption) -> str:
        return f"{row.points:,}"

    @column("Worth")
    def worth_(self, row: Redemption) -> str:
        return money(Money(row.worth_minor, row.currency)) if row.worth_minor else "free spins"

    @column("State")
    def state_(self, row: Redemption) -> str:
        return chip(row.state, TONES[RedemptionState(row.state)])

    @column("Asked for")
    def asked(self, row: Redemption) -> str:
        return when(row.requested_at)

    @column("To be decided until")
    def until(self, row: Redemption) -> str:
        return when(row.decide_until)

    def page_title(self, obj: Redemption) -> str:
        return f"{obj.points:,} points of {obj.player.user.username}"

    def page_context(self, request: HttpRequest, obj: Redemption) -> dict[str, object]:
        held = obj.state == RedemptionState.HELD and not (obj.decide_until and clock.now() >= obj.decide_until)
        grant_page = reverse("admin:bonuses_grant_change", args=[obj.grant_id]) if obj.grant_id else ""
        standing = get_standing(obj.player_id, clock.now())
        return {
            "may_decide": held and may(request, redemptions.DECIDE, obj.player_id),
            "form": RejectForm(),
            "facts": [
                ("Player", self.player_(obj)),
                ("State", self.state_(obj)),
                ("Item", f"{obj.steps} × {human(obj.item)}"),
                ("Points", f"{obj.points:,}"),
                ("Worth", self.worth_(obj)),
                ("Level", standing.level.name),
                ("Points left", f"{standing.points:,}"),
                ("Why not", ", ".join(human(code) for code in obj.why.split(", ")) if obj.why else NOTHING),
                ("Note", obj.note or NOTHING),
                ("Asked for", when(obj.requested_at)),
                ("To be decided until", when(obj.decide_until)),
                ("Decided", when(obj.decided_at)),
                ("Bonus", copyable(obj.grant_id, grant_page) if obj.grant_id else NOTHING),
                ("Id", copyable(obj.pk)),
            ],
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("<uuid:pk>/confirm/", self.confirm_view, "confirm"),
            self.view_path("<uuid:pk>/reject/", self.reject_view, "reject"),
            *super().get_urls(),
        ]

    def confirm_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Grant it."""
        back = self._back(request, pk)
        if request.method != "POST":
            raise Http404
        done = act(
            request,
            lambda: redemptions.confirm(redemption_id=pk, actor=staff_actor(request), at=clock.now()),
            done="Decided: see what became of it.",
            back=back,
        )
        return done or HttpResponse(status=400)

    def reject_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Give the points back."""
        back = self._back(request, pk)
        if request.method != "POST":
            raise Http404
        reason = request.POST.get("reason", "")
        done = act(
            request,
            lambda: redemptions.reject(redemption_id=pk, reason=reason, actor=staff_actor(request), at=clock.now()),
            done="Rejected: the points are back.",
            back=back,
        )
        return done or HttpResponse(status=400)

    def _back(self, request: HttpRequest, pk: UUID) -> str:
        """Where to go afterwards. Raises: PermissionDenied, Http404."""
        row = Redemption.objects.filter(pk=pk).first()
        need(request, redemptions.DECIDE, row.player_id if row else None)
        if row is None:
            raise Http404("There is no such redemption.")
        return reverse("admin:loyalty_redemption_change", args=[pk])
