"""Are two records one person? Names are compared without accents, by sound and with a slip of the pen allowed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from compliance.types_exclusion import Likeness

# Letters that Unicode does not take apart, and the ways of writing what it does.
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "å": "a", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
)
_SPELLINGS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))
_SOUNDS = (
    ("sch", "s"), ("tsch", "c"), ("ch", "k"), ("ph", "f"), ("th", "t"), ("ck", "k"), ("dt", "t"), ("tz", "s"),
    ("qu", "kv"), ("x", "ks"), ("z", "s"), ("c", "k"), ("v", "f"), ("w", "f"), ("y", "i"), ("j", "i"), ("ou", "u"),
)  # fmt: skip
_SHORT_NAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is compared. ``devices`` are hashes of what a browser or app keeps."""

    first_name: str
    last_name: str
    birth_date: date | None
    postcode: str = ""
    email: str = ""
    phone: str = ""
    national_id: str = ""
    devices: frozenset[bytes] = frozenset()


def fold_name(text: str) -> str:
    """Lower case, without accents and marks: "Łukasz Müller-Lüdenscheidt" is "lukasz muller ludenscheidt"."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    letters = "".join(char for char in parts if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", letters))


def sound_of(folded: str) -> str:
    """How a folded name sounds, roughly: "meyer", "maier" and "meier" are one."""
    text = folded.replace(" ", "")
    for written, same in _SPELLINGS:
        text = text.replace(written, same)
    for written, sound in _SOUNDS:
        text = text.replace(written, sound)
    text = re.sub(r"(?:ei|ai)", "a", text.replace("h", ""))
    text = re.sub(r"(.)\1+", r"\1", text)
    return text[:1] + re.sub(r"[aeiou]", "", text[1:])


def fold_postcode(text: str) -> str:
    """Letters and digits alone, a country's prefix dropped: "D-10115" is "10115", "sw1a 1aa" is "SW1A1AA"."""
    plain = re.sub(r"[\W_]", "", text.upper())
    found = re.fullmatch(r"[A-Z]{1,2}(\d{3,})", plain)
    return found[1] if found else plain


def fold_email(text: str) -> str:
    """The mailbox behind an address: what follows a plus is dropped, and dots where Google ignores them."""
    local, _, domain = text.casefold().partition("@")
    local = local.partition("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def spell(text: str) -> tuple[str, ...]:
    """The parts of a name in one spelling and order: "Müller", "Mueller" and "Muller" are the same."""
    folded = fold_name(text)
    for written, same in _SPELLINGS:
        folded = folded.replace(written, same)
    return tuple(sorted(folded.split()))


def are_close(one: str, other: str) -> bool:
    """Alike in sound, or but for one slip in a name that is long enough: "Meyer", "Maier"; "Schmitd", "Schmidt"."""
    first, second = fold_name(one), fold_name(other)
    shortest = min(len(first), len(second))
    if shortest <= _SHORT_NAME:
        return bool(first) and first == second
    return sound_of(first) == sound_of(second) or (shortest > _SHORT_NAME + 1 and within_one_slip(first, second))


def within_one_slip(one: str, other: str) -> bool:
    """One letter more, less, other, or two neighbours swapped."""
    if one == other:
        return True
    if len(one) > len(other):
        one, other = other, one
    start = next((place for place, char in enumerate(one) if char != other[place]), len(one))
    if len(one) == len(other):
        swapped = one[:start] + one[start : start + 2][::-1] + one[start + 2 :]
        return one[start + 1 :] == other[start + 1 :] or swapped == other
    return len(other) - len(one) == 1 and one[start:] == other[start + 1 :]


def are_one_date(one: date | None, other: date | None) -> bool:
    """The same day, or day and month swapped."""
    if one is None or other is None:
        return False
    return one == other or (one.year == other.year and (one.month, one.day) == (other.day, other.month))


def compare(one: Person, other: Person) -> tuple[Likeness | None, tuple[str, ...]]:
    """How sure it is that they are one person, and by which signs; None and the signs where they don't suffice.

    The same: national number, or name, birth date and postcode. Likely: name, or one that is close to it, and birth date;
    or either of them with the same phone, mailbox or device. Twins have close names: those are never "the same".
    """
    whole_one, whole_other = f"{one.first_name} {one.last_name}", f"{other.first_name} {other.last_name}"
    name = bool(whole_one.strip()) and spell(whole_one) == spell(whole_other)
    close = not name and are_close(one.last_name, other.last_name) and are_close(one.first_name, other.first_name)
    born = are_one_date(one.birth_date, other.birth_date)
    contacts = {
        "email": bool(one.email) and fold_email(one.email) == fold_email(other.email),
        "phone": bool(one.phone) and one.phone == other.phone,
        "device": bool(one.devices & other.devices),
    }
    found = {
        "national_id": bool(one.national_id) and one.national_id == other.national_id,
        "name": name,
        "similar_name": close,
        "birth_date": born,
        "postcode": bool(one.postcode) and fold_postcode(one.postcode) == fold_postcode(other.postcode),
        **contacts,
    }
    signs = tuple(sign for sign, holds in found.items() if holds)
    if found["national_id"] or (name and born and found["postcode"]):
        return Likeness.SAME, signs
    named = name or close
    if (named and born) or ((named or born) and any(contacts.values())):
        return Likeness.LIKELY, signs
    return None, signs
