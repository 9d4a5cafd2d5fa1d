"""Triggers: what happened to a player becomes an occasion of an offer, once, whatever is retried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from bonuses.models import CodeUse, Grant, Occasion, Referral
from bonuses.selectors import list_live
from bonuses.services.codes import redeem_waiting
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import end_expired, forfeit_all, grant, settle_empty
from bonuses.services.grants_many import Given, Wanted, grant_many
from bonuses.types import ForfeitedBy, GrantState, OfferDetails, Reason
from bonuses.types_offer import AwardKind, TriggerKind
from events.catalogue.compliance_exclusion import PlayerExcluded
from events.catalogue.loyalty import LevelChanged
from events.catalogue.players import LabelChanged, PlayerRegistered
from events.catalogue.wallet import DepositMade
from events.catalogue.wallet_purses import PurseClosed
from events.services.log import holding
from events.types import RecordedEvent
from kernel.actors import system
from kernel.db import fetch_all
from kernel.money import Money
from players.selectors import find_player_by_login, get_player, list_having_birthday

ACTOR = system("bonuses.triggers")
READS = (PlayerRegistered, DepositMade, LevelChanged, LabelChanged, PlayerExcluded, PurseClosed)
# Set by whoever gives a player into a VIP manager's care.
VIP_LABEL = ("vip", "active")
PAGE = 5_000


def on_events(events: Sequence[RecordedEvent]) -> None:
    """Give what live offers promise for these, and end what ended. In the caller's transaction, which holds the players."""
    for event in events:
        if event.player_id is not None:
            _HANDLERS[event.type](event, event.player_id, event.payload)


def award(*, offer: OfferDetails, player_id: UUID, occasion: str, base: Money | None = None, at: datetime) -> bool:
    """Give the offer for an occasion, or keep why not; whether it was given. Once: the next call does nothing."""
    if Occasion.objects.filter(offer_id=offer.id, player_id=player_id, occasion=occasion).exists():
        return False
    grant_id: UUID | None = None
    reasons: Sequence[Reason] = ()
    try:
        grant_id = grant(offer=offer.code, player_id=player_id, occasion=occasion, base=base, actor=ACTOR, at=at).id
    except NotEligible as error:
        reasons = error.reasons
    _keep(offer, at, [Given(player_id, occasion, grant_id, reasons)])
    return grant_id is not None


def award_many(*, offer: OfferDetails, wanted: Sequence[Wanted], at: datetime) -> int:
    """The same for many players who have not had their occasion yet; how many were given. At most one occasion each."""
    given = grant_many(offer=offer.code, wanted=wanted, note=partial(_keep, offer, at), actor=ACTOR, at=at)
    return sum(row.grant_id is not None for row in given)


def _keep(offer: OfferDetails, at: datetime, given: Sequence[Given]) -> None:
    """What occasions came to, in the transaction that gave it."""
    Occasion.objects.bulk_create(
        [
            Occasion(
                offer_id=offer.id,
                player_id=row.player_id,
                occasion=row.occasion,
                grant_id=row.grant_id,
                reasons=[{"code": reason.code, "text": reason.text} for reason in row.reasons],
                occurred_at=at,
            )
            for row in given
        ],
        ignore_conflicts=True,
    )


# --- what happens -------------------------------------------------------------------------------------------------


def _registered(event: RecordedEvent, player_id: UUID, said: dict[str, Any]) -> None:
    for offer in list_live(TriggerKind.REGISTRATION, event.occurred_at):
        award(offer=offer, player_id=player_id, occasion="registration", at=event.occurred_at)
    _refer(player_id, event.occurred_at)


def _deposited(event: RecordedEvent, player_id: UUID, said: dict[str, Any]) -> None:
    amount, number = Money.parse(said["amount"], said["currency"]), said["number"]
    if number == 1:
        Referral.objects.filter(player_id=player_id, deposited_at=None).update(deposited_at=event.occurred_at)
    redeem_waiting(player_id=player_id, deposit=amount, number=number, at=event.occurred_at)
    for offer in list_live(TriggerKind.DEPOSIT, event.occurred_at):
        if offer.rule.trigger.nth in (0, number):
            award(offer=offer, player_id=player_id, occasion=f"deposit:{number}", base=amount, at=event.occurred_at)


def _levelled(event: RecordedEvent, player_id: UUID, said: dict[str, Any]) -> None:
    """A level that was reached; one that the player fell to was not."""
    if not said["up"]:
        return
    for offer in list_live(TriggerKind.LEVEL, event.occurred_at):
        if offer.rule.trigger.value == said["to_level"]:
            award(offer=offer, player_id=player_id, occasion=f"level:{said['to_level']}", at=event.occurred_at)


