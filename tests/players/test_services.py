"""Registration, status, settings, restrictions and labels."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import IntegrityError

from events.catalogue.base import CATALOGUE
from events.selectors import Cursor, read_log
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors, IdempotencyConflict, NotFound
from kernel.ids import uuid7
from players.models import SettingChange, User
from players.selectors import (
    UnknownPlayer,
    find_player_by_login,
    find_refusal,
    get_player,
    list_labels,
    list_matching_ids,
    list_players,
    list_restrictions,
    list_setting_changes,
)
from players.services.accounts import ReasonMissing, StatusMoveRefused, change_settings, change_status
from players.services.labels import set_label
from players.services.registration import Registration, register
from players.services.restrictions import AlreadyLifted, impose, lift
from players.types import PlayerAction, PlayerDetails, RestrictionKind, Status
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, make_player

pytestmark = pytest.mark.usefixtures("db")

ANN = Registration(
    email="Ann@Example.com",
    login="Ann",
    country="DE",
    currency="EUR",
    phone="0151 12345678",
    first_name="Ann",
    last_name="Müller",
    birth_date=date(1990, 2, 3),
    source="newsletter",
)


def register_ann(key: str = "k", **changes: object) -> PlayerDetails:
    from dataclasses import replace

    return register(data=replace(ANN, **changes), actor=ACTOR, idempotency_key=key, at=AT)  # type: ignore[arg-type]


def told() -> list[str]:
    return [event.type.split(".")[1] for event in read_log(Cursor(), list(CATALOGUE), 100)[0]]


def test_registration_normalises_and_tells() -> None:
    ann = register_ann()
    assert (ann.email, ann.login, ann.phone) == ("ann@example.com", "ann", "+4915112345678")
    assert (ann.status, ann.confirm_status, ann.risk_level) == ("active", "unverified", "low")
    assert get_player(ann.id) == ann
    assert told() == ["player-registered"]


def test_the_same_registration_is_one_player() -> None:
    assert register_ann() == register_ann()
    assert told() == ["player-registered"]
    with pytest.raises(IdempotencyConflict):
        register_ann(first_name="Anna")


def test_keys_of_two_clients_are_their_own() -> None:
    register_ann()
    with pytest.raises(FieldErrors):  # another client's key does not find our player: the data is looked at
        register(data=ANN, actor=Actor(ActorKind.CLIENT, "other"), idempotency_key="k", at=AT)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("email", {"login": "other", "phone": "", "email": "ANN@example.com"}),
        ("login", {"email": "b@example.com", "phone": "", "login": "ANN"}),
        ("phone", {"email": "b@example.com", "login": "other", "phone": "+49 151 12345678"}),
    ],
)
def test_what_identifies_a_player_is_unique(field: str, changes: dict[str, object]) -> None:
    register_ann()
    with pytest.raises(FieldErrors) as caught:
        register_ann("other", **changes)
    assert list(caught.value.errors) == [field]
    assert told() == ["player-registered"]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(FieldErrors) as caught:
        register_ann(email="x", login="x", country="XX", currency="XXX", birth_date=date(2020, 1, 1), phone="1")
    assert set(caught.value.errors) == {"email", "login", "country", "currency", "birth_date", "phone"}


def test_50_people_want_one_login_at_once() -> None:
    def attempt(number: int) -> str:
        try:
            register_ann(f"k{number}", email=f"a{number}@example.com", phone="")
        except FieldErrors as error:
            return next(iter(error.errors))
        return "registered"

    results = in_parallel([lambda n=n: attempt(n) for n in range(50)], 10)
    assert Counter(results) == {"registered": 1, "login": 49}


def test_50_copies_of_one_registration_make_one_player() -> None:
    players = in_parallel([register_ann] * 50, 10)
    assert len({player.id for player in players}) == 1


def test_a_user_is_player_or_staff_never_both() -> None:
    ann = register_ann()
    with pytest.raises(IntegrityError):
        User.objects.filter(username=ann.login).update(is_staff=True)


def test_status_moves_are_checked_kept_and_told() -> None:
    ann = register_ann()
    change_status(player_id=ann.id, to=Status.SUSPENDED, reason="chargeback", actor=ACTOR, at=AT)
    change_status(player_id=ann.id, to=Status.SUSPENDED, reason="again", actor=ACTOR, at=AT)
    with pytest.raises(StatusMoveRefused, match="active, closed"):
        change_status(player_id=ann.id, to=Status.ERASED, reason="x", actor=ACTOR, at=AT)
    with pytest.raises(ReasonMissing):
        change_status(player_id=ann.id, to=Status.CLOSED, reason=" ", actor=ACTOR, at=AT)
    with pytest.raises(UnknownPlayer):
        change_status(player_id=uuid7(), to=Status.CLOSED, reason="x", actor=ACTOR, at=AT)
    assert told() == ["player-registered", "player-status-changed"]
    [change] = list_setting_changes(ann.id)
    assert (change.name, change.from_value, change.to_value, change.actor) == (
        "status",
        "active",
        "suspended",
        "system:test",
    )


def test_settings_keep_their_history_and_no_event_carries_them() -> None:
    ann = register_ann()
    changed = change_settings(
        player_id=ann.id,
        changes={"city": "Wien", "country": "AT", "phone": "0664 1234567", "first_name": "Ann"},
        actor=ACTOR,
        at=AT,
    )
    assert (changed.city, changed.country, changed.phone) == ("Wien", "AT", "+436641234567")
    assert {change.name for change in list_setting_changes(ann.id)} == {"city", "country", "phone"}
    events = read_log(Cursor(), ["players.setting-changed.v1"], 10)[0]
    assert sorted(event.payload["name"] for event in events) == ["city", "country", "phone"]
    assert all("Wien" not in str(event.payload) for event in events)


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "x@example.com"), ("status", "closed"), ("city", 5), ("birth_date", "1990-01-01"), ("country", "XX")],
)
def test_a_setting_that_cannot_be_changed_so_is_named(field: str, value: object) -> None:
    ann = register_ann()
    with pytest.raises(FieldErrors) as caught:
        change_settings(player_id=ann.id, changes={"postcode": "1010", field: value}, actor=ACTOR, at=AT)
    assert list(caught.value.errors) == [field]
    assert get_player(ann.id) == ann


def test_a_phone_of_somebody_else_cannot_be_taken() -> None:
    ann, bob = register_ann(), make_player()
    with pytest.raises(FieldErrors, match="phone"):
        change_settings(player_id=bob.id, changes={"phone": ann.phone}, actor=ACTOR, at=AT)


def test_the_history_of_settings_cannot_be_rewritten() -> None:
    from django.db import DatabaseError

    ann = register_ann()
    change_settings(player_id=ann.id, changes={"city": "Wien"}, actor=ACTOR, at=AT)
    with pytest.raises(DatabaseError, match="permission denied"):
        SettingChange.objects.update(to_value="Graz")


def test_restrictions_stack_and_end_one_by_one() -> None:
    ann = register_ann()
    common = {"player_id": ann.id, "reason": "test", "source": "staff", "actor": ACTOR, "at": AT}
    first = impose(kind=RestrictionKind.PLAY_BLOCK, **common)  # type: ignore[arg-type]
    second = impose(kind=RestrictionKind.COOLING_OFF, active_until=AT + timedelta(days=1), **common)  # type: ignore[arg-type]
    assert find_refusal(ann.id, PlayerAction.PLAY, AT) == "play_block"
    lift(restriction_id=first, reason="done", actor=ACTOR, at=AT)
    assert find_refusal(ann.id, PlayerAction.PLAY, AT) == "cooling_off"
    assert find_refusal(ann.id, PlayerAction.WITHDRAW, AT) is None
    assert find_refusal(ann.id, PlayerAction.PLAY, AT + timedelta(days=1)) is None
    assert [r.id for r in list_restrictions(ann.id, standing_at=AT)] == [second]
    assert len(list_restrictions(ann.id)) == 2
    with pytest.raises(AlreadyLifted):
        lift(restriction_id=first, reason="again", actor=ACTOR, at=AT)
    with pytest.raises(AlreadyLifted):
        lift(restriction_id=second, reason="over", actor=ACTOR, at=AT + timedelta(days=2))
    with pytest.raises(NotFound):
        lift(restriction_id=uuid7(), reason="x", actor=ACTOR, at=AT)
    assert told() == ["player-registered", "restriction-imposed", "restriction-imposed", "restriction-lifted"]


def test_a_restriction_needs_a_reason_and_an_end_in_the_future() -> None:
    ann = register_ann()
    common = {"player_id": ann.id, "kind": RestrictionKind.PLAY_BLOCK, "source": "staff", "actor": ACTOR, "at": AT}
    with pytest.raises(FieldErrors, match="reason"):
        impose(reason="", **common)  # type: ignore[arg-type]
    with pytest.raises(FieldErrors, match="active_until"):
        impose(reason="x", active_until=AT, **common)  # type: ignore[arg-type]
    with pytest.raises(UnknownPlayer):
        impose(reason="x", **(common | {"player_id": uuid7()}))  # type: ignore[arg-type]


def test_a_label_has_one_value_and_tells_only_changes() -> None:
    ann = register_ann()
    for value in ("silver", "silver", "gold", None, None):
        set_label(player_id=ann.id, namespace="loyalty", key="level", value=value, at=AT)
        standing = [label.value for label in list_labels(ann.id)]
        assert standing == ([value] if value else [])
    changes = [
        (event.payload["from_value"], event.payload["to_value"])
        for event in read_log(Cursor(), ["players.label-changed.v1"], 10)[0]
    ]
    assert changes == [(None, "silver"), ("silver", "gold"), ("gold", None)]


@pytest.mark.parametrize(
    "text",
    ["ann@example.com", "ANN@EXAMPLE.COM", "ann@ex", "ann", "AN", "+4915112345678", "0151 12345678", "müller", "Mül", "ann müll"],
)  # fmt: skip
def test_players_are_found_by_what_staff_have_at_hand(text: str) -> None:
    ann = register_ann()
    make_player()
    assert list_matching_ids(text) == [ann.id]


def test_a_player_is_found_by_id() -> None:
    ann = register_ann()
    assert list_matching_ids(f" {ann.id} ") == [ann.id]
    assert list_matching_ids(str(uuid7())) == []


@pytest.mark.parametrize(
    "text", ["", "  ", "%", "zzz", "'; DROP TABLE players_player; --", "\x00", "@", "+" * 50, "x" * 5000]
)
def test_a_search_for_nonsense_finds_nobody(text: str) -> None:
    register_ann()
    assert list_matching_ids(text) == []


def test_players_are_listed_newest_first_page_by_page() -> None:
    players = [make_player(at=AT + timedelta(minutes=number // 2)) for number in range(6)]
    first = list_players(limit=4)
    rest = list_players(limit=4, after=(first[-1].registered_at, first[-1].id))
    assert [p.id for p in first + rest] == [
        p.id for p in sorted(players, key=lambda p: (p.registered_at, p.id), reverse=True)
    ]
    assert [p.id for p in list_players(login=players[2].login.upper())] == [players[2].id]
    assert list_players(country="AT") == []
    assert find_player_by_login(players[0].login.upper()) == players[0]
    assert find_player_by_login("nobody") is None


def test_searches_use_their_indexes() -> None:
    """Each way of searching is served by an index, so that it stays quick at a million players."""
    from django.db import connection

    from players.models import Player, Profile

    searches = {
        "players_user_email": User.objects.filter(email="ann@example.com").only("id"),
        "players_user_email_prefix": User.objects.filter(email__startswith="ann@ex").only("id"),
        "players_user_username_": User.objects.filter(username__startswith="ann").only("id"),
        "players_profile_phone_once": Profile.objects.filter(phone="+4915112345678").only("player_id"),
        "players_profile_names": Profile.objects.filter(last_name__lower__contains="müll").only("player_id"),
        "players_player_registered": Player.objects.order_by("-registered_at", "-id")[:50],
    }
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    for index, query in searches.items():
        assert index in query.explain(), index
