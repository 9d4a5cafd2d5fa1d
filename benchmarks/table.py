"""The table that `make bench` makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a ``figure`` in ``unit``, what it is measured against, or None, and what is to be reached, in words."""

    what: str
    figure: float
    reference: float | None = None
    target: str = ""
    unit: str = "/s"

    def __str__(self) -> str:
        reference = "" if self.reference is None else f"{self.reference:,.0f}"
        ratio = "" if not self.reference else f"{self.figure / self.reference:.2f}"
        return f"| {self.what} | {self.figure:,.0f}{self.unit} | {reference} | {ratio} | {self.target} |"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A comparison that this machine cannot make, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"| {self.what} | skipped: {self.why} | | | |"