def _labelled(event: RecordedEvent, player_id: UUID, said: dict[str, Any]) -> None:
    label, value = f"{said['namespace']}.{said['key']}", said["to_value"]
    if value is None:
        return
    if (said["namespace"], said["key"]) == VIP_LABEL:
        for offer in list_live(TriggerKind.VIP, event.occurred_at):
            award(offer=offer, player_id=player_id, occasion="vip", at=event.occurred_at)
    for offer in list_live(TriggerKind.SEGMENT, event.occurred_at):
        trigger = offer.rule.trigger
        if trigger.label == label and trigger.value in ("", value):
            award(offer=offer, player_id=player_id, occasion=f"segment:{event.id}", at=event.occurred_at)


def _excluded(event: RecordedEvent, player_id: UUID, said: dict[str, Any]) -> None:
    forfeit_all(player_id=player_id, by=ForfeitedBy.EXCLUSION, actor=ACTOR, at=event.occurred_at)
    CodeUse.objects.filter(player_id=player_id, grant=None).delete()


def _purse_closed(event: RecordedEvent, player_id: UUID, said: dict[str, Any]) -> None:
    """The wallet closed a bonus purse whose time was over."""
    if not said["expired"]:
        return
    rows = Grant.objects.select_for_update(of=("self",)).select_related("version", "offer")
    row = rows.filter(purse_id=said["purse_id"], state=GrantState.ACTIVE).first()
    if row:
        end_expired(row, Money.parse(said["amount"], said["currency"]), event.occurred_at)


def _refer(player_id: UUID, at: datetime) -> None:
    """Keep who brought the player: ``source`` is "friend:<login>". What it brings the friend is given by the job."""
    source = get_player(player_id).source
    friend = find_player_by_login(source.removeprefix("friend:")) if source.startswith("friend:") else None
    if friend and friend.id != player_id:
        Referral.objects.get_or_create(player_id=player_id, defaults={"friend_id": friend.id, "registered_at": at})


_HANDLERS = {
    PlayerRegistered.wire_name: _registered,
    DepositMade.wire_name: _deposited,
    LevelChanged.wire_name: _levelled,
    LabelChanged.wire_name: _labelled,
    PlayerExcluded.wire_name: _excluded,
    PurseClosed.wire_name: _purse_closed,
}


# --- what a clock or a figure brings ------------------------------------------------------------------------------


def award_due(*, at: datetime, limit: int = 100_000) -> int:
    """Give what birthdays, schedules, reached turnover and long silence promise; how many were given.

    May be run any number of times at once. What was refused once is not tried again for the same occasion.
    """
    return sum(
        [
            _birthdays(at, limit),
            _schedules(at, limit),
            _turnovers(at, limit),
            _silences(at, limit),
            _referrals(at, limit),
        ]
    )


def _birthdays(at: datetime, limit: int) -> int:
    offers = list_live(TriggerKind.BIRTHDAY, at)
    if not offers:
        return 0
    given = 0
    # Somewhere it is already tomorrow, elsewhere still yesterday.
    days = [(at + timedelta(days=offset)).date() for offset in (-1, 0, 1)]
    for player in list_having_birthday(days, limit=limit):
        today = at.astimezone(ZoneInfo(player.time_zone or "UTC")).date()
        if player.birth_date and birthday_in(player.birth_date, today.year) == today:
            for offer in offers:
                given += award(offer=offer, player_id=player.id, occasion=f"birthday:{today.year}", at=at)
    return given


