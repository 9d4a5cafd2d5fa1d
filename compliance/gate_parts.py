"""What has a say in the row that bets are judged by (services.play_gate), in this order."""

from __future__ import annotations

from collections.abc import Callable

from compliance.rules_gate import CompileContext, Compiled
from compliance.selectors_gate import compile_limits
from compliance.selectors_kyc_gate import compile_verification
from compliance.selectors_limit_gate import compile_limit_demands
from compliance.selectors_sessions import compile_games, compile_session

Part = Callable[[CompileContext, Compiled], None]

PARTS: tuple[Part, ...] = (
    compile_verification,
    compile_limits,
    compile_limit_demands,
    compile_games,
    compile_session,
)
