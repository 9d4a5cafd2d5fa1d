"""What the gate is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from compliance.types_limits import CentralAnswer
from kernel.money import Money
from players.types import public_reason

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # before anything that is played


class GateAction(StrEnum):
    """What somebody wants to do."""

    REGISTRATION = "registration"
    LOGIN = "login"
    DEPOSIT = "deposit"
    BET = "bet"
    WITHDRAWAL = "withdrawal"
    BONUS = "bonus"
    MESSAGE = "message"


class Verdict(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    REVIEW = "review"  # may go on, and a person looks at it


class ReasonCode(StrEnum):
    """Why the gate denies. Besides these: a restriction's kind, or ``status_<status>``. docs/integrators/refusals.md."""

    UNKNOWN_PLAYER = "unknown_player"
    PACK_INCOMPLETE = "pack_incomplete"
    RATE_MISSING = "rate_missing"
    LIMIT_REACHED = "limit_reached"
    LIMITS_REQUIRED = "limits_required"
    LIMIT_PROMPT_DUE = "limit_prompt_due"
    STAKE_ABOVE_CAP = "stake_above_cap"
    TOO_FAST = "too_fast"
    REALITY_CHECK_DUE = "reality_check_due"
    BREAK_DUE = "break_due"
    SESSION_LIMIT_REACHED = "session_limit_reached"
    LOGIN_TIME_REACHED = "login_time_reached"
    PARALLEL_PLAY = "parallel_play"
    VERIFICATION_REQUIRED = "verification_required"
    AGE_NOT_VERIFIED = "age_not_verified"
    LOGIN_SUMMARY_DUE = "login_summary_due"
    ACTIVITY_CHECK_DUE = "activity_check_due"
    EXCLUDED = "excluded"
    DUPLICATE_ACCOUNT = "duplicate_account"
    INELIGIBLE = "ineligible"
    REGISTER_UNAVAILABLE = "register_unavailable"
    GAME_TYPE_NOT_OFFERED = "game_type_not_offered"
    CREDIT_REFUSED = "credit_refused"
    ANONYMOUS_REFUSED = "anonymous_refused"
    FOREIGN_ACCOUNT = "foreign_account"
    INSTRUMENT_UNKNOWN = "instrument_unknown"
    WAGERING_ABOVE_CAP = "wagering_above_cap"
    MIXED_PRODUCTS = "mixed_products"
    BONUS_ABOVE_CAP = "bonus_above_cap"
    TOO_LITTLE_TIME = "too_little_time"
    UNEQUAL_TERMS = "unequal_terms"
    TERMS_NOT_SHOWN = "terms_not_shown"
    PUBLIC_ADVERTISING = "public_advertising"
    DURING_PLAY = "during_play"
    FIRST_OCCASION_ONLY = "first_occasion_only"
    HARM_MARKER = "harm_marker"
    AGE_BAND_EXCLUDED = "age_band_excluded"
    NO_CONSENT = "no_consent"
    INACTIVE = "inactive"


# What is said to people about the reasons that bets, deposits and the like are denied for; each names the remedy.
REASON_TEXTS: Mapping[str, str] = {
    ReasonCode.UNKNOWN_PLAYER: "There is no such player.",
    ReasonCode.RATE_MISSING: "An amount of the rules cannot be told in the player's currency: import exchange rates.",
    ReasonCode.PACK_INCOMPLETE: "The jurisdiction's rules lack a value that is needed: compliance has to complete them.",
    ReasonCode.LIMIT_REACHED: "A limit of the player is reached: wait until it frees, or stake less.",
    ReasonCode.LIMITS_REQUIRED: "The player has to set the limits that the rules ask for first.",
    ReasonCode.STAKE_ABOVE_CAP: "The stake is above what may be staked at once: stake less.",
    ReasonCode.TOO_FAST: "The last round began too short a time ago: wait a moment.",
    ReasonCode.REALITY_CHECK_DUE: "The player has to confirm the reality check first.",
    ReasonCode.BREAK_DUE: "The break that the rules ask for is not over: wait for its end.",
    ReasonCode.SESSION_LIMIT_REACHED: "The session's time is used up: pause before the next.",
    ReasonCode.LOGIN_TIME_REACHED: "The player's time logged in is used up: wait for the next period.",
    ReasonCode.PARALLEL_PLAY: "Another game is being played: end it first.",
    ReasonCode.VERIFICATION_REQUIRED: "The player's identity has to be verified first.",
    ReasonCode.AGE_NOT_VERIFIED: "The player's age has to be verified first.",
    ReasonCode.LOGIN_SUMMARY_DUE: "The player has to confirm the summary shown after login first.",
    ReasonCode.ACTIVITY_CHECK_DUE: "The player has to begin play first, so that the activity file can be asked.",
    ReasonCode.EXCLUDED: "The player is excluded from play.",
    ReasonCode.REGISTER_UNAVAILABLE: "The register of excluded persons does not answer: try again later.",
    ReasonCode.GAME_TYPE_NOT_OFFERED: "Games of this kind are not offered where the player lives.",
    ReasonCode.FIRST_OCCASION_ONLY: "Only the first occasion of play may bring a bonus here, and the player had one.",
    ReasonCode.CREDIT_REFUSED: "Money on credit is not taken: use another way to pay.",
}


