"""How old somebody is, what devices are called, and which passwords are refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date

MIN_PASSWORD, MAX_PASSWORD = 12, 256
_FEW = 5


def age_on(birth_date: date, today: date) -> int:
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


# --- devices -----------------------------------------------------------------------------------------------------

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
             ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
_SYSTEMS = (("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"),
            ("CrOS", "ChromeOS"), ("Mac OS X", "macOS"), ("Linux", "Linux"))  # fmt: skip


def name_device(user_agent: str) -> str:
    """What a person would call it: "Firefox on Windows"; for a program, what it calls itself."""
    browser = next((name for mark, name in _BROWSERS if f"{mark}/" in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser or system:
        return " on ".join(part for part in (browser or "App", system) if part)
    return re.split(r"[\s(]", user_agent.strip(), maxsplit=1)[0][:80] or "Unknown device"


# --- passwords ---------------------------------------------------------------------------------------------------


def fold_password(password: str) -> str:
    """The form in which passwords are compared with the list of common ones."""
    return unicodedata.normalize("NFKC", password).casefold()


def find_password_fault(password: str, own: Iterable[str], is_common: Callable[[str], bool]) -> str:
    """What is wrong with a password, as a sentence; "" when nothing is. NIST SP 800-63B-4: length and lists, no recipes.

    ``own`` are the person's names and addresses; ``is_common`` knows the list, in folded form.
    """
    if len(password) < MIN_PASSWORD:
        return f"Use at least {MIN_PASSWORD} characters; several words are easiest to remember."
    if len(password) > MAX_PASSWORD:
        return f"Use at most {MAX_PASSWORD} characters."
    folded = fold_password(password)
    if any(is_common(core) for core in _cores(folded)) or _is_repeated(folded, is_common):
        return (
            "This is among the passwords that attackers try first, or such a one with a little added. Choose another."
        )
    if _resembles(folded, own):
        return "This resembles your name, login or address. Choose something that nobody can know of you."
    return ""


def _cores(folded: str) -> Iterator[str]:
    """The password, and what is left of it without a few signs at its ends, which guessers add as well."""
    for before in range(_FEW + 1):
        for after in range(_FEW + 1 - before):
            yield folded[before : len(folded) - after]


def _is_repeated(folded: str, is_common: Callable[[str], bool]) -> bool:
    """One short piece over and over: "abcabcabcabc"."""
    for size in range(1, len(folded) // 2 + 1):
        piece = folded[:size]
        if len(folded) % size == 0 and piece * (len(folded) // size) == folded:
            return size <= 6 or is_common(piece)
    return False


def _resembles(folded: str, own: Iterable[str]) -> bool:
    """Whether little is left of the password without the person's own words."""
    words = {part for value in own for part in re.split(r"\W+", fold_password(value)) if len(part) > 2}
    rest = folded
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest) < len(folded) and len(re.sub(r"\W", "", rest)) <= _FEW
