"""Dormant accounts: told in time by mail, then charged once a month, never below zero.

A player is dormant who moved no money for ``DORMANT_AFTER_MONTHS``. Where the pack of their jurisdiction wants longer
silence or longer notice, that holds; where it wants dormant money kept for them, nothing is charged; where it
wants a notice all the same, the player is told that the account becomes dormant. Whoever is kept from
playing (a restriction, a status other than active) is neither told nor charged: they could not be active if they wanted to.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from compliance.selectors_packs import get_pack, get_pack_of
from compliance.types_packs import EffectivePack
from events.catalogue.wallet import DormancyEnded, DormancyNoticed, DormantFeeCharged
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.context import request_id
from kernel.db import fetch_all, fetch_one
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import find_refusal, get_player
from players.types import PlayerAction
from wallet import rules_adjustments as rules
from wallet.models import Account
from wallet.models_adjustments import DormancyNotice, DormantFee
from wallet.services.posting import OwnSource, post
from wallet.types import AccountKind, Outcome, TransferKind

logger = logging.getLogger(__name__)

# Movements that are not the player's own doing keep nobody active.
_NOT_ACTIVITY = [TransferKind.DORMANT_FEE, TransferKind.ADJUSTMENT, TransferKind.WRITE_OFF, TransferKind.BONUS_FORFEIT]
_BATCH = 1_000


def run_dormancy(*, actor: Actor, at: datetime) -> dict[str, int]:
    """A day's work: end notices of those who came back, tell who fell silent, charge whose notice has run out.

    May be run any number of times: a player is told once and charged once per calendar month (UTC). Nobody is charged
    whose mail did not go out.
    Publishes DormancyEnded, DormancyNoticed, DormantFeeCharged. Returns how many of each.
    """
    fees = {currency: Money.parse(fee, currency) for currency, fee in settings.DORMANT_FEE.items()}
    counts = {"ended": _end(at), "noticed": 0, "charged": 0}
    for currency in {*settings.PLAYER_CURRENCIES, *fees}:
        counts["noticed"] += _notice(fees.get(currency, Money.zero(currency)), at)
    for fee in fees.values():
        counts["charged"] += _charge(fee, actor, at)
    return counts


def _end(at: datetime) -> int:
    """Close notices of players who moved money after they were told, or have none left."""
    rows = fetch_all(
        """
        SELECT n.id, n.player_id FROM wallet_dormancynotice n
        WHERE n.ended_at IS NULL AND (
            EXISTS (SELECT FROM wallet_transfer t WHERE t.player_id = n.player_id
                    AND t.id >= kernel_uuid7_floor(n.noticed_at) AND t.kind <> ALL(%(not_activity)s))
            OR NOT EXISTS (SELECT FROM wallet_account a WHERE a.player_id = n.player_id AND a.kind = 'real'
                           AND a.balance_minor > 0))
        ORDER BY n.id
        """,
        {"not_activity": _NOT_ACTIVITY},
    )
    for row in rows:
        with holding(row["player_id"]):
            if DormancyNotice.objects.filter(id=row["id"], ended_at=None).update(ended_at=at):
                publish(DormancyEnded(player_id=row["player_id"], occurred_at=at, notice_id=row["id"]))
    return len(rows)


def _notice(fee: Money, at: datetime) -> int:
    """Tell of the fee, or where the pack wants it, that the account becomes dormant; nobody else is looked at."""
    residences = [
        f"{place['country']}:{place['region']}"
        for place in fetch_all(
            "SELECT DISTINCT country, region FROM players_player WHERE currency = %s", [fee.currency]
        )
        if _terms_of(get_pack(country=place["country"], region=place["region"], at=at)).is_told(fee)
    ]
    silent_since = rules.quiet_since(at, settings.DORMANT_AFTER_MONTHS, settings.DORMANT_NOTICE_DAYS)
    after = UUID(int=0)
    while players := _silent(fee.currency, residences, silent_since, after):
        for player_id in players:
            _open(player_id, fee, at)
        after = players[-1]
    unsent = DormancyNotice.objects.filter(ended_at=None, sent_at=None, player__currency=fee.currency)
    return sum(_tell(notice, fee, at) for notice in unsent.order_by("id").iterator(_BATCH))


def _silent(currency: str, residences: list[str], since: datetime, after: UUID) -> list[UUID]:
    """Players of these residences with money, untold, who moved none since then; in the order of their ids."""
    rows = fetch_all(
        """
        SELECT a.player_id FROM wallet_account a JOIN players_player p ON p.id = a.player_id
        WHERE p.country || ':' || p.region = ANY (%(residences)s)
          AND a.kind = 'real' AND a.currency = %(currency)s AND a.balance_minor > 0 AND a.player_id > %(after)s
          AND a.opened_at < %(since)s AND NOT EXISTS (
              SELECT FROM wallet_dormancynotice n WHERE n.player_id = a.player_id AND n.ended_at IS NULL)
          AND NOT EXISTS (
              SELECT FROM wallet_transfer t WHERE t.player_id = a.player_id AND t.id >= kernel_uuid7_floor(%(since)s)
              AND t.kind <> ALL(%(not_activity)s))
        ORDER BY a.player_id LIMIT %(batch)s
        """,
        {
            "currency": currency,
            "residences": residences,
            "since": since,
            "after": after,
            "not_activity": _NOT_ACTIVITY,
            "batch": _BATCH,
        },
    )
    return [row["player_id"] for row in rows]


def _open(player_id: UUID, fee: Money, at: datetime) -> None:
    terms = _terms_of(get_pack_of(player_id, at))
    silent_since = rules.quiet_since(at, terms.months, terms.notice_days)
    with holding(player_id):
        refused = not terms.is_told(fee) or find_refusal(player_id, PlayerAction.PLAY, at)
        if not refused and not _moved_since(player_id, silent_since):
            DormancyNotice.objects.get_or_create(
                player_id=player_id,
                ended_at=None,
                defaults={"noticed_at": at, "chargeable_at": terms.chargeable_at(at)},
            )


def _tell(notice: DormancyNotice, fee: Money, at: datetime) -> bool:
    """Send the mail, with nobody held meanwhile; what did not go out is tried again by the next run."""
    player = get_player(notice.player_id)
    terms = _terms_of(get_pack_of(player.id, at))
    chargeable_at, fee = terms.chargeable_at(at), terms.fee(fee)
    with transaction.atomic():
        alone = fetch_one("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [str(notice.id)])[0]
        still = DormancyNotice.objects.filter(id=notice.id, ended_at=None, sent_at=None)
        if not alone or not still.exists() or find_refusal(player.id, PlayerAction.PLAY, at):
            return False
        try:
            with translation.override(player.language):
                send_mail(
                    subject=_subject(fee) % {"operator": settings.OPERATOR_NAME},
                    message=render_to_string(
                        "wallet/dormancy_mail.txt" if fee.amount_minor else "wallet/dormancy_kept_mail.txt",
                        {"player": player, "fee": fee, "from": chargeable_at, "operator": settings.OPERATOR_NAME},
                    ),
                    from_email=None,
                    recipient_list=[player.email],
                )
        except OSError as error:
            logger.error("player %s could not be told of the dormant fee: %s", player.id, error)
            return False
        with holding(player.id):
            still.update(sent_at=at, chargeable_at=chargeable_at)
            publish(
                DormancyNoticed(
                    player_id=player.id,
                    occurred_at=at,
                    notice_id=notice.id,
                    chargeable_at=chargeable_at,
                    fee=fee.major,
                    currency=fee.currency,
                )
            )
    return True


def _subject(fee: Money) -> str:
    if fee.amount_minor:
        return gettext("%(operator)s: a fee for your account")
    return gettext("%(operator)s: your account becomes dormant")


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for one player: the stricter of the settings and the pack."""

    months: int
    notice_days: int
    chargeable: bool
    notice: bool  # wanted without a fee too

    def fee(self, configured: Money) -> Money:
        return configured if self.chargeable else Money.zero(configured.currency)

    def is_told(self, configured: Money) -> bool:
        return self.notice or bool(self.fee(configured).amount_minor)

    def chargeable_at(self, told_at: datetime) -> datetime:
        return told_at + timedelta(days=self.notice_days)


