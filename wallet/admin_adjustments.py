"""Corrections, disputes and dormant accounts in the back office. Each action says first what it will do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel import clock
from kernel.admin import PageAdmin, act, column, may, need, staff_actor
from kernel.display import NOTHING, chip, copyable, human, money, when
from kernel.money import Money
from players.selectors import UnknownPlayer, get_player, list_staff_names
from players.services.searches import search_players
from players.types import PlayerDetails
from wallet.admin_forms import AdjustForm, DisputeForm, EvidenceForm, SettleForm
from wallet.models_adjustments import Adjustment, Dispute, DormancyNotice, DormantFee
from wallet.selectors import list_purses
from wallet.selectors_adjustments import list_disputes
from wallet.services import adjustments, disputes
from wallet.types import AccountKind
from wallet.types_adjustments import DisputeState


def staff_name(actor: str) -> str:
    """The login behind "staff:7"; other actors as they are."""
    if not actor.startswith("staff:"):
        return actor
    return next(iter(list_staff_names([int(actor.removeprefix("staff:"))]).values()), actor)


def wallet_tab(player_id: UUID) -> str:
    return reverse("admin:players_player_tab", args=[player_id, "wallet"])


def approval_link(approval_id: UUID | None) -> str:
    if not approval_id:
        return NOTHING
    return copyable(approval_id, reverse("admin:compliance_approval_change", args=[approval_id]))


def transfer_link(transfer_id: UUID | None) -> str:
    if not transfer_id:
        return NOTHING
    return copyable(transfer_id, reverse("admin:wallet_transfer_change", args=[transfer_id]))


class OfPlayerAdmin(PageAdmin):
    """A list of rows that belong to a player, newest first, searched by the player."""

    ordering = ("-id",)
    list_display_links = None
    list_select_related = ("player__user",)
    search_fields = ("id",)
    search_help_text = "Player's id, login, email, phone, name or national number"
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if search_term.strip():
            queryset = queryset.filter(
                player_id__in=search_players(text=search_term, actor=staff_actor(request), at=clock.now())
            )
        return queryset, False

    @column("Player")
    def player_(self, row: Any) -> str:
        return format_html('<a class="pms-link" href="{}">{}</a>', wallet_tab(row.player_id), row.player.user.username)

    @column("State")
    def state_(self, row: Any) -> str:
        return chip(row.state)

    def of_player(self, player_id: UUID) -> PlayerDetails:
        """Raises: Http404."""
        try:
            return get_player(player_id)
        except UnknownPlayer as error:
            raise Http404(error.detail) from None


@admin.register(Adjustment)
class AdjustmentAdmin(OfPlayerAdmin):
    list_display = ("id_", "player_", "nature_", "amount", "reason_", "state_", "by", "asked")
    list_filter = ("state", "nature")

    @column("Correction")
    def id_(self, row: Adjustment) -> str:
        return copyable(row.pk, reverse("admin:wallet_adjustment_change", args=[row.pk]))

    @column("Kind")
    def nature_(self, row: Adjustment) -> str:
        return chip(row.nature, "accent")

    @column("Amount")
    def amount(self, row: Adjustment) -> str:
        return money(Money(row.amount_minor, row.currency), signed=True)

    @column("Reason")
    def reason_(self, row: Adjustment) -> str:
        return human(row.reason)

    @column("Asked for by")
    def by(self, row: Adjustment) -> str:
        return staff_name(row.requested_by)

    @column("Asked")
    def asked(self, row: Adjustment) -> str:
        return when(row.requested_at)

    def page_title(self, obj: Adjustment) -> str:
        return f"{human(obj.nature)} of {Money(obj.amount_minor, obj.currency)} {obj.currency}"

    def page_context(self, request: HttpRequest, obj: Adjustment) -> dict[str, object]:
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Player", self.player_(obj)),
                ("Amount", self.amount(obj)),
                ("State", chip(obj.state)),
                ("Reason", human(obj.reason)),
                ("Evidence", obj.evidence),
                ("Reference", obj.reference),
                ("Approval", approval_link(obj.approval_id)),
                ("Transfer in the ledger", transfer_link(obj.transfer_id)),
                ("Asked for by", staff_name(obj.requested_by)),
                ("Asked", when(obj.requested_at)),
                ("Settled", when(obj.settled_at)),
            ]
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("adjust/<uuid:player_id>/", self.adjust_view, "adjust"),
            self.view_path("write-off/<uuid:player_id>/", self.write_off_view, "write_off"),
            *super().get_urls(),
        ]

    def adjust_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        """Form, then what it will do, then the deed."""
        need(request, adjustments.ADJUST, player_id)
        player = self.of_player(player_id)
        open_ = [
            p for p in list_purses(player_id) if not p.closed_at and p.kind in (AccountKind.REAL, AccountKind.BONUS)
        ]
        options = [(str(p.id), f"{human(p.kind)}: {p.balance} {p.balance.currency}") for p in open_]
        form = AdjustForm(player.currency, options, settings.ADJUSTMENT_REASONS, request.POST or None)

        def adjust() -> None:
            data = form.cleaned_data
            adjustments.adjust(
                player_id=player_id,
                purse_id=UUID(data["purse"]),
                amount=data["signed"],
                reason=data["reason"],
                evidence=data["evidence"],
                reference=data["reference"],
                idempotency_key=data["key"],
                actor=staff_actor(request),
                at=clock.now(),
            )

        def preview() -> dict[str, object]:
            data = form.cleaned_data
            purse = next(p for p in open_ if str(p.id) == data["purse"])
            return {
                "purse": purse,
                "amount": data["signed"],
                "after": purse.balance + data["signed"],
                "waits": adjustments.would_wait(
                    player_id=player_id, amount=data["signed"], actor=staff_actor(request), at=clock.now()
                ),
            }

        page = {"player": player, "form": form, "has_purse": bool(options)}
        title = f"Correct the balance of {player.login}"
        return self._in_two_steps(request, player_id, "wallet/adjust.html", title, page, adjust, preview)

    def write_off_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        need(request, adjustments.WRITE_OFF, player_id)
        player = self.of_player(player_id)
        real = next((p for p in list_purses(player_id) if p.kind is AccountKind.REAL), None)
        form = EvidenceForm(settings.WRITE_OFF_REASONS, request.POST or None)

        def write_off() -> None:
            data = form.cleaned_data
            adjustments.write_off(
                player_id=player_id,
                reason=data["reason"],
                evidence=data["evidence"],
                reference=data["reference"],
                idempotency_key=data["key"],
                actor=staff_actor(request),
                at=clock.now(),
            )

        page = {"player": player, "form": form, "balance": real and real.balance}
        title = f"Write off the balance of {player.login}"
        return self._in_two_steps(request, player_id, "wallet/write_off.html", title, page, write_off, dict)

    def _in_two_steps(
        self,
        request: HttpRequest,
        player_id: UUID,
        template: str,
        title: str,
        page: dict[str, Any],
        do: Callable[[], None],
        preview: Callable[[], dict[str, Any]],
    ) -> HttpResponse:
        form, back = page["form"], wallet_tab(player_id)
        valid = request.method == "POST" and form.is_valid()
        if valid and "confirmed" in request.POST:
            done = act(request, do, done="Done: see the state below.", back=back, form=form)
            if done:
                return done
            valid = False
        context = {**page, "back": back, "preview": valid, **(preview() if valid else {})}
        return self.render(request, template, title, context, None)


@admin.register(Dispute)
class DisputeAdmin(OfPlayerAdmin):
    list_display = ("subject_", "player_", "claimed", "state_", "hands", "opened")
    list_filter = ("state",)
    page_template = "wallet/dispute.html"

    @column("Dispute")
    def subject_(self, row: Dispute) -> str:
        return format_html(
            '<a class="pms-strong" href="{}">{}</a>', reverse("admin:wallet_dispute_change", args=[row.pk]), row
        )

    @column("Claimed")
    def claimed(self, row: Dispute) -> str:
        return NOTHING if row.claimed_minor is None else money(Money(row.claimed_minor, row.currency))

    @column("Investigated by")
    def hands(self, row: Dispute) -> str:
        return staff_name(row.assignee) if row.assignee else NOTHING

    @column("Opened")
    def opened(self, row: Dispute) -> str:
        return when(row.opened_at)

    def page_context(self, request: HttpRequest, obj: Dispute) -> dict[str, object]:
        settled = obj.state in (DisputeState.RESOLVED, DisputeState.REJECTED)
        adjustment = obj.adjustment
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Player", self.player_(obj)),
                ("What the player says", obj.story),
                ("Claimed", self.claimed(obj)),
                ("About", obj.reference),
                ("Opened by", staff_name(obj.opened_by)),
                ("Opened", when(obj.opened_at)),
                ("Investigated by", self.hands(obj)),
                ("Resolution", obj.resolution),
                ("Settled by", staff_name(obj.settled_by) if obj.settled_by else ""),
                ("Settled", when(obj.settled_at)),
                ("Correction", adjustment and AdjustmentAdmin.id_(self, adjustment)),
                ("State of the correction", adjustment and chip(adjustment.state)),
            ],
            "may_work": may(request, disputes.WORK, obj) and not settled,
            "mine": obj.assignee == str(staff_actor(request)),
            "form": SettleForm(obj.currency),
        }

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("open/<uuid:player_id>/", self.open_view, "open"),
            self.view_path("<path:object_id>/investigate/", self.investigate_view, "investigate"),
            self.view_path("<path:object_id>/settle/", self.settle_view, "settle"),
            *super().get_urls(),
        ]

    def open_view(self, request: HttpRequest, player_id: UUID) -> HttpResponse:
        need(request, disputes.WORK, player_id)
        player = self.of_player(player_id)
        form = DisputeForm(player.currency, request.POST or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            done = act(
                request,
                lambda: disputes.open_dispute(
                    player_id=player_id,
                    subject=data["subject"],
                    story=data["story"],
                    claimed=data["money"],
                    reference=data["reference"],
                    idempotency_key=data["key"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The dispute is open.",
                back=self.reverse("changelist"),
                form=form,
            )
            if done:
                return done
        context = {"player": player, "form": form, "back": wallet_tab(player_id), "others": list_disputes(player_id, 5)}
        return self.render(request, "wallet/open_dispute.html", f"Open a dispute for {player.login}", context, None)

    def investigate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self._posted(request, object_id)
        answer = act(
            request,
            lambda: disputes.investigate(
                dispute_id=obj.pk,
                take_over="take_over" in request.POST,
                actor=staff_actor(request),
                at=clock.now(),
            ),
            done="You investigate this now.",
            back=self.reverse("change", obj.pk),
        )
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def settle_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self._posted(request, object_id)
        form = SettleForm(obj.currency, request.POST)
        if form.is_valid():
            data = form.cleaned_data
            redress = disputes.Redress(data["money"], data["resolution"]) if data["money"] else None
            done = act(
                request,
                lambda: disputes.settle(
                    dispute_id=obj.pk,
                    resolved=data["outcome"] == "resolved",
                    resolution=data["resolution"],
                    redress=redress,
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="The dispute is settled.",
                back=self.reverse("change", obj.pk),
                form=form,
            )
            if done:
                return done
        context = {"object": obj, **self.page_context(request, obj), "form": form}
        return self.render(request, self.page_template, self.page_title(obj), context, obj.pk)

    def _posted(self, request: HttpRequest, object_id: str) -> Dispute:
        need(request, disputes.WORK)
        if request.method != "POST":
            raise Http404
        obj: Dispute = self.get_or_404(request, object_id)
        need(request, disputes.WORK, obj)
        return obj


@admin.register(DormancyNotice)
class DormancyNoticeAdmin(OfPlayerAdmin):
    list_display = ("id_", "player_", "noticed", "chargeable", "ended")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)

    @column("Notice")
    def id_(self, row: DormancyNotice) -> str:
        return copyable(row.pk, reverse("admin:wallet_dormancynotice_change", args=[row.pk]))

    @column("Told")
    def noticed(self, row: DormancyNotice) -> str:
        return when(row.sent_at) if row.sent_at else "not delivered yet"

    @column("Charged from")
    def chargeable(self, row: DormancyNotice) -> str:
        return when(row.chargeable_at)

    @column("Ended")
    def ended(self, row: DormancyNotice) -> str:
        return when(row.ended_at)

    def page_context(self, request: HttpRequest, obj: DormancyNotice) -> dict[str, object]:
        fees = DormantFee.objects.filter(notice=obj).order_by("month")
        return {
            "facts": [
                ("Id", copyable(obj.pk)),
                ("Player", self.player_(obj)),
                ("Fell silent, as noticed", when(obj.noticed_at)),
                ("Told", self.noticed(obj)),
                ("Charged from", when(obj.chargeable_at)),
                ("Ended", when(obj.ended_at)),
                *(
                    (
                        f"Fee of {fee.month}",
                        format_html(
                            "{} {}", money(Money(fee.amount_minor, fee.currency)), transfer_link(fee.transfer_id)
                        ),
                    )
                    for fee in fees
                ),
            ]
        }
