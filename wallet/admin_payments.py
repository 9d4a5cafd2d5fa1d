"""Payments as an inbox: withdrawals worked one after another or in bulk; instruments; the rules that spare a person."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from kernel import clock, vault
from kernel.access import Subject, allowed, prefetch
from kernel.actors import Actor
from kernel.admin import PageAdmin, act, may, need, staff_actor
from kernel.display import chip, copyable, human, money, when
from kernel.errors import DomainError, NotFound
from kernel.money import Money
from players.selectors import find_staff_login
from wallet import admin_inbox as inbox
from wallet.admin import player_link, transfer_link
from wallet.admin_inbox import Age
from wallet.admin_payment_forms import ApproveForm, RejectForm
from wallet.models import TransferKey
from wallet.models_payments import SavedView, Withdrawal
from wallet.rules import plan_payouts
from wallet.selectors import get_instrument, get_withdrawal, list_instruments, list_payouts, list_provider_messages
from wallet.selectors_instruments import label_of
from wallet.services import saved_views, withdrawal_decisions
from wallet.services import withdrawal_claims as claims
from wallet.services.posting import OwnSource
from wallet.types_payments import WithdrawalDetails, WithdrawalState

logger = logging.getLogger(__name__)

APPROVE = "wallet.approve_withdrawal"
BULK = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One withdrawal in the inbox."""

    row: Withdrawal
    player: str
    amount: Money
    age: Age
    instrument: str
    claimed: str
    mine: bool
    stuck: bool


def score_tone(score: int) -> str:
    return "bad" if score >= 60 else "warn" if score >= 30 else "good"


