"""Starts the processes of the product, watches them, starts dead ones again, and ends them in order.

One thread, asleep until a signal, a death or a start that is due. Children run in process groups of their own, so that
Ctrl-C in a terminal reaches the supervisor alone and it decides what ends when. When the supervisor itself is killed,
the lifeline pipe closes and the children end by themselves (see `serve.child`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.errors import Exit
from roadworthy.serve.restart import Backoff, RestartPolicy
from roadworthy.serve.rundir import ProcessRecord, RunDirectory, RunRecord

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_MODEL_STOP_S = 5.0
# `timeout`, `uv run` and shells pass a signal on that the whole process group got already: one wish, two signals.
_SAME_WISH_S = 0.25
_MEANINGS: dict[int, str] = {Exit.CONFIGURATION: "configuration", Exit.OUR_BUG: "a bug of ours"}


class ChildSpec(NamedTuple):
    """How to start one child.

    Attributes:
        name: `edge-0`, `model`, `worker`, `control`; also the name in messages.
        module: Module to run as `__main__`.
        arguments: Command-line arguments; never a secret.
        settings: Given to the child through a pipe, whose descriptor follows `--settings-fd`; None for no pipe.
        last: Ends only after the others have drained, because they still use it.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    settings: bytes | None = None
    last: bool = False


class RunSummary(NamedTuple):
    """What happened from start to stop.

    Attributes:
        uptime_s: Seconds from the first start to the last end.
        restarts: How often each child was started again.
        killed: Children that had to be killed because they did not end in time.
    """

    uptime_s: float
    restarts: dict[str, int]
    killed: tuple[str, ...]


class _Child:
    """One child and what is known about it."""

    def __init__(self, spec: ChildSpec, backoff: Backoff | None) -> None:
        self.spec = spec
        self.policy = RestartPolicy(backoff)
        self.process: subprocess.Popen[bytes] | None = None
        self.due: float | None = None
        self.started_at = 0.0
        self.last_exit = ""

    @property
    def state(self) -> str:
        if self.process is not None:
            return "running"
        if self.due is None:
            return "stopped"
        return "looping" if self.policy.looping else "waiting"

    def record(self) -> ProcessRecord:
        return ProcessRecord(
            self.spec.name,
            self.state,
            self.process.pid if self.process else None,
            max(0, self.policy.restarts),
            self.last_exit,
            self.started_at,
        )