def birthday_in(born: date, year: int) -> date:
    """The birthday in a year; who was born on 29 February has it on 28 February in other years."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _schedules(at: datetime, limit: int) -> int:
    given = 0
    for offer in list_live(TriggerKind.SCHEDULE, at):
        trigger = offer.rule.trigger
        day = at.astimezone(UTC).date()
        if at.astimezone(UTC).hour < trigger.hour or trigger.weekday not in (-1, day.weekday()):
            continue
        occasion, after, gone = f"schedule:{day}", UUID(int=0), 0
        while gone < limit and (
            losses := list_losses(offer=offer, until=day, occasion=occasion, after=after, limit=PAGE)
        ):
            wanted = [Wanted(player_id, occasion, lost) for player_id, lost in losses]
            given += award_many(offer=offer, wanted=wanted, at=at)
            after, gone = losses[-1][0], gone + len(losses)
    return given


def list_losses(
    *, offer: OfferDetails, until: date, occasion: str, after: UUID, limit: int
) -> list[tuple[UUID, Money]]:
    """Who played in the offer's window of whole days before ``until``, and what they lost, net (zero: they did not).

    Cashback goes to who lost; what else is given on a schedule goes to everybody who played. Without those who had the
    occasion already; players after ``after``, in the order of their ids: a page reads its own players' days only.
    """
    award_ = offer.rule.award
    rows = fetch_all(
        """
        SELECT played.player_id, played.currency, played.lost FROM (
            SELECT player_id, min(currency) AS currency, sum(staked_minor - won_minor) AS lost
            FROM bonuses_playday WHERE day >= %(since)s AND day < %(until)s AND player_id > %(after)s
            GROUP BY player_id HAVING NOT %(lost_only)s OR sum(staked_minor - won_minor) > 0
        ) played
        WHERE NOT EXISTS (SELECT FROM bonuses_occasion o WHERE o.offer_id = %(offer)s AND o.player_id = played.player_id
                          AND o.occasion = %(occasion)s)
        ORDER BY played.player_id LIMIT %(limit)s
        """,
        {
            "since": until - timedelta(days=award_.window_days),
            "until": until,
            "lost_only": award_.kind is AwardKind.CASHBACK,
            "offer": offer.id,
            "occasion": occasion,
            "after": after,
            "limit": limit,
        },
    )
    return [(row["player_id"], Money(max(int(row["lost"]), 0), row["currency"])) for row in rows]


def _turnovers(at: datetime, limit: int) -> int:
    given = 0
    for offer in list_live(TriggerKind.TURNOVER, at):
        reached = offer.rule.trigger.amount_eur
        occasion = f"turnover:{reached.normalize():f}"
        found = _untried(offer, occasion, "total.turnover_eur >= %(value)s", reached, limit)
        given += award_many(offer=offer, wanted=[Wanted(player_id, occasion) for player_id in found], at=at)
    return given


def _silences(at: datetime, limit: int) -> int:
    """Who has not played for so many days; a silence is named after the last bet before it."""
    given = 0
    for offer in list_live(TriggerKind.INACTIVITY, at):
        since = at - timedelta(days=offer.rule.trigger.days)
        rows = fetch_all(
            """
            SELECT total.player_id, total.last_bet_at FROM bonuses_playtotal total
            WHERE total.last_bet_at <= %(since)s AND NOT EXISTS (
                SELECT FROM bonuses_occasion o WHERE o.offer_id = %(offer)s AND o.player_id = total.player_id
                AND o.occasion = 'inactivity:' || (total.last_bet_at AT TIME ZONE 'UTC')::date)
            ORDER BY total.last_bet_at DESC LIMIT %(limit)s
            """,
            {"since": since, "offer": offer.id, "limit": limit},
        )
        wanted = [Wanted(row["player_id"], f"inactivity:{row['last_bet_at'].astimezone(UTC).date()}") for row in rows]
        given += award_many(offer=offer, wanted=wanted, at=at)
    return given


def _referrals(at: datetime, limit: int) -> int:
    offers = list_live(TriggerKind.REFERRAL, at)
    given = 0
    if not offers:
        return 0
    for row in Referral.objects.filter(rewarded_at=None).order_by("registered_at")[:limit]:
        for offer in offers:
            if offer.rule.trigger.nth == 0 or row.deposited_at:
                given += award(offer=offer, player_id=row.friend_id, occasion=f"referral:{row.player_id}", at=at)
        if row.deposited_at:
            Referral.objects.filter(player_id=row.player_id).update(rewarded_at=at)
    return given


def _untried(offer: OfferDetails, occasion: str, condition: str, value: object, limit: int) -> list[UUID]:
    rows = fetch_all(
        f"""
        SELECT total.player_id FROM bonuses_playtotal total WHERE {condition} AND NOT EXISTS (
            SELECT FROM bonuses_occasion o WHERE o.offer_id = %(offer)s AND o.player_id = total.player_id
            AND o.occasion = %(occasion)s)
        ORDER BY total.player_id LIMIT %(limit)s
        """,
        {"value": value, "offer": offer.id, "occasion": occasion, "limit": limit},
    )
    return [row["player_id"] for row in rows]


# --- what has ended without an event ------------------------------------------------------------------------------

# A round that is still played may bring a win: what looks empty is left alone for so long.
QUIET = timedelta(hours=24)


def end_used_up(*, at: datetime, limit: int = 1_000) -> int:
    """End bonuses of which nothing is left: no spins, no money, no bet for a day. What waits behind them begins.

    How many ended. Publishes BonusForfeited (used up), or BonusRedeemed where spins won real money.
    """
    rows = fetch_all(
        """
        SELECT g.id, g.player_id FROM bonuses_grant g
        LEFT JOIN bonuses_progress p ON p.grant_id = g.id
        LEFT JOIN wallet_account purse ON purse.id = g.purse_id
        LEFT JOIN wallet_account spins ON spins.id = g.spins_purse_id
        WHERE g.state = 'active' AND coalesce(p.last_bet_at, g.activated_at) <= %(quiet)s
          AND coalesce(purse.balance_minor, 0) = 0
          AND (g.spins_purse_id IS NULL OR spins.closed_at IS NOT NULL OR coalesce(spins.balance_minor, 0) = 0)
        ORDER BY g.id LIMIT %(limit)s
        """,
        {"quiet": at - QUIET, "limit": limit},
    )
    for row in rows:
        with holding(row["player_id"]):
            grant_ = Grant.objects.select_for_update(of=("self",)).select_related("version", "offer").get(id=row["id"])
            if grant_.state == GrantState.ACTIVE:
                settle_empty(grant_, at)
    return len(rows)
