"""The list of common passwords, and what the rules make of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from players.rules_identity import find_password_fault, name_device
from players.services import passwords


def never(text: str) -> bool:
    return False


def test_an_operators_own_list_is_compiled_and_used(tmp_path: Path, settings: Settings) -> None:
    plain, packed, target = tmp_path / "a.txt", tmp_path / "b.txt.gz", tmp_path / "list.bin"
    plain.write_text("Unheard-of phrase\n\nanother one here\n")
    packed.write_bytes(gzip.compress(b"drittes geheimes wort\n"))
    call_command("compile_passwords", plain, packed, "--output", target)
    assert target.stat().st_size == 3 * passwords.HASH_BYTES
    assert not passwords.is_common("unheard-of phrase")
    settings.COMMON_PASSWORDS_FILE = str(target)
    passwords._load.cache_clear()
    assert all(passwords.is_common(text) for text in ("unheard-of phrase", "another one here", "drittes geheimes wort"))
    assert not passwords.is_common("password")
    passwords._load.cache_clear()


@pytest.mark.rule(70)
def test_the_shipped_list_knows_what_everybody_uses() -> None:
    for common in ("password", "123456789", "qwertyuiop", "iloveyou", "alexander"):
        assert passwords.is_common(common)


@given(st.text(min_size=12, max_size=64))
def test_any_long_text_is_judged_without_failing(text: str) -> None:
    find_password_fault(text, ["Anna Gruber", text[:5]], passwords.is_common)


@given(st.text(max_size=11))
@pytest.mark.rule(70)
def test_nothing_short_passes(text: str) -> None:
    assert find_password_fault(text, [], never)


@pytest.mark.parametrize(
    ("password", "own", "refused"),
    [
        ("graz-gruber-annika", ["Annika", "Gruber", "Graz"], True),
        ("Ännika.Grüber.1990", ["Ännika", "Grüber"], True),
        ("annika plays cards on sunday", ["Annika"], False),
        ("li li likes lime li", ["Li"], False),
        ("xyxyxyxyxyxyxy", [], True),
        ("tremendous rhubarb", [], False),
    ],
)
def test_own_words_and_repetitions(password: str, own: list[str], refused: bool) -> None:
    assert bool(find_password_fault(password, own, never)) is refused


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("CasinoApp/3.1 (iPhone; iOS 18)", "App on iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown device"),
    ],
)
def test_devices_are_called_what_people_call_them(agent: str, name: str) -> None:
    assert name_device(agent) == name
