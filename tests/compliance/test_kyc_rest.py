"""Verification over REST: the player's own, and cases for service clients."""

from __future__ import annotations

import pytest

from compliance.selectors_kyc import find_unfinished_case
from compliance.services import kyc
from compliance.services.kyc_checks import chase_due
from compliance.types_kyc import StepKind, StepState
from kernel import clock
from players.models import Player, Profile
from tests.compliance.packs_in_force import put_in_force
from tests.compliance.test_kyc_cases import REVIEWER, adult
from tests.factories import ACTOR
from tests.identity.calls import registered
from tests.identity.test_login import player_id
from tests.rest.conftest import Api, problem, token_for  # noqa: F401  (fixtures)

pytestmark = pytest.mark.usefixtures("db")


def test_a_player_s_way_through_verification() -> None:
    program, data = registered(email="kim@example.org", username="kim-verify")
    own = player_id(data)
    Player.objects.filter(id=own).update(country="DE")
    Profile.objects.filter(player_id=own).update(last_name="Retry")
    put_in_force("DE", "2026-07-01", "verification.")

    shown = program.api("GET", "me/verification").json()
    assert (shown["status"], shown["funds"], shown["steps"]) == ("unverified", "free", [])
    assert (shown["grace"]["acknowledged"], shown["grace"]["deposit_left"]) == (False, "100.00")
    assert program.api("POST", "me/verification/grace").json()["grace"]["acknowledged"] is True
    assert program.api("POST", "me/verification/grace").status_code == 200

    check = program.api("POST", "me/verification/check", {}).json()
    assert (check["provider"], check["applicant_id"]) == ("sandbox", f"sandbox-{own}")
    problem(program.api("POST", "me/verification/check", {"provider": "nobody"}), 404, "unknown_provider")
    chase_due(actor=ACTOR, at=clock.now().replace(year=clock.now().year + 1))
    shown = program.api("GET", "me/verification").json()
    assert shown["status"] == "rejected_retry"
    step = shown["steps"][0]
    assert (step["kind"], step["state"], step["reasons"]) == ("identity", "retry", ["document_unreadable"])
    assert "good light" in step["texts"][0]


def test_confidential_reasons_stay_inside(token_for) -> None:  # noqa: F811
    player = adult()
    api = Api(token_for("compliance:read", "compliance:write"))
    body = {"player_id": str(player.id), "reason": "A tip", "steps": ["source_of_funds"], "locks_funds": True}
    made = api.post("compliance/kyc/cases", body, key="tip-1")
    assert (made.status_code, made.json()["funds"]) == (201, "locked")
    assert api.post("compliance/kyc/cases", body, key="tip-1").json()["id"] == made.json()["id"]
    case = find_unfinished_case(player.id)
    assert case
    step = case.step(StepKind.IDENTITY)
    assert step
    kyc.decide_step(step_id=step.id, to=StepState.REJECTED, reasons=("forged",), actor=REVIEWER, at=clock.now())
    shown = api.get(f"compliance/kyc/cases/{case.id}").json()
    assert shown["state"] == "rejected_final"
    assert [one["reasons"] for one in shown["steps"] if one["kind"] == "identity"] == [["not_accepted"]]
    assert [row["id"] for row in api.get("compliance/kyc/cases", player_id=str(player.id)).json()["items"]] == [
        str(case.id)
    ]
    reader = Api(token_for("compliance:read", client_id="reader"))
    problem(reader.post("compliance/kyc/cases", body), 403, "access_denied")
