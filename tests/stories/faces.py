"""What the outside sees: the player's own pages (over REST), what integrators hear (events), what staff read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import reverse

from events.models import Event
from tests.rest.conftest import Api
from tests.staff import text_of


def history(api: Api, player_id: object) -> list[tuple[str, str, str | None]]:
    """The player's transactions over REST, the oldest first: kind, amount, real money after it (None: untouched)."""
    items = api.get(f"players/{player_id}/transactions?limit=100").json()["items"]
    return [(line["kind"], line["amount"], line["real_after"]) for line in reversed(items)]


def balance(api: Api, player_id: object) -> str:
    """Real money, as the player sees it."""
    return str(api.get(f"players/{player_id}/balance").json()["real"])


def heard(player_id: object, *prefixes: str) -> list[str]:
    """Names of the player's events that begin with one of these, in order."""
    types = Event.objects.filter(player_id=player_id).order_by("position").values_list("type", flat=True)
    return [name for name in (kind.split(".")[1] for kind in types) if name.startswith(prefixes)]


def page(client: Client, model: str, object_id: UUID | str) -> str:
    """A page of the back office as its reader gets it."""
    return text_of(client.get(reverse(f"admin:{model}_change", args=[object_id])))


def push(client: Client, action: str, object_id: UUID | str, **form: Any) -> str:
    """A button of the back office; the page that follows."""
    return text_of(client.post(reverse(f"admin:{action}", args=[object_id]), form, follow=True))
