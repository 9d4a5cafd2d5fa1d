"""What an instrument is and whose: asked of its provider before money is taken, where the player's country wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from compliance.selectors_packs import get_pack_of
from compliance.services.cases import open_case
from compliance.types_cases import CaseKind
from compliance.types_packs import EffectivePack
from events.audit import record
from events.services.log import holding
from kernel.access import Subject, require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from wallet.models_payments import Instrument
from wallet.ports import InstrumentFacts, ProviderUnavailable, get_provider
from wallet.selectors import get_instrument
from wallet.types_payments import InstrumentDetails, Ownership

CONFIRM = "wallet.approve_withdrawal"


class ForeignAccount(DomainError):
    """Money would go to somebody else's account."""

    code = "foreign_account"
    title = "This account is not the player's own"
    status = 409


@dataclass(frozen=True, slots=True)
class Looked:
    """What a provider told of an instrument. ``answered`` is None where nobody wanted to know."""

    facts: InstrumentFacts | None = None
    answered: bool | None = None


def look_up(*, player_id: UUID, provider: str, token: str, at: datetime) -> Looked:
    """Ask the provider where the pack refuses some means of payment; call it outside of any transaction.

    Raises: UnknownPlayer.
    """
    if not _wants_to_know(get_pack_of(player_id, at)):
        return Looked()
    try:
        return Looked(get_provider(provider).look_up(token), True)
    except ProviderUnavailable:
        return Looked(answered=False)


def refuses_foreign(instrument: Instrument, at: datetime) -> bool:
    """Whether this instrument is somebody else's where only the player's own is paid to: beyond what it paid in, nothing."""
    return instrument.ownership == Ownership.FOREIGN and get_pack_of(instrument.player_id, at).flag(
        "payments.own_name_account_only"
    )


def report_foreign(instrument: Instrument, actor: Actor, at: datetime) -> None:
    """Have a person look at an instrument in somebody else's name; once per instrument."""
    open_case(
        kind=CaseKind.FOREIGN_ACCOUNT,
        player_id=instrument.player_id,
        facts={"instrument_id": str(instrument.id), "provider": instrument.provider, "kind": instrument.kind},
        key=str(instrument.id),
        actor=actor,
        at=at,
    )


def confirm_ownership(*, instrument_id: UUID, reason: str, actor: Actor, at: datetime) -> InstrumentDetails:
    """A person has seen that an instrument is the player's own though its holder is written otherwise.

    On the audit trail. Raises: NotFound, AccessDenied, FieldErrors.
    """
    found = get_instrument(instrument_id)
    require(actor, CONFIRM, Subject(player_id=found.player_id), at)
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words what shows that it is the player's own."]})
    with holding(found.player_id):
        Instrument.objects.filter(id=instrument_id).update(ownership=Ownership.CONFIRMED)
        record(
            action="wallet.confirm_instrument",
            actor=actor,
            at=at,
            player_id=found.player_id,
            object_type="wallet.instrument",
            object_id=str(instrument_id),
            reason=reason,
            before={"ownership": found.ownership.value},
            after={"ownership": Ownership.CONFIRMED.value},
        )
    return get_instrument(instrument_id)


def _wants_to_know(pack: EffectivePack) -> bool:
    taken = ("payments.credit", "payments.credit_card", "payments.anonymous_methods")
    return pack.flag("payments.own_name_account_only") or not all(pack.flag(key, absent=True) for key in taken)
