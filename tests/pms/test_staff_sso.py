"""Single sign-on of staff: OIDC against a second server, SAML against a signer; forged and stolen answers refused."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from events.selectors_audit import list_audit
from events.types import AuditOutcome, AuditQuery
from kernel import clock
from kernel.errors import FieldErrors
from players.models_staff import IdentityProvider, StaffDevice, StaffIdentity, StaffNetwork, StaffSession, UsedAssertion
from players.selectors_staff import list_providers
from players.types_staff import Protocol
from pms.roles import ensure_roles
from tests.factories import make_player
from tests.identity_provider import CLIENT_ID, SECRET
from tests.saml import ENTITY, MFA, PASSWORD_ONLY, SSO, Said, SamlProvider, request_id_of
from tests.staff import make_provider, staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")

ROLES = {"casino-ops": "operations", "casino-fin": "finance"}
PEOPLE = {
    "mara": {"password": "ein Wort 1", "email": "mara@corp.example", "groups": ["casino-ops"], "amr": ["pwd", "mfa"]},
    "otto": {"password": "ein Wort 2", "email": "otto@corp.example", "groups": ["casino-fin"], "amr": ["pwd"]},
    "nina": {"password": "ein Wort 3", "email": "nina@corp.example", "groups": ["canteen"], "amr": ["pwd", "mfa"]},
}


def browser() -> Client:
    return Client(headers={"host": "localhost"})  # the SAML library reads the header itself


def staff() -> Any:
    return get_user_model().objects.filter(kind="staff")


def roles_of(user: Any) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def logged_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


# --- OIDC ---


@pytest.fixture(scope="module")
def oidc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The second server's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("idp")
    what = {"redirect": "http://localhost/admin/sso/oidc/corp/login/callback/", "people": PEOPLE}
    command = [sys.executable, "-m", "tests.identity_provider", str(port), str(folder), json.dumps(what)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(f"{address}/.well-known/openid-configuration", timeout=5).raise_for_status()
            break
        except requests.RequestException:
            assert process.poll() is None, "the identity provider has stopped"
            assert time.monotonic() < deadline
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def oidc(oidc_server: str, settings: Any) -> str:
    settings.OUTGOING_PRIVATE_HOSTS = ["127.0.0.1"]
    ensure_roles()
    make_provider(
        slug="corp",
        name="Corp",
        protocol=Protocol.OIDC,
        client_id=CLIENT_ID,
        secret=SECRET,
        parameters={"server_url": oidc_server},
        mfa_contexts=("mfa",),
        roles=ROLES,
    )
    return oidc_server


def sign_on(client: Client, login: str) -> str:
    """Go to the provider, log in there, and come back: the address with which the browser returns."""
    start = client.post("/admin/sso/oidc/corp/login/?next=/admin/wallet/deposit/")
    with requests.Session() as session:
        page = session.get(start["Location"])
        form = {
            "login": login,
            "password": PEOPLE[login]["password"],
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        answer = session.post(page.url, form, allow_redirects=False)
        while "//localhost" not in answer.headers["Location"]:
            server = re.match(r"https?://[^/]+", page.url)
            assert server
            where = answer.headers["Location"]
            answer = session.get(where if "://" in where else server[0] + where, allow_redirects=False)
    target = urlsplit(answer.headers["Location"])
    return f"{target.path}?{target.query}"


def test_oidc_makes_an_account_with_the_mapped_roles_and_the_providers_second_factor_counts(oidc: str) -> None:
    client = browser()
    assert "Log in with Corp" in text_of(client.get("/admin/login/"))
    answer = client.get(sign_on(client, "mara"))
    assert (
        answer["Location"] == "/admin/security/?welcome=1&next=%2Fadmin%2Fwallet%2Fdeposit%2F"
        or answer["Location"] == "/admin/wallet/deposit/"
    )
    assert logged_in(client)
    (user,) = staff()
    assert (user.username, user.email, roles_of(user)) == ("mara@corp.example", "mara@corp.example", {"operations"})
    assert not user.has_usable_password()
    assert StaffDevice.objects.get().kind == "sso"
    assert StaffSession.objects.get().method == "sso:corp"


def test_a_provider_that_asks_for_a_password_alone_does_not_do_for_a_second_factor(oidc: str) -> None:
    client = browser()
    assert client.get(sign_on(client, "otto"))["Location"] == "/admin/login/enrol/"
    assert not logged_in(client)


def test_whoever_has_no_mapped_group_gets_no_account(oidc: str) -> None:
    client = browser()
    answer = client.get(sign_on(client, "nina"), follow=True)
    assert "ask an administrator" in text_of(answer)
    assert not staff().exists()
    assert failures() == [("system:login", {"method": "sso:corp"})]


def test_an_answer_comes_only_once_and_only_to_whoever_asked(oidc: str) -> None:
    client, other = browser(), browser()
    address = sign_on(client, "mara")
    other.get(address)
    assert not logged_in(other), "a login that somebody else began"
    client.get(address)
    assert logged_in(client)
    client.post("/admin/logout/")
    client.get(address)
    assert not logged_in(client)


def test_a_provider_that_does_not_answer_gives_a_refusal(oidc: str, settings: Any) -> None:
    settings.OUTGOING_PRIVATE_HOSTS = []
    assert "ask an administrator" in text_of(browser().get("/admin/sso/oidc/corp/login/", follow=True))
    assert browser().get("/admin/sso/oidc/nobody/login/").status_code == 404


def test_the_secret_of_the_provider_is_encrypted(oidc: str) -> None:
    from players.models_staff import IdentityProvider

    assert SECRET.encode() not in bytes(IdentityProvider.objects.get().secret)


def test_an_administrator_sets_a_provider_up_by_form_and_its_secret_is_never_shown(settings: Any) -> None:
    settings.FOUR_EYES = []
    admin = staff_client("administrator")
    assert admin.get("/admin/players/identityprovider/new/").status_code == 200
    form = {
        "name": "Corp", "slug": "corp", "protocol": "openid_connect", "active": "on", "client_id": "x",
        "parameters": '{"server_url": "https://idp.example.com"}', "groups_claim": "groups", "mfa_contexts": "mfa, otp",
        "roles": "CN=ops,OU=casino = operations", "comment": "New company login", "key": "k",
    }  # fmt: skip
    for wrong in (
        {"roles": "ops"},
        {"roles": "ops = nobody"},
        {"parameters": "[]"},
        {"parameters": '{"idp": {"private_key": "x"}}'},
        {"slug": "Not A Slug"},
    ):
        assert admin.post("/admin/players/identityprovider/new/", {**form, **wrong}).status_code == 200, wrong
    assert not IdentityProvider.objects.exists()
    assert admin.post("/admin/players/identityprovider/new/", form).status_code == 302
    row = IdentityProvider.objects.get()
    page = f"/admin/players/identityprovider/{row.pk}/"
    assert admin.post(f"{page}secret/", {"secret": SECRET}).status_code == 302
    (provider,) = list_providers()
    assert (provider.slug, provider.secret, provider.client_id) == ("corp", SECRET, "x")
    mapping = row.mappings.get()
    assert (row.mfa_contexts, mapping.group, mapping.role.name) == (["mfa", "otp"], "CN=ops,OU=casino", "operations")
    for address in (f"{page}change/", f"{page}edit/", f"{page}secret/"):
        assert SECRET not in text_of(admin.get(address))
    assert admin.post(f"{page}edit/", {**form, "name": "Corp 2", "slug": "moved", "roles": ""}).status_code == 302
    assert (list_providers()[0].slug, list_providers()[0].name, list_providers()[0].secret) == (
        "corp",
        "Corp 2",
        SECRET,
    )
    assert "nobody gets in" in text_of(staff_client("auditor").get(f"{page}change/"))
    assert staff_client("auditor").post(f"{page}edit/", form).status_code == 403
    assert staff_client("operations").get(f"{page}change/").status_code == 403


def failures() -> list[tuple[str, Any]]:
    """Logins that came to nothing, as the audit trail has them."""
    found = list_audit(AuditQuery(action="players.log_in"))
    return [(row.actor, row.after) for row in found if row.outcome is AuditOutcome.FAILED]


# --- SAML ---

ACS = "http://localhost/admin/sso/saml/corp-saml/acs/"
AUDIENCE = "http://localhost/admin/sso/saml/corp-saml/metadata/"


@pytest.fixture
def saml() -> SamlProvider:
    ensure_roles()
    provider = SamlProvider()
    make_provider(
        slug="corp-saml",
        name="Corp SAML",
        protocol=Protocol.SAML,
        parameters=provider.parameters,
        mfa_contexts=(MFA,),
        roles=ROLES,
    )
    return provider


def ask(client: Client) -> str:
    """Begin a login; the id of the request."""
    return request_id_of(client.post("/admin/sso/saml/corp-saml/login/?next=/admin/wallet/deposit/")["Location"])


def send(client: Client, answer: str) -> Any:
    return client.post("/admin/sso/saml/corp-saml/acs/", {"SAMLResponse": answer}, follow=True)


def good(client: Client, **different: Any) -> Said:
    return Said(**{"request_id": ask(client), "acs": ACS, "audience": AUDIENCE, **different})


def test_saml_makes_an_account_and_later_logins_follow_the_providers_groups(saml: SamlProvider) -> None:
    client = browser()
    send(client, saml.answer(good(client)))
    assert logged_in(client)
    (user,) = staff()
    assert (user.email, user.first_name, roles_of(user)) == ("mara@corp.example", "Mara Lind", {"operations"})
    second = browser()
    send(second, saml.answer(good(second, groups=("casino-fin", "canteen"), email="mara.new@corp.example")))
    (user,) = staff()
    assert roles_of(user) == {"finance"}
    third = browser()
    send(third, saml.answer(good(third, groups=("canteen",))))
    assert not logged_in(third)
    assert not logged_in(client), "whoever has lost every role has lost the sessions"
    assert roles_of(staff().get()) == set()


def test_saml_without_the_context_of_a_second_factor_asks_for_one(saml: SamlProvider) -> None:
    client = browser()
    answer = send(client, saml.answer(good(client, context=PASSWORD_ONLY)))
    assert answer.redirect_chain[-1][0] == "/admin/login/enrol/"
    assert not logged_in(client)


def test_an_account_that_is_switched_off_stays_so(saml: SamlProvider) -> None:
    client = browser()
    send(client, saml.answer(good(client)))
    staff().update(is_active=False)
    again = browser()
    send(again, saml.answer(good(again)))
    assert not logged_in(again)


@pytest.mark.parametrize(
    ("fault", "different"),
    [
        ("another audience", {"audience": "https://elsewhere.example/metadata"}),
        ("no audience", {"audience": ""}),
        ("expired", {"at": clock.now() - timedelta(hours=1)}),
        ("not yet", {"at": clock.now() + timedelta(hours=1)}),
        ("another place", {"acs": "http://elsewhere.example/acs/"}),
        ("unsigned", {"sign_assertion": False}),
        ("envelope signed only", {"sign_assertion": False, "sign_response": True}),
        ("answers nobody", {"in_response_to": False}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_answer_is_refused(saml: SamlProvider, fault: str, different: dict[str, Any]) -> None:
    client = browser()
    send(client, saml.answer(good(client, **different)))
    assert not logged_in(client), fault
    assert not staff().exists()
    assert failures() == [("system:login", {"method": "sso:corp-saml"})]


def test_a_login_from_a_foreign_network_is_on_the_trail_under_the_persons_name(saml: SamlProvider) -> None:
    StaffNetwork.objects.create(role=Group.objects.get(name="operations"), network="203.0.113.0/24")
    client = browser()
    send(client, saml.answer(good(client)))
    assert not logged_in(client)
    assert failures() == [(f"staff:{staff().get().pk}", {"method": "sso:corp-saml"})]


def test_a_forged_answer_is_refused(saml: SamlProvider) -> None:
    client = browser()
    send(client, SamlProvider().answer(good(client)))
    assert not staff().exists()
    assert len(failures()) == 1


def test_an_answer_changed_after_signing_is_refused(saml: SamlProvider) -> None:
    client = browser()
    xml = base64.b64decode(saml.answer(good(client, groups=("canteen",)))).decode()
    changed = xml.replace(">canteen<", ">casino-fin<")
    assert changed != xml
    send(client, base64.b64encode(changed.encode()).decode())
    assert not staff().exists()


def test_an_answer_is_taken_once(saml: SamlProvider) -> None:
    client = browser()
    answer = saml.answer(good(client))
    send(client, answer)
    assert logged_in(client)
    client.post("/admin/logout/")
    send(client, answer)
    assert not logged_in(client)
    other = browser()
    ask(other)
    send(other, answer)
    assert not logged_in(other)


def test_a_stolen_assertion_in_a_new_envelope_is_refused(saml: SamlProvider) -> None:
    victim, thief = browser(), browser()
    stolen = good(victim)
    stolen.envelope = ask(thief)  # the envelope is not signed: a thief writes what they like
    send(thief, saml.answer(stolen))
    assert not logged_in(thief)


def test_the_same_assertion_id_is_refused_even_with_a_new_login(saml: SamlProvider) -> None:
    first, second = browser(), browser()
    said = good(first)
    send(first, saml.answer(said))
    assert UsedAssertion.objects.count() == 1
    send(second, saml.answer(good(second, assertion_id=said.assertion_id)))
    assert not logged_in(second)
    assert failures() == [("system:login", {"method": "sso:corp-saml"})]


def test_an_answer_nobody_asked_for_is_refused(saml: SamlProvider) -> None:
    client = browser()
    send(client, saml.answer(Said(request_id="_nobody", acs=ACS, audience=AUDIENCE)))
    assert not logged_in(client)


def test_nonsense_is_refused_with_the_same_words(saml: SamlProvider) -> None:
    bomb = base64.b64encode(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>').decode()
    for nonsense in ("", "%%%", "PHg+", "x" * 100, bomb):
        client = browser()
        ask(client)
        assert not logged_in(client)
        assert "ask an administrator" in text_of(send(client, nonsense)), nonsense


# --- players ---


def test_the_players_side_knows_of_no_provider(saml: SamlProvider) -> None:
    config = browser().get("/_allauth/app/v1/config")
    assert "corp" not in text_of(config)
    for path in ("provider/redirect", "provider/token"):
        form = {"provider": "corp-saml", "callback_url": "/", "process": "login", "token": {"client_id": "x"}}
        answer = browser().post(f"/_allauth/app/v1/auth/{path}", form, content_type="application/json")
        assert answer.status_code >= 400, path


def test_a_players_email_by_sso_is_never_joined_to_the_player(saml: SamlProvider) -> None:
    player = make_player(login="mara", email="mara@corp.example")
    client = browser()
    send(client, saml.answer(good(client)))
    account = get_user_model().objects.get(email="mara@corp.example")
    assert account.kind == "player", "the player keeps the address"
    assert not StaffIdentity.objects.filter(user=account).exists()
    user = staff().get()
    assert (user.email, user.username) == ("", "corp-saml:u-4711")
    assert logged_in(client)
    assert account.username == player.login


def test_metadata_tells_the_provider_where_answers_go(saml: SamlProvider) -> None:
    assert ACS in text_of(browser().get("/admin/sso/saml/corp-saml/metadata/"))
    assert browser().get("/admin/sso/saml/nobody/metadata/").status_code == 404


@pytest.fixture
def metadata_server() -> Iterator[tuple[str, list[str]]]:
    """Where a provider publishes its metadata, and what it was asked for."""
    asked: list[str] = []
    content = {"/metadata": SamlProvider().metadata(SSO), "/nonsense": "<x/>", "/other": "no XML at all"}

    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path in content else 404)
            self.end_headers()
            self.wfile.write(content.get(self.path, "").encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def with_metadata(address: str) -> None:
    ensure_roles()
    parameters = {"idp": {"entity_id": ENTITY, "metadata_url": address}}
    make_provider(slug="corp-saml", name="Corp", protocol=Protocol.SAML, parameters=parameters, roles=ROLES)


def test_metadata_is_fetched_under_the_guard_for_outgoing_addresses(
    metadata_server: tuple[str, list[str]], settings: Any
) -> None:
    server, asked = metadata_server
    settings.OUTGOING_PRIVATE_HOSTS = ["127.0.0.1"]
    with_metadata(f"{server}/metadata")
    for _ in range(2):
        assert browser().post("/admin/sso/saml/corp-saml/login/")["Location"].startswith(SSO)
    assert asked == ["/metadata"], "kept for a minute"
    for wrong in ("nonsense", "other", "missing"):
        with_metadata(f"{server}/{wrong}")
        assert refused(browser().post("/admin/sso/saml/corp-saml/login/")), wrong
    asked.clear()
    with_metadata(f"{server}/metadata?again")
    settings.OUTGOING_PRIVATE_HOSTS = []
    assert refused(browser().post("/admin/sso/saml/corp-saml/login/"))
    assert asked == []


def refused(answer: Any) -> bool:
    return answer.status_code != 302 or "/admin/login/" in answer["Location"]


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/metadata", "https://[::1]/", "http://10.1.2.3/", "file:///x", "x", 7]
)
@pytest.mark.parametrize("protocol", list(Protocol))
def test_an_address_of_the_house_is_refused_when_it_is_entered(protocol: Protocol, address: object) -> None:
    oidc = protocol is Protocol.OIDC
    parameters = {"server_url": address} if oidc else {"idp": {"entity_id": ENTITY, "metadata_url": address}}
    with pytest.raises(FieldErrors) as wrong:
        make_provider(slug="corp", name="Corp", protocol=protocol, parameters=parameters, roles={})
    assert ("server_url" if oidc else "idp.metadata_url") in wrong.value.errors["parameters"][0]
