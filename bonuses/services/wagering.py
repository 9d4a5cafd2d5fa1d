"""Wagering: what bets count for the bonuses that are being wagered, in log order, so that the log alone gives the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from bonuses import rules
from bonuses.models import Grant, OfferVersion, Progress, WageringEntry
from bonuses.selectors import read_rule
from bonuses.services.grants import end_forfeited, redeem
from bonuses.types import Breach, ForfeitedBy, GrantState
from bonuses.types_offer import OfferRule
from events.catalogue.bonuses import (
    BonusExpired,
    BonusForfeited,
    BonusGranted,
    BonusRedeemed,
    BonusWagered,
    WageringBreached,
)
from events.catalogue.wallet import BetPlaced, BetRolledBack, FreeBetPlaced, FreeBetRolledBack, FreeWinCredited
from events.services.log import is_rebuilding, publish
from events.types import RecordedEvent
from kernel.actors import system
from kernel.money import Money

BET, ROLLBACK, SPIN, SPIN_WIN = "bet", "rollback", "spin", "spin_win"
ENDS = (BonusRedeemed, BonusForfeited, BonusExpired)
READS = (BonusGranted, *ENDS, BetPlaced, BetRolledBack, FreeBetPlaced, FreeWinCredited, FreeBetRolledBack)
_ENDS = frozenset(event.wire_name for event in ENDS)


@dataclass
class _Terms:
    """What does not change of a grant."""

    rule: OfferRule
    currency: str
    offer: str


@dataclass
class _Batch:
    """What a batch works on: read once, written once."""

    open: dict[UUID, list[Progress]] = field(default_factory=lambda: defaultdict(list))
    terms: dict[UUID, _Terms] = field(default_factory=dict)
    new: list[Progress] = field(default_factory=list)
    touched: dict[UUID, Progress] = field(default_factory=dict)
    entries: list[WageringEntry] = field(default_factory=list)
    of_bet: dict[UUID, list[WageringEntry]] = field(default_factory=lambda: defaultdict(list))


def wager(events: Sequence[RecordedEvent]) -> None:
    """Count a batch, given in log order, in the caller's transaction, which holds its players.

    A bonus counts from its BonusGranted on. The bet that completes it ends the counting, and turns the purse into real
    money in this same transaction. Publishes BonusWagered, WageringBreached, and what redeeming or forfeiting does.
    """
    batch = _read(events)
    for event in events:
        if event.player_id is not None:
            _count(batch, event, event.player_id)
    _write(batch)
    if not is_rebuilding():
        _act(batch)


def _read(events: Sequence[RecordedEvent]) -> _Batch:
    batch = _Batch()
    players = {event.player_id for event in events if event.player_id}
    rows = list(Progress.objects.filter(player_id__in=players, ended_at=None).order_by("grant_id"))
    granted = [UUID(event.payload["grant_id"]) for event in events if event.type == BonusGranted.wire_name]
    found = list(
        Grant.objects.filter(id__in=[*granted, *(row.grant_id for row in rows)]).values_list(
            "id", "version_id", "currency", "offer__code"
        )
    )
    versions = OfferVersion.objects.filter(id__in={version_id for _, version_id, *_ in found})
    rules_ = {version.id: read_rule(version) for version in versions}
    batch.terms = {id_: _Terms(rules_[version_id], currency, code) for id_, version_id, currency, code in found}
    for row in rows:
        batch.open[row.player_id].append(row)
    undone = [
        UUID(event.payload["bet_id"])
        for event in events
        if event.type in (BetRolledBack.wire_name, FreeBetRolledBack.wire_name, FreeWinCredited.wire_name)
    ]
    if undone and rows:
        for entry in WageringEntry.objects.filter(bet_id__in=undone):
            batch.of_bet[entry.bet_id].append(entry)
    return batch


def _count(batch: _Batch, event: RecordedEvent, player_id: UUID) -> None:
    said = event.payload
    if event.type == BonusGranted.wire_name:
        _begin(batch, event, player_id)
    elif event.type in _ENDS:
        for row in batch.open.get(player_id, ()):
            if row.grant_id == UUID(said["grant_id"]):
                row.ended_at = event.occurred_at
                batch.touched[row.grant_id] = row
        batch.open[player_id] = [row for row in batch.open.get(player_id, ()) if row.ended_at is None]
    else:
        for row in batch.open.get(player_id, ()):
            if row.done_at is None:
                _count_for(batch, row, event)


def _begin(batch: _Batch, event: RecordedEvent, player_id: UUID) -> None:
    said = event.payload
    grant_id = UUID(said["grant_id"])
    terms = batch.terms[grant_id]
    if not terms.rule.wagering.multiple:
        return
    row = Progress(
        grant_id=grant_id,
        player_id=player_id,
        required=rules.minor_of(said["to_wager"], said["currency"]),
        spins_purse_id=said["spins_purse_id"] and UUID(said["spins_purse_id"]),
    )
    batch.new.append(row)
    batch.open[player_id].append(row)


def _count_for(batch: _Batch, row: Progress, event: RecordedEvent) -> None:
    said, terms = event.payload, batch.terms[row.grant_id]
    wagering = terms.rule.wagering

    def minor(name: str) -> Decimal:
        return rules.minor_of(said[name], said["currency"])

    bet_id = UUID(said["bet_id"])
    known = [entry for entry in batch.of_bet.get(bet_id, ()) if entry.grant_id == row.grant_id]
    if event.type == BetPlaced.wire_name:
        stake = rules.Stake(said["game"], said["category"], minor("stake"), minor("bonus"))
        amount, breach = rules.counted(wagering, stake, said["currency"])
        amount = max(Decimal(0), min(amount, row.required - row.wagered))
        _enter(batch, row, event, BET, stake.stake, amount, breach)
        row.wagered += amount
        row.last_bet_at = event.occurred_at
        if breach:
            row.breaches += 1
        if (breach and wagering.breach_forfeits) or 0 < row.required <= row.wagered:
            row.done_at = event.occurred_at
    elif event.type == BetRolledBack.wire_name:
        counted = sum((entry.counted for entry in known), Decimal(0))
        if known and counted:
            _enter(batch, row, event, ROLLBACK, -known[0].stake, -counted, None)
            row.wagered -= counted
    elif event.type == FreeBetPlaced.wire_name:
        if said["purse_id"] and row.spins_purse_id == UUID(said["purse_id"]):
            _enter(batch, row, event, SPIN, minor("value"), Decimal(0), None)
            row.last_bet_at = event.occurred_at
    elif event.type == FreeWinCredited.wire_name:
        if any(entry.kind == SPIN for entry in known):
            won = minor("bonus")
            _enter(batch, row, event, SPIN_WIN, won, Decimal(0), None)
            row.required += won * wagering.multiple
    elif event.type == FreeBetRolledBack.wire_name:
        won = sum((entry.stake for entry in known if entry.kind == SPIN_WIN), Decimal(0))
        if won:
            _enter(batch, row, event, SPIN_WIN, -won, Decimal(0), None)
            row.required -= won * wagering.multiple


def _enter(
    batch: _Batch,
    row: Progress,
    event: RecordedEvent,
    kind: str,
    stake: Decimal,
    counted: Decimal,
    breach: Breach | None,
) -> None:
    entry = WageringEntry(
        id=event.id,
        grant_id=row.grant_id,
        bet_id=UUID(event.payload["bet_id"]),
        kind=kind,
        stake=stake,
        counted=counted,
        breach=breach or "",
        occurred_at=event.occurred_at,
    )
    batch.entries.append(entry)
    batch.of_bet[entry.bet_id].append(entry)
    batch.touched[row.grant_id] = row


_TOUCH = """
UPDATE bonuses_progress AS progress SET
    required = row.required, wagered = row.wagered, breaches = row.breaches, last_bet_at = row.last_bet_at,
    done_at = row.done_at, ended_at = row.ended_at
