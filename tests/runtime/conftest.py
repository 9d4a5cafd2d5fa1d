"""Homes for the tests of set-up and running. They need no Django and, mostly, no database."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pms.runtime.home import Home, find_home


@pytest.fixture
def home() -> Iterator[Home]:
    """An opened, empty home that the services' account can reach, with the programs that are already copied."""
    folder = Path(tempfile.mkdtemp(prefix="pms-"))
    folder.chmod(0o755)
    usual = find_home({})
    usual.open()  # the programs are copied into it
    home = Home(folder, usual.account, usual.programs)
    home.open()
    yield home
    shutil.rmtree(folder)
