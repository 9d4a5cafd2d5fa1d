"""Errors of the domain. They name the fact (InsufficientFunds), carry data, and become RFC 9457 problems at the border."""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """Something that the caller asked for and cannot have. Subclasses set ``code``, ``title`` and the HTTP ``status``.

    ``data`` travels to the caller as extension members of the problem; never put personal data there.
    """

    code: ClassVar[str] = "domain_error"
    title: ClassVar[str] = "The request could not be carried out"
    status: ClassVar[int] = 422

    def __init__(self, detail: str, **data: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.data = data


class NotFound(DomainError):
    """No such thing, or not for this actor's eyes."""

    code = "not_found"
    title = "Not found"
    status = 404


class FieldErrors(DomainError):
    """One or more fields of the input are wrong. ``errors`` maps a field to sentences that name the remedy."""

    code = "validation_failed"
    title = "Some fields are not right"
    status = 422

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors.items()))
        self.errors = errors

    def within(self, place: str) -> FieldErrors:
        """The same of fields inside ``place``, such as ``items[3]``."""
        return FieldErrors({f"{place}.{field}": texts for field, texts in self.errors.items()})


class IdempotencyConflict(DomainError):
    """The idempotency key was used before with other content."""

    code = "idempotency_conflict"
    title = "Idempotency key reused with other content"
    status = 409