FROM json_to_recordset(%(rows)s::json) AS row (
    grant_id uuid, required numeric, wagered numeric, breaches integer, last_bet_at timestamptz, done_at timestamptz,
    ended_at timestamptz)
WHERE progress.grant_id = row.grant_id
"""
_ENTER = """
INSERT INTO bonuses_wageringentry (id, grant_id, bet_id, kind, stake, counted, breach, occurred_at)
SELECT * FROM json_to_recordset(%(rows)s::json) AS row (
    id uuid, grant_id uuid, bet_id uuid, kind text, stake numeric, counted numeric, breach text, occurred_at timestamptz)
"""


def _write(batch: _Batch) -> None:
    """In a statement a table. Table names are unqualified: a rebuild puts its shadows before them."""
    Progress.objects.bulk_create(batch.new)
    fresh = {row.grant_id for row in batch.new}
    touched = [row for id_, row in batch.touched.items() if id_ not in fresh]
    with connection.cursor() as cursor:
        for statement, rows, names in ((_TOUCH, touched, _TOUCHED), (_ENTER, batch.entries, _ENTERED)):
            if rows:
                content = [{name: getattr(row, name) for name in names} for row in rows]
                cursor.execute(statement, {"rows": msgspec.json.encode(content).decode()})


_TOUCHED = ("grant_id", "required", "wagered", "breaches", "last_bet_at", "done_at", "ended_at")
_ENTERED = ("id", "grant_id", "bet_id", "kind", "stake", "counted", "breach", "occurred_at")


def _act(batch: _Batch) -> None:
    """Tell breaches, redeem what is wagered, take what was breached."""
    for entry in batch.entries:
        if entry.breach:
            terms = batch.terms[entry.grant_id]
            player_id = batch.touched[entry.grant_id].player_id
            publish(
                WageringBreached(
                    **_about(entry, terms, player_id),
                    breach=entry.breach,
                    stake=_major(entry.stake, terms.currency),
                )
            )
    last = {entry.grant_id: entry for entry in batch.entries if entry.kind == BET}
    for row in batch.touched.values():
        if row.done_at is None or row.ended_at is not None or row.grant_id not in last:
            continue
        grant = Grant.objects.select_for_update(of=("self",)).select_related("version", "offer").get(id=row.grant_id)
        if grant.state != GrantState.ACTIVE:
            continue  # given up while its last bet was on its way here
        entry, terms = last[row.grant_id], batch.terms[row.grant_id]
        if row.wagered < row.required:
            end_forfeited(grant, ForfeitedBy.BREACH, row.done_at, actor=system("bonuses.wagering"))
            continue
        publish(
            BonusWagered(
                **_about(entry, terms, row.player_id),
                wagered=_major(row.wagered, terms.currency),
                to_wager=_major(row.required, terms.currency),
            )
        )
        redeem(grant, rules.amount_in(terms.rule.wagering.max_conversion, terms.currency), row.done_at)


def _about(entry: WageringEntry, terms: _Terms, player_id: UUID) -> dict[str, Any]:
    return {
        "player_id": player_id,
        "occurred_at": entry.occurred_at,
        "grant_id": entry.grant_id,
        "offer": terms.offer,
        "bet_id": entry.bet_id,
        "currency": terms.currency,
    }


def _major(minor: Decimal, currency: str) -> Decimal:
    return Money(int(minor), currency).major
