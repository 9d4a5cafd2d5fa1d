"""Programmes: written, looked at, released for a moment to come by two people, as files."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import time_machine
from django.core.management import CommandError, call_command

from compliance.selectors import get_approval
from compliance.services.approvals import approve, reject
from compliance.types import ApprovalState
from events.selectors_audit import list_audit
from events.services.rebuilding import rebuild
from events.types import AuditQuery
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from loyalty import rules_words, selectors
from loyalty.selectors_preview import preview
from loyalty.selectors_programme import get_rule, list_versions
from loyalty.services import levels, membership, programmes
from loyalty.services.files import ProgrammeFile, apply_files, diff_file, read_file, roll_back
from loyalty.services.programmes import ask_for_release, parse_programme, write_version
from loyalty.types import VersionState
from loyalty.types_programme import ProgrammeRule
from tests.bonuses.offers import live_offer
from tests.consumers import catch_up
from tests.factories import ACTOR, AT, make_player
from tests.loyalty.log import bet_placed, tell
from tests.loyalty.programmes import ITEMS, POINTS

pytestmark = pytest.mark.usefixtures("db")
WRITER = Actor(ActorKind.STAFF, "901", frozenset({programmes.WRITE}))
CHECKER = Actor(ActorKind.STAFF, "902", frozenset({programmes.RELEASE}))
DAY = timedelta(days=1)
LATER = AT + DAY


def changed(**changes: Any) -> ProgrammeRule:
    rule = msgspec.to_builtins(get_rule("standard", AT)) | changes
    return parse_programme(json.dumps(rule, default=str))


def lower_silver() -> ProgrammeRule:
    rows = msgspec.to_builtins(get_rule("standard", AT).levels)
    rows[1]["entry_eur"] = "5000"
    return changed(levels=rows)


def release(rule: ProgrammeRule, *, code: str = "standard", active_from: datetime = LATER, at: datetime = AT) -> UUID:
    version = write_version(code=code, name=f"Programme {code}", rule=rule, actor=WRITER, at=at)
    approval = ask_for_release(
        version_id=version.id,
        active_from=active_from,
        comment="x",
        idempotency_key=str(version.id),
        actor=WRITER,
        at=at,
    )
    found = get_approval(approval)
    approve(approval_id=approval, seen_digest=found.digest, comment="", actor=CHECKER, at=at)
    return version.id


def test_a_version_counts_from_its_moment_on_and_a_rebuild_is_equal() -> None:
    player = make_player().id
    release(changed(points_per_eur="2"))
    release(changed(points_per_eur="3"), active_from=LATER + DAY)
    for moment in (AT, LATER - timedelta(seconds=1), LATER, LATER + DAY):
        tell(bet_placed(player, "100.00", at=moment))
    catch_up("loyalty.accrual")
    assert [row.earned for row in reversed(selectors.list_accruals(player))] == [100, 100, 200, 300]
    assert rebuild("loyalty.accrual", swap=False).equal
    told = list_audit(AuditQuery(object_type="loyalty.programme"))
    assert {"loyalty.write_programme", "loyalty.release_programme"} == {entry.action for entry in told}


def test_what_was_released_since_is_looked_at_once_more() -> None:
    """Two drafts of the same day: the second, written before the first one's level was there, would take it away."""
    rows = msgspec.to_builtins(get_rule("standard", AT).levels)
    more = changed(levels=[*rows, {"code": "diamond", "name": "Diamond", "entry_eur": "900000"}])
    late = write_version(code="standard", name="S", rule=changed(grace_days=10), actor=WRITER, at=AT)
    approval = ask_for_release(
        version_id=late.id, active_from=LATER + DAY, comment="x", idempotency_key="l", actor=WRITER, at=AT
    )
    release(more)
    with pytest.raises(FieldErrors, match="keep them in their order"):
        approve(approval_id=approval, seen_digest=get_approval(approval).digest, comment="", actor=CHECKER, at=AT)
    again = changed(levels=msgspec.to_builtins(more.levels), grace_days=20)
    with pytest.raises(programmes.NotReleasable, match="name one after it"):
        release(again, active_from=LATER)


def test_the_preview_says_who_would_move_and_the_review_moves_them() -> None:
    players = [make_player().id for _ in range(4)]
    for player, stake in zip(players, ("4999.99", "5000.00", "9000.00", "60000.00"), strict=True):
        tell(bet_placed(player, stake))
    catch_up("loyalty.accrual")
    rule = lower_silver()
    seen = preview(programme="standard", rule=rule, at=AT)
    assert (seen.players, seen.moves, seen.falling) == (4, {("bronze", "silver"): 2}, {})
    later = preview(programme="standard", rule=rule, at=AT + 60 * DAY)
    assert (later.moves, later.falling) == ({("bronze", "silver"): 2}, {"gold": 1})
    release(rule)
    assert levels.review(at=LATER - timedelta(seconds=1)) == 0
    assert levels.review(at=LATER) == 2
    catch_up("loyalty.accrual")
    assert [selectors.get_standing(player, LATER).level.code for player in players] == [
        "bronze",
        "silver",
        "silver",
        "gold",
    ]


