"""Pack files: what is refused, what holds when, and that a house policy never loosens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.models_exclusions import RegisterCheck
from compliance.models_gate import GateDecision, PlayGate
from compliance.models_packs import PackActivation
from compliance.pack_files import SHIPPED, load_packs, load_sources, read_folders
from compliance.pack_schema import SCHEMA
from compliance.rules_packs import Book, check_house, effective_at, list_changes, tighten
from compliance.selectors_packs import get_pack, list_uncovered, list_versions
from compliance.services.packs import AlreadyActivated, request_activation
from compliance.services.play_gate import ensure, refresh
from compliance.types_packs import PackIncomplete
from events.models import Event
from kernel.errors import FieldErrors
from kernel.money import Money
from kernel.pack_strictness import loosens, tightest
from kernel.packs import Key, PackError, PackFile, Sourced, Status, Tighter, from_json, to_json
from players.models import Player
from players.services.accounts import change_settings, change_status
from players.types import Status as PlayerStatus
from tests.factories import ACTOR, make_player
from tests.packs import ASKS, LONG_AGO, activate, pack_of

IDS = ["CA-ON", "DE", "DK", "ES", "GB", "IT", "MT", "NL", "SE"]
HEAD = '[pack]\nid = "XX"\nauthority = "a"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\nresidence = ["XX"]\n'
AGE = '[rules.age]\nmin = { value = 18, rule = "r", status = "own" }\n'


def read(tmp_path: Path, text: str, name: str = "2026-01-01.toml", pack: str = "XX") -> PackFile:
    folder = tmp_path / pack
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return read_folders([SHIPPED, tmp_path])[pack][-1]


def test_every_shipped_file_fits() -> None:
    packs = load_packs()
    assert set(packs) == {*IDS, "default", "house"}
    assert {f"{file.id} {file.version}" for files in packs.values() for file in files} >= {
        "GB 2026-09-30", "SE 2026-05-01", "DE 2026-07-01", "MT 2027-07-10"
    }  # fmt: skip
    used = {item.source for files in packs.values() for file in files for item in file.values.values()} - {""}
    assert used <= set(load_sources())


@pytest.mark.rule(47)
def test_no_shipped_pack_lets_a_players_return_be_their_own() -> None:
    assert all(load_packs()[pack][-1].values["fairness.per_player_rtp"].value is False for pack in IDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + '[rules.age]\nmim = { value = 18, rule = "r", status = "own" }', ["XX/2026-01-01.toml", "age.mim"]),
        (
            HEAD + '[rules.age]\nmin = { value = "18", rule = "r", status = "own" }',
            ["age.min", "whole number of years"],
        ),
        (HEAD + '[rules.age]\nmin = { value = true, rule = "r", status = "own" }', ["age.min", "whole number"]),
        (HEAD + '[rules.age]\nmin = { value = 180, rule = "r", status = "own" }', ["age.min", "16 to 99"]),
        (HEAD + "[rules.age]\nmin = 18", ["age.min", "where it is from"]),
        (HEAD + '[rules.age]\nmin = { value = 18, rule = "r", status = "sure" }', ["status is one of"]),
        (HEAD + '[rules.age]\nmin = { value = 18, rule = "r", status = "official" }', ["names the source"]),
        (HEAD + '[rules.age]\nmin = { value = 18, rule = "r", source = "ZZ9", status = "official" }', ["ZZ9"]),
        (HEAD + '[rules.age]\nmin = { value = 18, rule = "r", status = "own", note = "x" }', ["knows no note"]),
        (HEAD + '[rules.bonus]\nmax_amount = { value = "10.00 SEK", rule = "r", status = "own" }', ["amount in EUR"]),
        (HEAD + '[rules.bonus]\nmax_amount = { value = 10, rule = "r", status = "own" }', ["with its currency"]),
        (HEAD + '[rules.games]\nautoplay = { value = "no", rule = "r", status = "own" }', ["true or false"]),
        (
            HEAD + '[rules.games]\nslot_stake_cap = { value = { old = "1.00 EUR" }, rule = "r", status = "own" }',
            ["knows no old"],
        ),
        (HEAD + '[rules.exclusion]\nmin_term = { value = "6 months", rule = "r", status = "own" }', ['"6mo"']),
        (
            HEAD + '[rules.registers]\nexclusion_name = { value = "R", rule = "r", status = "own" }',
            ["check_on", "needs"],
        ),
        (HEAD + "[extra]\na = 1", ["[extra]"]),
        (HEAD.replace("Berlin", "Nowhere"), ["timezone"]),
        (HEAD.replace("XX", "YY"), ["folder XX"]),
        ('[pack]\nbased_on = "2025-01-01"\n', ["no such earlier version"]),
        ("[pack\n", ["not TOML"]),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_key_and_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(PackError) as refused:
        read(tmp_path, text)
    assert all(word in str(refused.value) for word in words), refused.value


def test_a_file_is_named_by_its_day(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="the day it takes effect"):
        read(tmp_path, HEAD + AGE, "new.toml")


def test_a_version_says_only_what_changes(tmp_path: Path) -> None:
    cap = '[rules.bonus]\nmax_amount = { value = "10.00 EUR", rule = "r", status = "own" }\n'
    read(tmp_path, HEAD + AGE + cap)
    later = read(
        tmp_path,
        '[pack]\nbased_on = "2026-01-01"\nremoved = ["bonus.max_amount"]\n' + AGE.replace("18", "19"),
        "2026-06-01.toml",
    )
    assert {key: item.value for key, item in later.values.items()} == {"age.min": 19}
    before = read_folders([tmp_path])["XX"][0]
    assert {(change.key, change.after and change.after.value) for change in list_changes(before, later)} == {
        ("age.min", 19),
        ("bonus.max_amount", None),
    }


def test_a_version_takes_effect_at_local_midnight() -> None:
    [summer] = [file for file in load_packs()["GB"] if file.version == date(2026, 9, 30)]
    assert effective_at(summer) == datetime(2026, 9, 29, 23, 0, tzinfo=UTC)
    [winter] = [file for file in load_packs()["GB"] if file.version == date(2026, 1, 19)]
    assert effective_at(winter) == datetime(2026, 1, 19, tzinfo=UTC)


def test_what_is_kept_is_what_the_file_says() -> None:
    for files in load_packs().values():
        for file in files:
            kept = from_json(to_json(file), SCHEMA)
            assert kept == file
            assert kept.digest == file.digest


def test_which_version_holds_when() -> None:
    files = load_packs()["GB"]
    late = datetime(2026, 10, 5, 12, tzinfo=UTC)  # the last version is activated five days late
    book = Book([(effective_at(file), file) for file in files[:2]] + [(late, files[2])], load_packs()["default"])
    first = effective_at(files[0])
    for at, label in [
        (first - timedelta(microseconds=1), "default 2000-01-01"),
        (first, "GB 2025-10-31"),
        (late - timedelta(microseconds=1), "GB 2026-01-19"),
        (late, "GB 2026-09-30"),
    ]:
        pack = book.get("GB", "", at)
        assert pack.label == label
        assert pack.valid_from <= at
        assert pack.valid_until is None or at < pack.valid_until
    assert book.get("GB", "", first - timedelta(days=1)).valid_until == first
    assert book.get("FR", "", late).label == "default 2000-01-01"


def test_an_older_version_activated_later_does_not_come_back() -> None:
    old, _, new = load_packs()["GB"]
    book = Book([(effective_at(new), new), (effective_at(new) + timedelta(days=9), old)], load_packs()["default"])
    assert book.get("GB", "", effective_at(new) + timedelta(days=10)).version == new.version


# --- the house policy --------------------------------------------------------------------------------------------


def house(tmp_path: Path, rules: str) -> PackFile:
    head = '[pack]\nid = "house"\nauthority = "o"\ncurrency = ""\ntimezone = "UTC"\nresidence = []\n'
    return read(tmp_path, head + rules, "2026-11-02.toml", "house")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ('[rules.age]\nmin = { value = 18, rule = "r", status = "own" }', ["CA-ON", "age.min", "only tighten"]),
        ('[rules.exclusion]\nearly_revoke = { value = true, rule = "r", status = "own" }', ["SE", "early_revoke"]),
        ('[rules_in.GB.limits]\nincrease_delay_hours = { value = 23, rule = "r", status = "own" }', ["23", "24"]),
        (
            '[rules_in.GB.games]\nslot_stake_cap = { value = { young = "2.01 GBP" }, rule = "r", status = "own" }',
            ["2.01"],
        ),
        ('[rules_in.GB.bonus]\nmax_amount = { value = "1.00 GBP", rule = "r", status = "own" }', []),
        (
            '[rules_in.GB.games]\nslot_stake_cap = { value = { young = "1.00 EUR" }, rule = "r", status = "own" }',
            ["GBP"],
        ),
        ('[rules.bonus]\nmax_amount = { value = "5.00 EUR", rule = "r", status = "own" }', ["per pack"]),
        ('[rules.limits]\nperiods = { value = ["day"], rule = "r", status = "own" }', ["no stricter or laxer"]),
        ('[rules_in.ZZ.age]\nmin = { value = 21, rule = "r", status = "own" }', ["no such pack"]),
    ],
)
def test_a_house_policy_may_only_tighten(tmp_path: Path, rules: str, words: list[str]) -> None:
    if not words:
        house(tmp_path, rules)
        return
    with pytest.raises(PackError) as refused:
        house(tmp_path, rules)
    assert all(word in str(refused.value) for word in words), refused.value


def test_a_house_policy_speaks_for_all_packs_or_for_one(tmp_path: Path) -> None:
    policy = house(
        tmp_path,
        '[rules.age]\nmin = { value = 21, rule = "r", status = "own" }\n'
        '[rules_in.GB.games]\nslot_stake_cap = { value = { default = "1.50 GBP" }, rule = "r", status = "own" }\n',
    )
    gb, de = load_packs()["GB"][-1], load_packs()["DE"][-1]
    assert tighten(gb, policy)["age.min"] == tighten(de, policy)["age.min"] == 21
    caps = tighten(gb, policy)["games.slot_stake_cap"]
    assert caps == {"default": Money(150, "GBP"), "young": Money(150, "GBP")}
    assert tighten(de, policy)["games.slot_stake_cap"] == de.values["games.slot_stake_cap"].value


def values_of(key: Key) -> st.SearchStrategy[Any]:
    """Values that a file may give this key, amounts in one currency."""
    kind = key.kind
    if kind.name.startswith("table of "):
        return st.dictionaries(st.sampled_from(kind.options), values_of(Key(kind.single, "")), min_size=1)
    if kind.name.startswith("list of "):
        return st.lists(values_of(Key(kind.single, "")), unique=True, max_size=4).map(tuple)
    return {
        "flag": st.booleans(),
        "integer": st.integers(kind.low, min(kind.high, kind.low + 50)),
        "amount": st.integers(0, 500).map(lambda minor: Money(minor, "EUR")),
        "choice": st.sampled_from(kind.options or ("x",)),
        "term": st.sampled_from(["24h", "1d", "30d", "1mo", "6mo", "12mo", "1y", "5y"]),
        "text": st.sampled_from(["a", "b"]),
    }[kind.name]


def sourced(values: dict[str, Any]) -> dict[str, Sourced]:
    return {key: Sourced(value, "r", "", Status.OWN) for key, value in values.items()}


def packs_of_random_values() -> st.SearchStrategy[dict[str, Any]]:
    comparable = sorted(key for key, what in SCHEMA.items() if what.tighter is not Tighter.NONE)
    return st.lists(st.sampled_from(comparable), max_size=12, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: values_of(SCHEMA[key]) for key in keys})
    )


def allows(key: Key, value: Any, entry: str) -> Any:
    """What a value means for one band or category."""
    return value.get(entry, value.get("default")) if isinstance(value, dict) else value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packs_of_random_values(), packs_of_random_values())
def test_no_house_policy_ever_loosens_any_pack(pack: dict[str, Any], policy: dict[str, Any]) -> None:
    def file(pack_id: str, values: dict[str, Any]) -> PackFile:
        return PackFile(pack_id, date(2026, 1, 1), "a", "EUR", "UTC", ("XX",), sourced(values))

    result = tighten(file("XX", pack), file("house", policy))
    for name, theirs in pack.items():
        key = SCHEMA[name]
        entries = {*theirs, *(policy.get(name) or {})} if isinstance(theirs, dict) else {""}
        for entry in entries:
            was, now = allows(key, theirs, entry), allows(key, result[name], entry)
            if was is None:
                continue
            match key.tighter:
                case Tighter.LOWER:
                    assert now <= was
                case Tighter.HIGHER if key.kind.name != "term":
                    assert now >= was
                case Tighter.TRUE:
                    assert now or not was
                case Tighter.FALSE:
                    assert was or not now
                case Tighter.MORE:
                    assert set(was) <= set(now)
                case Tighter.LATER:
                    assert key.kind.options.index(now) >= key.kind.options.index(was)
                case _:
                    assert not loosens(key, was, now)
    assert set(result) == set(pack) | set(policy)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_stricter_of_two_does_not_hang_on_their_order(data: st.DataObject) -> None:
    key = SCHEMA[data.draw(st.sampled_from(sorted(k for k, v in SCHEMA.items() if v.tighter is not Tighter.NONE)))]
    one, other = data.draw(values_of(key)), data.draw(values_of(key))
    both, back = tightest(key, one, other), tightest(key, other, one)
    assert not loosens(key, both, back)
    assert not loosens(key, back, both)
    assert not loosens(key, one, both)
    assert not loosens(key, other, both)


def test_a_shipped_house_policy_tightens_every_shipped_pack() -> None:
    for policy in load_packs()["house"]:
        check_house(policy, load_packs())


# --- in force ----------------------------------------------------------------------------------------------------

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)


def test_nothing_activated_means_age_only(db: None) -> None:
    pack = get_pack(country="GB", at=AT)
    assert pack.label == "default 2000-01-01"
    assert pack.integer("age.min") == 18
    assert pack.amounts("games.slot_stake_cap") == {}
    assert not pack.flag("games.autoplay")


def test_activated_packs_hold_where_people_live(db: None) -> None:
    activate("GB", "CA-ON", "house")
    assert get_pack(country="GB", at=AT).label == "GB 2026-09-30 + house 2026-11-01"
    assert get_pack(country="CA", region="ON", at=AT).pack_id == "CA-ON"
    assert get_pack(country="CA", region="BC", at=AT).pack_id == "default"
    assert get_pack(country="CA", at=AT).pack_id == "default"
    assert get_pack(country="DE", at=AT).label == "default 2000-01-01 + house 2026-11-01"
    assert get_pack(country="GB", at=datetime(2026, 2, 1, tzinfo=UTC)).label == "GB 2026-01-19"


def test_a_version_activated_early_waits_for_its_day(db: None) -> None:
    activate("SE", at=datetime(2026, 4, 1, tzinfo=UTC))
    eve = datetime(2026, 4, 30, 21, 59, 59, tzinfo=UTC)  # 23:59:59 in Stockholm
    pack = get_pack(country="SE", at=eve)
    assert (str(pack.version), pack.valid_until) == ("2019-01-01", eve + timedelta(seconds=1))
    assert not pack.find("payments.credit")
    assert get_pack(country="SE", at=eve + timedelta(seconds=1)).find("payments.credit") is False


def test_values_without_a_source_need_a_signature_each(db: None) -> None:
    file = load_packs()["GB"][0]
    assert "age.min" in file.unsourced

    def ask(signed_off: dict[str, str]) -> None:
        request_activation(
            pack_id="GB",
            version=file.version,
            signed_off=signed_off,
            comment="new law",
            idempotency_key="k",
            actor=ASKS,
            at=AT,
        )

    all_signed = dict.fromkeys(file.unsourced, "counsel says so")
    for signed in ({}, {**all_signed, "age.min": " "}, {**all_signed, "limits.scope": "has a source"}):
        with pytest.raises(FieldErrors):
            ask(signed)
    ask(all_signed)
    assert get_pack(country="GB", at=AT).pack_id == "default"  # nothing holds before the second person


def test_packs_only_go_forward(db: None) -> None:
    activate("GB", at=LONG_AGO)
    with pytest.raises(AlreadyActivated):
        request_activation(
            pack_id="GB",
            version=date(2026, 1, 19),
            signed_off={},
            comment="back",
            idempotency_key="k",
            actor=ASKS,
            at=AT,
        )


def test_a_needed_value_that_is_missing_means_no() -> None:
    with pytest.raises(PackIncomplete, match=r"age\.min"):
        pack_of({}).need("age.min")


# --- the command and what becomes of versions --------------------------------------------------------------------


def said(*words: str) -> str:
    out = StringIO()
    call_command("packs", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_tells_what_a_day_brings(db: None) -> None:
    activate("GB", "house", at=datetime(2026, 9, 1, tzinfo=UTC))
    text = said("test", "GB", "--at", "2026-10-01")
    assert (
        "GB 2026-09-30 of UK Gambling Commission, effective 2026-09-29 23:00 UTC; asked for 2026-09-30 23:00 UTC"
        in text
    )
    assert "In force by activations on that day: the same." in text
    assert "Since 2026-01-19: limits.kinds_offered, limits.periods, limits.deposit_basis" in text
    assert "Needs a signature: age.min = 18 (LCCP 3.2.11)" in text
    assert "bet           can be decided" in text
    eve = said("test", "GB", "--at", "2026-09-29T22:59:59+00:00")
    assert "GB 2026-01-19" in eve
    assert "From 2026-09-30 on: limits.kinds_offered" in eve
    assert "house policy: session.idle_reauth_minutes = 30" in said("test", "GB", "--at", "2026-11-02")


def test_the_command_asks_the_gate_for_sample_players_and_keeps_nothing(db: None) -> None:
    lines = said("test", "DE", "--at", "2026-10-01").splitlines()
    told = {line[10:34].strip(): line[35:] for line in lines if line.startswith("40 years")}
    assert told["login"] == told["service message"] == "allowed"
    assert "verification_required" in told["withdrawal of 10.00"]
    assert "game_type_not_offered" in told["bet of 1.00 at a table"]
    assert "game_type_not_offered" not in told["bet of 1.00 on a slot"]
    assert "18 years" in said("test", "GB", "--at", "2026-10-01")
    assert "allowed" in said("test", "default")
    for model in (PackActivation, Player, Event, RegisterCheck, GateDecision):
        assert not model.objects.exists(), model


def test_an_incomplete_pack_fails_its_test(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = PackFile("XX", date(2026, 1, 1), "a", "EUR", "UTC", ("XX",), sourced({"games.autoplay": False}))
    monkeypatch.setattr("compliance.management.commands.packs.load_packs", lambda: {"XX": [bare]})
    with pytest.raises(CommandError, match="XX 2026-01-01 is incomplete"):
        said("test", "XX", "--at", "2026-10-01")


def test_the_command_shows_compares_and_checks(db: None, tmp_path: Path) -> None:
    shown = said("show", "MT", "--at", "2026-10-01")
    assert (
        "aml.cdd_threshold = 2000.00 EUR\n    FIAU Implementing Procedures II, remote gaming (official; M4 https"
        in shown
    )
    assert "games.slot_stake_cap: default: 1.00 EUR -> default: 1.00 EUR; from_21_optin: 3.00 EUR" in said(
        "diff", "DE", "2023-09-01", "2026-07-01"
    )
    assert "GB       2026-09-30 fits" in said("check")
    (tmp_path / "XX").mkdir()
    (tmp_path / "XX" / "2026-01-01.toml").write_text(HEAD + "[rules.age]\nmim = 1\n")
    with pytest.raises(CommandError, match=r"age\.mim is not in the schema"):
        said("check", str(tmp_path))
    for words in (["show", "ZZ"], ["diff", "GB", "2020-01-01", "2026-09-30"], ["test", "GB", "--at", "soon"]):
        with pytest.raises(CommandError):
            said(*words)


def test_versions_say_where_they_are_and_who_lives_there(db: None) -> None:
    for country, region in [("SE", ""), ("SE", ""), ("GB", ""), ("CA", "ON"), ("CA", "BC"), ("FR", "")]:
        make_player(country=country, region=region)
    closed = make_player(country="SE")
    change_status(player_id=closed.id, to=PlayerStatus.CLOSED, reason="asked for", actor=ACTOR, at=AT)
    activate("SE", at=AT)
    states = {
        (pack_id, str(version.file.version)): (version.state.value, version.players)
        for pack_id, versions in list_versions(AT).items()
        for version in versions
    }
    assert states["SE", "2026-05-01"] == ("in force", 2)
    assert states["SE", "2019-01-01"] == ("superseded", 2)
    assert states["SE", "2027-07-10"] == ("waits for its day", 2)
    assert states["GB", "2026-09-30"] == ("due", 1)
    assert states["MT", "2027-07-10"] == ("not activated", 0)
    assert states["CA-ON", "2022-04-04"] == ("due", 1)
    assert states["house", "2026-11-01"] == ("due", 6)
    assert states["default", "2000-01-01"] == ("in force", 2)
    assert list_uncovered(AT) == [("CA-ON", 1), ("GB", 1)]
    assert "No pack is in force for GB, where 1 players live" in said("list")


def test_who_moves_is_under_the_other_law_with_the_next_bet(db: None) -> None:
    activate("MT", "DK")
    player = make_player(country="DK")
    refresh(player_id=player.id, at=AT)
    change_settings(player_id=player.id, changes={"country": "MT"}, actor=ACTOR, at=AT)
    assert PlayGate.objects.get(player_id=player.id).packs == "MT 2023-01-12"


def test_a_new_version_reaches_the_rows_of_who_lives_there(db: None) -> None:
    swede, briton = make_player(country="SE"), make_player(country="GB")
    for player in (swede, briton):
        refresh(player_id=player.id, at=AT)
    activate("SE", at=AT)
    ensure(player_ids=[swede.id, briton.id], at=AT)
    assert PlayGate.objects.get(player_id=swede.id).packs == "SE 2026-05-01"
    assert PlayGate.objects.get(player_id=briton.id).packs == "default 2000-01-01"
    activate("house", at=AT)
    ensure(player_ids=[swede.id, briton.id], at=AT)
    assert PlayGate.objects.get(player_id=briton.id).packs == "default 2000-01-01 + house 2026-11-01"


def test_a_house_policy_binds_those_under_the_default_pack_from_their_first_bet(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[object] = []
    monkeypatch.setattr("compliance.services.play_gate.refresh", lambda **what: compiled.append(what["player_id"]))
    ensure(player_ids=[make_player(country="FR").id], at=AT)
    assert compiled == []  # nothing binds: one row of the default pack is as good as another
    activate("house", at=AT)
    player = make_player(country="FR")
    ensure(player_ids=[player.id], at=AT)
    assert compiled == [player.id]
