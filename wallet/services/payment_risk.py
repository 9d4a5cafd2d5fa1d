"""What is known about a withdrawal when it is asked for; judged by wallet.rules."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.db import fetch_all
from kernel.money import Money
from players.selectors import list_labels, list_restrictions, list_setting_changes
from players.types import ConfirmStatus, PlayerDetails, public_reason
from wallet.models_payments import ApprovalRule, WithdrawalPolicy
from wallet.rules import PLAY_WINDOW, VELOCITY_WINDOW, AutoApproval, RiskFacts
from wallet.types_payments import InstrumentDetails

# A player's newest transfers that are looked at for the play of the last weeks: no search grows with a history.
NEWEST_TRANSFERS = 20_000

_FIGURES = """
    SELECT (SELECT coalesce(sum(amount_minor), 0)::bigint FROM wallet_deposit
            WHERE player_id = %(player)s AND state IN ('made', 'reinstated') AND settled_at > %(play_from)s) AS deposited,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM (
                SELECT kind, amount_minor, occurred_at FROM wallet_transfer
                WHERE player_id = %(player)s ORDER BY id DESC LIMIT %(newest)s) t
            WHERE kind = 'bet' AND occurred_at > %(play_from)s) AS staked,
           (SELECT count(*) FROM wallet_withdrawal
            WHERE player_id = %(player)s AND requested_at > %(velocity_from)s) AS recent,
           (SELECT max(paid_minor) FROM wallet_withdrawal WHERE player_id = %(player)s AND state = 'paid') AS largest,
           (SELECT count(*) FROM wallet_deposit WHERE player_id = %(player)s AND state = 'charged_back') AS chargebacks,
           EXISTS (SELECT FROM wallet_instrument mine JOIN wallet_instrument other
                   ON other.fingerprint_index = mine.fingerprint_index AND other.player_id <> mine.player_id
                   WHERE mine.id = %(instrument)s) AS shared
"""
# Written by ourselves, or changed with every login: no sign of a takeover.
_HARMLESS_CHANGES = frozenset({"status", "language", "time_zone", "confirm_status", "risk_level"})


def gather_facts(*, player: PlayerDetails, instrument: InstrumentDetails, amount: Money, at: datetime) -> RiskFacts:
    """Everything that ``rules.assess`` wants to know, in one query and three short reads."""
    row = fetch_all(
        _FIGURES,
        {
            "player": player.id,
            "instrument": instrument.id,
            "play_from": at - PLAY_WINDOW,
            "velocity_from": at - VELOCITY_WINDOW,
            "newest": NEWEST_TRANSFERS,
        },
    )[0]
    changes = [change for change in list_setting_changes(player.id) if change.name not in _HARMLESS_CHANGES]
    standing = list_restrictions(player.id, standing_at=at)
    return RiskFacts(
        amount=amount,
        at=at,
        instrument=instrument,
        instrument_shared=row["shared"],
        deposited=Money(row["deposited"], amount.currency),
        staked=Money(row["staked"], amount.currency),
        recent_withdrawals=row["recent"],
        largest_paid=None if row["largest"] is None else Money(row["largest"], amount.currency),
        restrictions=tuple(sorted({public_reason(restriction.kind) for restriction in standing})),
        confirmed=player.confirm_status is ConfirmStatus.CONFIRMED,
        risk_level=player.risk_level,
        changed_at=max((change.changed_at for change in changes), default=None),
        chargebacks=row["chargebacks"],
    )


def find_level(player_id: UUID) -> str:
    """The player's loyalty level as the label says it, "" without one."""
    labels = list_labels(player_id)
    return next((label.value for label in labels if (label.namespace, label.key) == ("loyalty", "level")), "")


def list_auto_approvals() -> list[AutoApproval]:
    """The rules in force that spare a withdrawal a person."""
    return [
        AutoApproval(rule.level, Money(rule.up_to_minor, rule.currency), rule.max_score)
        for rule in ApprovalRule.objects.filter(active=True)
    ]


def cooling_minutes(country: str) -> int:
    """How long passes between approval and payment: the country's policy, or the one for all others; else no time."""
    policies = {policy.country: policy for policy in WithdrawalPolicy.objects.filter(country__in=[country, ""])}
    policy = policies.get(country) or policies.get("")
    return policy.cooling_minutes if policy else 0
