"""What packs say of means of payment: whose money, in whose name. Numbers: requirements.csv 53 and 56."""

from __future__ import annotations

from compliance.types_gate import DepositFacts, Reason, ReasonCode
from compliance.types_packs import EffectivePack

CREDIT, PREPAID, CARD, FOREIGN = "credit", "prepaid", "card", "foreign"


def means_reason(pack: EffectivePack, facts: DepositFacts) -> Reason | None:
    """Why no money is taken from such an instrument; None when it is."""
    credit = pack.flag("payments.credit", absent=True)
    cards = credit and pack.flag("payments.credit_card", absent=True)
    if facts.funding == CREDIT and not (cards if facts.means == CARD else credit):
        return _reason(ReasonCode.CREDIT_REFUSED)
    if facts.funding == PREPAID and not pack.flag("payments.anonymous_methods", absent=True):
        return _reason(ReasonCode.ANONYMOUS_REFUSED)
    if facts.ownership == FOREIGN and pack.flag("payments.own_name_account_only"):
        return _reason(ReasonCode.FOREIGN_ACCOUNT)
    if facts.looked_up is False:
        return _reason(ReasonCode.INSTRUMENT_UNKNOWN)
    return None


def _reason(code: ReasonCode) -> Reason:
    return Reason(code, _TEXTS[code])


_TEXTS = {
    ReasonCode.CREDIT_REFUSED: "Credit is not taken where the player lives: pay in by debit card or bank transfer.",
    ReasonCode.ANONYMOUS_REFUSED: "Anonymous means of payment are not taken where the player lives: pay in from an account"
    " in your own name.",
    ReasonCode.FOREIGN_ACCOUNT: "The account is not in the player's own name: pay in from one that is.",
    ReasonCode.INSTRUMENT_UNKNOWN: "The payment provider does not say now what this means of payment is: try later.",
}
