"""Calls of the posting functions (wallet/sql/posting.sql): one round trip each, the answer as ``Posting``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import cache
from typing import Any

from django.db import DatabaseError, connection

from compliance.selectors_gate import find_denial
from compliance.services.play_gate import refresh
from compliance.types_gate import ReasonCode
from kernel.errors import FieldErrors
from kernel.money import Money
from wallet.types import Outcome, Posting

MAX_REFERENCE_LENGTH = 200

_PARALLEL_KEY = "PM003"
_ATTEMPTS = 5
_GATE_STALE = "gate_stale"
# Refusals by compliance that say more than their code: which limit, until when.
_WITH_DETAILS = frozenset(ReasonCode)


class OwnSource(StrEnum):
    """Sources of the system's own movements. No service client's id has a colon: none can take their keys."""

    DEPOSITS = "pms:deposits"
    WITHDRAWALS = "pms:withdrawals"
    ADJUSTMENTS = "pms:adjustments"
    DORMANCY = "pms:dormancy"
    HOLDS = "pms:holds"
    EXCLUSIONS = "pms:exclusions"
    FREE_SPINS = "pms:free-spins"
    PURSES = "pms:purses"
    RETURNS = "pms:returns"
    EXCESS = "pms:excess"


def post(function: str, params: Sequence[Any], currency: str) -> Posting:
    """Call a posting function; again where a parallel call took the key first, or the gate's row had to be compiled.

    Outside a transaction the call is one of its own: it commits before this returns. Balances are in the player's
    currency; ``currency`` labels the zeros of a player who is unknown.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            posting = _call(function, params, currency)
        except DatabaseError as error:
            if (
                getattr(error.__cause__, "sqlstate", None) != _PARALLEL_KEY
                or connection.in_atomic_block
                or attempt == _ATTEMPTS
            ):
                raise
            continue  # the next look sees what the key led to
        if posting.reason != _GATE_STALE:
            break
        refresh(player_id=params[0], at=params[-3])  # every gated function begins and ends alike; nothing was done
    if posting.reason in _WITH_DETAILS and (denial := find_denial(params[0], posting.reason)):
        return replace(posting, details=denial.data)
    return posting


def check_references(**references: str) -> None:
    """Keys, rounds and sources are 1 to 200 printable characters. Raises: FieldErrors naming each that is not."""
    errors = {
        name: [f"Use 1 to {MAX_REFERENCE_LENGTH} printable characters."]
        for name, text in references.items()
        if not (0 < len(text) <= MAX_REFERENCE_LENGTH and text.isprintable())
    }
    if errors:
        raise FieldErrors(errors)


def check_amount(name: str, amount: Money, *, zero_allowed: bool = False) -> None:
    """Raises: FieldErrors for a negative amount, and for zero where it means nothing."""
    if amount.amount_minor < 0 or (amount.amount_minor == 0 and not zero_allowed):
        raise FieldErrors({name: [f"The amount must be {'zero or more' if zero_allowed else 'more than zero'}."]})


@cache
def _statement(function: str, parameters: int) -> str:
    placeholders = ", ".join(["%s"] * parameters)
    return (
        "SELECT outcome, reason, transfer_id, win_transfer_id, real_minor, bonus_minor, currency "
        f"FROM {function}({placeholders})"
    )


def _call(function: str, params: Sequence[Any], currency: str) -> Posting:
    with connection.cursor() as cursor:
        cursor.execute(_statement(function, len(params)), list(params))
        return read_posting(cursor.fetchone(), currency)


def read_posting(row: Sequence[Any], currency: str) -> Posting:
    """The columns of a ``wallet_posting``; ``currency`` as for ``post``."""
    outcome, reason, transfer_id, win_transfer_id, real, bonus, held_in = row
    return Posting(
        outcome=Outcome(outcome),
        reason=reason,
        transfer_id=transfer_id,
        win_transfer_id=win_transfer_id,
        real=Money(real, held_in or currency),
        bonus=Money(bonus, held_in or currency),
    )
