"""Payments as an inbox: withdrawals worked one after another or in bulk; instruments; the rules that spare a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern

from kernel import clock
from kernel.access import Subject, allowed, prefetch
from kernel.actors import Actor
from kernel.admin import PageAdmin, act, may, need, staff_actor
from kernel.display import chip, copyable, human, money, when
from kernel.errors import DomainError, NotFound
from kernel.money import Money, total
from players.selectors import find_staff_login, list_matching_ids
from wallet.admin import player_link, transfer_link
from wallet.admin_payment_forms import ApproveForm, RejectForm
from wallet.admin_payment_rules import get_label
from wallet.models import TransferKey
from wallet.models_payments import Withdrawal
from wallet.rules import plan_payouts
from wallet.selectors import get_instrument, get_withdrawal, list_instruments, list_payouts, list_provider_messages
from wallet.services import withdrawals
from wallet.types_payments import WithdrawalDetails, WithdrawalState

APPROVE = "wallet.approve_withdrawal"
PAGE = 100
BULK = 100
# Ages of a waiting withdrawal that colour it.
LATE, VERY_LATE = timedelta(hours=4), timedelta(hours=24)
# Sent, and still no answer: somebody should ask the provider.
STUCK = timedelta(hours=6)

_TABS: dict[str, tuple[str, Sequence[WithdrawalState]]] = {
    "review": ("To review", (WithdrawalState.IN_REVIEW,)),
    "moving": ("On their way", (WithdrawalState.APPROVED, WithdrawalState.SENT)),
    "settled": (
        "Settled",
        (WithdrawalState.PAID, WithdrawalState.REJECTED, WithdrawalState.FAILED, WithdrawalState.CANCELLED),
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One withdrawal in the inbox."""

    row: Withdrawal
    player: str
    amount: Money
    age: str
    tone: str
    instrument: str
    claimed: str
    mine: bool
    stuck: bool


