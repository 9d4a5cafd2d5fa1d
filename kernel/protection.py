"""Data-protection annotation that every model carries: what is personal in it, and how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

# Names that mean personal data wherever they stand; others are declared by the model that has them.
PERSONAL_NAMES = frozenset(
    {
        "email",
        "phone",
        "first_name",
        "last_name",
        "birth_date",
        "birth_name",
        "birth_place",
        "city",
        "postcode",
        "street",
        "national_id",
        "username",
    }
)


class PersonalData(StrEnum):
    """The two classes of personal data (docs/decisions/0004-personal-data.md)."""

    PLAIN = "plain"  # searchable, overwritten at erasure
    SEALED = "sealed"  # under the player's own key; destroying the key erases it


class Retention(StrEnum):
    """How long a row is kept. Counted from the end of the customer relation where it belongs to a player."""

    FIVE_YEARS = "five_years"  # money, decisions, events: AML directive art. 40, and the regulators' minimum
    ACCOUNT_LIFE = "account_life"  # as long as the account, erased with it
    OPERATIONAL = "operational"  # working state; may be dropped when its purpose is over
    CONFIGURATION = "configuration"  # kept as long as it is in use


@dataclass(frozen=True, slots=True)
class Protection:
    """``personal`` names the fields that hold personal data and the class of each; ids alone are not personal here."""

    retention: Retention
    personal: dict[str, PersonalData] = field(default_factory=dict)
