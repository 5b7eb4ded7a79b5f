"""How far a command is, on stderr: a bar on a terminal, a line now and then elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from roadworthy.cli.output import Settings

EVERY_S = 2.0


class Progress(Protocol):
    """Told how far the work is, from any thread."""

    def total(self, amount: int) -> None:
        """How many bytes there are in all."""
        ...

    def step(self, done: int) -> None:
        """How many bytes were done since the last time."""
        ...


class _Silent:
    def total(self, amount: int) -> None:
        """Not told."""

    def step(self, done: int) -> None:
        """Not told."""


class _Lines:
    """A line every two seconds, for logs of pipelines."""

    def __init__(self, out: Settings, what: str) -> None:
        self._out, self._what = out, what
        self._total = self._done = 0
        self._last = time.monotonic()
        self._lock = Lock()

    def total(self, amount: int) -> None:
        """See `Progress.total`."""
        self._total = amount

    def step(self, done: int) -> None:
        """See `Progress.step`."""
        with self._lock:
            self._done += done
            if time.monotonic() - self._last < EVERY_S:
                return
            self._last = time.monotonic()
            share = f" ({100 * self._done // self._total} %)" if self._total else ""
            self._out.say(f"{self._what}: {self._done / 1e6:,.0f} of {self._total / 1e6:,.0f} MB{share}")


@contextmanager
def bytes_progress(out: Settings, what: str) -> Iterator[Progress]:
    """Show bytes of work while it lasts.

    Args:
        out: How the command speaks.
        what: One word or two, such as `hashing`.
    """
    if out.quiet:
        yield _Silent()
    elif not sys.stderr.isatty():
        yield _Lines(out, what)
    else:
        with _bar(out, what) as bar:
            yield bar


@contextmanager
def _bar(out: Settings, what: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True, no_color=not out.color), transient=True) as bars:
        task = bars.add_task(what, total=None)

        class Bar:
            def total(self, amount: int) -> None:
                bars.update(task, total=amount)

            def step(self, done: int) -> None:
                bars.advance(task, done)

        yield Bar()
