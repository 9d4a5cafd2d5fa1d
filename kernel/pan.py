"""Card numbers (PANs) never enter this system: found by their form and check digit, refused or masked.

A card number has 13 to 19 digits and passes Luhn's check (ISO/IEC 7812-1). Numbers that begin with 0, 1 or 7 are no
payment cards: leaving them out spares timestamps and counters. Identifiers in hexadecimal and phone numbers in
international form are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, MutableMapping
from typing import Any

from kernel.errors import FieldErrors

NOT_WRITTEN_DOWN = "This looks like a card number. Never write one down here; the last four digits will do."

_HEX_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=[0-9a-f]*[a-f])[0-9a-f]{24,})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_RUN = re.compile(r"(?<![0-9+])[0-9]+(?:[ .\-][0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_DEEPEST = 20


class CardNumberFound(ValueError):
    """A text holds what looks like a card number; the message says what to do instead."""


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit)
        if place % 2:
            number = number * 2 - 9 * (number > 4)
        total += number
    return total % 10 == 0


def holds_pan(text: str) -> bool:
    """Whether a card number stands anywhere in the text, with or without separators."""
    return next(_spans(text), None) is not None


def mask_pans(text: str, *, spare: Collection[str] = ()) -> str:
    """The text with every card number replaced by its last four digits: "[card ••1111]".

    ``spare`` are names of things, such as rounds: a number that stands in one of them is left alone.
    """
    for start, end in reversed(list(_spans(text))):
        if any(text[start:end] in name for name in spare):
            continue
        digits = re.sub(r"[^0-9]", "", text[start:end])
        text = f"{text[:start]}[card ••{digits[-4:]}]{text[end:]}"
    return text


def find_pan(value: Any, path: str = "") -> str | None:
    """The dotted path of the first card number in a JSON value ("" for the value itself), or None. Keys count too."""
    if isinstance(value, str):
        return path if holds_pan(value) else None
    # Numbers too: {"card": 4111111111111111}
    if isinstance(value, int) and not isinstance(value, bool):
        return path if holds_pan(str(value)) else None
    pairs: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, dict):
        pairs = ((str(key), item) for key, item in value.items())
    elif isinstance(value, list):
        pairs = ((str(place), item) for place, item in enumerate(value))
    for key, item in pairs:
        if holds_pan(key):
            return path
        found = find_pan(item, f"{path}.{key}".lstrip("."))
        if found is not None:
            return found
    return None


def refuse_pan(text: str) -> str:
    """The text itself. Raises: CardNumberFound."""
    if holds_pan(text):
        raise CardNumberFound(NOT_WRITTEN_DOWN)
    return text


def refuse_pans(**texts: str) -> None:
    """For what people write down and we keep. Raises: FieldErrors naming each text that holds a card number."""
    errors = {name: [NOT_WRITTEN_DOWN] for name, text in texts.items() if holds_pan(text)}
    if errors:
        raise FieldErrors(errors)


def mask_log(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor: no card number reaches a log, whoever wrote it."""
    for key, value in event.items():
        if not key.startswith("_"):  # structlog's own: the record, for the formatter
            event[key] = _masked(value)
    return event


def _masked(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return mask_pans(value)
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        return {key: _masked(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_masked(item, depth + 1) for item in value])
    return value


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand; none overlaps another."""
    if sum(char.isdigit() for char in text) < 13:  # almost every text
        return
    blanked = _HEX_ID.sub(lambda found: "x" * len(found[0]), text)
    for run in _RUN.finditer(blanked):
        groups = [(run.start() + group.start(), group[0]) for group in _GROUP.finditer(run[0])]
        first = 0
        while first < len(groups):
            length = next((n for n in range(len(groups) - first, 0, -1) if _is_pan(groups[first : first + n])), 0)
            if length:
                last_start, last = groups[first + length - 1]
                yield groups[first][0], last_start + len(last)
            first += length or 1


def _is_pan(groups: list[tuple[int, str]]) -> bool:
    """Whether these groups of digits are one card number, as it is printed on cards or typed digit by digit."""
    sizes = [len(digits) for _, digits in groups]
    as_printed = sizes[0] >= 4 and min(sizes) >= 3
    typed_apart = max(sizes) <= 2 and len(set(sizes[:-1])) <= 1
    number = "".join(digits for _, digits in groups)
    return (as_printed or typed_apart) and 13 <= len(number) <= 19 and number[0] in "2345689" and passes_luhn(number)
