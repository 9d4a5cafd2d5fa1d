"""Bonuses in the back office."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bonuses.admin_rule_form import PARTS, RuleForm, initial_of
from bonuses.models import Grant, Offer
from bonuses.selectors import get_offer, list_grants, list_versions
from bonuses.services.grants import grant
from bonuses.services.offers import parse_rule
from compliance.models import Approval
from kernel import clock
from pms.casino.offers import OFFERS
from tests.bonuses.offers import GIFT, MATCH, SPINS, live_offer, work
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.packs import activate
from tests.staff import staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")
LIST = "/admin/bonuses/offer/"


def page(offer: str) -> str:
    return f"{LIST}{get_offer(offer).id}/change/"


def tab(player_id: UUID) -> str:
    return reverse("admin:players_player_tab", args=[player_id, "bonuses"])


def typed(**changes: str) -> dict[str, str]:
    """A form that is complete: a gift of ten euros by hand."""
    form = RuleForm()
    values = {name: str(form[name].value() or "") for name in form.fields}
    return {
        **{name: value for name, value in values.items() if value not in ("False", "")},
        "code": "spring",
        "name": "Spring",
        "newest": "0",
        "titles__en": "A gift in spring",
        "trigger__kind": "manual",
        "award__kind": "fixed",
        "award__amount": "10.00 EUR, 100 SEK",
        **changes,
    }


@pytest.mark.parametrize("code", sorted(OFFERS))
def test_the_form_says_of_a_rule_what_the_rule_says(code: str) -> None:
    rule = parse_rule(json.dumps(OFFERS[code][1]))
    shown = {name: value for name, value in initial_of(rule).items() if value is not False and value != ""}
    form = RuleForm({**{k: str(v) for k, v in shown.items()}, "code": code, "name": "x", "newest": "0"})
    assert form.is_valid(), form.errors
    assert form.rule == rule
    assert set(shown) <= PARTS.keys()


def test_an_offer_is_built_seen_saved_released_by_another_and_paused() -> None:
    writer, checker = staff_client("loyalty_admin"), staff_client("finance")
    seen = writer.post(f"{LIST}new/", typed())
    assert "10.00 EUR / 100 SEK of bonus money." in text_of(seen)
    assert "Save as a version" in text_of(seen)
    assert not Offer.objects.exists()
    saved = writer.post(f"{LIST}new/", typed(save="1"))
    assert saved.status_code == 302
    offer = Offer.objects.get()
    (version,) = list_versions("spring")
    release = f"{LIST}{offer.id}/release/{version.id}/"
    assert "Nobody has simulated this version" in text_of(writer.get(release))
    form = writer.get(release).context["form"]
    answer = writer.post(release, {"comment": "for spring", "key": form["key"].value()})
    assert answer.status_code == 302
    approval = Approval.objects.get()
    assert "Waits for a second person" in text_of(writer.get(page("spring")))
    told = text_of(checker.get(f"/admin/compliance/approval/{approval.id}/change/"))
    assert "From now on, Spring is granted by version 1." in told
    checker.post(
        f"/admin/compliance/approval/{approval.id}/approve/",
        {"comment": "fine", "digest": bytes(approval.digest).hex(), "confirmed": "1"},
    )
    assert get_offer("spring").state == "live"
    pause = f"{LIST}{offer.id}/pause/"
    assert writer.post(pause, {"reason": ""}).status_code == 200
    assert writer.post(pause, {"reason": "costs too much"}).status_code == 302
    assert get_offer("spring").state == "paused"
    assert "Resume …" in text_of(writer.get(page("spring")))


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost() -> None:
    writer = staff_client("marketing_manager")
    answer = writer.post(
        f"{LIST}new/",
        typed(
            save="1", wagering__multiple="1001", award__amount="ten", wagering__contribution="table 200", titles__en=""
        ),
    )
    form = answer.context["form"]
    assert set(form.errors) == {"award__amount"}
    answer = writer.post(f"{LIST}new/", typed(save="1", award__amount="10.001 EUR", award__cap="ten EUR"))
    assert set(answer.context["form"].errors) == {"award__cap"}
    answer = writer.post(f"{LIST}new/", typed(save="1", wagering__contribution="table ten"))
    assert set(answer.context["form"].errors) == {"wagering__contribution"}
    answer = writer.post(
        f"{LIST}new/", typed(save="1", wagering__multiple="1001", wagering__contribution="table 200", titles__en="")
    )
    form = answer.context["form"]
    assert set(form.errors) == {"wagering__multiple", "wagering__contribution", "titles__en"}
    assert 'value="table 200"' in text_of(answer)
    assert not Offer.objects.exists()


def test_a_place_whose_rules_forbid_it_is_named() -> None:
    activate("GB")
    writer = staff_client("marketing_manager")
    rule = typed(save="1", eligibility__jurisdictions="GB", wagering__multiple="10.01", award__amount="10.00 GBP")
    answer = writer.post(f"{LIST}new/", rule)
    assert not Offer.objects.exists()
    (said,) = answer.context["form"].errors["eligibility__jurisdictions"]
    assert said == "GB: No more than 10 times the bonus may have to be wagered."
    rule["wagering__multiple"] = "10"
    assert writer.post(f"{LIST}new/", rule).status_code == 302


def test_who_was_slower_is_told_and_keeps_what_was_typed() -> None:
    live_offer(GIFT, code="gift")
    edit = page("gift").replace("change", "edit")
    first, second = staff_client("marketing_manager"), staff_client("loyalty_admin")
    opened = {
        name: str(field.value() or "") for name, field in ((n, first.get(edit).context["form"][n]) for n in typed())
    }
    assert opened["newest"] == "1"
    base = typed(code="gift", name="Gift", newest="1", award__amount="10.00 EUR")
    assert first.post(edit, {**base, "save": "1", "wagering__multiple": "6"}).status_code == 302
    answer = second.post(edit, {**base, "save": "1", "wagering__multiple": "7"})
    assert "Nothing was saved." in text_of(answer)
    assert [version.number for version in list_versions("gift")] == [2, 1]
    assert 'value="7"' in text_of(answer)
    again = second.post(edit, {**base, "save": "1", "wagering__multiple": "7", "newest": "2"})
    assert again.status_code == 302
    assert [version.number for version in list_versions("gift")] == [3, 2, 1]


def test_versions_are_compared() -> None:
    live_offer(GIFT, code="gift")
    live_offer(GIFT, code="gift", wagering={"multiple": "9"})
    text = text_of(staff_client("auditor").get(f"{page('gift')}?version=2&against=1"))
    assert "From version 1 to version 2" in text
    assert "wagering.multiple" in text
    assert "Write a new version" not in text


def test_lists_are_empty_and_full_in_the_same_few_queries() -> None:
    client = staff_client("analyst")
    assert client.get(LIST).status_code == 200
    assert client.get("/admin/bonuses/grant/").status_code == 200

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    offer = live_offer(GIFT, eligibility={"per_player": 0}, wagering={"multiple": "0"})
    few = queries(LIST), queries("/admin/bonuses/grant/")
    for number in range(5):
        live_offer(GIFT)
        grant(offer=offer.code, player_id=make_player().id, occasion=f"x{number}", actor=ACTOR, at=clock.now())
    assert (queries(LIST), queries("/admin/bonuses/grant/")) == few


def test_a_bonus_is_given_seen_wagered_and_taken() -> None:
    make_game()
    offer = live_offer(GIFT)
    player = make_player()
    fund(player.id, "50.00", at=clock.now())
    lead = staff_client("support_lead")
    give = f"/admin/bonuses/grant/give/{player.id}/"
    key = lead.get(give).context["form"]["key"].value()
    seen = lead.post(give, {"offer": offer.code, "key": key})
    assert "Give it now" in text_of(seen)
    assert not Grant.objects.exists()
    for _ in range(2):
        assert lead.post(give, {"offer": offer.code, "key": key, "confirmed": "1"}).status_code == 302
    (found,) = list_grants(player.id)
    bet(player.id, "5.00", at=clock.now())
    work()
    assert "5.00 / 50.00 EUR" in text_of(lead.get(tab(player.id)))
    one = f"/admin/bonuses/grant/{found.id}/change/"
    assert "What bets counted" in text_of(lead.get(one))
    take = one.replace("change", "forfeit")
    assert lead.post(take, {"reason": " "}).status_code == 200
    assert lead.post(take, {"reason": "abuse"}).status_code == 302
    assert list_grants(player.id)[0].state == "forfeited"
    refused = text_of(lead.post(give, {"offer": offer.code, "key": "2"}))
    assert "The player does not get it" not in refused


def test_what_stands_against_it_is_said_before_it_is_given() -> None:
    offer = live_offer(GIFT, eligibility={"jurisdictions": ["AT"]})
    player = make_player(country="DE").id
    lead = staff_client("support_lead")
    text = text_of(lead.post(f"/admin/bonuses/grant/give/{player}/", {"offer": offer.code, "key": "1"}))
    assert "The offer is not made in DE." in text
    assert "Give it now" not in text


def test_the_tab_says_why_an_occasion_gave_nothing() -> None:
    live_offer(MATCH)
    live_offer(SPINS)
    player: Any = make_player()
    fund(player.id, "5.00", at=AT)
    work()
    text = text_of(staff_client("support_agent").get(tab(player.id)))
    assert "The deposit has to be at least 10.00 EUR." in text
    assert "No bonus yet" in text


@pytest.mark.parametrize("address", ["00000000-0000-0000-0000-000000000000/change/", "nonsense/change/"])
def test_what_is_not_there_is_not_found(address: str) -> None:
    client = staff_client("marketing_manager")
    for base in (LIST, "/admin/bonuses/grant/"):
        assert client.get(base + address).status_code == 404
    assert client.get(f"/admin/bonuses/grant/give/{UUID(int=1)}/").status_code == 404
