"""Programs are kept running, and all of them end with the supervisor, however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pms.runtime import supervisor as supervising
from pms.runtime.home import PROJECT, SetupError
from pms.runtime.supervisor import Program, Supervisor

# A supervisor of one program, which writes its process ids (its own and a descendant's) to a file at every start.
SUPERVISE = """
import os, sys
from pathlib import Path
from pms.runtime.supervisor import Program, supervise
async def work(supervisor):
    await supervisor.start(Program("child", ["sh", "-c", sys.argv[2]], os.environ, grace_seconds=0.5))
    await supervisor.wait()
sys.exit(supervise(work))
"""
OBEDIENT = 'trap "kill \\$!; exit" TERM INT; sleep 100 & echo $$ $! >> "$PIDS"; wait'
STUBBORN = 'trap "" TERM INT; echo $$ $$ >> "$PIDS"; while true; do sleep 0.1; done'


@contextmanager
def supervised(tmp_path: Path, script: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", SUPERVISE, "-", script]
    environment = {**os.environ, "PIDS": str(pids)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            eventually(lambda: len(starts(pids)) == 1)
            yield process, pids
        finally:
            process.kill()


def starts(pids: Path) -> list[list[int]]:
    return [[int(pid) for pid in line.split()] for line in pids.read_text().splitlines()] if pids.exists() else []


def alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "still not so after 10 s"
        time.sleep(0.02)


def test_a_program_that_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    with supervised(tmp_path, OBEDIENT) as (process, pids):
        first, descendant = starts(pids)[0]
        os.kill(first, signal.SIGKILL)
        eventually(lambda: len(starts(pids)) == 2)
        assert not alive(descendant)
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert "child was killed by SIGKILL; starting it again in 1 s" in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_and_the_exit_code_is_0(tmp_path: Path, number: signal.Signals) -> None:
    with supervised(tmp_path, OBEDIENT) as (process, pids):
        process.send_signal(number)
        assert process.wait(5) == 0
        assert not any(alive(pid) for pid in starts(pids)[0])


def test_what_ignores_the_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    with supervised(tmp_path, STUBBORN) as (process, pids):
        process.terminate()
        output, _ = process.communicate(timeout=5)
        assert not alive(starts(pids)[0][0])
    assert "child did not stop within" in output


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_programs_end_even_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, OBEDIENT) as (process, pids):
        process.kill()
        eventually(lambda: not any(alive(pid) for pid in starts(pids)[0]))


def test_a_program_that_never_gets_ready_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FIRST_PAUSE_SECONDS", 0.01)
    with pytest.raises(SetupError, match="hopeless did not start"):
        start(Program("hopeless", ["false"], os.environ, ready=lambda: False))


def test_a_command_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SetupError, match=r"nowhere.*can't be run"):
        start(Program("nowhere", ["/no/such/program"], os.environ, ready=lambda: False))


def test_a_run_returns_the_exit_code() -> None:
    async def work() -> int:
        return await Supervisor().run(Program("three", ["sh", "-c", "exit 3"], os.environ), quiet=True)

    assert asyncio.run(work()) == 3


def start(program: Program) -> None:
    async def work() -> None:
        supervisor = Supervisor()
        try:
            await supervisor.start(program)
        finally:
            await supervisor.stop()

    asyncio.run(work())
