"""What the gate asks, per action, in this order. Each check says what stands against the action, or None.

A check is a plain function of the context; it may read, and never writes. Its place is in ``rules_*`` or ``selectors_*``
of the part of compliance that it belongs to. Bets are judged by services.play_gate's row: rules_gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from compliance.selectors_entry import check_groups, check_person, check_register
from compliance.selectors_gate import GateContext, check_bet, check_bonus, check_means, check_message, check_standing
from compliance.selectors_kyc_gate import check_verification
from compliance.selectors_limit_gate import check_deposit_limits, check_login_time
from compliance.types_gate import GateAction, Reason

Check = Callable[[GateContext], Reason | Iterable[Reason] | None]

CHECKS: Mapping[GateAction, tuple[Check, ...]] = {
    GateAction.REGISTRATION: (check_groups, check_register, check_person),
    GateAction.LOGIN: (check_register, check_standing, check_login_time),
    GateAction.DEPOSIT: (check_standing, check_means, check_verification, check_deposit_limits),
    GateAction.BET: (check_standing, check_bet),
    GateAction.WITHDRAWAL: (check_standing, check_verification),
    GateAction.BONUS: (check_standing, check_verification, check_bonus),
    GateAction.MESSAGE: (check_register, check_standing, check_message),
}
