"""Verification of players (KYC): what has to be proved, how steps and cases move, when thresholds are reached.

Plain functions over facts; no table, no clock. Numbers of rules: requirements.csv (docs/staff/verification.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from compliance.types_kyc import CaseState, Funds, StepKind, StepState, Trigger
from compliance.types_packs import EffectivePack
from players.types import ConfirmStatus, RiskFactor, RiskLevel

S, C, F = StepState, CaseState, Funds

STEP_MOVES: Mapping[StepState, frozenset[StepState]] = {
    S.REQUIRED: frozenset({S.SUBMITTED, S.IN_REVIEW, S.ACCEPTED, S.RETRY, S.REJECTED}),
    S.SUBMITTED: frozenset({S.REQUIRED, S.IN_REVIEW, S.ACCEPTED, S.RETRY, S.REJECTED}),
    S.IN_REVIEW: frozenset({S.ACCEPTED, S.RETRY, S.REJECTED}),
    S.RETRY: frozenset({S.SUBMITTED, S.IN_REVIEW, S.ACCEPTED, S.REJECTED}),
    # A provider may take its word back: a stolen document is found later.
    S.ACCEPTED: frozenset({S.EXPIRED, S.IN_REVIEW, S.RETRY, S.REJECTED}),
    S.REJECTED: frozenset(),  # for good; staff opens another case
    S.EXPIRED: frozenset(),  # proved anew in another case
}

CASE_MOVES: Mapping[CaseState, frozenset[CaseState]] = {
    C.OPEN: frozenset({C.SUBMITTED, C.IN_REVIEW, C.CONFIRMED, C.REJECTED_RETRY, C.REJECTED_FINAL, C.CANCELLED}),
    C.SUBMITTED: frozenset({C.OPEN, C.IN_REVIEW, C.CONFIRMED, C.REJECTED_RETRY, C.REJECTED_FINAL, C.CANCELLED}),
    C.IN_REVIEW: frozenset({C.OPEN, C.SUBMITTED, C.CONFIRMED, C.REJECTED_RETRY, C.REJECTED_FINAL, C.CANCELLED}),
    C.REJECTED_RETRY: frozenset({C.OPEN, C.SUBMITTED, C.IN_REVIEW, C.CONFIRMED, C.REJECTED_FINAL, C.CANCELLED}),
    C.CONFIRMED: frozenset({C.EXPIRED, C.IN_REVIEW, C.REJECTED_RETRY, C.REJECTED_FINAL}),
    C.REJECTED_FINAL: frozenset(),
    C.EXPIRED: frozenset(),
    C.CANCELLED: frozenset(),
}

FUNDS_MOVES: Mapping[Funds, frozenset[Funds]] = {
    F.FREE: frozenset({F.LOCKED, F.REFUND_DUE}),
    F.LOCKED: frozenset({F.FREE, F.REFUND_DUE}),
    F.REFUND_DUE: frozenset({F.FREE, F.REFUNDED}),
    F.REFUNDED: frozenset({F.FREE}),
}

# Why a step is not accepted: code -> what the player is told, which names the remedy.
REASONS: Mapping[str, str] = {
    "document_unreadable": "The picture cannot be read. Take it again in good light, all four corners visible.",
    "document_expired": "The document has expired. Send one that is valid.",
    "document_wrong_type": "This kind of document is not accepted. Send a passport, identity card or driving licence.",
    "document_incomplete": "A page or side is missing. Send all of it.",
    "document_damaged": "The document is damaged. Send another one.",
    "address_not_shown": "The document does not show the address. Send a bill or bank statement of the last three months.",
    "address_differs": "The address is not the one of the account. Correct the profile, or send another document.",
    "data_differs": "Name or birth date are not those of the account. Correct the profile, or send another document.",
    "selfie_needed": "The photograph of yourself does not show enough. Take it again.",
    "birth_date_missing": "The birth date is missing. Add it to the profile.",
    "underage": "Playing is not allowed at this age.",
    "source_of_funds_unclear": "The documents do not show where the money comes from. Send payslips or bank statements.",
    "check_unavailable": "The check could not be made. Try again later.",
    "not_accepted": "The verification was not accepted. Contact support.",
}

# What is never told as it is: it would teach forgers, or warn somebody under suspicion.
CONFIDENTIAL_REASONS = frozenset({"forged", "fraud_pattern", "duplicate", "listed", "sanctions"})
# Money of somebody on a list is frozen: it may go nowhere, not even back.
FREEZING_REASONS = frozenset({"listed", "sanctions"})

# How long a proof holds, by the risk that the player is: the higher, the sooner it is proved anew.
PROOF_HOLDS: Mapping[RiskLevel, timedelta] = {
    RiskLevel.LOW: timedelta(days=3 * 365),
    RiskLevel.MEDIUM: timedelta(days=2 * 365),
    RiskLevel.HIGH: timedelta(days=365),
    RiskLevel.PROHIBITED: timedelta(days=365),
}
FOUR_EYES = frozenset({RiskLevel.HIGH, RiskLevel.PROHIBITED})
REVIEW_WITHIN: Mapping[RiskLevel, timedelta] = {
    RiskLevel.LOW: timedelta(hours=72),
    RiskLevel.MEDIUM: timedelta(hours=48),
    RiskLevel.HIGH: timedelta(hours=24),
    RiskLevel.PROHIBITED: timedelta(hours=24),
}
FINISH_WITHIN = timedelta(days=30)  # a case that locks money: then the money goes back
CLAIM_STANDS = timedelta(minutes=30)


# --- what has to be proved -----------------------------------------------------------------------------------------

# What a pack's ``verification.fields`` mean in steps.
_BY_FIELD: Mapping[str, StepKind] = {
    "name": StepKind.IDENTITY,
    "birth_name": StepKind.IDENTITY,
    "birth_place": StepKind.IDENTITY,
    "national_id": StepKind.IDENTITY,
    "contact": StepKind.IDENTITY,
    "occupation": StepKind.IDENTITY,
    "birth_date": StepKind.AGE,
    "address": StepKind.ADDRESS,
}


def steps_of_fields(fields: Iterable[str]) -> set[StepKind]:
    """Identity and age everywhere, and what the pack's fields add."""
    return {StepKind.IDENTITY, StepKind.AGE} | {_BY_FIELD[name] for name in fields if name in _BY_FIELD}


