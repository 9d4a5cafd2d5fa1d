"""Offers as files."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bonuses.selectors import get_offer, list_versions
from compliance.selectors import list_approvals
from compliance.services.approvals import approve
from tests.bonuses.offers import CHECKER, GIFT, MATCH, live_offer
from tests.factories import AT

pytestmark = pytest.mark.usefixtures("db")


def run(*args: str) -> str:
    out = StringIO()
    call_command("offers", *args, stdout=out)
    return out.getvalue()


def test_out_changed_compared_promoted_and_back(tmp_path: Path) -> None:
    gift, match = live_offer(GIFT, code="gift"), live_offer(MATCH, code="match")
    assert run("export", str(tmp_path)).split() == [str(tmp_path / f"{code}.json") for code in ("gift", "match")]
    assert run("diff", str(tmp_path)) == "Nothing differs.\n"
    assert run("apply", str(tmp_path), "--comment", "nothing new") == ""
    path = tmp_path / "gift.json"
    content = json.loads(path.read_text())
    content["rule"]["wagering"]["multiple"] = "7"
    path.write_text(json.dumps(content))
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("offers", "diff", str(tmp_path), stdout=out)
    assert out.getvalue() == "gift wagering.multiple: 5 → 7\n"
    assert run("apply", str(tmp_path), "--comment", "harder") == "gift: version 2 waits for a second person.\n"
    assert get_offer("gift").rule == gift.rule
    let_out()
    assert get_offer("gift").rule.wagering.multiple == 7
    assert get_offer("match") == match
    assert run("rollback", "gift", "1", "--comment", "too hard") == "gift: version 3 waits for a second person.\n"
    let_out()
    assert get_offer("gift").rule == gift.rule
    assert [version.number for version in list_versions("gift")] == [3, 2, 1]


def let_out() -> None:
    (waiting,) = [row for row in list_approvals() if row.state == "requested"]
    approve(approval_id=waiting.id, seen_digest=waiting.digest, comment="ok", actor=CHECKER, at=AT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"code": "x"}',
        '{"code": 1, "name": "x", "rule": {}}',
        '{"code": "x", "name": "x", "rule": {}}',
        "x" * 300_000,
    ],
)
def test_a_file_that_is_no_offer_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(CommandError, match=r"broken\.json"):
        run("diff", str(tmp_path))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    live_offer(GIFT, code="gift")
    with pytest.raises(CommandError, match="no folder"):
        run("diff", str(tmp_path / "none"))
    with pytest.raises(CommandError, match="no version 9"):
        run("rollback", "gift", "9", "--comment", "x")
    with pytest.raises(CommandError, match="no offer"):
        run("rollback", "nothing", "1", "--comment", "x")
