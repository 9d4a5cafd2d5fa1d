"""Who may open an account: one per person, nobody excluded under another spelling, no ineligible groups."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from compliance.selectors_cases import list_cases
from compliance.selectors_exclusions import list_exclusions
from compliance.services.entry import settle_match
from compliance.services.exclusions import exclude
from compliance.services.gate import decide
from compliance.types_cases import CaseKind, CaseState
from compliance.types_exclusion import ExclusionKind
from compliance.types_gate import GateAction, RegistrationFacts
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError
from players.selectors import find_refusal, list_restrictions
from players.services.accounts import change_settings, change_status
from players.services.registration import Registration, RegistrationRefused, register
from players.services.restrictions import RestrictionOwned, lift
from players.services.sealed import keep_sealed
from players.services.sessions import start
from players.types import PlayerAction, PlayerDetails, Status
from players.types_identity import Origin
from tests.consumers import catch_up
from tests.factories import ACTOR, AT, make_player
from tests.packs import activate

pytestmark = pytest.mark.usefixtures("db")

BORN = date(1990, 4, 7)
OFFICER = Actor(ActorKind.STAFF, "7", frozenset({"compliance.resolve_reviewcase"}))
ANNA: dict[str, object] = {"first_name": "Anna", "last_name": "Müller", "birth_date": BORN, "postcode": "10115"}


def anna(**changes: object) -> PlayerDetails:
    return make_player(**ANNA | changes)


def excluded_anna() -> PlayerDetails:
    player = anna()
    actor = Actor(ActorKind.PLAYER, str(player.id))
    exclude(player_id=player.id, kind=ExclusionKind.SELF, term="1y", idempotency_key="k", actor=actor, at=AT)
    return player


@pytest.mark.rule(4)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"first_name": "ANNA", "last_name": "Mueller"},
        {"last_name": "Muller", "postcode": "D-10115"},
        {"first_name": "Müller", "last_name": "Anna"},
    ],
)
def test_one_account_per_person_whatever_the_spelling(changes: dict[str, object]) -> None:
    activate("DE")
    anna()
    with pytest.raises(RegistrationRefused) as refused:
        anna(**changes)
    assert refused.value.data["reason"] == "duplicate_account"


@pytest.mark.rule(4)
@pytest.mark.parametrize(
    "changes", [{"postcode": "80331"}, {"last_name": "Muehler"}, {"birth_date": date(1990, 7, 4), "postcode": ""}]
)
def test_who_could_be_the_same_person_is_a_case(changes: dict[str, object]) -> None:
    activate("DE")
    first = anna()
    second = anna(**changes)
    (case,) = list_cases(kind=CaseKind.DUPLICATE)
    assert (case.player_id, case.facts["other"]) == (second.id, str(first.id))
    assert find_refusal(second.id, PlayerAction.PLAY, AT) is None


@pytest.mark.rule(4)
def test_where_the_pack_is_silent_the_same_person_is_a_case_only() -> None:
    anna()
    anna()
    assert len(list_cases(kind=CaseKind.DUPLICATE)) == 1


@pytest.mark.rule(4)
def test_an_excluded_person_who_comes_back_with_another_address_is_refused_in_every_pack() -> None:
    excluded_anna()
    with pytest.raises(RegistrationRefused) as refused:
        anna(email="other@example.com", last_name="Mueller")
    assert refused.value.data["reason"] == "excluded"


@pytest.mark.rule(4)
def test_an_excluded_account_that_was_closed_is_recognised_too() -> None:
    gone = excluded_anna()
    change_status(player_id=gone.id, to=Status.CLOSED, reason="asked", actor=ACTOR, at=AT)
    with pytest.raises(RegistrationRefused):
        anna(email="other@example.com")


def match() -> tuple[PlayerDetails, PlayerDetails]:
    """An excluded person, and an account that could be theirs."""
    return excluded_anna(), anna(postcode="80331", email="other@example.com")


@pytest.mark.rule(4)
def test_who_could_be_an_excluded_person_waits_until_somebody_has_looked() -> None:
    first, second = match()
    (case,) = list_cases(kind=CaseKind.EXCLUSION_MATCH)
    assert (case.player_id, case.facts["other"]) == (second.id, str(first.id))
    assert case.due_at == AT + timedelta(hours=1)
    for action in (PlayerAction.PLAY, PlayerAction.DEPOSIT, PlayerAction.MARKETING):
        assert find_refusal(second.id, action, AT)
    assert find_refusal(second.id, PlayerAction.LOGIN, AT) is None
    with pytest.raises(RestrictionOwned):
        lift(restriction_id=list_restrictions(second.id)[0].id, reason="he begs", actor=ACTOR, at=AT)


@pytest.mark.rule(4)
@pytest.mark.parametrize("same", [True, False])
def test_what_comes_of_a_match(same: bool) -> None:
    _, second = match()
    (case,) = list_cases(kind=CaseKind.EXCLUSION_MATCH)
    later = AT + timedelta(minutes=20)
    settle_match(case_id=case.id, same_person=same, comment="Saw both passports", actor=OFFICER, at=later)
    standing = list_exclusions(player_id=second.id, standing_at=later)
    assert [row.kind for row in standing] == ([ExclusionKind.OPERATOR] if same else [])
    assert (find_refusal(second.id, PlayerAction.PLAY, later) is None) is not same
    assert list_cases(kind=CaseKind.EXCLUSION_MATCH, open_only=False)[0].state is CaseState.RESOLVED
    with pytest.raises(DomainError):
        settle_match(case_id=case.id, same_person=not same, comment="again", actor=OFFICER, at=later)


@pytest.mark.rule(4)
def test_who_takes_an_excluded_persons_name_later_is_found() -> None:
    excluded_anna()
    second = make_player(first_name="Eve", last_name="Else", birth_date=date(1980, 1, 1))
    change_settings(
        player_id=second.id,
        changes={"first_name": "Anna", "last_name": "Müller", "birth_date": BORN},
        actor=ACTOR,
        at=AT + timedelta(hours=1),
    )
    assert list_cases(kind=CaseKind.EXCLUSION_MATCH) == []
    catch_up("compliance.likeness")
    assert len(list_cases(kind=CaseKind.EXCLUSION_MATCH)) == 1
    assert find_refusal(second.id, PlayerAction.DEPOSIT, AT + timedelta(hours=1))


@pytest.mark.rule(4)
def test_the_national_number_gives_an_excluded_person_away() -> None:
    first = make_player(country="SE", first_name="Anna", last_name="Berg", birth_date=date(1985, 7, 9))
    keep_sealed(player_id=first.id, values={"national_id": "850709-9805"}, actor=ACTOR, at=AT)
    actor = Actor(ActorKind.PLAYER, str(first.id))
    exclude(player_id=first.id, kind=ExclusionKind.SELF, term="1y", idempotency_key="k", actor=actor, at=AT)
    second = make_player(country="SE", first_name="Eve", last_name="Else", birth_date=date(1960, 1, 1))
    keep_sealed(player_id=second.id, values={"national_id": "19850709-9805"}, actor=ACTOR, at=AT)
    catch_up("compliance.likeness")
    (case,) = list_cases(kind=CaseKind.EXCLUSION_MATCH)
    assert (case.player_id, case.facts["signs"]) == (second.id, ["national_id"])
    with pytest.raises(RegistrationRefused):
        make_player(
            country="SE", first_name="Else", last_name="Wo", birth_date=date(1970, 1, 1), national_id="850709-9805"
        )


@pytest.mark.rule(4)
def test_a_device_that_an_excluded_person_used_and_the_same_birth_date() -> None:
    first = excluded_anna()
    opened = start(
        player_id=first.id, origin=Origin("127.0.0.1", ""), methods="password", store_key="s", refresh_id=first.id,
        at=AT - timedelta(days=1),
    )  # fmt: skip
    second = register(
        data=Registration(
            email="x@example.com", login="somebody", country="DE", currency="EUR", first_name="Eve", last_name="Else",
            birth_date=BORN,
        ),
        actor=ACTOR,
        idempotency_key="x",
        device_token=opened.device_token,
        at=AT,
    )  # fmt: skip
    (case,) = list_cases(kind=CaseKind.EXCLUSION_MATCH)
    assert (case.player_id, case.facts["signs"]) == (second.id, ["birth_date", "device"])


@pytest.mark.rule(6)
@pytest.mark.parametrize("group", ["court_order", "operator_officer", "regulator_staff", "supplier_staff"])
def test_on_keeps_these_groups_out(group: str) -> None:
    activate("CA-ON")

    def ask(says: bool) -> str:
        facts = RegistrationFacts(country="CA", region="ON", declarations={group: says})
        decision = decide(action=GateAction.REGISTRATION, player_id=None, facts=facts, actor=ACTOR, at=AT)
        codes = [(reason.code, reason.data.get("group")) for reason in decision.reasons]
        return "denied" if ("ineligible", group) in codes and not decision.allowed else ""

    assert (ask(True), ask(False)) == ("denied", "")
    with pytest.raises(RegistrationRefused) as refused:
        make_player(country="CA", region="ON", declares=(group,))
    assert refused.value.data["reason"] == "ineligible"
    facts = RegistrationFacts(country="GB", declarations={group: True})
    decision = decide(action=GateAction.REGISTRATION, player_id=None, facts=facts, actor=ACTOR, at=AT)
    assert "ineligible" not in [reason.code for reason in decision.reasons]


@pytest.mark.rule(6)
@pytest.mark.parametrize("ground", ["court_order", "operator_officer", "regulator_staff", "supplier_staff"])
def test_who_turns_out_to_belong_to_a_group_is_excluded(ground: str) -> None:
    activate("CA-ON")
    player = make_player(country="CA", region="ON")
    found = exclude(
        player_id=player.id, kind=ExclusionKind.OPERATOR, term="indefinite", reason="Told us", ground=ground,
        idempotency_key="k", actor=OFFICER, at=AT,
    )  # fmt: skip
    assert found.ground == ground
    for action in (PlayerAction.LOGIN, PlayerAction.DEPOSIT, PlayerAction.PLAY, PlayerAction.BONUS):
        assert find_refusal(player.id, action, AT) == "self_excluded"