def requirements(fields: Iterable[str], risk: RiskLevel, trigger: Trigger) -> tuple[StepKind, ...]:
    """The steps of a case: what the pack's fields mean; due diligence adds the address; high risk, and medium risk at a
    threshold, add where the money comes from; high risk adds a look of compliance at all of it."""
    wanted = steps_of_fields(fields)
    if trigger in (Trigger.THRESHOLD, Trigger.RISK):
        wanted.add(StepKind.ADDRESS)
    if risk in FOUR_EYES or (risk is RiskLevel.MEDIUM and trigger in (Trigger.THRESHOLD, Trigger.RISK)):
        wanted |= {StepKind.ADDRESS, StepKind.SOURCE_OF_FUNDS}
    if risk in FOUR_EYES:
        wanted.add(StepKind.ENHANCED)
    return tuple(kind for kind in StepKind if kind in wanted)


def demanded_before(pack: EffectivePack, action: str) -> set[StepKind]:
    """What the pack wants proved before a deposit, bet, bonus or withdrawal: nothing, the age, or all of the identity."""
    wanted = {StepKind.AGE} if action in pack.texts("verification.age_before") else set()
    if action in pack.texts("verification.identity_before"):
        wanted |= steps_of_fields(pack.texts("verification.fields"))
    return wanted


def still_open(wanted: Iterable[StepKind], proved: Iterable[StepKind]) -> tuple[StepKind, ...]:
    """What is wanted and not proved yet: nobody is asked twice for what holds."""
    done = set(proved)
    return tuple(kind for kind in wanted if kind not in done)


# --- states --------------------------------------------------------------------------------------------------------


def state_of(steps: Sequence[StepState], *, released: bool) -> CaseState:
    """Where a case stands by its steps. The worst speaks first; all accepted is confirmed once it is ``released``.

    ``released``: nothing beyond the steps has to be decided (a case of high risk waits for a second person).
    """
    found = set(steps)
    if S.REJECTED in found:
        return C.REJECTED_FINAL
    if S.EXPIRED in found:
        return C.EXPIRED
    if S.RETRY in found:
        return C.REJECTED_RETRY
    if S.REQUIRED in found:
        return C.OPEN
    if S.SUBMITTED in found:
        return C.SUBMITTED
    if S.IN_REVIEW in found or not released:
        return C.IN_REVIEW
    return C.CONFIRMED


CONFIRM_STATUS: Mapping[CaseState, ConfirmStatus] = {
    C.OPEN: ConfirmStatus.UNVERIFIED,
    C.SUBMITTED: ConfirmStatus.SUBMITTED,
    C.IN_REVIEW: ConfirmStatus.IN_REVIEW,
    C.CONFIRMED: ConfirmStatus.CONFIRMED,
    C.REJECTED_RETRY: ConfirmStatus.REJECTED_RETRY,
    C.REJECTED_FINAL: ConfirmStatus.REJECTED_FINAL,
    C.EXPIRED: ConfirmStatus.EXPIRED,
}


def tell(reasons: Iterable[str]) -> list[str]:
    """What the player is told of these reasons: each code's sentence; confidential and unknown ones as one neutral."""
    return list(dict.fromkeys(REASONS.get(code, REASONS["not_accepted"]) for code in reasons))


def public_codes(reasons: Iterable[str]) -> list[str]:
    """The codes as players and integrators may see them."""
    return list(dict.fromkeys(code if code in REASONS else "not_accepted" for code in reasons))


