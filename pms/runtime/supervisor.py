"""Runs a handful of programs in the foreground: starts them, restarts what dies, stops all of them.

One process, one terminal: what `docker compose up` would do on a machine without Docker. Programs run in process
groups of their own, so that Ctrl-C reaches only the supervisor, which then stops them in order.
"""

import asyncio
import contextlib
import ctypes
import itertools
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pms.runtime.home import Account, SetupError, run_as

READY_TIMEOUT_SECONDS = 120.0
RESTARTS_PER_MINUTE = 5
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 16.0
DEATHS_BEFORE_READY = 3
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)
PR_SET_PDEATHSIG = 1
LONGEST_LINE = 1 << 20

_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


@dataclass
class Program:
    """A command to keep running.

    `ready` answers whether it does its work (called in a thread); `log` takes its output instead of the terminal;
    a `service` is stopped after everything else; `grace_seconds` is how long it may take to stop.
    """

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    ready: Callable[[], bool] | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 5.0
    log: Path | None = None
    service: bool = False
    process: asyncio.subprocess.Process | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS_PER_MINUTE))


def supervise(work: Callable[["Supervisor"], Awaitable[int]]) -> int:
    """Run `work` with a supervisor and return its exit code; 0 when it was stopped by Ctrl-C or SIGTERM."""
    return asyncio.run(_supervise(work))


async def _supervise(work: Callable[["Supervisor"], Awaitable[int]]) -> int:
    supervisor = Supervisor()
    task = asyncio.ensure_future(work(supervisor))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.interrupted, task)
    try:
        return await task
    except asyncio.CancelledError:
        return 0
    finally:
        await supervisor.stop()


class Supervisor:
    """Starts, watches and stops programs. Everything it starts ends with it, even when it is killed (on Linux)."""

    def __init__(self) -> None:
        self.programs: list[Program] = []
        self.watchers: list[asyncio.Task[None]] = []
        self.stopping = False
        self.colours = itertools.cycle(COLOURS)

    def interrupted(self, task: "asyncio.Future[int]") -> None:
        """The first Ctrl-C or SIGTERM stops in order; the second kills."""
        if self.stopping:
            say("Killing what still runs.")
            for program in self.programs:
                _kill_group(program.process)
        self.stopping = True
        task.cancel()

    async def start(self, program: Program) -> None:
        """Start a program and keep it running; returns once it is ready.

        Raises:
            SetupError: it died three times, or was not ready within two minutes. It is not tried any more then.
        """
        self.programs.append(program)
        watcher = asyncio.create_task(self._keep_running(program))
        self.watchers.append(watcher)
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while program.ready and not (program.process is not None and await asyncio.to_thread(program.ready)):
            if watcher.done():
                watcher.result()
            if len(program.deaths) >= DEATHS_BEFORE_READY or time.monotonic() > deadline:
                await _stop(program)
                raise SetupError(f"{program.name} did not start. {_last_words(program)}")
            await asyncio.sleep(0.02)

    async def run(self, program: Program, *, quiet: bool = False) -> int:
        """Run a program once, on this terminal, and return its exit code; with `quiet` its output shows if it fails.

        Ctrl-C reaches it as its stop signal, and its end is awaited.
        """
        self.programs.append(program)
        process = program.process = await _spawn(program, asyncio.subprocess.PIPE if quiet else None)
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            output = b""
            await _stop(program)
        self.programs.remove(program)
        _kill_group(process)
        if quiet and process.returncode and not self.stopping:
            say(output.decode(errors="replace"))
        return process.returncode or 0

    async def wait(self) -> None:
        """Watch until Ctrl-C or SIGTERM."""
        done, _ = await asyncio.wait(self.watchers, return_when=asyncio.FIRST_EXCEPTION)
        for watcher in done:
            watcher.result()

    async def stop(self) -> None:
        """Stop everything: programs first (all at once, last started first), services after them one by one."""
        self.stopping = True
        backwards = self.programs[::-1]
        await asyncio.gather(*(_stop(program) for program in backwards if not program.service))
        for program in backwards:
            if program.service:
                await _stop(program)
        await asyncio.gather(*self.watchers, return_exceptions=True)

    async def _keep_running(self, program: Program) -> None:
        label = _label(program.name, next(self.colours))
        while not program.stopping.is_set():
            with _output(program) as output:
                program.process = await _spawn(program, output)
            printing = asyncio.create_task(_print_lines(program.process.stdout, label))
            if program.stopping.is_set():  # while it started
                await _stop(program)
            code = await _end(program.process)
            _kill_group(program.process)  # whatever it left behind, which may hold its output open
            await printing
            if not program.stopping.is_set():
                await _back_off(program, label, code)


