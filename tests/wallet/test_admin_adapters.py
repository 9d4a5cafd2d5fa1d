"""Integrations, sessions and requests in the back office: connected, keyed, mapped and tried again without code."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.db import fetch_all
from players.types import PlayerDetails
from tests.factories import ACTOR, AT, fund, make_game, make_player
from tests.staff import staff_client, text_of
from tests.wallet.adapters.aggregators import public_pem
from wallet.adapters.dispatch import dispatch, forget_integrations
from wallet.selectors_adapters import (
    find_live_integration,
    get_game_session,
    get_integration,
    list_game_sessions,
    list_integration_keys,
)
from wallet.services.game_sessions import issue_session
from wallet.services.integrations import add_key, create_integration, map_games
from wallet.types_adapters import AdapterProtocol, IntegrationStatus

pytestmark = pytest.mark.usefixtures("db")

SECRET = "a shared secret of the tests"
LISTS = [f"/admin/wallet/{name}/" for name in ("integration", "gamesession", "adapterrequest")]


@pytest.fixture
def player() -> PlayerDetails:
    """Somebody who plays through the integration "swipe"; two of its requests are in the log."""
    forget_integrations()
    make_game()
    someone = make_player(login="annakeller")
    fund(someone.id)
    at = clock.now()
    create_integration(code="swipe", name="Swipe", protocol=AdapterProtocol.SWIPEGAMES, actor=ACTOR, at=at)
    add_key(integration="swipe", name="first", key=SECRET, actor=ACTOR, at=at)
    map_games(integration="swipe", games={"theirs": "fruits"}, actor=ACTOR, at=AT)
    _, token = issue_session(
        player_id=someone.id, integration="swipe", game="fruits", ttl_seconds=600, source="t", idempotency_key="s",
        actor=ACTOR, at=at,
    )  # fmt: skip
    send("win", f'{{"type":"regular","sessionID":"{token}","amount":"5.00","txID":"w1","roundID":"r1"}}')
    send("bet", f'{{"type":"regular","sessionID":"{token}","amount":"10.00","txID":"b1","roundID":"r1"}}')
    return someone


def send(endpoint: str, body: str) -> None:
    import hashlib
    import hmac

    sign = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    dispatch(
        "swipegames", "swipe", endpoint, method="POST", headers={"X-REQUEST-SIGN": sign}, query="", body=body.encode(),
        remote_ip="203.0.113.7", at=clock.now(),
    )  # fmt: skip


def logged(endpoint: str) -> dict[str, Any]:
    return fetch_all("SELECT * FROM wallet_adapterrequest WHERE endpoint = %s ORDER BY id", [endpoint])[0]


def test_every_list_and_page_opens_and_counts_nothing(player: PlayerDetails) -> None:
    client = staff_client("integrator")
    session = list_game_sessions(player.id)[0].id
    pages = ["integration/swipe", f"gamesession/{session}", f"adapterrequest/{logged('bet')['id']}"]
    for address in [*LISTS, *(f"/admin/wallet/{page}/change/" for page in pages)]:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200, address
        assert not [query for query in captured if "COUNT(" in query["sql"].upper()]


@pytest.mark.parametrize("address", LISTS)
def test_other_roles_see_nothing_of_it(player: PlayerDetails, address: str) -> None:
    assert staff_client("support_agent").get(address).status_code == 403
    assert staff_client("operations").get(address).status_code == 200


def test_an_aggregator_is_connected_without_code(player: PlayerDetails) -> None:
    client = staff_client("integrator")
    assert client.get("/admin/wallet/integration/add/").status_code == 200
    form = {
        "code": "hub", "name": "Hub", "protocol": "hub88", "currencies": "EU1, EUR", "amount_scale": "100000",
        "allowed_ips": "203.0.113.0/24\n2001:db8::1",
    }  # fmt: skip
    assert client.post("/admin/wallet/integration/add/", form).status_code == 302
    details = get_integration("hub")
    assert details.currencies == {"EU1": "EUR"}
    assert details.allowed_ips == ("203.0.113.0/24", "2001:db8::1")
    for wrong in (
        {"code": "hub"},
        {"code": "A B"},
        {"code": "h2", "allowed_ips": "anywhere"},
        {"code": "h2", "currencies": "X,YYY"},
    ):
        assert client.post("/admin/wallet/integration/add/", form | wrong).status_code == 200, wrong
    client.post("/admin/wallet/integration/hub/keys/add/", {"name": "k", "key": public_pem()})
    client.post("/admin/wallet/integration/hub/games/", {"games": "theirs, fruits\nfruits\n"})
    live = find_live_integration("hub")
    assert live
    assert live.keys == (public_pem().strip(),)
    assert live.games == {"theirs": "fruits", "fruits": "fruits"}
    client.post("/admin/wallet/integration/hub/games/remove/", {"their_code": "theirs"})
    assert find_live_integration("hub").games == {"fruits": "fruits"}  # type: ignore[union-attr]


def test_games_that_are_not_in_the_catalogue_are_named(player: PlayerDetails) -> None:
    shown = text_of(staff_client("integrator").post("/admin/wallet/integration/swipe/games/", {"games": "a, missing"}))
    assert "The catalogue has no game missing" in shown


def test_a_key_is_shown_once_and_never_again(player: PlayerDetails) -> None:
    client = staff_client("integrator")
    shown = text_of(client.post("/admin/wallet/integration/swipe/keys/add/", {"name": "second", "key": ""}))
    made = find_live_integration("swipe").keys[0]  # type: ignore[union-attr]
    assert made in shown
    assert made not in text_of(client.get("/admin/wallet/integration/swipe/change/"))
    assert "at least 16" in text_of(
        client.post("/admin/wallet/integration/swipe/keys/add/", {"name": "x", "key": "short"})
    )


def test_only_a_public_rsa_key_will_do(player: PlayerDetails) -> None:
    create_integration(code="hub", name="Hub", protocol=AdapterProtocol.HUB88, actor=ACTOR, at=clock.now())
    client = staff_client("integrator")
    for wrong in ("", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"):
        shown = text_of(client.post("/admin/wallet/integration/hub/keys/add/", {"name": "k", "key": wrong}))
        assert "public RSA key" in shown
    assert list_integration_keys("hub") == []


def test_a_key_is_revoked_after_saying_what_it_means(player: PlayerDetails) -> None:
    client = staff_client("integrator")
    key = list_integration_keys("swipe")[0]
    address = f"/admin/wallet/integration/swipe/keys/{key.id}/revoke/"
    assert "wins and rollbacks included" in text_of(client.get(address))
    assert list_integration_keys("swipe")[0].revoked_at is None
    client.post(address)
    assert list_integration_keys("swipe")[0].revoked_at


def test_an_integration_is_disabled(player: PlayerDetails) -> None:
    client = staff_client("integrator")
    form = {"name": "Swipe", "status": "disabled", "currencies": "", "amount_scale": "1", "allowed_ips": ""}
    assert client.post("/admin/wallet/integration/swipe/settings/", form).status_code == 302
    assert get_integration("swipe").status is IntegrationStatus.DISABLED


def test_a_session_is_revoked(player: PlayerDetails) -> None:
    session = list_game_sessions(player.id)[0]
    client = staff_client("operations")
    client.get(f"/admin/wallet/gamesession/{session.id}/revoke/")
    assert get_game_session(session.id).revoked_at is None
    client.post(f"/admin/wallet/gamesession/{session.id}/revoke/")
    assert get_game_session(session.id).revoked_at


def test_requests_are_found_by_transaction_player_and_filter(player: PlayerDetails) -> None:
    client = staff_client("operations")

    def found(**query: str) -> list[str]:
        return sorted(
            row.endpoint for row in client.get("/admin/wallet/adapterrequest/", query).context["cl"].result_list
        )

    assert found() == ["bet", "win"]
    assert found(q="b1") == ["bet"]
    assert found(q="annakeller") == found(q=str(player.id)) == ["bet", "win"]
    assert found(q="nothing") == found(q=str(uuid4())) == []
    assert found(answered="good") == ["bet"]
    assert found(answered="refused") == ["win"]
    assert found(answered="unsigned") == found(answered="failed") == []
    assert found(integration="swipe") == ["bet", "win"]
    assert found(integration="other") == []


def test_a_request_is_tried_again_and_both_answers_are_shown(player: PlayerDetails) -> None:
    client = staff_client("operations")
    bet, win = logged("bet"), logged("win")
    tried = text_of(client.post(f"/admin/wallet/adapterrequest/{bet['id']}/replay/", follow=True))
    assert "The first answer" in tried
    assert "the same" in tried.casefold()
    refused = text_of(client.post(f"/admin/wallet/adapterrequest/{bet['id']}/replay/", {"for_real": "1"}, follow=True))
    assert "A bet is not placed again" in refused
    paid = text_of(client.post(f"/admin/wallet/adapterrequest/{win['id']}/replay/", {"for_real": "1"}, follow=True))
    assert "Bet not found" in paid
    assert "95.00" in paid
    assert "differs" in paid.casefold()


def test_whoever_may_only_read_changes_nothing(player: PlayerDetails) -> None:
    client = staff_client("auditor")
    session, key = list_game_sessions(player.id)[0].id, list_integration_keys("swipe")[0].id
    for address in (
        "integration/add/",
        "integration/swipe/settings/",
        "integration/swipe/keys/add/",
        f"integration/swipe/keys/{key}/revoke/",
        "integration/swipe/games/",
        "integration/swipe/games/remove/",
        f"gamesession/{session}/revoke/",
        f"adapterrequest/{logged('bet')['id']}/replay/",
    ):
        assert client.post(f"/admin/wallet/{address}", {}).status_code == 403, address