class Supervisor:
    """Runs children until it is told to stop.

    Args:
        children: Started in this order, all at once.
        run_directory: Already acquired; `processes.json` in it is kept up to date.
        drain_timeout_s: Seconds that children have to finish their work after SIGTERM.
        say: Takes one line of narration.
        backoff: Numbers of the restart policy.
        clock: Durations and times of records.
        withheld: Names of environment variables that no child inherits, because they hold secrets.
    """

    def __init__(
        self,
        children: Sequence[ChildSpec],
        run_directory: RunDirectory,
        *,
        drain_timeout_s: float,
        say: Callable[[str], None],
        backoff: Backoff | None = None,
        clock: Clock | None = None,
        withheld: Collection[str] = (),
    ) -> None:
        self._withheld = frozenset(withheld)
        self._children = [_Child(spec, backoff) for spec in children]
        self._run_directory = run_directory
        self._drain_timeout_s = drain_timeout_s
        self._say = say
        self._clock: Clock = clock or SystemClock()
        self._lifeline = self._child_lifeline = -1
        self._kill_at: float | None = None
        self._asked_at = 0.0
        self._ending_last = False
        self._killed: list[str] = []
        self._wall_start = self._clock.wall()

    def run(self) -> RunSummary:
        """Start everything and return when everything has ended, after SIGTERM, SIGINT or SIGHUP.

        A second SIGINT kills what still runs. Call from the main thread only: signals arrive there. After a stop the
        process goes on ignoring these three signals: it is about to end.
        """
        begin = self._clock.monotonic()
        with self._signals() as wakeup, self._holding_lifeline():
            try:
                for child in self._children:
                    self._start(child)
                self._publish()
                while self._kill_at is None or self._alive():
                    self._turn(wakeup)
            finally:
                self._kill_all()
        restarts = {child.spec.name: max(0, child.policy.restarts) for child in self._children}
        return RunSummary(self._clock.monotonic() - begin, restarts, tuple(self._killed))

    def settle(self, settings: Mapping[str, bytes]) -> None:
        """Give children other settings from their next start on. Safe for threads.

        Args:
            settings: By name of the child.
        """
        for child in self._children:
            if child.spec.name in settings:
                child.spec = child.spec._replace(settings=settings[child.spec.name])

    def _turn(self, wakeup: int) -> None:
        """Sleep until something happens, then deal with it."""
        readable, _, _ = select.select([wakeup], [], [], self._next_wait())
        for number in os.read(wakeup, 4096) if readable else b"":
            if number in _STOP_SIGNALS:
                self._asked_to_stop(again_means_kill=number == signal.SIGINT)
        changed = self._reap()
        if self._kill_at is None:
            changed |= self._start_due()
        else:
            self._go_on_stopping(self._kill_at)
        if changed:
            self._publish()

    def _next_wait(self) -> float | None:
        times = [child.due for child in self._children if child.due is not None]
        if self._kill_at is not None:
            times = [self._kill_at]
        return max(0.0, min(times) - self._clock.monotonic()) if times else None

    def _alive(self) -> list[_Child]:
        return [child for child in self._children if child.process is not None]

    def _start_due(self) -> bool:
        now = self._clock.monotonic()
        due = [child for child in self._children if child.due is not None and child.due <= now]
        for child in due:
            self._start(child)
        return bool(due)

    def _start(self, child: _Child) -> None:
        spec = child.spec
        child.due = None
        child.started_at = self._clock.wall()
        child.policy.started(self._clock.monotonic())
        command = [sys.executable, "-m", "roadworthy.serve.child", str(self._child_lifeline), spec.module]
        inherited = [self._child_lifeline]
        settings_end = None
        if spec.settings is not None:
            settings_end = _pipe_with(spec.settings)
            command += ["--settings-fd", str(settings_end)]
            inherited.append(settings_end)
        try:
            # stdout belongs to the command's own data.
            child.process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                [*command, *spec.arguments],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                pass_fds=inherited,
                env={name: value for name, value in os.environ.items() if name not in self._withheld},
                process_group=0,
            )
        except OSError as error:
            child.last_exit = f"could not be started: {error.strerror}"
            self._plan_restart(child)
        finally:
            if settings_end is not None:
                os.close(settings_end)

    def _reap(self) -> bool:
        ended = [child for child in self._alive() if child.process is not None and child.process.poll() is not None]
        for child in ended:
            assert child.process is not None
            child.last_exit = describe_exit(child.process.returncode)
            child.process = None
            if self._kill_at is None:
                self._plan_restart(child)
        return bool(ended)

    def _plan_restart(self, child: _Child) -> None:
        was_looping = child.policy.looping
        wait = child.policy.died(self._clock.monotonic())
        child.due = self._clock.monotonic() + wait
        line = f"{child.spec.name} ended ({child.last_exit}); it starts again in {wait:.1f} s, the others go on."
        if child.policy.looping and not was_looping:
            line = (
                f"{child.spec.name} ended {child.policy.deaths} times in a row (last: {child.last_exit}); starting it "
                f"again may not help. See its messages above. Next try in {wait:.1f} s; the others go on."
            )
        self._say(line)

    def _asked_to_stop(self, *, again_means_kill: bool) -> None:
        now = self._clock.monotonic()
        if self._kill_at is not None:
            if again_means_kill and now - self._asked_at >= _SAME_WISH_S:
                self._say("Interrupted again: ending everything at once.")
                self._kill_all()
            return
        self._asked_at = now
        first = [child for child in self._alive() if not child.spec.last]
        self._kill_at = now + self._drain_timeout_s
        for child in self._children:
            child.due = None
        _signal_all(first, signal.SIGTERM)
        self._say(f"Stopping: requests in progress have {self._drain_timeout_s:.0f} s to finish.")

    def _go_on_stopping(self, kill_at: float) -> None:
        waited_for = [child for child in self._alive() if child.spec.last == self._ending_last]
        if waited_for and self._clock.monotonic() >= kill_at:
            self._kill(waited_for)
        elif not waited_for and not self._ending_last:
            self._ending_last = True
            self._kill_at = self._clock.monotonic() + _MODEL_STOP_S
            _signal_all(self._alive(), signal.SIGTERM)

    def _kill_all(self) -> None:
        self._kill(self._alive())

    def _kill(self, children: Sequence[_Child]) -> None:
        _signal_all(children, signal.SIGKILL)
        for child in children:
            if child.process is not None:
                child.process.wait()
                self._killed.append(child.spec.name)
        self._reap()

    def _publish(self) -> None:
        record = RunRecord(os.getpid(), self._wall_start, tuple(child.record() for child in self._children))
        try:
            self._run_directory.write(record)
        except OSError as error:
            self._say(f"The list of processes could not be written: {error.strerror}.")

    @contextlib.contextmanager
    def _holding_lifeline(self) -> Iterator[None]:
        self._child_lifeline, self._lifeline = os.pipe()
        try:
            yield
        finally:
            os.close(self._lifeline)
            os.close(self._child_lifeline)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """Turn signals into bytes on a pipe; the number of the signal is the byte."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        before = {number: signal.signal(number, _noted) for number in (*_STOP_SIGNALS, signal.SIGCHLD)}
        old_fd = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(old_fd)
            # A wish is often sent twice: the second copy must not kill a process that has only to say that it stopped.
            over = self._kill_at is not None
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if over and number in _STOP_SIGNALS else handler)
            os.close(reading)
            os.close(writing)


def describe_exit(code: int) -> str:
    """How a process ended, in words.

    Args:
        code: As `subprocess.Popen.returncode`: negative for a signal.
    """
    if code >= 0:
        meaning = _MEANINGS.get(code)
        return f"exit code {code}, {meaning}" if meaning else f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _noted(number: int, frame: object) -> None:
    """Handler that does nothing: the wake-up pipe tells what arrived."""


def _signal_all(children: Sequence[_Child], number: signal.Signals) -> None:
    for child in children:
        if child.process is not None:
            child.process.send_signal(number)


def _pipe_with(content: bytes) -> int:
    """Read end of a pipe that will give `content` and then end; a thread writes, for a pipe holds 64 KiB at most."""
    reading, writing = os.pipe()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), open(writing, "wb") as end:
            end.write(content)

    threading.Thread(target=write, name="settings", daemon=True).start()
    return reading
