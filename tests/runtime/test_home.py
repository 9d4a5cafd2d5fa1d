"""Where data lives, and what is said when it can't live there."""

import os
import socket
import stat
from pathlib import Path

import pytest

from pms.runtime.credentials import load_credentials
from pms.runtime.home import PROJECT, Account, AlreadyRunning, Home, SetupError, find_home


def test_an_ordinary_user_keeps_everything_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    home = find_home({})
    assert home.path == PROJECT / ".pms"
    assert home.account is None


def test_root_keeps_it_where_an_unprivileged_account_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    home = find_home({})
    assert home.path.parent == Path("/var/lib/pms")
    assert home.account
    assert home.account.uid != 0


def test_pms_home_wins(tmp_path: Path) -> None:
    assert find_home({"PMS_HOME": str(tmp_path)}).path == tmp_path


def test_an_empty_pms_home_counts_as_unset() -> None:
    assert find_home({"PMS_HOME": ""}) == find_home({})


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(SetupError, match=r"holds files that are not ours.*PMS_HOME="):
        Home(tmp_path, None, tmp_path).open()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_out_of_the_services_reach_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(SetupError, match=r"can't enter"):
        Home(closed, Account(65534, 65534), closed).open()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=rf"{tmp_path}/file/home can't be used"):
        Home(tmp_path / "file" / "home", None, tmp_path).open()


def test_only_one_process_may_run_on_a_home(home: Home) -> None:
    with home.lock(), pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"), home.lock():
        pass
    with home.lock():
        pass


def test_a_service_keeps_its_port_while_it_can(home: Home) -> None:
    port = home.port("postgres")
    assert home.port("postgres") == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert home.port("postgres") != port


def test_credentials_are_made_once_and_closed_to_others(home: Home) -> None:
    first = load_credentials(home)
    assert load_credentials(home) == first
    assert first.jwt_private_key.startswith("-----BEGIN PRIVATE KEY-----")
    assert stat.S_IMODE((home.path / "secrets.json").stat().st_mode) == 0o600
    assert len({first.superuser_password, first.owner_password, first.app_password, first.valkey_password}) == 4


def test_damaged_credentials_are_named_with_the_remedy(home: Home) -> None:
    (home.path / "secrets.json").write_text("{")
    with pytest.raises(SetupError, match=r"secrets\.json can't be read.*make demo-reset"):
        load_credentials(home)
