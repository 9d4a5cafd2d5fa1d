"""What an offer would cost: played through by made-up players, or by what really happened. Asked for, worked on behind.

Nothing is granted and no row of a player changes. A run whose worker died is begun anew by another.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction

from bonuses import rules_simulation
from bonuses.models import OfferVersion
from bonuses.models_runs import OfferRun
from bonuses.rules_simulation import Game, Model
from bonuses.selectors import get_version
from bonuses.selectors_dry_run import NOT_LOOKED_AT, list_would_be, sum_in_euro
from bonuses.services.offers import WRITE
from bonuses.services.rights import need
from bonuses.types import VersionDetails
from bonuses.types_simulation import DryRunWanted, RunKind, RunState, SimulationWanted
from events.audit import record
from kernel import fx
from kernel.actors import Actor
from kernel.db import fetch_all
from kernel.errors import FieldErrors
from kernel.money import Money
from wallet.selectors import list_deposit_sizes

logger = logging.getLogger(__name__)

MOST_PLAYERS = 1_000_000
LONGEST = timedelta(days=366)
HISTORY = timedelta(days=90)
# Fewer deposits than this say little; half of the assumed ones are below MEDIAN.
ENOUGH, MEDIAN = 100, Money(2_500, fx.EURO)
# A run whose worker died is taken up again after this.
GIVEN_UP = timedelta(minutes=30)
CATEGORIES = ("slots", "table", "live", "crash", "other")


def request_run(*, version_id: UUID, wanted: SimulationWanted | DryRunWanted, actor: Actor, at: datetime) -> UUID:
    """Ask for a run; its id. ``work_runs`` works on it. What waits already with the same wishes is given again.

    Raises: AccessDenied, NotFound, FieldErrors.
    """
    need(actor, WRITE, None, at)
    version = get_version(version_id)
    if isinstance(wanted, SimulationWanted):
        kind, plain = RunKind.SIMULATION, msgspec.to_builtins(_checked(version, wanted))
    else:
        kind, plain = RunKind.DRY_RUN, msgspec.to_builtins(wanted)
        _check_time(wanted)
    with transaction.atomic():
        OfferVersion.objects.select_for_update().get(id=version_id)
        waiting = OfferRun.objects.filter(version_id=version_id, kind=kind, wanted=plain, state=RunState.WAITING)
        if row := waiting.first():
            return row.id
        row = OfferRun.objects.create(
            version_id=version_id, kind=kind, wanted=plain, requested_by=str(actor), requested_at=at
        )
        record(
            action=f"bonuses.request_{kind}",
            actor=actor,
            at=at,
            object_type="bonuses.offer",
            object_id=version.offer,
            after={"version": str(version.number)} | {name: str(value) for name, value in plain.items()},
        )
    return row.id


def work_runs(*, at: datetime) -> int:
    """Work on all runs that wait, or whose worker died; how many. Several workers never take the same one."""
    worked = 0
    while run_id := _take(at):
        row = OfferRun.objects.get(id=run_id)
        mine = OfferRun.objects.filter(id=run_id, state=RunState.WORKING)
        try:
            result = _work(row, at, lambda percent, mine=mine: mine.update(percent=percent))  # type: ignore[misc]
            mine.update(state=RunState.DONE, percent=100, result=result, finished_at=at)
        except Exception:
            logger.exception("run %s of an offer could not be worked", run_id)
            note = "It could not be worked; ask the operators for the reason."
            mine.update(state=RunState.FAILED, note=note, finished_at=at)
        worked += 1
    return worked


def simulate(
    *,
    version_id: UUID,
    wanted: SimulationWanted,
    at: datetime,
    told: Callable[[int], object] = lambda percent: None,
) -> dict[str, Any]:
    """Let made-up players play the bonus; what it costs, kept with the version. The same wishes give the same figures.

    Deposits are as those of the last 90 days where there are enough, else assumed; the result says which. ``told`` hears
    per cent. Raises: NotFound, FieldErrors.
    """
    version = get_version(version_id)
    wanted = _checked(version, wanted)
    number, deposits = list_deposit_sizes(currency=wanted.currency, since=at - HISTORY)
    if number < ENOUGH:
        median = fx.convert(MEDIAN, wanted.currency, at)
        number, deposits = 0, rules_simulation.assumed_deposits(median.amount_minor)
    model = Model(
        players=wanted.players,
        seed=wanted.seed,
        currency=wanted.currency,
        deposits=deposits,
        game=Game(wanted.category, float(wanted.rtp), float(wanted.volatility)),
        stake_percent=wanted.stake_percent,
        bets_per_day=wanted.bets_per_day,
    )
    played = rules_simulation.simulate(version.rule, model, lambda done: told(80 * done // wanted.players))
    result = {
        "at": at.isoformat(),
        "wanted": msgspec.to_builtins(wanted),
        "deposits_known": number,
        "deposits": deposits,
        **rules_simulation.figures(played, model),
        "strategies": [msgspec.to_builtins(strategy) for strategy in rules_simulation.abuse(version.rule, model)],
    }
    OfferVersion.objects.filter(id=version_id).update(simulation=result)
    return result


def dry_run(*, version_id: UUID, since: datetime, until: datetime, at: datetime) -> dict[str, Any]:
    """Who would have got the version in a time that is over, and why others not: counts and amounts, no player.

    Each award counts at full. ``known`` is False where history knows no occasions (by hand, by code).
    Raises: NotFound, FieldErrors.
    """
    _check_time(DryRunWanted(since=since, until=until))
    lines = list_would_be(get_version(version_id).rule, since, until)
    said: dict[str, Any] = {"since": since.isoformat(), "until": until.isoformat(), "known": lines is not None}
    lines = lines or []
    given = [line for line in lines if line["what"] == "given"]
    worth = [Money(line["worth"], line["name"]) for line in given]
    total = sum_in_euro(worth, at)
    return said | {
        "occasions": next((line["occasions"] for line in lines if line["what"] == "all"), 0),
        "given": [
            {"currency": line["name"], "bonuses": line["occasions"], "players": line["players"], "worth": str(amount)}
            for line, amount in zip(given, worth, strict=True)
        ],
        "worth_eur": None if total is None else str(total),
        "excluded": [
            {"reason": line["name"], "occasions": line["occasions"], "players": line["players"]}
            for line in lines
            if line["what"] == "excluded"
        ],
        "not_looked_at": list(NOT_LOOKED_AT),
    }


def _work(row: OfferRun, at: datetime, told: Callable[[int], object]) -> dict[str, Any]:
    if row.kind == RunKind.SIMULATION:
        wanted = msgspec.convert(row.wanted, SimulationWanted, strict=False)
        return simulate(version_id=row.version_id, wanted=wanted, at=at, told=told)
    time = msgspec.convert(row.wanted, DryRunWanted)
    return dry_run(version_id=row.version_id, since=time.since, until=time.until, at=at)


def _take(at: datetime) -> UUID | None:
    rows = fetch_all(
        """UPDATE bonuses_offerrun SET state = 'working', started_at = %(at)s, percent = 0 WHERE id = (
               SELECT id FROM bonuses_offerrun
               WHERE state = 'waiting' OR (state = 'working' AND started_at < %(given_up)s)
               ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id""",
        {"at": at, "given_up": at - GIVEN_UP},
    )
    return rows[0]["id"] if rows else None


def _checked(version: VersionDetails, wanted: SimulationWanted) -> SimulationWanted:
    """With its currency named. Raises: FieldErrors."""
    currencies = version.rule.currencies
    errors: dict[str, list[str]] = {}
    ranges: dict[str, tuple[Decimal | int, Decimal | int]] = {
        "players": (1_000, MOST_PLAYERS),
        "seed": (0, 2**31 - 1),
        "rtp": (Decimal("0.5"), Decimal(1)),
        "volatility": (0, 100),
        "stake_percent": (Decimal("0.1"), 100),
        "bets_per_day": (1, 2_000),
    }
    for field, (least, most) in ranges.items():
        if not least <= getattr(wanted, field) <= most:
            errors[field] = [f"From {least:,} to {most:,}."]
    if wanted.category not in CATEGORIES:
        errors["category"] = [f"Categories are {', '.join(CATEGORIES)}."]
    if wanted.currency and wanted.currency not in currencies:
        errors["currency"] = [f"The offer is made in {', '.join(sorted(currencies))}."]
    if errors:
        raise FieldErrors(errors)
    currency = wanted.currency or (fx.EURO if fx.EURO in currencies else min(currencies))
    return msgspec.structs.replace(wanted, currency=currency)


def _check_time(wanted: DryRunWanted) -> None:
    for name in ("since", "until"):
        if getattr(wanted, name).tzinfo is None:
            raise FieldErrors({name: ["Say in which time zone, such as 2026-03-14T15:00:00Z."]})
    if not timedelta(0) < wanted.until - wanted.since <= LONGEST:
        raise FieldErrors({"until": [f"Choose a later day than the first, at most {LONGEST.days} days after it."]})
