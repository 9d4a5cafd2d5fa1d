"""The house's rules for files: rooms, faces, SQL and words."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from events.catalogue.base import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
APPS = ["events", "players", "compliance", "wallet", "bonuses", "loyalty", "crm", "helpdesk", "analytics"]
FLOORS = ["kernel", *APPS, "pms"]
PRIVATE_ROOMS = ["models", "rules", "locks", "rest", "admin", "consumers", "tasks"]


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def contracts() -> dict[str, dict[str, object]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return {contract["name"]: contract for contract in tomllib.load(file)["tool"]["importlinter"]["contracts"]}


def test_there_are_six_kinds_of_contract_and_no_exceptions() -> None:
    found = contracts()
    assert {name[0] for name in found} == set("123456")
    assert not [name for name, contract in found.items() if contract.get("ignore_imports")]


@pytest.mark.parametrize("app", APPS)
def test_every_private_room_is_behind_a_contract(app: str) -> None:
    rooms = {
        f"{app}.{room}"
        for room in PRIVATE_ROOMS
        if (ROOT / app / f"{room}.py").exists() or (ROOT / app / room / "__init__.py").exists()
    } | {f"{app}.{path.stem}" for path in (ROOT / app).glob("admin_*.py")}
    if app == "events":
        rooms.discard("events.consumers")
    protected = next((c for n, c in contracts().items() if n.startswith("3") and c["allowed_importers"] == [app]), {})
    assert rooms <= set(protected.get("protected_modules", [])), f"add them to contract 3 of {app}"  # type: ignore[call-overload]


def test_package_files_are_empty() -> None:
    assert [path for path in sources(*FLOORS) if path.name == "__init__.py" and path.read_text().strip()] == []


def test_no_drawer_for_everything() -> None:
    assert [path for path in sources(*FLOORS) if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_events_have_one_name_each() -> None:
    names = re.findall(r'wire_name = "([^"]+)"', "".join(path.read_text() for path in sources("events/catalogue")))
    assert sorted(names) == sorted(set(names))
    assert set(names) == set(CATALOGUE)


@pytest.mark.parametrize("app", FLOORS)
def test_sql_stays_on_its_floor(app: str) -> None:
    """SQL may name its own app's tables and functions, and call the functions and read the tables of apps below."""
    above = FLOORS[FLOORS.index(app) + 1 :]
    for path in sorted((ROOT / app / "sql").glob("*.sql")) if (ROOT / app / "sql").exists() else []:
        code = re.sub(r"--.*|'[^']*'", "", path.read_text())
        assert not re.findall(rf"\b(?:{'|'.join(above) or 'nobody'})_\w+", code), path


@pytest.mark.parametrize("app", ["players", "wallet", "loyalty", "analytics"])
def test_sql_writes_only_its_own_tables(app: str) -> None:
    for path in sorted((ROOT / app / "sql").glob("*.sql")):
        code = re.sub(r"--.*", "", path.read_text())
        written = re.findall(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z]+)_\w+", code)
        assert set(written) <= {app, "kernel"}, path


def test_time_comes_from_outside() -> None:
    """Services, rules and selectors are told the time."""
    clocks = re.compile(r"timezone\.now\(|datetime\.(?:utc)?now\(|clock\.now\(|date\.today\(")
    for app in APPS:
        for room in ("services", "selectors", "rules", "models", "types"):
            for path in [*(ROOT / app / room).rglob("*.py"), ROOT / app / f"{room}.py"]:
                assert not (path.exists() and clocks.search(path.read_text())), path


@pytest.mark.parametrize("app", APPS)
def test_public_services_take_keywords_and_have_docstrings(app: str) -> None:
    for path in sorted((ROOT / app / "services").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name} has no docstring"


@pytest.mark.parametrize("app", FLOORS)
def test_every_floor_has_its_page(app: str) -> None:
    assert (ROOT / app / "README.md").exists()


def test_no_secret_and_no_machine_path_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    paths = [ROOT / name for name in listed if name.endswith((".py", ".md", ".toml", ".html", ".sql", ".js", "run"))]
    machine = re.compile("/" + r"(?:work|root|home)/\w|PRIVATE KEY-----\s*[A-Za-z0-9+/]{20}")
    assert [path for path in paths if path.exists() and machine.search(path.read_text())] == []