def _terms_of(pack: EffectivePack) -> _Terms:
    return _Terms(
        months=max(pack.integer("wallet.inactive_after_months") or 0, settings.DORMANT_AFTER_MONTHS),
        notice_days=max(pack.integer("wallet.inactive_fee_notice_days") or 0, settings.DORMANT_NOTICE_DAYS),
        chargeable=not pack.flag("wallet.dormant_balance_recoverable"),
        notice=pack.flag("wallet.dormant_notice"),
    )


def _charge(fee: Money, actor: Actor, at: datetime) -> int:
    month = f"{at.astimezone(UTC):%Y-%m}"
    told = DormancyNotice.objects.filter(ended_at=None, sent_at__isnull=False)
    due = told.filter(chargeable_at__lte=at, player__currency=fee.currency)
    charged_before = DormantFee.objects.filter(month=month).values("player_id")
    charged = 0
    for notice in due.exclude(player_id__in=charged_before).order_by("id").iterator(_BATCH):
        charged += _charge_one(notice, fee, month, actor, at)
    return charged


def _charge_one(notice: DormancyNotice, fee: Money, month: str, actor: Actor, at: datetime) -> bool:
    """One player in a transaction of their own; everything is looked at again once the player is held."""
    player_id, terms = notice.player_id, _terms_of(get_pack_of(notice.player_id, at))
    if not terms.chargeable or notice.sent_at is None or at < terms.chargeable_at(notice.sent_at):
        return False  # the rules have become stricter since the player was told
    with holding(player_id):
        purse = Account.objects.filter(player_id=player_id, kind=AccountKind.REAL, balance_minor__gt=0).first()
        if (
            purse is None
            or find_refusal(player_id, PlayerAction.PLAY, at)
            or _moved_since(player_id, notice.noticed_at)
            or DormantFee.objects.filter(player_id=player_id, month=month).exists()
        ):
            return False
        amount = rules.dormant_fee(Money(purse.balance_minor or 0, purse.currency), fee)
        posting = post(
            "wallet_move",
            [
                TransferKind.DORMANT_FEE,
                player_id,
                purse.id,
                AccountKind.FEES,
                amount.currency,
                -amount.amount_minor,
                OwnSource.DORMANCY,
                f"{player_id}:{month}",
                at,
                str(actor),
                request_id.get(),
            ],
            amount.currency,
        )
        if posting.outcome is not Outcome.APPLIED or posting.transfer_id is None:
            raise RuntimeError(f"dormant fee of {player_id} for {month}: {posting.outcome} {posting.reason}")
        DormantFee.objects.create(
            id=uuid7(),
            player_id=player_id,
            notice=notice,
            month=month,
            amount_minor=amount.amount_minor,
            currency=amount.currency,
            transfer_id=posting.transfer_id,
            charged_at=at,
        )
        publish(
            DormantFeeCharged(
                player_id=player_id,
                occurred_at=at,
                notice_id=notice.id,
                transfer_id=posting.transfer_id,
                month=month,
                amount=amount.major,
                currency=amount.currency,
            )
        )
    return True


def _moved_since(player_id: UUID, since: datetime) -> bool:
    return bool(
        fetch_all(
            "SELECT 1 FROM wallet_transfer WHERE player_id = %s AND id >= kernel_uuid7_floor(%s) AND kind <> ALL(%s) LIMIT 1",
            [player_id, since, _NOT_ACTIVITY],
        )
    )
