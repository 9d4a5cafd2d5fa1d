"""An action that needs a second person, for tests: it notes down what it was told to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from compliance import ports
from compliance.ports import register_handler
from compliance.types import ApprovalDetails
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_one
from kernel.errors import DomainError
from players.services.labels import set_label

PERMISSIONS = frozenset({"test.ask", "test.decide"})


def staff(number: int, permissions: frozenset[str] = PERMISSIONS) -> Actor:
    return Actor(ActorKind.STAFF, str(number), permissions)


class Refused(DomainError):
    """The action cannot be done now."""


class LabelHandler:
    """Gives the player a label; ``refuse`` makes it fail after it has written."""

    kind, title = "test.label", "Label a player"
    request_permission, decide_permission = "test.ask", "test.decide"
    expires_after = timedelta(hours=48)

    def __init__(self) -> None:
        self.refuse = False
        self.declined_ids: list[str] = []

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        return [f"The player gets the label {approval.content['value']}."]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        assert approval.player_id
        set_label(player_id=approval.player_id, namespace="test", key="seen", value=approval.content["value"], at=at)
        if self.refuse:
            raise Refused("Not today.")
        return str(fetch_one("SELECT count(*) FROM players_label")[0])

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        self.declined_ids.append(str(approval.id))


@pytest.fixture
def handler() -> Iterator[LabelHandler]:
    own = LabelHandler()
    register_handler(own)
    yield own
    del ports._handlers[own.kind]
