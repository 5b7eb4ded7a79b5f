"""What was fetched, and how long it may be used: one flight per secret, a soft and a hard end, and a memory of no."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from roadworthy.core.clock import Clock
from roadworthy.core.errors import SecretError
from roadworthy.core.secret import Secret

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
"""After a failure the same secret is not asked for again for so long: 1, 2, 4 … seconds up to this."""


class Lifetimes(NamedTuple):
    """How long what was fetched is used, in seconds.

    Attributes:
        soft_s: After this it is fetched again; it serves on when that fails.
        hard_s: After this without a good fetch it is not served any more.
        missing_s: How long the answer that there is none is believed.
    """

    soft_s: float = 60.0
    hard_s: float = 14_400.0
    missing_s: float = 10.0


@dataclass(slots=True)
class Entry:
    """What is known about one secret.

    Attributes:
        secret: The last good value, None when there is none.
        fetched_at: Monotonic seconds of the last good fetch.
        soft_at: When it is to be fetched again.
        hard_at: When it may not be used any more.
        missing_until: Until then nobody asks again, because the sources said that there is none.
        error: What the last fetch raised, None when it was good.
        failures: Failed fetches in a row.
        failed: All failed fetches.
        retry_at: Until then nobody asks again, because the last try failed.
    """

    secret: Secret | None = None
    fetched_at: float = 0.0
    soft_at: float = 0.0
    hard_at: float = 0.0
    missing_until: float = 0.0
    error: SecretError | None = None
    failures: int = 0
    failed: int = 0
    retry_at: float = 0.0
    flight: threading.Lock = field(default_factory=threading.Lock)


class SecretCache:
    """Keeps secrets. Safe for threads.

    Args:
        lifetimes: See there.
        clock: Durations.
        fetch: Asks the sources; None means that all of them answered and none has it.
    """

    def __init__(self, lifetimes: Lifetimes, clock: Clock, fetch: Callable[[str], Secret | None]) -> None:
        self._lifetimes = lifetimes
        self._clock = clock
        self._fetch = fetch
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def entry(self, reference: str) -> Entry:
        """What is known about a secret, without asking anybody."""
        with self._lock:
            return self._entries.setdefault(reference, Entry())

    def entries(self) -> dict[str, Entry]:
        """Everything that was asked for."""
        with self._lock:
            return dict(self._entries)

    def get(self, reference: str, *, now: bool = False) -> Secret | None:
        """The secret: the kept one while it is fresh, else the sources' answer; the last good one while they fail.

        One caller at a time asks; the others get the last good value meanwhile, or wait where there is none.

        Args:
            reference: Which.
            now: Ask even when the kept one is fresh.

        Raises:
            SecretError: What the source said, when there is no value that may still be used.
        """
        entry = self.entry(reference)
        if not now and (kept := self._usable(entry, fresh=True)) is not None:
            return kept
        if not entry.flight.acquire(blocking=self._usable(entry) is None):
            kept = self._usable(entry)
            if kept is not None:
                return kept
            entry.flight.acquire()
        try:
            if not now and (kept := self._usable(entry, fresh=True)) is not None:  # somebody else just asked
                return kept
            return self._ask(reference, entry, forced=now)
        finally:
            entry.flight.release()

    def _usable(self, entry: Entry, *, fresh: bool = False) -> Secret | None:
        end = entry.soft_at if fresh else entry.hard_at
        return entry.secret if self._clock.monotonic() < end else None

    def _ask(self, reference: str, entry: Entry, *, forced: bool) -> Secret | None:
        now = self._clock.monotonic()
        if not forced and now < entry.missing_until:
            return None
        if not forced and entry.error is not None and now < entry.retry_at:
            return self._last_good(entry, entry.error)
        try:
            found = self._fetch(reference)
        except SecretError as error:
            entry.error = error
            entry.retry_at = now + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**entry.failures)
            entry.failures += 1
            entry.failed += 1
            return self._last_good(entry, error)
        entry.error, entry.failures, entry.secret = None, 0, found
        now = self._clock.monotonic()
        if found is None:
            entry.missing_until, entry.soft_at, entry.hard_at = now + self._lifetimes.missing_s, 0.0, 0.0
            return None
        soft_s, hard_s = self._lifetimes.soft_s, self._lifetimes.hard_s
        if found.origin.lease_s is not None:  # a credential with an end cannot outlive it
            soft_s, hard_s = min(soft_s, found.origin.lease_s / 3), min(hard_s, found.origin.lease_s)
        entry.missing_until, entry.fetched_at, entry.soft_at, entry.hard_at = 0.0, now, now + soft_s, now + hard_s
        return found

    def _last_good(self, entry: Entry, error: SecretError) -> Secret:
        kept = self._usable(entry)
        if kept is None:
            entry.secret = None  # nobody is to find it where it may not be used
            raise error.with_traceback(None)
        return kept
