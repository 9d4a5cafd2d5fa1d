"""Runs pytest on throwaway servers of its own."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from pms.runtime.home import AlreadyRunning, Home
from pms.runtime.services import start_throwaway_services
from pms.runtime.supervisor import Program, Supervisor, supervise

MOST_WORKERS = 8
MOST_RUNS_AT_ONCE = 8


def run_tests(home: Home, arguments: Sequence[str]) -> int:
    """Start servers, run pytest with the arguments, stop the servers; returns pytest's exit code.

    Several runs at the same time get servers of their own.
    """
    with ExitStack() as stack:
        test_home = _free_home(home, stack)
        workers = count_workers(arguments)

        async def work(supervisor: Supervisor) -> int:
            variables = await start_throwaway_services(supervisor, test_home, workers)
            command = [sys.executable, "-m", "pytest", "-p", "tests.database"]
            if workers > 1:
                command += ["-n", str(workers), "--dist", "worksteal"]
            pytest = Program("pytest", [*command, *arguments], os.environ | variables, stop_signal=signal.SIGINT)
            pytest.grace_seconds = 15  # to report what was interrupted
            return await supervisor.run(pytest)

        return supervise(work)


def count_workers(arguments: Sequence[str]) -> int:
    """One worker per core; a single file or test is quicker without workers."""
    if any(".py" in argument for argument in arguments):
        return 1
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_WORKERS)


def _free_home(home: Home, stack: ExitStack) -> Home:
    """Lock the first of `test`, `test-2`, … that no other run uses."""
    home.open()
    for number in range(1, MOST_RUNS_AT_ONCE + 1):
        test_home = home.child("test" if number == 1 else f"test-{number}")
        test_home.open()
        try:
            stack.enter_context(test_home.lock())
        except AlreadyRunning:
            if number == MOST_RUNS_AT_ONCE:
                raise
        else:
            return test_home
    raise AssertionError("unreachable")
