"""What may be said of a player's data and account, without a database."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from functools import cache
from zoneinfo import available_timezones

import phonenumbers
from django_countries import countries
from stdnum.exceptions import ValidationError
from stdnum.util import get_cc_module

from kernel.currencies import EXPONENTS
from players.types import PlayerAction, RestrictionKind, Status

A = PlayerAction

BLOCKS: dict[RestrictionKind, tuple[PlayerAction, ...]] = {
    RestrictionKind.SELF_EXCLUDED: (A.LOGIN, A.DEPOSIT, A.PLAY, A.BONUS, A.MARKETING),
    RestrictionKind.COOLING_OFF: (A.DEPOSIT, A.PLAY, A.BONUS, A.MARKETING),
    RestrictionKind.KYC_HOLD: (A.PLAY, A.WITHDRAW, A.BONUS),  # deposits stay possible: they are locked too
    RestrictionKind.AML_HOLD: (A.DEPOSIT, A.PLAY, A.WITHDRAW, A.BONUS),
    RestrictionKind.FRAUD_HOLD: (A.DEPOSIT, A.PLAY, A.WITHDRAW, A.BONUS),
    RestrictionKind.WITHDRAWAL_HOLD: (A.WITHDRAW,),
    RestrictionKind.DEPOSIT_BLOCK: (A.DEPOSIT,),
    RestrictionKind.PLAY_BLOCK: (A.PLAY,),
    RestrictionKind.BONUS_BLOCK: (A.BONUS,),
    RestrictionKind.MARKETING_BLOCK: (A.MARKETING,),
    RestrictionKind.AFFORDABILITY_REVIEW: (A.DEPOSIT, A.BONUS),
    RestrictionKind.LOGIN_BLOCK: (A.LOGIN,),
}

STATUS_MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.ACTIVE, Status.CLOSED}),
    Status.ACTIVE: frozenset({Status.SUSPENDED, Status.CLOSED}),
    Status.SUSPENDED: frozenset({Status.ACTIVE, Status.CLOSED}),
    Status.CLOSED: frozenset({Status.ACTIVE}),  # erased: by erasing what is personal, never by a name for it
    Status.ERASED: frozenset(),
}

MINIMUM_AGE_YEARS = 18

_EMAIL = re.compile(r"[^@\s\x00-\x1f<>()\[\],;:\"\\]{1,64}@(?:[^@\s.\x00-\x1f]+\.)+[^@\s.\x00-\x1f\d]{2,}")
_REGION = re.compile(r"[A-Z0-9]{1,3}")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}")


# The national identity number of a country by its name in python-stdnum; elsewhere any short text is taken.
NATIONAL_IDS = {
    "BE": "nn", "BG": "egn", "BR": "cpf", "CH": "ssn", "CZ": "rc", "DK": "cpr", "EE": "ik", "ES": "nif",
    "FI": "hetu", "FR": "nir", "GR": "amka", "HR": "oib", "IE": "pps", "IS": "kennitala", "IT": "codicefiscale",
    "LT": "asmens", "NL": "bsn", "NO": "fodselsnummer", "PL": "pesel", "PT": "cc", "RO": "cnp",
    "SE": "personnummer", "SK": "rc",
}  # fmt: skip


class Invalid(ValueError):
    """A value is not right; the message says what would be."""


def normalise_email(text: str) -> str:
    """Case and Unicode forms folded, so that one mailbox is one account. Raises: Invalid."""
    email = unicodedata.normalize("NFKC", text).strip().casefold()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise Invalid("Enter an email address such as name@example.com.")
    return email


def normalise_login(text: str) -> str:
    """Raises: Invalid."""
    login = unicodedata.normalize("NFKC", text).strip().casefold()
    if not _LOGIN.fullmatch(login):
        raise Invalid("Use 3 to 32 letters a-z, digits, dots, dashes or underscores, beginning with a letter or digit.")
    return login


def normalise_phone(text: str, country: str) -> str:
    """E.164 ("+4915112345678"); a national number is read as one of ``country``. Empty stays empty. Raises: Invalid."""
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text[:40], country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or (number.national_number or 0) < 10_000 or not phonenumbers.is_possible_number(number):
        raise Invalid("Enter a phone number with its country code, such as +49 151 12345678.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_country(text: str) -> str:
    """ISO 3166-1 alpha-2. Raises: Invalid."""
    if text not in countries:
        raise Invalid("Enter a country as two capital letters (ISO 3166-1), such as DE.")
    return text


def check_region(text: str) -> str:
    """The part of an ISO 3166-2 code after the dash; empty stays empty. Raises: Invalid."""
    if text and not _REGION.fullmatch(text):
        raise Invalid("Enter a province or state by its ISO 3166-2 code without the country, such as ON.")
    return text


def check_currency(text: str, offered: list[str]) -> str:
    """ISO 4217, and one that this casino offers. Raises: Invalid."""
    if text not in EXPONENTS or text not in offered:
        raise Invalid(f"Choose one of the currencies offered here: {', '.join(offered)}.")
    return text


def check_language(text: str) -> str:
    """BCP 47 primary language, with an optional region. Raises: Invalid."""
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", text):
        raise Invalid("Enter a language such as en or de-AT.")
    return text


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks the zone files: 10 ms each time


def check_time_zone(text: str) -> str:
    """Raises: Invalid."""
    if text not in _time_zones():
        raise Invalid("Enter a time zone such as Europe/Berlin.")
    return text


def check_name(text: str) -> str:
    """A person's name, or a place, as written; no control characters. Raises: Invalid."""
    name = unicodedata.normalize("NFC", text).strip()
    if len(name) > 100 or any(unicodedata.category(char).startswith("C") for char in name):
        raise Invalid("Use at most 100 ordinary characters.")
    return name


def check_birth_date(value: date, today: date) -> date:
    """Raises: Invalid for people under 18, unborn, or older than 120."""
    age = today.year - value.year - ((today.month, today.day) < (value.month, value.day))
    if value > today or age > 120:
        raise Invalid("Enter a real date of birth as YYYY-MM-DD.")
    if age < MINIMUM_AGE_YEARS:
        raise Invalid(f"Players must be at least {MINIMUM_AGE_YEARS} years old.")
    return value


def check_until(at: datetime, until: datetime | None) -> None:
    """Raises: Invalid."""
    if until is not None and until <= at:
        raise Invalid("The end must lie in the future.")


def normalise_national_id(text: str, country: str) -> str:
    """The number in its country's compact form, its check digits right; empty stays empty. Raises: Invalid."""
    number = check_name(text)
    if not number:
        return ""
    name = NATIONAL_IDS.get(country, "")
    module = get_cc_module(country.lower(), name) if name else None
    if module is None:
        return number[:40]
    try:
        valid = str(module.validate(number))
    except ValidationError:
        raise Invalid(f"This is no valid national identity number of {country} ({name}).") from None
    # Swedes write theirs with or without the century: one person is found by one form.
    return valid[2:] if country == "SE" and len(valid) == len("19880320-0016") else valid


def national_id_forms(text: str, country: str = "") -> list[str]:
    """The forms in which this national number of a country, or ("") of any country, may be kept; none where it is none."""
    if not any(char.isdigit() for char in text):
        return []
    forms: dict[str, None] = {}
    for code in [country] if country else ["", *NATIONAL_IDS]:
        try:
            forms[normalise_national_id(text, code)] = None
        except Invalid:
            continue
    return [form for form in forms if form]