def age_on(birth_date: date, today: date) -> int:
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def proof_until(risk: RiskLevel, at: datetime, document_until: datetime | None) -> datetime:
    """When an accepted step lapses: with its document, at the latest when the risk level wants it anew."""
    latest = at + PROOF_HOLDS[risk]
    return min(latest, document_until) if document_until else latest


# --- due-diligence thresholds: rules 7 and 8 -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Threshold:
    """Due diligence from ``amount_eur_minor`` on (reached, not passed), over ``window`` (None: over the account's life).

    ``basis`` says what is added up: deposits, payouts, each kind for itself; not ``linked``: each one alone.
    """

    amount_eur_minor: int
    window: timedelta | None = None
    basis: tuple[str, ...] = ("deposit", "payout")
    linked: bool = True


STAKE = "stake"


def threshold_of(pack: EffectivePack) -> Threshold | None:
    """What the pack says of due diligence. Linked transactions are summed, over ``cdd_window_days`` where it names some,
    else over the account's life; where they are not linked, each one counts for itself."""
    amount = pack.amount("aml.cdd_threshold")
    if amount is None:
        return None
    days = pack.integer("aml.cdd_window_days")
    linked = pack.flag("aml.cdd_linked", absent=True)
    basis: tuple[str, ...] = ("deposit",)
    if pack.text("aml.cdd_basis") != "deposits":
        basis = ("deposit", "payout", *((STAKE,) if linked else ()))  # stakes are known as sums only
    return Threshold(amount.amount_minor, timedelta(days=days) if days else None, basis, linked)


def reaches(threshold: Threshold, transactions: Iterable[tuple[str, datetime, int]], at: datetime) -> bool:
    """Whether the ``(kind, moment, euro minor)`` of a player add up to the threshold, each kind for itself.

    A transaction exactly ``window`` old still counts: in on day 180, out on day 181 (rule 8).
    """
    since = at - threshold.window if threshold.window else None
    sums = dict.fromkeys(threshold.basis, 0)
    for kind, moment, amount in transactions:
        if kind in sums and (since is None or moment >= since) and moment <= at:
            sums[kind] = sums[kind] + amount if threshold.linked else max(sums[kind], amount)
    return any(total >= threshold.amount_eur_minor for total in sums.values())


# --- grace: rule 3 -------------------------------------------------------------------------------------------------


def grace_until(registered_at: datetime, hours: int) -> datetime:
    """Exclusive: at 71:59 still, at 72:00 no longer."""
    return registered_at + timedelta(hours=hours)


def fits_grace(deposited_minor: int, amount_minor: int, cap_minor: int) -> bool:
    return deposited_minor + amount_minor <= cap_minor


# --- risk ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """What the level is made of. Amounts in euro minor units, over 30 days."""

    country: str
    high_risk_countries: frozenset[str]
    deposited_30d_eur_minor: int
    listed: bool  # a sanctions or PEP list names the person; set by screening
    rejected_before: bool
    age: int | None
    manual: str = ""  # a level that a person has set; it is never undercut by the rules


MEDIUM_FROM, HIGH_FROM = 30, 60
_LARGE, _VERY_LARGE = 500_000, 2_000_000  # EUR 5,000 and 20,000 in 30 days


def factors_of(facts: RiskFacts) -> list[RiskFactor]:
    """What speaks for a higher level, with its points."""
    found = [
        (facts.country in facts.high_risk_countries, "country", 60, f"Lives in {facts.country}, a high-risk country."),
        (facts.listed, "listed", 100, "A sanctions or PEP list may name this person."),
        (
            facts.deposited_30d_eur_minor >= _VERY_LARGE,
            "deposits",
            60,
            f"Deposited EUR {_VERY_LARGE // 100:,} or more in 30 days.",
        ),
        (
            _LARGE <= facts.deposited_30d_eur_minor < _VERY_LARGE,
            "deposits",
            30,
            f"Deposited EUR {_LARGE // 100:,} or more in 30 days.",
        ),
        (facts.rejected_before, "rejected_before", 30, "A verification was rejected for good before."),
        (
            facts.age is not None and facts.age < 21 and facts.deposited_30d_eur_minor >= _LARGE,
            "young_and_large",
            30,
            "Under 21 and depositing large amounts.",
        ),
    ]
    return [RiskFactor(code, points, text) for applies, code, points, text in found if applies]


_ORDER = (RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH, RiskLevel.PROHIBITED)


def level_of(factors: Iterable[RiskFactor], manual: str) -> RiskLevel:
    """The level that the points give, or the one that a person set where that is higher."""
    points = sum(factor.points for factor in factors)
    level = RiskLevel.HIGH if points >= HIGH_FROM else RiskLevel.MEDIUM if points >= MEDIUM_FROM else RiskLevel.LOW
    return max(level, RiskLevel(manual) if manual else RiskLevel.LOW, key=_ORDER.index)


def is_higher(level: RiskLevel, than: RiskLevel) -> bool:
    return _ORDER.index(level) > _ORDER.index(than)
