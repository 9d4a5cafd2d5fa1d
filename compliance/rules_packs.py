"""What follows from packs: how a house policy tightens one, what changed between two versions, when each is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from compliance.pack_schema import SCHEMA
from compliance.types_packs import DEFAULT, HOUSE, EffectivePack, ValueChange
from kernel.money import CurrencyMismatch
from kernel.pack_strictness import loosens, tightest
from kernel.packs import PackError, PackFile, Sourced, Value

EVERYWHERE = "*"


def effective_at(file: PackFile) -> datetime:
    """Midnight of the version's day where the pack is at home, in UTC."""
    return datetime.combine(file.version, time(), ZoneInfo(file.timezone)).astimezone(UTC)


def version_at(versions: Sequence[PackFile], at: datetime) -> PackFile | None:
    """The newest version that has taken effect by ``at``, activated or not."""
    return next((file for file in reversed(versions) if effective_at(file) <= at), None)


def house_values(house: PackFile | None, pack_id: str) -> dict[str, Sourced]:
    """What the house policy says for one pack: its own words for that pack before those for all."""
    return {**house.values, **house.only.get(pack_id, {})} if house else {}


def tighten(pack: PackFile, house: PackFile | None) -> dict[str, Value]:
    """The pack's values with the house policy's, of each key what binds more: a house policy never loosens."""
    values = {key: item.value for key, item in pack.values.items()}
    for key, item in house_values(house, pack.id).items():
        values[key] = tightest(SCHEMA[key], values[key], item.value) if key in values else item.value
    return values


def list_loosened(pack: PackFile, house: PackFile) -> Iterator[tuple[str, Value, Value]]:
    """Keys for which the house policy would allow more than the pack: key, the pack's value, the house's.

    The pack's holds there. Raises: CurrencyMismatch.
    """
    for key, item in house_values(house, pack.id).items():
        if key in pack.values and loosens(SCHEMA[key], pack.values[key].value, item.value):
            yield key, pack.values[key].value, item.value


def check_house(house: PackFile, packs: Mapping[str, Sequence[PackFile]]) -> None:
    """A house policy names only what can be compared, and is nowhere laxer than the newest version before it.

    Raises: PackError with key and remedy.
    """
    place = f"{HOUSE}/{house.version}.toml"
    for pack_id, values in ((EVERYWHERE, house.values), *house.only.items()):
        if pack_id not in (EVERYWHERE, *packs):
            raise PackError(f"{place}: [rules_in.{pack_id}]: there is no such pack")
        for key in values:
            if SCHEMA[key].tighter == "not comparable":
                raise PackError(f"{place}: {key} has no stricter or laxer values, so a house policy cannot say it")
            if pack_id == EVERYWHERE and "amount" in SCHEMA[key].kind.name:
                raise PackError(f"{place}: {key} is an amount; say it per pack, in [rules_in.GB.…] and so on")
    for pack_id, versions in packs.items():
        pack = version_at(versions, effective_at(house))
        if pack is None or pack_id == HOUSE:
            continue
        try:
            for key, theirs, mine in list_loosened(pack, house):
                raise PackError(
                    f"{place}: {key} = {show(mine)} is laxer than {show(theirs)} of {pack_id} {pack.version}; a house "
                    f"policy may only tighten. Take it out, or say it for {pack_id} in [rules_in.{pack_id}.…]"
                )
        except CurrencyMismatch as error:
            raise PackError(f"{place}: [rules_in.{pack_id}]: {error}") from error


def list_changes(before: PackFile | None, after: PackFile) -> list[ValueChange]:
    """Keys whose value or source differs, in the schema's order."""
    old, new = (_whole(file) for file in (before, after))
    changes = [ValueChange(key, old.get(key), new.get(key)) for key in _ordered(old, new)]
    return [change for change in changes if change.before != change.after]


def _whole(file: PackFile | None) -> dict[str, Sourced]:
    if file is None:
        return {}
    only = {f"{pack}:{key}": item for pack, values in file.only.items() for key, item in values.items()}
    return {**file.values, **only}