def reason_text(code: str) -> str:
    """What is said to people about a reason."""
    return REASON_TEXTS.get(code, f"The account does not allow this: {code.replace('_', ' ')}.")


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands against an action. ``text`` names the remedy; ``data`` (never personal) goes to integrators."""

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    verdict: Verdict = Verdict.DENY

    @property
    def public_code(self) -> str:
        """As it may be told outside: what would warn the player has one neutral name."""
        return public_reason(self.code)

    @property
    def public_text(self) -> str:
        return self.text if self.public_code == self.code else "The account does not allow this now."


@dataclass(frozen=True, slots=True)
class Decision:
    """``packs`` names the versions that were asked; denials and reviews are stored under ``decision_id``."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    packs: str
    decision_id: UUID | None = None

    @property
    def allowed(self) -> bool:
        return self.verdict is not Verdict.DENY

    @property
    def refusal(self) -> Reason:
        """The first reason to deny. Only of a decision that is not ``allowed``."""
        return next(reason for reason in self.reasons if reason.verdict is Verdict.DENY)

    @property
    def problem(self) -> dict[str, Any]:
        """What a denial tells integrators, as members of a problem."""
        reason = self.refusal
        return {"reason": reason.public_code, "details": dict(reason.data), "decision_id": str(self.decision_id)}


PERSONAL: Mapping[str, bool] = {"personal": True}  # metadata of facts that no stored decision repeats


def _personal() -> Any:
    return field(default="", metadata=PERSONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFacts:
    """What a national register said when it was asked for this decision; "" where none was (services.registers)."""

    register: str = ""
    register_denies: bool = False
    register_listed: bool = False
    register_reply_id: str = ""


@dataclass(frozen=True, slots=True)
class RegistrationFacts(RegisterFacts):
    country: str
    region: str = ""
    email: str = _personal()
    phone: str = _personal()
    first_name: str = _personal()
    last_name: str = _personal()
    postcode: str = _personal()
    street: str = _personal()
    national_id: str = _personal()
    birth_date: date | None = field(default=None, metadata=PERSONAL)
    declarations: Mapping[str, bool] = field(default_factory=dict)  # what the player affirmed, by name
    device: str = _personal()  # the token that the person's browser or app keeps


@dataclass(frozen=True, slots=True)
class LoginFacts(RegisterFacts):
    """``going_on``: a session is prolonged, nobody logs in anew."""

    device: str = _personal()
    going_on: bool = False


@dataclass(frozen=True, slots=True)
class DepositFacts:
    """What is known of a deposit before it is asked for."""

    amount: Money
    provider: str = ""
    means: str = ""  # the instrument's kind: card, bank …
    funding: str = ""  # of the instrument: debit, credit, prepaid …; '' is not known
    ownership: str = ""  # own, foreign, confirmed; '' is not known
    looked_up: bool | None = None  # False: the pack wants to know what it is, and its provider does not say
    balance: Money | None = None  # what the player holds before it
    central: CentralAnswer | None = None  # what the register over all operators said


@dataclass(frozen=True, slots=True)
class BetFacts:
    """``real`` is the part of the stake that would be drawn from real money."""

    game: str
    category: str
    stake: Money
    real: Money


@dataclass(frozen=True, slots=True)
class WithdrawalFacts:
    """``to_origin``: the casino sends the money back to where it came from, nobody asked for a payout."""

    amount: Money
    to_origin: bool = False


@dataclass(frozen=True, slots=True)
class BonusFacts:
    """An incentive about to be written or given. None: not known, and not judged.

    ``wagering`` is the multiple asked for; ``earned_by`` the products that led to it and ``pays_in`` those that it can be
    used for; ``given_before`` what the player had of the same offer, as instalments are summed; ``first`` says that the
    player never had one before.
    """

    kind: str
    amount: Money
    wagering: Decimal | None = None
    earned_by: tuple[str, ...] = ()
    pays_in: tuple[str, ...] = ()
    open_days: int | None = None
    terms_shown_at: tuple[str, ...] | None = None  # first_presentation, offer, use
    terms_differ: bool = False  # between players
    public: bool = False  # advertised to everybody
    during_play: bool = False
    first: bool = True
    given_before: Money | None = None


@dataclass(frozen=True, slots=True)
class MessageFacts(RegisterFacts):
    """A message about to be sent. Service messages (``marketing`` false) are not stopped by marketing's rules."""

    channel: str
    product: str = ""
    marketing: bool = True
    incentive: bool = False  # speaks of a bonus


Facts = RegistrationFacts | LoginFacts | DepositFacts | BetFacts | WithdrawalFacts | BonusFacts | MessageFacts


def inputs_of(facts: Facts) -> dict[str, Any]:
    """What was asked, as it is stored with a decision: plain values, nothing personal."""
    return {item.name: _plain(getattr(facts, item.name)) for item in fields(facts) if not item.metadata.get("personal")}


def _plain(value: Any) -> Any:
    match value:
        case Money():
            return {"amount": str(value.major), "currency": value.currency}
        case CentralAnswer():
            return {"accepted": value.accepted, "available": value.available, "reply_id": value.reply_id}
        case Decimal() | datetime() | date():
            return str(value)
        case tuple():
            return [_plain(part) for part in value]
        case Mapping():
            return {key: _plain(part) for key, part in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class DecisionDetails:
    """A stored denial or review. ``player_id`` is None for a registration."""

    id: UUID
    action: GateAction
    player_id: UUID | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
    inputs: Mapping[str, Any]
    packs: str
    actor: str
    decided_at: datetime