async def _back_off(program: Program, label: str, code: int) -> None:
    now = time.monotonic()
    program.deaths.append(now)
    recent = [death for death in program.deaths if now - death < 60]
    pause = min(FIRST_PAUSE_SECONDS * 2 ** (len(recent) - 1), LONGEST_PAUSE_SECONDS)
    if len(recent) == RESTARTS_PER_MINUTE:
        pause = max(pause, 60 - (now - recent[0]))
    reason = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"stopped with exit code {code}"
    say(f"{label}{program.name} {reason}; starting it again in {pause:.0f} s.")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(program.stopping.wait(), pause)


async def _spawn(program: Program, output: Any) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *program.command,
            env={"PYTHONUNBUFFERED": "1", **program.env},
            stdin=None if output is None else asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
            start_new_session=True,
            preexec_fn=_end_with_parent(program.stop_signal),
            **run_as(program.account),
        )
    except OSError as error:
        raise SetupError(f"{program.name} ({program.command[0]}) can't be run: {error.strerror}.") from error


def _end_with_parent(number: signal.Signals) -> Callable[[], None]:
    """In the child: ask the kernel for a signal when the supervisor dies, even by SIGKILL. Linux only."""
    parent = os.getpid()

    def in_child() -> None:
        if _prctl:
            _prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:
                os._exit(1)

    return in_child


async def _stop(program: Program) -> None:
    program.stopping.set()
    process = program.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(program.stop_signal)
    try:
        await asyncio.wait_for(_end(process), program.grace_seconds)
    except TimeoutError:
        say(f"{program.name} did not stop within {program.grace_seconds:.0f} s: killed.")
    _kill_group(process)
    await _end(process)


async def _end(process: asyncio.subprocess.Process) -> int:
    """Wait for the exit code. asyncio's own `wait` also waits, in some releases, for descendants to close the pipe."""
    while process.returncode is None:
        await asyncio.sleep(0.05)
    return process.returncode


def _kill_group(process: asyncio.subprocess.Process | None) -> None:
    """SIGKILL to a program and those of its descendants that stayed in its process group."""
    if process:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _output(program: Program) -> Any:
    if program.log is None:
        yield asyncio.subprocess.PIPE
        return
    with open(os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        yield file


async def _print_lines(stream: asyncio.StreamReader | None, label: str) -> None:
    while stream:
        try:
            line = await stream.readline()
        except ValueError:  # a line longer than the buffer: dropped
            continue
        if not line:
            return
        say(label + line.decode(errors="replace").rstrip())


def _label(name: str, colour: int) -> str:
    label = f"{name:<9}| "
    return f"\x1b[{colour}m{label}\x1b[0m" if sys.stdout.isatty() else label


def _last_words(program: Program) -> str:
    if program.log is None:
        return "Its last lines are above."
    lines = program.log.read_text(errors="replace").splitlines()[-8:]
    return "\n".join([f"The end of {program.log}:", *lines])


def say(text: str, file: IO[str] | None = None) -> None:
    """Print a line; a terminal that has gone away is no reason to leave programs running."""
    with contextlib.suppress(OSError):
        print(text, file=file, flush=True)
