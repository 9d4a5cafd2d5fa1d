"""Grants for many players at once: the same rows, money and events as ``grants.grant`` gives one by one, from a handful of
statements a batch. Lists and schedules, cashback among them, come this way.

What takes a look at each player of its own goes one by one: free spins, offers with a cap by device, players with a bonus that
waits in the queue; and a whole batch where a purse is refused that the gate had let pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from uuid import UUID

from django.db.models import Count, F, Sum

from bonuses import rules
from bonuses.models import Grant, Spend
from bonuses.services.eligibility import (
    Found,
    Known,
    NotEligible,
    Spent,
    cost_of,
    facts_of,
    household_of,
    judge,
    live_rule,
    spent_of,
)
from bonuses.services.grants import GRANT, SOURCE, about, compliance_says, grant, grant_of, granted
from bonuses.services.rights import need
from bonuses.types import GrantState, Reason
from bonuses.types_offer import AwardKind, Claim, OfferRule
from compliance.types_gate import BonusFacts
from events.catalogue.base import Event
from events.catalogue.bonuses import BonusOffered, BonusQueued, BonusRedeemed
from events.services.log import holding, publish_many
from kernel.actors import Actor, system
from kernel.money import Money
from players.selectors import UnknownPlayer, list_by_id, list_labels_of
from wallet.services.purses_many import PursesRefused, WantedPurse, ask_gate, open_bonus_purses, release_bonus_purses
from wallet.types import GameCategory, PurseTerms

BATCH = 500  # players in one transaction: longer ones hold every consumer of the log back


@dataclass(frozen=True, slots=True)
class Wanted:
    """A player who is to be given an offer for an occasion; ``base`` as for ``grants.grant``."""

    player_id: UUID
    occasion: str
    base: Money | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What came of it: the grant, or what stands against it."""

    player_id: UUID
    occasion: str
    grant_id: UUID | None
    reasons: Sequence[Reason] = ()


def grant_many(
    *,
    offer: str,
    wanted: Sequence[Wanted],
    note: Callable[[Sequence[Given]], None] = lambda given: None,
    actor: Actor,
    at: datetime,
) -> list[Given]:
    """Give an offer to many players, each once for their occasion, whatever is retried; what came of each, in order.

    At most one occasion a player. In batches, each a transaction of its own, in which ``note`` is told what it gave.
    Publishes as ``grants.grant``. Raises: AccessDenied, NotFound.
    """
    need(actor, GRANT, None, at)
    given: list[Given] = []
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        try:
            with holding(*(row.player_id for row in part)):
                done = _Batch(offer, part, actor, at).give()
                note(done)
        except PursesRefused:
            with holding(*(row.player_id for row in part)):
                done = [_one(offer, row, actor, at) for row in part]
                note(done)
        given += done
    return given


def _one(offer: str, row: Wanted, actor: Actor, at: datetime) -> Given:
    try:
        found = grant(offer=offer, player_id=row.player_id, occasion=row.occasion, base=row.base, actor=actor, at=at)
    except NotEligible as error:
        return Given(row.player_id, row.occasion, None, error.reasons)
    except UnknownPlayer as error:
        return Given(row.player_id, row.occasion, None, [Reason(error.code, error.detail)])
    return Given(row.player_id, row.occasion, found.id)


