"""A payment provider that exists only here: for the demo, tests and integrators' trials. No money moves."""

from __future__ import annotations

from uuid import UUID

from kernel.money import Money
from wallet.ports import Authorisation, AuthorisationState, ProviderUnavailable


class SandboxProvider:
    """The instrument says what happens: ``tok_ok``, ``tok_decline``, ``tok_pending`` (made when asked again),
    ``tok_timeout`` (no answer; the payment was taken)."""

    name = "sandbox"

    def authorise(self, payment_id: UUID, amount: Money, instrument: str) -> Authorisation:
        if instrument == "tok_decline":
            return Authorisation(AuthorisationState.FAILED, self._reference(payment_id), "declined_by_issuer")
        if instrument == "tok_pending":
            return Authorisation(AuthorisationState.PENDING, self._reference(payment_id))
        if instrument == "tok_timeout":
            raise ProviderUnavailable("the sandbox was told not to answer")
        if instrument == "tok_ok":
            return self.status(payment_id)
        return Authorisation(AuthorisationState.FAILED, self._reference(payment_id), "unknown_instrument")

    def status(self, payment_id: UUID) -> Authorisation:
        return Authorisation(AuthorisationState.MADE, self._reference(payment_id))

    def _reference(self, payment_id: UUID) -> str:
        return f"sbx_{payment_id.hex}"
