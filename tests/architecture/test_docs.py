"""Links in the documentation lead somewhere, and commands and settings that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted(ROOT.glob("*/README.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))
    assert named <= get_commands().keys()


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        named = set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", page.read_text()))
        assert named <= targets, page


def test_every_setting_of_the_environment_is_documented() -> None:
    read = set(re.findall(r'env(?:\.\w+)?\("([A-Z_]+)"', (ROOT / "pms" / "settings.py").read_text()))
    page = (ROOT / "docs" / "operators" / "README.md").read_text()
    internal = {"DEBUG", "PMS_BUILD", "STATIC_ROOT"}
    assert {name for name in read - internal if f"`{name}`" not in page} == set()