@admin.register(Withdrawal)
class WithdrawalAdmin(PageAdmin):
    """The payments inbox stands where Django's list would, and a page per withdrawal behind it."""

    page_template = "wallet/withdrawal.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.view_path("next/", self.next_view, "next"),
            self.view_path("views/save/", self.save_view, "save_view"),
            self.view_path("views/<uuid:view_id>/remove/", self.remove_view, "remove_view"),
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
        at, actor = clock.now(), staff_actor(request)
        wanted = inbox.read_wanted(request.GET.dict())
        seen = self.get_queryset(request)
        rows = inbox.list_rows(seen, wanted, actor=actor, at=at)
        vault.remember({row.player_id for row in rows})
        lines = [self._line(request, row, at) for row in rows]
        currencies, levels = inbox.list_choices()
        context = {
            "lines": lines,
            "tabs": inbox.list_tabs(seen),
            "tab": wanted.tab,
            "wanted": wanted,
            "currencies": currencies,
            "levels": levels,
            "risks": inbox.RISKS.items(),
            "hands": inbox.HANDS.items(),
            "views": SavedView.objects.filter(owner=actor).order_by("name"),
            "older": lines[-1].row.pk if wanted.tab == inbox.SETTLED and len(lines) == inbox.PAGE else None,
            "may_decide": may(request, APPROVE),
            "sums": inbox.sum_by_currency([line.amount for line in lines]),
        }
        return self.render(request, "wallet/withdrawals.html", "Withdrawals", context)

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the filters of the address that the form carries, under a name of one's own."""
        self._need_post(request, "wallet.view_withdrawal")
        query = inbox.read_wanted(QueryDict(request.POST.get("query", "")).dict()).address
        answer = act(
            request,
            lambda: saved_views.save_view(
                name=request.POST.get("name", ""), query=query, actor=staff_actor(request), at=clock.now()
            ),
            done="The view is kept for you.",
            back=f"{self.reverse('changelist')}?{query}",
        )
        assert answer is not None  # noqa: S101  (without a form, act always answers)
        return answer

    def remove_view(self, request: HttpRequest, view_id: UUID) -> HttpResponse:
        self._need_post(request, "wallet.view_withdrawal")
        saved_views.remove_view(view_id=view_id, actor=staff_actor(request))
        messages.success(request, "The view is removed.")
        return HttpResponseRedirect(self.reverse("changelist"))

    def _line(self, request: HttpRequest, row: Withdrawal, at: datetime) -> Line:
        claimed = claims.is_claimed(row, at)
        return Line(
            row=row,
            player=player_link(row),
            amount=Money(row.amount_minor, row.currency),
            age=inbox.age_of(row, at),
            instrument=label_of(row.instrument),
            claimed=who(row.claimed_by) if claimed else "",
            mine=claimed and row.claimed_by == str(staff_actor(request)),
            stuck=row.state == WithdrawalState.SENT
            and row.decided_at is not None
            and at - row.decided_at > inbox.STUCK,
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
        claimed = claims.is_claimed(obj, at)
        second = details.approval_id is not None and details.state is WithdrawalState.IN_REVIEW
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
            "messages_said": list_provider_messages([row.id for row in payouts], currency=obj.currency),
            "claimed_by": who(obj.claimed_by) if claimed else "",
            "mine": claimed and free,
            "second": self._second(details.approval_id) if second else "",
            "may_next": may(request, APPROVE),
            "may_claim": may(request, APPROVE, obj)
            and details.state is WithdrawalState.IN_REVIEW
            and free
            and not second,
            "may_approve": decides and details.state is WithdrawalState.IN_REVIEW and not second,
            "may_reject": decides,
            "not_whole": "" if whole else whole.reason,
        }

    def _facts(self, obj: Withdrawal, details: WithdrawalDetails, at: datetime) -> list[tuple[str, object]]:
        key = TransferKey.objects.filter(source=OwnSource.WITHDRAWALS, key=f"{obj.pk}:hold").first()
        age = inbox.age_of(obj, at)
        waits = format_html('{} <span class="pms-subtle">{}</span>', chip(age.waits, age.tone or "neutral"), age.due)
        return [
            ("Id", copyable(obj.pk)),
            ("Player", player_link(obj)),
            ("State", chip(obj.state)),
            ("Asked for", money(details.amount)),
            ("Approved", money(details.approved)),
            ("Paid", money(details.paid)),
            ("Fee, as quoted", money(details.fee)),
            ("Fee taken", money(details.charged)),
            ("Given back", money(details.returned)),
            ("Preferred instrument", get_instrument(obj.instrument_id).label),
            ("Loyalty level", chip(details.level, "accent")),
            ("Waits for", waits if obj.state == WithdrawalState.IN_REVIEW else "–"),
            ("Player may cancel", "yes" if details.cancellable else "no: the rules of the country forbid it"),
            ("Decided by", "a rule" if details.automatic else who(obj.decided_by)),
            ("Why", details.decision_reason),
            ("Second person", self._second(details.approval_id)),
            ("Why it failed", human(details.failure_reason)),
            ("Set aside by", transfer_link(key and key.transfer_id)),
            ("Asked for by", f"{obj.source}, key {obj.key}"),
            ("Requested", when(details.requested_at)),
            ("Sent from", when(details.sends_from)),
            ("Settled", when(details.settled_at)),
        ]

    def _second(self, approval_id: UUID | None) -> str:
        return copyable(
            approval_id, (approval_id and reverse("admin:compliance_approval_change", args=[approval_id])) or ""
        )

    # --- working it ---

    def next_view(self, request: HttpRequest) -> HttpResponse:
        self._need_post(request)
        return self._open_next(request)

    def _open_next(self, request: HttpRequest) -> HttpResponse:
        found = claims.claim_next(actor=staff_actor(request), at=clock.now())
        if found is None:
            messages.success(request, "Nothing waits: everything in review is decided or somebody works on it.")
            return HttpResponseRedirect(self.reverse("changelist"))
        return HttpResponseRedirect(self.reverse("change", found))

    def claim_view(self, request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
        return self._simple(
            request, withdrawal_id, claims.claim_withdrawal, "It is yours for the next quarter of an hour."
        )

    def release_view(self, request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
        return self._simple(request, withdrawal_id, claims.release_withdrawal, "Others may work on it now.")

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
        second = valid and withdrawal_decisions.needs_second_person(
            obj, form.approved, staff_actor(request), clock.now()
        )
        if valid and "confirmed" in request.POST:
            done = act(
                request,
                lambda: withdrawal_decisions.approve_withdrawal(
                    withdrawal_id=obj.pk,
                    amount=form.approved,
                    split=form.split,
                    reason=form.cleaned_data["reason"],
                    actor=staff_actor(request),
                    at=clock.now(),
                ),
                done=f"{form.approved} {details.amount.currency} "
                + ("wait for a second person." if second else "are approved."),
                back=back,
                form=form,
            )
            if done:
                return self._open_next(request) if "next" in request.POST else done
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
            "second": second,
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
                lambda: withdrawal_decisions.reject_withdrawal(
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
                return self._open_next(request) if "next" in request.POST else done
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
        wanted = [found for text in request.POST.getlist("ids")[:BULK] if (found := inbox.read_uuid(text))]
        seen = self.visible(request, self.get_queryset(request), APPROVE)
        rows = list(seen.filter(id__in=wanted).select_related("player__user").order_by("requested_at"))
        if not rows:
            messages.warning(request, "Choose withdrawals first.")
            return HttpResponseRedirect(self.reverse("changelist"))
        if "confirmed" in request.POST:
            return self._approve_many(request, [row.pk for row in rows])
        prefetch(row.player_id for row in rows)
        lines = [
            (self._line(request, row, at), self._obstacle(row, actor, at), self._is_large(row, actor, at))
            for row in rows
        ]
        passing = [(line.amount, large) for line, obstacle, large in lines if not obstacle]
        context = {
            "lines": lines,
            "going": len(passing),
            "alone": inbox.sum_by_currency([amount for amount, large in passing if not large]),
            "second": inbox.sum_by_currency([amount for amount, large in passing if large]),
            "left_out": inbox.sum_by_currency([line.amount for line, obstacle, _ in lines if obstacle]),
            "back": self.reverse("changelist"),
        }
        return self.render(request, "wallet/bulk_approve.html", "Approve withdrawals", context)

    def _is_large(self, row: Withdrawal, actor: Actor, at: datetime) -> bool:
        return withdrawal_decisions.needs_second_person(row, Money(row.amount_minor, row.currency), actor, at)

    def _approve_many(self, request: HttpRequest, ids: Sequence[UUID]) -> HttpResponse:
        done = waiting = 0
        for withdrawal_id in ids:
            try:
                found = withdrawal_decisions.approve_withdrawal(
                    withdrawal_id=withdrawal_id, actor=staff_actor(request), at=clock.now()
                )
            except DomainError as error:
                messages.error(request, f"{withdrawal_id}: {error.detail}")
            except Exception:  # nothing of this one is written; the others are no worse for it
                logger.exception("withdrawal %s could not be approved in bulk", withdrawal_id)
                messages.error(request, f"{withdrawal_id}: something went wrong here; it is as it was.")
            else:
                done, waiting = done + (found.approval_id is None), waiting + (found.approval_id is not None)
        if done:
            messages.success(request, f"{done} withdrawals are approved.")
        if waiting:
            messages.success(request, f"{waiting} withdrawals wait for a second person.")
        return HttpResponseRedirect(self.reverse("changelist"))

    def _obstacle(self, row: Withdrawal, actor: Actor, at: datetime) -> str:
        amount = Money(row.amount_minor, row.currency)
        decision = allowed(actor, APPROVE, Subject(player_id=row.player_id, amount=amount), at)
        if not decision:
            return f"Not yours to approve: {decision.reason}."
        if row.state != WithdrawalState.IN_REVIEW:
            return f"It is {row.state.replace('_', ' ')} already."
        if claims.is_claimed(row, at) and row.claimed_by != str(actor):
            return f"{who(row.claimed_by)} works on it."
        if row.approval_id:
            return "It waits for a second person already."
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

    def _need_post(self, request: HttpRequest, permission: str = APPROVE) -> None:
        need(request, permission)
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
