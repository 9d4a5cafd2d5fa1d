"""What has a say in the row that bets are judged by (services.play_gate), in this order."""

from __future__ import annotations

from collections.abc import Callable

from compliance.rules_gate import CompileContext, Compiled
from compliance.selectors_gate import compile_limits

Part = Callable[[CompileContext, Compiled], None]

PARTS: tuple[Part, ...] = (compile_limits,)
