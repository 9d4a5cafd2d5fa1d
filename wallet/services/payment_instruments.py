"""A player's means of payment: known by the provider's token, never by a card or account number."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from events.audit import record
from events.catalogue.wallet_instruments import InstrumentRegistered
from events.services.log import holding, publish
from kernel import vault
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.ids import uuid7
from kernel.pan import holds_pan
from players.selectors import get_player
from players.services.messages import tell_by_mail
from wallet.models_payments import Instrument
from wallet.ports import InstrumentFacts, check_provider
from wallet.rules_means import ownership_of
from wallet.selectors import get_instrument
from wallet.selectors_instruments import FINGERPRINT, SECRETS, InstrumentSecrets, label_of, open_instrument
from wallet.services.payment_means import look_up
from wallet.services.posting import check_references
from wallet.types_payments import Funding, InstrumentDetails, InstrumentKind, Ownership

MAX_TOKEN_LENGTH = 120
MAX_LABEL_LENGTH = 60


def register_instrument(
    *,
    player_id: UUID,
    provider: str,
    token: str,
    actor: Actor,
    at: datetime,
    kind: InstrumentKind = InstrumentKind.OTHER,
    label: str = "",
) -> InstrumentDetails:
    """Make an instrument known, to be paid to; the one that is known by this token already, otherwise.

    A new one is on the audit trail, and the player is told by mail. Publishes InstrumentRegistered.
    Raises: UnknownPlayer, FieldErrors.
    """
    check_token(token)
    check_provider(provider)
    if len(label) > MAX_LABEL_LENGTH or holds_pan(label):
        raise FieldErrors({"label": [f"Use at most {MAX_LABEL_LENGTH} characters, and no card number."]})
    looked = look_up(player_id=player_id, provider=provider, token=token, at=at)
    with holding(player_id):
        known = Instrument.objects.filter(player_id=player_id, token_index=_index_token(provider, token)).exists()
        instrument = ensure_instrument(player_id=player_id, provider=provider, token=token, at=at)
        learn(instrument=instrument, facts=InstrumentFacts(kind, label), at=at)
        learn(instrument=instrument, facts=looked.facts, at=at)
        if not known:
            _tell(instrument, actor, at)
    return get_instrument(instrument.id)


def _tell(instrument: Instrument, actor: Actor, at: datetime) -> None:
    """Whoever took an account over names a card of their own: the owner hears of it."""
    publish(
        InstrumentRegistered(
            player_id=instrument.player_id,
            occurred_at=at,
            instrument_id=instrument.id,
            provider=instrument.provider,
            actor=str(actor),
        )
    )
    record(
        action="wallet.register_instrument",
        actor=actor,
        at=at,
        player_id=instrument.player_id,
        object_type="wallet.instrument",
        object_id=str(instrument.id),
        after={"provider": instrument.provider, "kind": instrument.kind},
    )
    tell_by_mail(
        player_id=instrument.player_id,
        subject=_("A new means of payment"),
        text=_(
            "%(label)s was added to your account: withdrawals can be paid to it from now on.\n\n"
            "If it was not you, change your password now and write to us."
        )
        % {"label": label_of(instrument)},
    )


def check_token(token: str, field: str = "instrument") -> None:
    """Raises: FieldErrors."""
    check_references(**{field: token})
    if len(token) > MAX_TOKEN_LENGTH or token.replace(" ", "").isdigit() or holds_pan(token):
        raise FieldErrors({field: ["Give the provider's token, never a card or account number."]})


def ensure_instrument(*, player_id: UUID, provider: str, token: str, at: datetime) -> Instrument:
    """The player's instrument of this token, added when new. The caller holds the player."""
    instrument, _ = Instrument.objects.get_or_create(
        player_id=player_id,
        token_index=_index_token(provider, token),
        defaults={
            "id": uuid7(),
            "provider": provider,
            "sealed": _sealed(player_id, InstrumentSecrets(token), at),
            "added_at": at,
        },
    )
    return instrument


def learn(*, instrument: Instrument, facts: InstrumentFacts | None, at: datetime) -> None:
    """Keep what the provider tells of an instrument. The caller holds the player."""
    if facts is None:
        return
    if facts.kind is not InstrumentKind.OTHER:
        instrument.kind = facts.kind
    secrets = open_instrument(instrument)
    if facts.label and facts.label[:MAX_LABEL_LENGTH] != secrets.label:
        named = replace(secrets, label=facts.label[:MAX_LABEL_LENGTH])
        instrument.sealed = _sealed(instrument.player_id, named, at)
    if facts.fingerprint:
        instrument.fingerprint_index = vault.blind_index(FINGERPRINT, f"{instrument.provider} {facts.fingerprint}")
    if facts.funding is not Funding.UNKNOWN:
        instrument.funding = facts.funding
    if facts.holder and instrument.ownership != Ownership.CONFIRMED:
        player = get_player(instrument.player_id)
        instrument.ownership = ownership_of(facts.holder, player.first_name, player.last_name)
    instrument.save(update_fields=["kind", "sealed", "fingerprint_index", "funding", "ownership"])


def reseal(player_id: UUID, at: datetime) -> int:
    """Seal the player's instruments anew that are not under the newest key, and index their tokens; how many.

    Fingerprints are known by their index only: after a change of its key they are learnt again with the next payment.
    """
    changed = []
    with holding(player_id):
        for instrument in Instrument.objects.filter(player_id=player_id):
            secrets = open_instrument(instrument)
            index = _index_token(instrument.provider, secrets.token)
            if vault.is_current(player_id, bytes(instrument.sealed)) and bytes(instrument.token_index) == index:
                continue
            instrument.sealed, instrument.token_index = _sealed(player_id, secrets, at), index
            changed.append(instrument)
        Instrument.objects.bulk_update(changed, ["sealed", "token_index"])
    return len(changed)


def _index_token(provider: str, token: str) -> bytes:
    return vault.blind_index("wallet.token", f"{provider} {token}")


def _sealed(player_id: UUID, secrets: InstrumentSecrets, at: datetime) -> bytes:
    return vault.seal(player_id, SECRETS, json.dumps(asdict(secrets)), at=at)


def note_payment(*, instrument_id: UUID | None, at: datetime, paid_in_minor: int = 0, paid_out_minor: int = 0) -> None:
    """Add to what an instrument has paid in or was paid (negative: taken back). The caller holds the player."""
    if instrument_id is None:
        return
    Instrument.objects.filter(id=instrument_id).update(
        paid_in_minor=F("paid_in_minor") + paid_in_minor,
        paid_out_minor=F("paid_out_minor") + paid_out_minor,
        last_used_at=at,
    )