def _ordered(old: Mapping[str, Sourced], new: Mapping[str, Sourced]) -> list[str]:
    place = {key: index for index, key in enumerate(SCHEMA)}
    return sorted(old.keys() | new.keys(), key=lambda key: (place.get(key.rpartition(":")[2], 0), key))


def show(value: Value | None) -> str:
    """A value as people read it."""
    if value is None:
        return "not said"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {show(item)}" for name, item in value.items())
    return str(value) if isinstance(value, int | str) else f"{value} {value.currency}"


# --- which version is in force -----------------------------------------------------------------------------------


def list_missing(values: Mapping[str, Value]) -> dict[str, list[str]]:
    """Actions that are denied, because the values do not say what they hang on: action and keys."""
    missing: dict[str, list[str]] = {}
    for name, key in SCHEMA.items():
        for action in key.needed_by if name not in values else ():
            missing.setdefault(action, []).append(name)
    return missing


def residence_codes(country: str, region: str) -> tuple[str, ...]:
    """Most exact first: "CA-ON", "CA"."""
    return (f"{country}-{region}", country) if region else (country,)


class Book:
    """Versions with the moment from which each is in force; what holds where and when.

    ``entries`` are (from, version) of packs and house policies that were activated; the newest version of those that are
    in force holds. ``defaults`` hold where none is.
    """

    def __init__(self, entries: Sequence[tuple[datetime, PackFile]], defaults: Sequence[PackFile]) -> None:
        self._packs: dict[str, list[tuple[datetime, PackFile]]] = {}
        for moment, file in [*entries, *((effective_at(file), file) for file in defaults)]:
            self._packs.setdefault(file.id, []).append((moment, file))
        self._known: dict[tuple[str, ...], list[EffectivePack]] = {}

    def get(self, country: str, region: str, at: datetime) -> EffectivePack:
        """Raises: LookupError before the first default pack."""
        codes = residence_codes(country, region)
        # Countries without a pack of their own share one entry: codes come from outside, and must not fill the memory.
        ids = tuple(pack_id for pack_id in self._packs if set(codes) & self._residence(pack_id))
        if ids not in self._known:
            self._known[ids] = list(self._timeline(codes, ids))
        for pack in reversed(self._known[ids]):
            if pack.valid_from <= at:
                return pack
        raise LookupError(f"no pack holds at {at}")

    def _residence(self, pack_id: str) -> set[str]:
        return {code for _, file in self._packs[pack_id] for code in file.residence}

    def _timeline(self, codes: tuple[str, ...], ids: tuple[str, ...]) -> Iterator[EffectivePack]:
        concerned = [*ids, DEFAULT, HOUSE]
        moments = sorted({moment for pack_id in concerned for moment, _ in self._packs.get(pack_id, ())})
        for moment, following in zip(moments, [*moments[1:], None], strict=True):
            pack = self._pack_for(codes, ids, moment)
            if pack is None:
                continue
            house = self.in_force(HOUSE, moment)
            yield EffectivePack(
                pack.id,
                pack.version,
                house.version if house else None,
                pack.timezone,
                pack.currency,
                moment,
                following,
                tighten(pack, house),
            )

    def _pack_for(self, codes: tuple[str, ...], ids: tuple[str, ...], at: datetime) -> PackFile | None:
        for code in codes:
            for pack_id in ids:
                found = self.in_force(pack_id, at)
                if found and code in found.residence:
                    return found
        return self.in_force(DEFAULT, at)

    def in_force(self, pack_id: str, at: datetime) -> PackFile | None:
        """The newest version that is in force at ``at``."""
        found = [file for moment, file in self._packs.get(pack_id, ()) if moment <= at]
        return max(found, key=lambda file: file.version, default=None)

    def newest(self, pack_id: str) -> PackFile | None:
        """The newest version, in force or waiting for its day."""
        return max((file for _, file in self._packs.get(pack_id, ())), key=lambda file: file.version, default=None)


def in_force_from(file: PackFile, activated_at: datetime) -> datetime:
    """A version activated late holds from then on, one activated early from its day."""
    return max(effective_at(file), activated_at)
