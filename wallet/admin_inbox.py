"""What the payments inbox lists: tabs, filters, ages against their targets, and each person's saved views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from kernel.actors import Actor
from kernel.money import Money, total
from players.services.searches import search_players
from wallet.models_payments import Withdrawal
from wallet.types_payments import WithdrawalState

PAGE = 100
# Sent, and still no answer: somebody should ask the provider.
STUCK = timedelta(hours=6)
REVIEW, SECOND, MOVING, SETTLED = "review", "second", "moving", "settled"
HANDS = {"free": "Nobody's", "mine": "Mine"}
RISKS = {"30": "30 and more", "60": "60 and more"}

_REVIEW = Q(state=WithdrawalState.IN_REVIEW)
_TABS: dict[str, tuple[str, Q]] = {
    REVIEW: ("To review", _REVIEW & Q(approval_id=None)),
    SECOND: ("Second person", _REVIEW & Q(approval_id__isnull=False)),
    MOVING: ("On their way", Q(state__in=(WithdrawalState.APPROVED, WithdrawalState.SENT))),
    SETTLED: (
        "Settled",
        Q(
            state__in=(
                WithdrawalState.PAID,
                WithdrawalState.REJECTED,
                WithdrawalState.FAILED,
                WithdrawalState.CANCELLED,
            )
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the inbox is looked at, as its address says it."""

    tab: str = REVIEW
    q: str = ""
    risk: str = ""
    currency: str = ""
    level: str = ""
    hands: str = ""
    before: str = ""

    @property
    def filtered(self) -> bool:
        return bool(self.q.strip() or self.risk or self.currency or self.level or self.hands)

    @property
    def address(self) -> str:
        """The query string of this view, without the page."""
        names = ("tab", "q", "risk", "currency", "level", "hands")
        return urlencode({name: value for name in names if (value := getattr(self, name))})


@dataclass(frozen=True, slots=True)
class Age:
    """How long a withdrawal waits, and what that is against the target of its level."""

    waits: str
    tone: str
    due: str


def read_wanted(given: Mapping[str, str]) -> Wanted:
    """From a request's query; what is not known counts as not given."""
    tab, risk, hands = given.get("tab", ""), given.get("risk", ""), given.get("hands", "")
    return Wanted(
        tab=tab if tab in _TABS else REVIEW,
        q=given.get("q", "")[:200],
        risk=risk if risk in RISKS else "",
        currency=given.get("currency", "")[:3],
        level=given.get("level", "")[:120],
        hands=hands if hands in HANDS else "",
        before=given.get("before", ""),
    )


def list_rows(seen: QuerySet[Withdrawal], wanted: Wanted, *, actor: Actor, at: datetime) -> QuerySet[Withdrawal]:
    """Of ``seen``: the oldest first where they wait, the newest first once they are settled; at most a page."""
    rows = seen.select_related("player__user", "instrument").filter(_TABS[wanted.tab][1])
    if wanted.q.strip():
        found = Q(player_id__in=search_players(text=wanted.q, actor=actor, at=at))
        if parsed := read_uuid(wanted.q):
            found |= Q(id=parsed)
        rows = rows.filter(found)
    if wanted.risk:
        rows = rows.filter(score__gte=int(wanted.risk))
    if wanted.currency:
        rows = rows.filter(currency=wanted.currency)
    if wanted.level:
        rows = rows.filter(level=wanted.level)
    if wanted.hands == "mine":
        rows = rows.filter(claimed_by=str(actor), claimed_until__gt=at)
    elif wanted.hands == "free":
        rows = rows.filter(Q(claimed_by="") | Q(claimed_until__lte=at))
    if wanted.tab != SETTLED:
        return rows.order_by("requested_at", "id")[:PAGE]
    if parsed := read_uuid(wanted.before):
        rows = rows.filter(id__lt=parsed)
    return rows.order_by("-id")[:PAGE]


def list_tabs(seen: QuerySet[Withdrawal]) -> list[tuple[str, str, int | None]]:
    """Key, title and count; what is settled is too much to count."""
    return [(key, title, None if key == SETTLED else seen.filter(what).count()) for key, (title, what) in _TABS.items()]


def list_choices() -> tuple[list[str], list[str]]:
    """Currencies and levels among what is not settled."""
    open_ = Withdrawal.objects.filter(_TABS[REVIEW][1] | _TABS[SECOND][1] | _TABS[MOVING][1])
    pairs = set(open_.values_list("currency", "level").distinct())
    return sorted({currency for currency, _ in pairs}), sorted({level for _, level in pairs if level})


def age_of(row: Withdrawal, at: datetime) -> Age:
    """Coloured by the target: warning from half of it on, bad when it is over."""
    waited, target = at - row.requested_at, target_of(row.level)
    left = target - waited
    tone = "bad" if left < timedelta(0) else "warn" if waited > target / 2 else ""
    due = f"{_span(-left)} late" if left < timedelta(0) else f"due in {_span(left)}"
    return Age(_span(waited), tone, due)


def target_of(level: str) -> timedelta:
    """Within which a withdrawal of a player at this loyalty level should be decided."""
    hours = settings.WITHDRAWAL_TARGET_HOURS
    return timedelta(hours=float(hours.get(level) or hours.get("any", 24)))


def sum_by_currency(amounts: Sequence[Money]) -> list[Money]:
    return [
        total((amount for amount in amounts if amount.currency == currency), currency)
        for currency in sorted({amount.currency for amount in amounts})
    ]


def read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def _span(time: timedelta) -> str:
    """In one unit: "35 min", "3 h", "4 d"."""
    minutes = int(time.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
