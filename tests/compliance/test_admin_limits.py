"""Limits in the back office: the tab, the queue, the forms and the look back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from compliance.selectors_limits import list_changes, list_limits
from compliance.services.limits import set_limit
from compliance.types_limits import LimitKind, LimitPeriod, Wanted
from kernel import clock
from kernel.actors import system
from kernel.money import Money
from tests.compliance.packs_in_force import put_in_force
from tests.factories import make_player
from tests.staff import staff_client

K, P = LimitKind, LimitPeriod


@pytest.mark.usefixtures("db")
def test_staff_see_set_and_decide() -> None:
    put_in_force("NL", "2024-10-01", "limits.")
    at = clock.now()
    player = make_player(country="NL", at=at - timedelta(days=40), birth_date=date(1980, 5, 1))
    officer = staff_client("compliance_officer")
    tab = reverse("admin:players_player_tab", args=[player.id, "limits"])
    assert "Play is refused until the player sets" in officer.get(tab).content.decode()
    for kind, period, amount, minutes in (
        (K.DEPOSIT, P.MONTH, "300.00", None),
        (K.LOGIN_TIME, P.WEEK, "", 600),
        (K.DEPOSIT, P.MONTH, "900.00", None),
    ):
        wanted = Wanted(kind, period, Money.parse(amount, "EUR") if amount else None, minutes)
        set_limit(player_id=player.id, wanted=wanted, actor=system("test"), at=at)
    page = officer.get(tab).content.decode()
    assert "300.00 EUR" in page
    assert "900.00 EUR" in page

    form = reverse("admin:compliance_limitchange_set", args=[player.id])
    data = {"kind": "stake", "period": "", "amount": "5.00", "set_by": "regulator", "reason": "order 7"}
    assert officer.get(form).status_code == 200
    assert "Give an amount" in officer.post(form, data | {"amount": ""}).content.decode()
    assert officer.post(form, data).status_code == 302
    assert {one.set_by for one in list_limits(player.id, clock.now()) if one.kind is K.STAKE} == {"regulator"}
    relief = reverse("admin:compliance_limitchange_relief", args=[player.id])
    assert officer.get(relief).status_code == 200
    assert officer.post(relief, data | {"amount": "8.00"}).status_code == 302

    (change,) = list_changes(player.id)
    assert officer.get(reverse("admin:compliance_limitchange_changelist")).status_code == 200
    assert (
        "Let it through"
        in officer.get(reverse("admin:compliance_limitchange_change", args=[change.id])).content.decode()
    )
    decide = reverse("admin:compliance_limitchange_decide", args=[change.id, "allow"])
    assert officer.get(decide).status_code == 200
    assert f"For the player {player.login}." in officer.get(decide).content.decode()
    assert officer.post(decide, {"reason": "called"}).status_code == 302
    assert list_changes(player.id)[0].state == "waiting"
    moment = {"at": clock.now().isoformat()}
    as_of = officer.get(reverse("admin:players_player_tab", args=[player.id, "as-of"]), moment).content.decode()
    assert "300.00 EUR (by player)" in as_of
