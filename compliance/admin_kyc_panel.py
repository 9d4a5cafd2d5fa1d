"""The player page's tab of verification: what is proved, what is missing, and the documents."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.rules_kyc import tell
from compliance.selectors_documents import list_documents
from compliance.selectors_kyc import list_cases
from compliance.services.documents import ADD, VIEW
from kernel.access import allowed
from players.ports import Figure, PanelRequest


class VerificationPanel:
    key, title, order, permission = "verification", "Verification", 35, "compliance.view_kyccase"
    template = "compliance/panel_verification.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        cases = list_cases(player_id=request.player.id, limit=20)
        unfinished = next((case for case in cases if not case.finished), None)
        sees = bool(allowed(request.actor, VIEW, request.player))
        return {
            "unfinished": unfinished,
            "steps": [(step, tell(step.reasons)) for step in unfinished.steps] if unfinished else [],
            "cases": [case for case in cases if case.finished],
            "documents": list_documents(request.player.id) if sees else [],
            "sees_documents": sees,
            "may_upload": allowed(request.actor, ADD, request.player),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()
