"""What is sealed of an instrument: its token and its label."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kernel import vault
from wallet.models_payments import Instrument

SECRETS, FINGERPRINT = "wallet.instrument", "wallet.fingerprint"
ERASED = "(erased)"


@dataclass(frozen=True, slots=True)
class InstrumentSecrets:
    """``token`` is the provider's; ``label`` is for people ("•••• 4242"), empty where the provider told none."""

    token: str
    label: str = ""


def open_instrument(row: Instrument) -> InstrumentSecrets:
    """Raises: kernel.vault.Destroyed, Damaged."""
    return InstrumentSecrets(**json.loads(vault.unseal(row.player_id, SECRETS, bytes(row.sealed))))


def label_of(row: Instrument) -> str:
    """What people call it; after the player's erasure only that it was one."""
    try:
        secrets = open_instrument(row)
    except vault.Destroyed:
        return f"{row.provider} {ERASED}"
    return secrets.label or f"{row.provider} …{secrets.token[-4:]}"