def age_of(since: datetime, at: datetime) -> tuple[str, str]:
    """How long it waits, in one unit, and the colour of that."""
    waited = at - since
    minutes = int(waited.total_seconds() // 60)
    text = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
    return text, "bad" if waited > VERY_LATE else "warn" if waited > LATE else ""


def score_tone(score: int) -> str:
    return "bad" if score >= 60 else "warn" if score >= 30 else "good"


@admin.register(Withdrawal)
class WithdrawalAdmin(PageAdmin):
    """The payments inbox stands where Django's list would, and a page per withdrawal behind it."""

    page_template = "wallet/withdrawal.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("next/", self.next_view, "next"),
            self.view_path("bulk/", self.bulk_view, "bulk"),
            self.view_path("<uuid:withdrawal_id>/claim/", self.claim_view, "claim"),
            self.view_path("<uuid:withdrawal_id>/release/", self.release_view, "release"),
            self.view_path("<uuid:withdrawal_id>/approve/", self.approve_view, "approve"),
            self.view_path("<uuid:withdrawal_id>/reject/", self.reject_view, "reject"),
            *super().get_urls(),
        ]

    # --- the inbox ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        need(request, "wallet.view_withdrawal")
        at = clock.now()
        tab = request.GET.get("tab", "review")
        tab = tab if tab in _TABS else "review"
        rows = self._rows(request, tab, request.GET.get("q", ""), request.GET.get("before", ""))
        lines = [self._line(request, row, at) for row in rows]
        context = {
            "lines": lines,
            "tabs": [
                (key, title, self._count(request, states)) for key, (title, states) in _TABS.items() if key != "settled"
            ]
            + [("settled", _TABS["settled"][0], None)],
            "tab": tab,
            "query": request.GET.get("q", ""),
            "older": lines[-1].row.pk if tab == "settled" and len(lines) == PAGE else None,
            "may_decide": may(request, APPROVE),
            "sum": total((line.amount for line in lines), lines[0].amount.currency)
            if len({line.amount.currency for line in lines}) == 1
            else None,
        }
        return self.render(request, "wallet/withdrawals.html", "Withdrawals", context)

    def _rows(self, request: HttpRequest, tab: str, query: str, before: str) -> QuerySet[Withdrawal]:
        rows = self.get_queryset(request).select_related("player__user", "instrument").filter(state__in=_TABS[tab][1])
        if query.strip():
            wanted = Q(player_id__in=list_matching_ids(query))
            if parsed := _uuid(query):
                wanted |= Q(id=parsed)
            rows = rows.filter(wanted)
        if tab != "settled":
            return rows.order_by("requested_at", "id")[:PAGE]  # the oldest first: they wait longest
        if parsed := _uuid(before):
            rows = rows.filter(id__lt=parsed)
        return rows.order_by("-id")[:PAGE]

    def _count(self, request: HttpRequest, states: Sequence[WithdrawalState]) -> int:
        return self.get_queryset(request).filter(state__in=states).count()  # few: these are not settled yet

    def _line(self, request: HttpRequest, row: Withdrawal, at: datetime) -> Line:
        age, tone = age_of(row.requested_at, at)
        claimed = withdrawals.is_claimed(row, at)
        return Line(
            row=row,
            player=player_link(row),
            amount=Money(row.amount_minor, row.currency),
            age=age,
            tone=tone,
            instrument=get_label(row.instrument),
            claimed=who(row.claimed_by) if claimed else "",
            mine=claimed and row.claimed_by == str(staff_actor(request)),
            stuck=row.state == WithdrawalState.SENT and row.decided_at is not None and at - row.decided_at > STUCK,
        )

    # --- one withdrawal ---

    def page_title(self, obj: Withdrawal) -> str:
        return f"Withdrawal of {Money(obj.amount_minor, obj.currency)} {obj.currency}"

    def page_context(self, request: HttpRequest, obj: Withdrawal) -> dict[str, object]:
        at = clock.now()
        details = get_withdrawal(obj.pk)
        payouts = list_payouts(obj.pk)
        instruments = list_instruments(obj.player_id)
        labels = {row.id: row.label for row in instruments}
        claimed = withdrawals.is_claimed(obj, at)
        waits = details.state in (WithdrawalState.IN_REVIEW, WithdrawalState.APPROVED)
        free = not claimed or obj.claimed_by == str(staff_actor(request))
        decides = may(request, APPROVE, obj) and waits and free
        whole = allowed(staff_actor(request), APPROVE, Subject(player_id=obj.player_id, amount=details.amount))
        return {
            "facts": self._facts(obj, details, at),
            "details": details,
            "score_tone": score_tone(details.score),
            "reasons": sorted(details.reasons, key=lambda reason: -reason.points),
            "instruments": instruments,
            "plan": [
                (labels[instrument_id], part)
                for instrument_id, part in plan_payouts(details.amount, instruments, details.instrument_id)
            ],
            "payouts": [(row, labels.get(row.instrument_id, "")) for row in payouts],
            "messages_said": list_provider_messages([row.id for row in payouts]),
            "claimed_by": who(obj.claimed_by) if claimed else "",
            "mine": claimed and free,
            "may_claim": may(request, APPROVE, obj) and details.state is WithdrawalState.IN_REVIEW and free,
            "may_approve": decides and details.state is WithdrawalState.IN_REVIEW,
            "not_whole": "" if whole else whole.reason,
            "may_reject": decides,
        }

    def _facts(self, obj: Withdrawal, details: WithdrawalDetails, at: datetime) -> list[tuple[str, object]]:
        key = TransferKey.objects.filter(source=withdrawals.SOURCE, key=f"{obj.pk}:hold").first()
        age, tone = age_of(obj.requested_at, at)
        open_ = details.settled_at is None
        return [
            ("Id", copyable(obj.pk)),
            ("Player", player_link(obj)),
            ("State", chip(obj.state)),
            ("Asked for", money(details.amount)),
            ("Approved", money(details.approved)),
            ("Paid", money(details.paid)),
            ("Given back", money(details.returned)),
            ("Preferred instrument", get_instrument(obj.instrument_id).label),
            ("Loyalty level", chip(details.level, "accent")),
            ("Waits for", chip(age, tone or "neutral") if open_ else "–"),
            ("Player may cancel", "yes" if details.cancellable else "no: the country forbids it"),
            ("Decided by", "a rule" if details.automatic else who(obj.decided_by)),
            ("Why", details.decision_reason),
            ("Why it failed", human(details.failure_reason)),
            ("Set aside by", transfer_link(key and key.transfer_id)),
            ("Asked for by", f"{obj.source}, key {obj.key}"),
            ("Requested", when(details.requested_at)),
            ("Sent from", when(details.sends_from)),
            ("Settled", when(details.settled_at)),
        ]

    # --- working it ---

    def next_view(self, request: HttpRequest) -> HttpResponse:
        self._need_post(request)
        found = withdrawals.claim_next(actor=staff_actor(request), at=clock.now())
        if found is None:
            messages.success(request, "Nothing waits: everything in review is decided or somebody works on it.")
            return HttpResponseRedirect(self.reverse("changelist"))
        return HttpResponseRedirect(self.reverse("change", found))

    def claim_view(self, request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
        return self._simple(
            request, withdrawal_id, withdrawals.claim_withdrawal, "It is yours for the next quarter of an hour."
        )

    def release_view(self, request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
        return self._simple(request, withdrawal_id, withdrawals.release_withdrawal, "Others may work on it now.")

    def approve_view(self, request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
        """Form, then what it will do, then the deed."""
        need(request, APPROVE)
        obj = self._find(request, withdrawal_id)
        need(request, APPROVE, obj)
        details, instruments = get_withdrawal(obj.pk), list_instruments(obj.player_id)
        plan = plan_payouts(details.amount, instruments, details.instrument_id)
        form = ApproveForm(details.amount, instruments, plan, request.POST or None)
        back = self.reverse("change", obj.pk)
        valid = request.method == "POST" and form.is_valid()
        if valid and "confirmed" in request.POST:
            done = act(
                request,
                lambda: withdrawals.approve_withdrawal(
                    withdrawal_id=obj.pk,
                    amount=form.approved,
                    split=form.split,
                    reason=form.cleaned_data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done=f"{form.approved} {details.amount.currency} are approved.",
                back=back,
                form=form,
            )
            if done:
                return done
            valid = False
        labels = {row.id: row.label for row in instruments}
        context = {
            "object": obj,
            "details": details,
            "player_link": player_link(obj),
            "form": form,
            "back": back,
            "preview": valid,
            "parts": [(labels[id_], part) for id_, part in form.split] if valid else [],
            "rest": details.amount - form.approved if valid else None,
            "approved": form.approved if valid else None,
            "cooling": obj.cooling_minutes,
            "owed": [(row.label, row.owed_back, row.paid_in) for row in instruments],
        }
        return self.render(request, "wallet/approve.html", f"Approve: {self.page_title(obj)}", context, obj.pk)

    def reject_view(self, request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
        need(request, APPROVE)
        obj = self._find(request, withdrawal_id)
        need(request, APPROVE, obj)
        back = self.reverse("change", obj.pk)
        form = RejectForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = act(
                request,
                lambda: withdrawals.reject_withdrawal(
                    withdrawal_id=obj.pk,
                    reason=form.cleaned_data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done="Rejected; the player has the money again.",
                back=back,
                form=form,
            )
            if done:
                return done
        context = {
            "object": obj,
            "details": get_withdrawal(obj.pk),
            "player_link": player_link(obj),
            "form": form,
            "back": back,
        }
        return self.render(request, "wallet/reject.html", f"Reject: {self.page_title(obj)}", context, obj.pk)

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """Approve many: first what would happen to each, then the deed, each in a transaction of its own."""
        self._need_post(request)
        at, actor = clock.now(), staff_actor(request)
        wanted = [found for text in request.POST.getlist("ids")[:BULK] if (found := _uuid(text))]
        seen = self.visible(request, self.get_queryset(request), APPROVE)
        rows = list(seen.filter(id__in=wanted).select_related("player__user").order_by("requested_at"))
        if not rows:
            messages.warning(request, "Choose withdrawals first.")
            return HttpResponseRedirect(self.reverse("changelist"))
        if "confirmed" in request.POST:
            return self._approve_many(request, [row.pk for row in rows])
        prefetch(row.player_id for row in rows)
        lines = [(self._line(request, row, at), self._obstacle(row, actor, at)) for row in rows]
        passing = [line.amount for line, obstacle in lines if not obstacle]
        context = {
            "lines": lines,
            "going": len(passing),
            "sums": [
                total((amount for amount in passing if amount.currency == currency), currency)
                for currency in sorted({amount.currency for amount in passing})
            ],
            "back": self.reverse("changelist"),
        }
        return self.render(request, "wallet/bulk_approve.html", "Approve withdrawals", context)

    def _approve_many(self, request: HttpRequest, ids: Sequence[UUID]) -> HttpResponse:
        done = 0
        for withdrawal_id in ids:
            try:
                withdrawals.approve_withdrawal(withdrawal_id=withdrawal_id, actor=staff_actor(request), at=clock.now())
                done += 1
            except DomainError as error:
                messages.error(request, f"{withdrawal_id}: {error.detail}")
        if done:
            messages.success(request, f"{done} withdrawals are approved.")
        return HttpResponseRedirect(self.reverse("changelist"))

    def _obstacle(self, row: Withdrawal, actor: Actor, at: datetime) -> str:
        amount = Money(row.amount_minor, row.currency)
        decision = allowed(actor, APPROVE, Subject(player_id=row.player_id, amount=amount), at)
        if not decision:
            return f"Not yours to approve: {decision.reason}."
        if row.state != WithdrawalState.IN_REVIEW:
            return f"It is {row.state.replace('_', ' ')} already."
        if withdrawals.is_claimed(row, at) and row.claimed_by != str(actor):
            return f"{who(row.claimed_by)} works on it."
        return ""

    def _simple(
        self, request: HttpRequest, withdrawal_id: UUID, service: Callable[..., None], done: str
    ) -> HttpResponse:
        self._need_post(request)
        need(request, APPROVE, self._find(request, withdrawal_id))
        answer = act(
            request,
            lambda: service(withdrawal_id=withdrawal_id, actor=staff_actor(request), at=clock.now()),
            done=done,
            back=self.reverse("change", withdrawal_id),
        )
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def _need_post(self, request: HttpRequest) -> None:
        need(request, APPROVE)
        if request.method != "POST":
            raise Http404

    def _find(self, request: HttpRequest, withdrawal_id: UUID) -> Withdrawal:
        try:
            get_withdrawal(withdrawal_id)
        except NotFound as error:
            raise Http404(error.detail) from None
        obj: Withdrawal = self.get_or_404(request, str(withdrawal_id))
        return obj


def who(actor: str) -> str:
    """A person by login, a program or job as it is written."""
    kind, _, id_ = actor.partition(":")
    return (find_staff_login(id_) if kind == "staff" else None) or actor


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
