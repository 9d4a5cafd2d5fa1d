"""In whose name a means of payment is. Number: requirements.csv 53."""

from __future__ import annotations

import re
import unicodedata

from wallet.types_payments import Ownership

# Letters that no decomposition takes apart.
_SPELT = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def ownership_of(holder: str, first_name: str, last_name: str) -> Ownership:
    """Whether an account's holder is the player: all of the last name, and the first name or its initial, stand in it.

    Accents, case, order and further names (a second first name, a joint account) do not matter. Unknown where the
    provider names no holder or the player no name.
    """
    held, first, last = _words(holder), _words(first_name), _words(last_name)
    if not held or not first or not last:
        return Ownership.UNKNOWN
    rest = list(held)
    for word in last:
        if word not in rest:
            return Ownership.FOREIGN
        rest.remove(word)
    return Ownership.OWN if first[0] in rest or first[0][0] in rest else Ownership.FOREIGN


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_SPELT))
    return re.findall(r"[^\W\d_]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
