"""National registers: asked at registration, at every login and before marketing; silence means no; every reply is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from compliance.models_exclusions import RegisterCheck
from compliance.models_gate import GateDecision
from compliance.ports_exclusion import RegisterAnswer, RegisterPerson, RegisterUnavailable, find_exclusion_register
from compliance.registers.sandbox import SandboxRegister
from compliance.selectors_exclusions import list_exclusions, list_register_checks
from compliance.services.exclusions import exclude
from compliance.services.gate import decide
from compliance.services.registers import ask_register, check_player
from compliance.types_exclusion import ExclusionKind, RegisterMoment, RegisterOutcome
from compliance.types_gate import GateAction, LoginFacts, MessageFacts, Verdict
from events.models import Event
from kernel.actors import Actor, ActorKind, system
from players.selectors import find_refusal
from players.services.registration import RegistrationRefused
from players.services.sessions import find_login_refusal
from players.types import PlayerAction, PlayerDetails
from tests.factories import AT, bet, fund, make_game, make_player
from tests.packs import activate, pack_of

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.rule(10)]

JOB = system("test-job")
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BORN = date(1990, 4, 7)
NAMES = {
    "GB": "GAMSTOP",
    "SE": "Spelpaus",
    "DE": "OASIS",
    "DK": "ROFUS",
    "NL": "CRUKS",
    "CA": "iGO central self-exclusion",
}


def sandbox(name: str = "GAMSTOP") -> SandboxRegister:
    found = find_exclusion_register(name)
    assert isinstance(found, SandboxRegister)
    return found


@pytest.fixture(autouse=True)
def _clean_sandbox() -> Iterator[None]:
    yield
    for name in NAMES.values():
        register = sandbox(name)
        register.listed.clear()
        register.fault = ""


@pytest.fixture
def ann(db: None) -> PlayerDetails:
    player = make_player(country="GB", first_name="Ann", last_name="Brown", birth_date=BORN, postcode="SW1A 1AA")
    fund(player.id)  # before the pack asks for anything else
    activate("GB")
    return player


def log_in(player: PlayerDetails, at: object = AT) -> str:
    """ "" or why not."""
    refusal = find_login_refusal(player_id=player.id, device_token="", going_on=False, at=at)  # type: ignore[arg-type]
    return refusal.code if refusal else ""


@pytest.mark.parametrize(("country", "register"), NAMES.items())
def test_every_pack_asks_its_register_at_registration_and_at_every_login(country: str, register: str) -> None:
    activate({"CA": "CA-ON"}.get(country, country))
    place = {"region": "ON"} if country == "CA" else {}
    player = make_player(country=country, first_name="Ann", last_name="Brown", birth_date=BORN, **place)
    assert [log_in(player, AT + MINUTE), log_in(player, AT + MINUTE)] == ["", ""]
    rows = RegisterCheck.objects.order_by("id")
    assert [(row.register, row.moment, row.outcome) for row in rows] == [
        (register, "registration", "clear"),
        (register, "login", "clear"),
        (register, "login", "clear"),
    ]
    assert len({row.reply_id for row in rows}) == 3, "each answer is a new one, with an id of its own"
    assert len({bytes(row.person) for row in rows}) == 1


def test_the_answer_at_registration_stays_with_the_player_and_is_good_for_the_login_of_that_step() -> None:
    activate("GB")
    names = {"first_name": "Ann", "last_name": "Brown", "birth_date": BORN}
    player = make_player(country="GB", **names)
    (kept,) = list_register_checks(player.id)
    assert (kept.moment, kept.player_id) == (RegisterMoment.REGISTRATION, player.id)
    sandbox().list_person("Brown", BORN)
    assert log_in(player, AT + MINUTE - SECOND) == ""
    assert list_register_checks(player.id) == [kept], "asked once"
    assert log_in(player, AT + MINUTE) == "excluded"
    assert [one.moment for one in list_register_checks(player.id)] == [
        RegisterMoment.LOGIN,
        RegisterMoment.REGISTRATION,
    ]


def test_only_a_login_right_after_it_counts_as_that_step() -> None:
    activate("GB")
    player = make_player(country="GB", first_name="Ann", last_name="Brown", birth_date=BORN)
    sandbox().fault = "timeout"
    assert log_in(player, AT + MINUTE) == "register_unavailable"
    assert log_in(player, AT - MINUTE) == "register_unavailable", "not for a login before it"


def test_who_is_listed_opens_no_account_and_the_reply_id_is_kept_with_the_decision() -> None:
    activate("GB")
    with pytest.raises(RegistrationRefused) as refused:
        make_player(country="GB", first_name="Eve", last_name="Listed", birth_date=BORN)
    assert refused.value.data["reason"] == "excluded"
    (check,) = RegisterCheck.objects.all()
    assert check.player_id is None
    stored = GateDecision.objects.get(action="registration")
    assert stored.inputs["register_reply_id"] == check.reply_id
    assert "Eve" not in str(stored.inputs)


@pytest.mark.parametrize("last_name", ["Timeout", "Garbled"])
def test_a_register_that_does_not_answer_means_no(last_name: str) -> None:
    activate("GB")
    with pytest.raises(RegistrationRefused) as refused:
        make_player(country="GB", first_name="Tim", last_name=last_name, birth_date=BORN)
    assert refused.value.data["reason"] == "register_unavailable"
    (check,) = RegisterCheck.objects.all()
    assert check.outcome == "error"
    assert check.error


def test_a_login_while_the_register_is_away_is_denied_and_excludes_nobody(ann: PlayerDetails) -> None:
    sandbox().fault = "timeout"
    assert log_in(ann) == "register_unavailable"
    assert list_exclusions(player_id=ann.id) == []
    sandbox().fault = ""
    assert log_in(ann) == ""


@pytest.mark.parametrize(
    ("register", "error"),
    [
        (lambda person, moment, at: 1 / 0, "ZeroDivisionError"),
        (lambda person, moment, at: RegisterAnswer(False, ""), "without a reply id"),
        (lambda person, moment, at: RegisterAnswer(True, "r", AT), "no moment to come"),
        (lambda person, moment, at: None, "no answer at all"),
    ],
)
def test_whatever_goes_wrong_in_a_register_denies(
    register: object, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox(), "check", register)
    said = ask_register(
        person=RegisterPerson(country="GB", first_name="A", last_name="B", birth_date=BORN),
        pack=pack_of(
            {
                "registers.exclusion_name": "GAMSTOP",
                "registers.exclusion_check_on": ["login"],
                "registers.exclusion_on_error": "deny",
            }
        ),
        moment=RegisterMoment.LOGIN,
        at=AT,
    )
    assert said
    assert said.denies
    assert error in RegisterCheck.objects.get().error


@pytest.mark.parametrize(("on_error", "denies"), [("deny", True), ("allow", False)])
def test_on_error_is_the_packs_word_and_nobody_plugged_in_is_an_error(on_error: str, denies: bool) -> None:
    pack = pack_of(
        {
            "registers.exclusion_name": "NOBODY",
            "registers.exclusion_check_on": ["login"],
            "registers.exclusion_on_error": on_error,
        }
    )
    person = RegisterPerson(country="GB", first_name="A", last_name="B", birth_date=BORN)
    said = ask_register(person=person, pack=pack, moment=RegisterMoment.LOGIN, at=AT)
    assert said
    assert (said.outcome, said.denies) == (RegisterOutcome.ERROR, denies)
    assert ask_register(person=person, pack=pack, moment=RegisterMoment.MARKETING, at=AT) is None


def test_listed_between_two_logins_excluded_then_free_again_and_no_answer_is_remembered(ann: PlayerDetails) -> None:
    make_game()
    assert log_in(ann) == ""
    sandbox().list_person("Brown", BORN)
    assert log_in(ann, AT + SECOND) == "excluded"
    (found,) = list_exclusions(player_id=ann.id)
    assert (found.kind, found.register, found.active_until) == (ExclusionKind.REGISTER, "GAMSTOP", None)
    assert found.reply_id == list_register_checks(ann.id)[0].reply_id
    assert bet(ann.id, "1.00", at=AT + SECOND).reason == "self_excluded"
    assert log_in(ann, AT + 2 * SECOND) == "excluded"
    assert len(list_exclusions(player_id=ann.id)) == 1
    sandbox().unlist_person("Brown", BORN)
    assert log_in(ann, AT + 3 * SECOND) == ""
    assert find_refusal(ann.id, PlayerAction.PLAY, AT + 3 * SECOND) is None
    kinds = Event.objects.filter(player_id=ann.id, type__startswith="compliance.").order_by("position")
    assert [row.type.split(".")[1] for row in kinds] == ["player-excluded", "exclusion-ended"]


def test_the_end_that_the_register_names_is_the_exclusions(ann: PlayerDetails) -> None:
    until = AT + timedelta(days=180)
    sandbox().list_person("Brown", BORN, until)
    check_player(player_id=ann.id, moment=RegisterMoment.STAFF, actor=JOB, at=AT)
    (found,) = list_exclusions(player_id=ann.id)
    assert found.active_until == until
    assert find_refusal(ann.id, PlayerAction.PLAY, until - SECOND) == "self_excluded"
    assert find_refusal(ann.id, PlayerAction.PLAY, until) is None


def test_a_marketing_message_asks_the_register_and_a_service_message_does_not(ann: PlayerDetails) -> None:
    sandbox().list_person("Brown", BORN)

    def send(marketing: bool) -> Verdict:
        facts = MessageFacts(channel="email", product="casino", marketing=marketing)
        return decide(action=GateAction.MESSAGE, player_id=ann.id, facts=facts, actor=JOB, at=AT).verdict

    assert send(False) is Verdict.ALLOW
    assert list_register_checks(ann.id) == []
    assert send(True) is Verdict.DENY
    assert list_register_checks(ann.id)[0].moment is RegisterMoment.MARKETING


def test_going_on_with_a_session_asks_nobody_but_stops_the_excluded(ann: PlayerDetails) -> None:
    def go_on() -> bool:
        return find_login_refusal(player_id=ann.id, device_token="", going_on=True, at=AT) is None

    assert go_on()
    assert list_register_checks(ann.id) == []
    actor = Actor(ActorKind.PLAYER, str(ann.id))
    exclude(player_id=ann.id, kind=ExclusionKind.SELF, term="6mo", idempotency_key="k", actor=actor, at=AT)
    assert not go_on()
    facts = LoginFacts()
    assert not decide(action=GateAction.LOGIN, player_id=ann.id, facts=facts, actor=JOB, at=AT).allowed
    assert list_register_checks(ann.id) == [], "whoever excluded themself is not asked about"


def test_answers_are_never_rewritten(ann: PlayerDetails) -> None:
    check_player(player_id=ann.id, moment=RegisterMoment.STAFF, actor=JOB, at=AT)
    with pytest.raises(Exception, match=r"append-only|permission denied"):
        RegisterCheck.objects.update(outcome="clear")


def test_the_sandbox_follows_its_script() -> None:
    register = SandboxRegister("X")

    def check(last_name: str) -> RegisterAnswer:
        person = RegisterPerson(country="GB", first_name="A", last_name=last_name, birth_date=BORN)
        return register.check(person, RegisterMoment.LOGIN, AT)

    assert not check("Brown").listed
    assert check("Listed").until is None
    assert check("Listed-Month").until == AT + timedelta(days=30)
    for fault in ("Timeout", "Garbled"):
        with pytest.raises(RegisterUnavailable):
            check(fault)