def test_it_takes_two_and_a_moment_to_come() -> None:
    version = write_version(code="standard", name="Standard", rule=lower_silver(), actor=WRITER, at=AT)
    again = write_version(code="standard", name="Standard", rule=lower_silver(), actor=WRITER, at=AT)
    assert (again, version.state) == (version, VersionState.DRAFT)
    ask = {"version_id": version.id, "comment": "x", "actor": WRITER, "at": AT}
    with pytest.raises(FieldErrors, match="10 minutes"):
        ask_for_release(active_from=AT + timedelta(minutes=9), idempotency_key="1", **ask)  # type: ignore[arg-type]
    approval = ask_for_release(active_from=AT + timedelta(minutes=30), idempotency_key="2", **ask)  # type: ignore[arg-type]
    found = get_approval(approval)
    with pytest.raises(AccessDenied):
        approve(approval_id=approval, seen_digest=found.digest, comment="", actor=WRITER, at=AT)
    with pytest.raises(programmes.NotReleasable):
        approve(
            approval_id=approval, seen_digest=found.digest, comment="", actor=CHECKER, at=AT + timedelta(minutes=21)
        )
    assert get_approval(approval).state is ApprovalState.REQUESTED
    reject(approval_id=approval, comment="Too late", actor=CHECKER, at=AT)
    assert [row.state for row in list_versions("standard")] == ["draft", "released"]
    with pytest.raises(AccessDenied):
        write_version(code="standard", name="x", rule=lower_silver(), actor=Actor(ActorKind.STAFF, "1"), at=AT)


def test_a_market_has_one_programme_and_its_players_join_it() -> None:
    nordic = changed(markets=["SE", "FI"])
    release(nordic, code="nordic", active_from=AT + timedelta(hours=1))
    swede = make_player(country="SE", at=AT).id
    catch_up("loyalty.membership", "loyalty.accrual")
    assert membership.join_all(at=AT) == 0
    assert membership.join_all(at=AT + timedelta(hours=1)) == 1
    catch_up("loyalty.accrual")
    assert selectors.get_standing(swede, LATER).programme == "nordic"
    with pytest.raises(FieldErrors, match="FI belongs to the programme nordic"):
        release(changed(markets=["FI"]), code="finland")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"markets": ["DE"]}, "standard", "markets"),
        ({}, "other", "markets"),
        ({"markets": ["DE"]}, "Other One", "code"),
        ({"items": [ITEMS[0] | {"offer": "nothing"}]}, "standard", "items.0.offer"),
        ({"levels": [{"code": "bronze", "name": "Bronze", "entry_eur": "0"}]}, "standard", "levels"),
    ],
)
def test_what_cannot_be_is_refused_by_field(change: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(FieldErrors) as error:
        write_version(code=code, name="x", rule=changed(**change), actor=WRITER, at=AT)
    assert list(error.value.errors) == [field]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"levels": 5}', '{"levels": [], "extra": 1}', "\xff", "[" * 100_000])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(FieldErrors):
        parse_programme(text)


def test_the_rule_is_said_in_words_and_in_differences() -> None:
    live_offer(POINTS, code="free-play")
    rule = changed(items=[ITEMS[0]], grace_days=45)
    words = " ".join(rules_words.describe(rule))
    for said in (
        "Gold: entered at 50,000 EUR, kept by 4,166.67 EUR in 30 days; points × 1.25, 2 % cashback, email support.",
        "1,000 points are 10.00 EUR (Free play); from 20,000 points on staff confirm it.",
        "Within 45 days",
    ):
        assert said in words
    found = dict(rules_words.differences(get_rule("standard", AT), rule))
    assert found["grace_days"] == ("", "45") or found["grace_days"] == ("30", "45")
    assert found["items.0.points"] == ("", "1000")


def test_programmes_go_as_files_and_come_back(tmp_path: Path) -> None:
    with time_machine.travel(AT, tick=False):
        call_command("programmes", "export", str(tmp_path))
        path = tmp_path / "standard.json"
        first = path.read_bytes()
        call_command("programmes", "export", str(tmp_path))
        assert path.read_bytes() == first
        call_command("programmes", "diff", str(tmp_path))
        content = json.loads(first)
        content["rule"]["points_per_eur"] = "5"
        path.write_text(json.dumps(content))
        assert diff_file(file=read_file(path=path), at=AT) == [("points_per_eur", ("1", "5"))]
        with pytest.raises(SystemExit):
            call_command("programmes", "diff", str(tmp_path))
        for wrong in ("yesterday", "2020-01-01"):
            with pytest.raises(CommandError):
                call_command("programmes", "apply", str(tmp_path), "--comment", "x", "--active-from", wrong)
        call_command("programmes", "apply", str(tmp_path), "--comment", "Five points")
    waiting = list_versions("standard")[0]
    assert (waiting.state, waiting.rule.points_per_eur) == (VersionState.WAITING, Decimal(5))
    assert waiting.approval_id
    found = get_approval(waiting.approval_id)
    approve(approval_id=found.id, seen_digest=found.digest, comment="", actor=CHECKER, at=AT)
    back = roll_back(code="standard", number=1, active_from=LATER + 2 * DAY, comment="Back", actor=ACTOR, at=LATER)
    assert (back.number, back.rule.points_per_eur) == (waiting.number + 1, Decimal(1))
    with pytest.raises(CommandError):
        call_command("programmes", "rollback", "standard", "99", "--comment", "x")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"code": "x"}', b"\xff", b'{"code": 1, "name": "x", "rule": {}}'])
def test_a_damaged_file_names_itself(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(FieldErrors, match=r"x\.json"):
        read_file(path=path)


def test_nothing_is_written_where_nothing_differs() -> None:
    file = ProgrammeFile("standard", "Standard programme", get_rule("standard", AT))
    assert apply_files(files=[file], active_from=LATER, comment="x", actor=ACTOR, at=AT) == []
