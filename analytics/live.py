"""The home page's live part: a snapshot of the house, computed once per interval for everybody, over WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.core.cache import caches
from django.template.loader import render_to_string
from django_otp import DEVICE_ID_SESSION_KEY

from analytics.selectors import get_home_figures
from analytics.types import CountFigure, HomeFigures, MoneyFigure
from compliance.selectors_cases import count_waiting as count_review_cases
from compliance.selectors_kyc import count_waiting as count_verification
from compliance.types_cases import QueueLength
from events.selectors import list_lags
from events.types import ConsumerLag
from kernel import clock
from kernel.access import allowed, prefetch, remembering
from kernel.actors import Actor
from kernel.addresses import find_client_ip
from kernel.context import client_ip
from kernel.money import Money
from kernel.staff import actor_of
from players.selectors import get_player
from players.services.staff_sessions import may_listen
from wallet.selectors import list_latest_deposits
from wallet.types_payments import DepositDetails

# While Redis is away everybody computes the figures for themselves.
cache = caches["forgiving"]
INTERVAL_S = 2.0
# How long somebody who was logged out, or lost a role, still gets figures.
RECHECK_S = 20.0
# A consumer that gave no sign for so long is not running.
STALE = timedelta(seconds=30)
LATE_S = 60

FIGURES, CASES, KYC, CONSUMERS, LETTERS, DEPOSITS = (
    "analytics.view_daytotals",
    "compliance.view_reviewcase",
    "compliance.view_kyccase",
    "events.view_consumercursor",
    "events.view_deadletter",
    "wallet.view_deposit",
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the home page, ready to be shown; ``permission`` is what it takes to see it."""

    key: str
    permission: str
    title: str
    text: str
    unit: str = ""
    note: str = ""
    tone: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The house at one moment. ``parts`` are rendered tables: key, permission, HTML."""

    at: datetime
    tiles: tuple[Tile, ...]
    parts: tuple[tuple[str, str, str], ...]
    deposits: tuple[tuple[DepositDetails, str], ...] = ()

    def for_actor(self, actor: Actor) -> dict[str, Any]:
        """What this actor may see, as JSON values; the deposits of those players whom they may see."""
        parts = {key: html for key, permission, html in self.parts if allowed(actor, permission)}
        if allowed(actor, DEPOSITS):
            parts["deposits"] = self._render_deposits(actor)
        return {
            "at": self.at.isoformat(),
            "tiles": [asdict(tile) for tile in self.tiles if allowed(actor, tile.permission)],
            "parts": parts,
        }

    def _render_deposits(self, actor: Actor) -> str:
        with remembering():
            prefetch(deposit.player_id for deposit, _ in self.deposits)
            seen = [row for row in self.deposits if allowed(actor, DEPOSITS, row[0])]
        return render_to_string("wallet/latest_deposits.html", {"deposits": seen})


def current_snapshot(at: datetime) -> Snapshot:
    """The snapshot of this interval: whoever comes first computes it, the others read it."""
    fresh: Snapshot | None = cache.get("home:fresh")
    if fresh:
        return fresh
    if not cache.add("home:computing", 1, timeout=10):
        last: Snapshot | None = cache.get("home:last")
        if last:
            return last
    snapshot = compute_snapshot(at)
    cache.set("home:fresh", snapshot, INTERVAL_S * 0.9)
    cache.set("home:last", snapshot, 60)
    cache.delete("home:computing")
    return snapshot


def compute_snapshot(at: datetime) -> Snapshot:
    lags = list_lags(at)
    figures = get_home_figures(at, currency=settings.PLAYER_CURRENCIES[0])
    deposits = tuple((deposit, get_player(deposit.player_id).login) for deposit in list_latest_deposits(limit=8))
    return Snapshot(
        at=at,
        tiles=(*_business(figures), *_queues(at), *_machinery(lags)),
        parts=(
            (
                "consumers",
                CONSUMERS,
                render_to_string("events/consumer_rows.html", {"lags": lags, "stale": at - STALE}),
            ),
        ),
        deposits=deposits,
    )


def _business(figures: HomeFigures) -> list[Tile]:
    failed = figures.deposits_failed.today
    deposits = f"{figures.deposits.today:,} made, {failed:,} failed"
    return [
        Tile("ggr", FIGURES, "GGR today", _amount(figures.ggr.today), figures.currency, _than(figures.ggr)),
        Tile("stakes", FIGURES, "Stakes today", _amount(figures.stakes.today), figures.currency, _than(figures.stakes)),
        Tile("deposits", FIGURES, "Deposits today", _amount(figures.deposited.today), figures.currency, deposits),
        Tile(
            "active",
            FIGURES,
            "Active players today",
            f"{figures.active_players.today:,}",
            "",
            _than(figures.active_players),
        ),
        Tile(
            "registrations",
            FIGURES,
            "New players today",
            f"{figures.registrations.today:,}",
            "",
            _than(figures.registrations),
        ),
        Tile(
            "players",
            FIGURES,
            "Players",
            f"{figures.players.today:,}",
            "",
            f"{figures.players.yesterday:,} at the end of yesterday",
        ),
    ]


def _queues(at: datetime) -> list[Tile]:
    return [
        _queue("review-cases", CASES, "Review cases", count_review_cases(at), "admin:compliance_reviewcase_changelist"),
        _queue(
            "verification", KYC, "Verification to decide", count_verification(at), "admin:compliance_kyccase_changelist"
        ),
    ]


def _queue(key: str, permission: str, title: str, length: QueueLength, link: str) -> Tile:
    note = f"{length.late:,} late" if length.late else "nothing is late" if length.waiting else "nothing waits"
    return Tile(key, permission, title, f"{length.waiting:,}", "", note, "bad" if length.late else "", link)


def _machinery(lags: list[ConsumerLag]) -> list[Tile]:
    worst = max(lags, key=lambda lag: lag.seconds_behind, default=None)
    seconds = worst.seconds_behind if worst else 0.0
    paused = sum(lag.paused for lag in lags)
    parked = sum(lag.parked for lag in lags)
    return [
        Tile(
            "lag",
            CONSUMERS,
            "Consumers behind",
            f"{seconds:,.1f}",
            "s",
            f"{paused} paused" if paused else (f"{worst.name}" if worst and seconds >= 1 else "all up to date"),
            "bad" if seconds > LATE_S else "warn" if paused else "",
            "admin:events_consumercursor_changelist",
        ),
        Tile(
            "letters",
            LETTERS,
            "Dead letters",
            f"{parked:,}",
            "",
            "parked, waiting for somebody" if parked else "nothing is parked",
            "bad" if parked else "",
            "admin:events_deadletter_changelist",
        ),
    ]


def _amount(money: Money) -> str:
    return f"{money.major:,f}".replace("-", "\N{MINUS SIGN}")


def _than(figure: MoneyFigure | CountFigure) -> str:
    before = figure.yesterday
    return f"yesterday {_amount(before) if isinstance(before, Money) else f'{before:,}'}"


class HomeConsumer(AsyncJsonWebsocketConsumer):
    """Sends a member of staff the figures every interval, for as long as the session and the account are good."""

    async def connect(self) -> None:
        self.sending: asyncio.Task[None] | None = None
        client_ip.set(_address_of(self.scope))  # for this connection alone: it has a context of its own
        self.actor = await self._check()
        if self.actor is None:
            await self.close(code=4403)
            return
        await self.accept()
        self.sending = asyncio.create_task(self._send())

    async def disconnect(self, code: int) -> None:
        if self.sending:
            self.sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.sending

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Nothing is asked over this line."""

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        checked = loop.time()
        while True:
            if loop.time() - checked > RECHECK_S:
                checked, self.actor = loop.time(), await self._check()
            if self.actor is None:
                await self.close(code=4403)
                return
            snapshot = await database_sync_to_async(current_snapshot)(clock.now())
            await self.send_json(await database_sync_to_async(snapshot.for_actor)(self.actor))
            await asyncio.sleep(INTERVAL_S)

    async def _check(self) -> Actor | None:
        """Who is there, read anew; None when it is nobody of staff, or somebody whom no page would be shown now."""
        session = import_module(settings.SESSION_ENGINE).SessionStore(self.scope["session"].session_key)
        user = await get_user({"session": session})
        if not user.is_authenticated or not user.is_active or not user.is_staff:
            return None
        return await database_sync_to_async(self._admit)(session, user)

    def _admit(self, session: Any, user: Any) -> Actor | None:
        admitted = may_listen(
            session_key=session.session_key or "",
            user_id=user.pk,
            device=session.get(DEVICE_ID_SESSION_KEY, ""),
            ip=client_ip.get(),
            at=clock.now(),
        )
        return actor_of(user) if admitted else None


def _address_of(scope: Any) -> str:
    """Where the browser is, as for a request (kernel.middleware)."""
    headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return find_client_ip((scope.get("client") or [""])[0], ",".join(headers), settings.TRUSTED_PROXIES)
