"""The integrators' guides are executed: a guide's commands run in one shell, their answers have the forms it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kernel.scopes import SCOPES
from pms.casino.offers import ensure_offers
from pms.identity import ensure_client
from tests.factories import AT, make_game
from wallet.services.jackpots import ensure_jackpot

GUIDES = Path(__file__).resolve().parents[2] / "docs/integrators"
BLOCK = re.compile(r"```bash\n(.*?)```(?:\n```json\n(.*?)```)?", re.DOTALL)
END = "@@ end of a block @@"


def values(text: str) -> list[Any]:
    """JSON values one after another; words that are none (what `field` prints) stand for themselves."""
    decoder, found = json.JSONDecoder(), []
    while text := text.strip():
        try:
            value, end = decoder.raw_decode(text)
        except json.JSONDecodeError:
            value = text.split()[0]
            end = len(value)
        found.append(value)
        text = text[end:]
    return found


def form(value: Any) -> Any:
    """Names and types; a null may stand for anything."""
    if isinstance(value, dict):
        return {name: form(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [form(part) for part in value[:1]]
    return type(value).__name__


def names(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: names(part) for name, part in value.items() if isinstance(part, dict)} | dict.fromkeys(value)
    return None


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("guide", ["api.md", "bonuses.md", "payments.md", "players.md", "purses.md"])
def test_the_guide_runs_as_it_stands(live_server: Any, tmp_path: Path, guide: str, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / ".pms/mail")
    blocks = BLOCK.findall((GUIDES / guide).read_text())
    make_game()
    ensure_jackpot(code="orchard-mega", name="Mega", currency="EUR")
    ensure_offers(AT)
    ensure_client(client_id="demo-integrator", secret="demo-integrator-secret", name="Demo", scopes=SCOPES)
    script = f"\necho '{END}'\n".join(["set -euo pipefail", *(commands for commands, _ in blocks)])
    run = subprocess.run(
        ["bash", "-c", script.replace("http://127.0.0.1:8000", live_server.url)],
        cwd=tmp_path,
        env=os.environ | {"no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    outputs = run.stdout.split(END)[1:]
    assert len(outputs) == len(blocks)
    for (commands, shown), printed in zip(blocks, outputs, strict=True):
        if not shown:
            continue
        for example, actual in zip(values(shown), values(printed), strict=True):
            assert form(actual) == form(example), commands
            assert names(actual) == names(example), commands
            if isinstance(example, dict) and "code" in example:
                assert actual["code"] == example["code"]
            if isinstance(example, dict) and "balance" in example:
                assert actual["balance"] == example["balance"], commands