class _Batch:
    """One batch, in a transaction that holds its players."""

    def __init__(self, offer: str, wanted: Sequence[Wanted], actor: Actor, at: datetime) -> None:
        self.code, self.wanted, self.actor, self.at = offer, wanted, actor, at
        self.ids = [row.player_id for row in wanted]
        self.done: dict[UUID, Given] = {}

    def give(self) -> list[Given]:
        try:
            self.offer, self.rule = live_rule(self.code, lock=True)
        except NotEligible as error:
            return [Given(row.player_id, row.occasion, None, error.reasons) for row in self.wanted]
        self._known()
        left = [row for row in self.wanted if row.player_id not in self.done]
        plain = [] if _takes_looks(self.rule) else self._plain(left)
        if plain:
            self._give(plain)
        for row in self.wanted:
            if row.player_id not in self.done:
                self.done[row.player_id] = _one(self.code, row, self.actor, self.at)
        return [self.done[row.player_id] for row in self.wanted]

    def _known(self) -> None:
        """What was given for the same occasion before."""
        rows = Grant.objects.filter(offer=self.offer, player_id__in=self.ids)
        before = {(row.player_id, row.occasion): row.id for row in rows.only("id", "player_id", "occasion")}
        for row in self.wanted:
            if found := before.get((row.player_id, row.occasion)):
                self.done[row.player_id] = Given(row.player_id, row.occasion, found)

    def _plain(self, rows: Sequence[Wanted]) -> list[Wanted]:
        queued = Grant.objects.filter(player_id__in=self.ids, state=GrantState.QUEUED).values_list(
            "player_id", flat=True
        )
        waiting = set(queued)
        return [row for row in rows if row.player_id not in waiting]

    # --- who ------------------------------------------------------------------------------------------------------

    def _give(self, rows: Sequence[Wanted]) -> None:
        eligible: list[tuple[Wanted, Found]] = []
        spent = spent_of(self.offer, self.rule, self.at)
        costs = cache(partial(cost_of, at=self.at))
        households: Counter[bytes] = Counter()
        known = self._read()
        for row in rows:
            if row.player_id not in known:
                continue  # nobody: goes one by one, and is told so
            who = known[row.player_id]
            if who.household and households[who.household]:
                who = replace(who, given_to_household=who.given_to_household + households[who.household])
            found = judge(self.offer, self.rule, who, spent, row.base, self.at, costs)
            if found.reasons:
                self.done[row.player_id] = Given(row.player_id, row.occasion, None, found.reasons)
                continue
            eligible.append((row, found))
            spent.add(found.cost)
            if who.household:
                households[who.household] += 1
        self._pass_gate(eligible, spent)

    def _read(self) -> dict[UUID, Known]:
        players, fit = list_by_id(self.ids), self.rule.eligibility
        labels = list_labels_of(self.ids)
        given = Grant.objects.filter(offer=self.offer)
        to_player = _counts(given.filter(player_id__in=self.ids), "player_id")
        households = {id_: household_of(player) for id_, player in players.items()}
        to_household: dict[object, int] = {}
        if fit.per_household:
            to_household = _counts(given.filter(household__in=[h for h in households.values() if h]), "household")
            to_household = {bytes(key): count for key, count in to_household.items()}  # type: ignore[call-overload]
        wagering = set(
            Grant.objects.filter(player_id__in=self.ids, state=GrantState.ACTIVE, wagers=True).values_list(
                "player_id", flat=True
            )
        )
        return {
            id_: Known(
                player=player,
                labels=labels.get(id_, {}),
                household=households[id_],
                given_to_player=to_player.get(id_, 0),
                given_to_household=to_household.get(households[id_], 0),
                given_to_devices=0,
                wagering=id_ in wagering,
            )
            for id_, player in players.items()
        }

    def _pass_gate(self, eligible: Sequence[tuple[Wanted, Found]], spent: Spent) -> None:
        before = {
            row["player_id"]: row["sum"]
            for row in Grant.objects.filter(offer=self.offer, player_id__in=self.ids)
            .values("player_id")
            .annotate(sum=Sum("amount_minor"))
        }
        facts: dict[UUID, BonusFacts] = {
            row.player_id: facts_of(
                self.rule, found.award.worth, Money(before.get(row.player_id, 0), found.award.worth.currency)
            )
            for row, found in eligible
        }
        decisions = ask_gate(facts=facts, actor=self.actor, at=self.at)
        passed = [(row, found) for row, found in eligible if decisions[row.player_id].allowed]
        for row, _ in eligible:
            decision = decisions[row.player_id]
            if not decision.allowed:
                self.done[row.player_id] = Given(
                    row.player_id, row.occasion, None, [compliance_says(decision.refusal.code)]
                )
        if len(passed) < len(eligible) and _is_limited(self.rule):
            # What was kept back for them may be given to others: those who were told that nothing is left ask again.
            self._forget_refused_by_limits()
        if passed:
            self._grant(passed)

    def _forget_refused_by_limits(self) -> None:
        for player_id, given in list(self.done.items()):
            if any(reason.code in _OF_LIMITS for reason in given.reasons):
                del self.done[player_id]

    # --- what -----------------------------------------------------------------------------------------------------

    def _grant(self, passed: Sequence[tuple[Wanted, Found]]) -> None:
        rows = [grant_of(found, row.occasion, row.base, self.actor, self.at) for row, found in passed]
        waiting = {row.player_id for row, found in passed if found.known.wagering}
        for row in rows:
            self._place(row, row.player_id in waiting)
        active = [row for row in rows if row.state in (GrantState.ACTIVE, GrantState.REDEEMED)]
        self._spend(rows)
        self._open(active)
        Grant.objects.bulk_create(rows)
        publish_many([event for row in rows for event in self._told(row)])
        for row in rows:
            self.done[row.player_id] = Given(row.player_id, row.occasion, row.id)

    def _place(self, row: Grant, waits: bool) -> None:
        """Which state it is in from here on."""
        if self.rule.claim is Claim.PLAYER:
            row.state, row.claim_until = GrantState.OFFERED, self.at + timedelta(days=self.rule.claim_days)
        elif row.wagers and waits:
            row.state = GrantState.QUEUED
        else:
            row.state, row.activated_at = GrantState.ACTIVE, self.at
            row.expires_at = self.at + timedelta(days=self.rule.wagering.days) if row.wagers else None

    def _spend(self, rows: Sequence[Grant]) -> None:
        day, _ = Spend.objects.get_or_create(offer=self.offer, day=self.at.date())
        cost = sum(row.cost_eur_minor for row in rows)
        Spend.objects.filter(id=day.id).update(
            grants=F("grants") + len(rows), cost_eur_minor=F("cost_eur_minor") + cost
        )

    def _open(self, rows: Sequence[Grant]) -> None:
        """The purses; where nothing has to be staked they become real money at once. Raises: PursesRefused."""
        if not rows:
            return
        wagering, wagers = self.rule.wagering, self.rule.wagering.multiple > 0
        wanted = [
            WantedPurse(
                row.player_id,
                Money(row.amount_minor, row.currency),
                rules.amount_in(wagering.max_stake, row.currency) if wagers else None,
                f"{row.id}:purse",
            )
            for row in rows
        ]
        terms = PurseTerms(
            game_categories=tuple(GameCategory(name) for name in wagering.game_categories) if wagers else (),
            active_until=rows[0].expires_at,
        )
        ids = open_bonus_purses(wanted=wanted, terms=terms, source=SOURCE, actor=self.actor, at=self.at)
        for row, purse_id in zip(rows, ids, strict=True):
            row.purse_id = purse_id
        if not wagers:
            keys = [f"{row.id}:redeemed" for row in rows]
            release_bonus_purses(
                wanted=wanted, purse_ids=ids, keys=keys, source=SOURCE, actor=system("bonuses"), at=self.at
            )
            for row in rows:
                row.state, row.ended_at, row.outcome_minor = GrantState.REDEEMED, self.at, row.amount_minor

    def _told(self, row: Grant) -> Iterable[Event]:
        said = about(row, self.at)
        named = said | {"version": row.version.number, "occasion": row.occasion}
        if row.state == GrantState.OFFERED and row.claim_until:
            yield BonusOffered(**named, claim_until=row.claim_until)
        elif row.state == GrantState.QUEUED:
            yield BonusQueued(**named)
        else:
            yield granted(row, self.at)
            if row.state == GrantState.REDEEMED:
                amount = Money(row.amount_minor, row.currency)
                yield BonusRedeemed(
                    **said, kind=row.kind, amount=amount.major, above_cap=Money.zero(row.currency).major
                )


_OF_LIMITS = frozenset({"budget_spent", "brake", "household_cap"})


def _is_limited(rule: OfferRule) -> bool:
    budget = rule.budget
    limits = (budget.total_eur, budget.per_day_eur, budget.grants_per_hour)
    return bool(rule.eligibility.per_household) or any(limit is not None for limit in limits)


def _takes_looks(rule: OfferRule) -> bool:
    """Whether each player has to be looked at alone."""
    return rule.award.kind is AwardKind.FREE_SPINS or bool(rule.eligibility.per_device)


def _counts(rows: object, by: str) -> dict[object, int]:
    return dict(rows.values_list(by).annotate(count=Count("id")))  # type: ignore[attr-defined]
