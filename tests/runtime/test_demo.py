"""What the demo checks before it starts, what it says, and what a reset deletes."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections import namedtuple

import pytest

from pms.runtime.demo import address, check_disk, check_port, print_environment, reset, welcome
from pms.runtime.home import PROJECT, Home, SetupError
from pms.runtime.postgres import Postgres, stop_leftover

HOLD_THE_LOCK = """
import signal, sys
from pathlib import Path
from pms.runtime.home import Home
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with Home(Path(sys.argv[1]), None, Path(sys.argv[1])).lock():
    print("held", flush=True)
    signal.pause()
"""


def test_the_address_has_defaults_and_can_be_chosen() -> None:
    assert address({}) == ("127.0.0.1", 8000)
    assert address({"PORT": "8001", "HOST": "0.0.0.0"}) == ("0.0.0.0", 8001)  # noqa: S104


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_senseless_port_is_refused(port: str) -> None:
    with pytest.raises(SetupError, match=f"PORT={port} is not a port"):
        address({"PORT": port})


def test_a_port_in_use_is_named_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SetupError, match=rf"Port {port} on 127\.0\.0\.1 .*make demo PORT={port + 1}"):
            check_port("127.0.0.1", port)


def test_a_full_disk_is_named_before_anything_is_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10 << 30, 9 << 30, 300 << 20))
    with pytest.raises(SetupError, match=rf"Only 300 MiB are free on the disk of {home.path}"):
        check_disk(home)


@pytest.mark.parametrize(
    ("major", "complaint"),
    [("15", "is of PostgreSQL 15"), (None, "is broken"), ("\udcff", "is broken")],
)
def test_a_data_folder_that_cannot_serve_is_named(home: Home, major: str | None, complaint: str) -> None:
    data = home.path / "postgres"
    (data / "global").mkdir(parents=True)
    (data / "global" / "pg_control").touch()
    if major:
        (data / "PG_VERSION").write_bytes(major.encode(errors="surrogateescape"))
    with pytest.raises(SetupError, match=rf"{data} {complaint}.*make demo-reset"):
        Postgres(home, data, 1, "secret").program()


def test_a_pid_file_that_names_another_program_is_forgotten(home: Home) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (home.path / "postmaster.pid").write_text(f"{other.pid}\n")
        stop_leftover(home.path)
        assert other.poll() is None
        other.kill()
    assert not (home.path / "postmaster.pid").exists()


def test_the_welcome_names_addresses_accounts_and_the_way_out(home: Home) -> None:
    account = {
        "who": "Support agent",
        "where": "back office",
        "login": "sam",
        "password": "pass",
        "note": "sees tickets",
    }
    (home.path / "demo-accounts.json").write_text(json.dumps([account]))
    text = welcome(home, "127.0.0.1", 8001, 9.7)
    for part in [
        "10 s",
        "http://127.0.0.1:8001/admin/",
        *account.values(),
        str(home.path),
        "Ctrl-C",
        "make demo-reset",
    ]:
        assert part in text


def test_nothing_running_is_said(home: Home) -> None:
    with pytest.raises(SetupError, match="Nothing is running"):
        print_environment(home)


def test_the_environment_survives_a_shell(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    value = "it's -----BEGIN\nKEY$HOME-----\n"
    home.write_json("environment.json", {"SOME_KEY": value})
    with home.lock():
        print_environment(home)
    script = f"{capsys.readouterr().out}\nprintf '%s' \"$SOME_KEY\""
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == value


def test_a_reset_refuses_a_folder_that_is_not_ours(home: Home) -> None:
    (home.path / ".pms-home").unlink()
    (home.path / "photo.jpg").touch()
    with pytest.raises(SetupError, match="nothing was deleted"):
        reset(home)
    assert (home.path / "photo.jpg").exists()


def test_a_reset_without_data_is_no_error(home: Home) -> None:
    assert reset(home.child("never-made")) == 0


def test_a_reset_stops_what_runs_and_deletes_all_but_the_tests_servers(home: Home) -> None:
    for name in ("postgres", "test", "static"):
        (home.path / name).mkdir()
    command = [sys.executable, "-c", HOLD_THE_LOCK, home.path]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert reset(home) == 0
        assert holder.wait(5) != -signal.SIGKILL
    assert sorted(path.name for path in home.path.iterdir()) == [".pms-home", "lock", "test"]
