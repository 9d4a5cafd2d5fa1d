"""Settings as a deployment has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from environ import ImproperlyConfigured

from pms import settings
from pms.environment import Env, become_owner

SECRET = "a" * 20 + "Bc3-" * 10


def manage(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DEBUG", "PMS_BUILD")}
    return subprocess.run(
        [sys.executable, "manage.py", *command], env=kept | variables, capture_output=True, text=True, check=False
    )


def test_nothing_is_left_to_say_for_a_deployment() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", SECRET_KEY=SECRET, HTTPS="true")
    assert done.returncode == 0, done.stderr


def test_passwords_are_hashed_by_a_memory_hard_function() -> None:
    assert "Scrypt" in settings.PASSWORD_HASHERS[0], "what tests/conftest.py hashes by stays in tests"


def test_secrets_may_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    monkeypatch.setenv("SOME_SECRET_FILE", str(file))
    monkeypatch.setenv("SOME_SECRET", "from the environment")
    assert Env()("SOME_SECRET") == "from a file"
    monkeypatch.setenv("OTHER_SECRET_FILE", str(tmp_path / "missing"))
    Env.ENVIRON.files_cache.clear()
    with pytest.raises(ImproperlyConfigured, match="OTHER_SECRET_FILE names a file that can't be read"):
        Env()("OTHER_SECRET")


def test_a_secret_key_from_a_file_starts_the_system(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    assert manage("check", SECRET_KEY_FILE=str(file)).returncode == 0
    refused = manage("check")
    assert "SECRET_KEY is not set" in refused.stderr


def test_commands_for_the_owner_take_its_address_from_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "owner"
    file.write_text("postgres://owner@db/pms\n")
    for name in ("DATABASE_OWNER_URL", "KEYS_DATABASE_OWNER_URL", "KEYS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgres://app@db/pms")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "app"))
    monkeypatch.setenv("DATABASE_OWNER_URL_FILE", str(file))
    monkeypatch.setenv("KEYS_DATABASE_URL", "postgres://app@keys/pms_keys")
    become_owner()
    assert os.environ["DATABASE_URL"] == "postgres://owner@db/pms"
    assert "DATABASE_URL_FILE" not in os.environ
    assert os.environ["KEYS_DATABASE_URL"] == "postgres://app@keys/pms_keys"
