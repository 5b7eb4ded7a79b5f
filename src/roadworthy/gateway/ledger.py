"""Remembers what happened without slowing it down: the hot path appends to a list, a thread does the rest.

Log lines, journal entries and metrics are written by one background thread. When the journal's disk refuses, answering
goes on (spec row G21): records wait in a bounded backlog, the journal is tried again with back-off, and what does not
fit is counted, logged, and noted in the journal itself (`journal.gap`) once it takes entries again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import islice
from typing import NamedTuple

import msgspec

from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry, Journal
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.request_metrics import fold
from roadworthy.gateway.request_record import RequestWriter, packed
from roadworthy.runtime.log import Level, Log
from roadworthy.runtime.metrics import Metrics

FLUSH_S = 0.1
FLUSH_RECORDS = 2_000
BACKLOG = 100_000
RETRY_BASE_S = 0.5
RETRY_CAP_S = 30.0
# Work is cut into slices between which the GIL is offered to the event loop; a slice takes about a millisecond.
_SLICE = 128
_JOURNAL_SLICE = 256


class _Event(NamedTuple):
    kind: str
    at: float
    level: Level
    fields: dict[str, object]


class Ledger:
    """The memory of one gateway process.

    Args:
        journal: Where entries go.
        log: Where lines go.
        metrics: Where requests are counted.
        log_requests: Whether each request gets a log line; events are logged always.
        backlog: Most records that wait, before and behind the thread; later ones are dropped and counted.
        clock: Stamps events and times the back-off.
        start: Whether to start the thread; without it only `flush` and `close` do work.
    """

    def __init__(
        self,
        journal: Journal,
        log: Log,
        metrics: Metrics,
        *,
        log_requests: bool = True,
        backlog: int = BACKLOG,
        clock: Clock | None = None,
        start: bool = True,
    ) -> None:
        self._journal = journal
        self._log = log
        self._metrics = metrics
        self._limit = backlog
        self._clock = clock or SystemClock()
        self._writer = RequestWriter(log, log_requests)
        self._encode = msgspec.json.Encoder(enc_hook=str).encode
        self._records: deque[Finished] = deque()
        self._events: deque[_Event] = deque()
        self._waiting: deque[Entry] = deque()  # for the journal
        self._overflow = 0
        self._dropped = 0
        self._dropped_noted = 0  # how many of them the journal knows of
        self._dropping = False
        self._in_hand = 0
        self._refusals = 0
        self._retry_at = 0.0
        self._refused_with = ""
        self._flushing = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        metrics.observe("roadworthy_journal_lag_entries", lambda: {(): float(self._lag())})
        metrics.observe("roadworthy_journal_dropped_total", lambda: {(): float(self.dropped_total)})
        metrics.observe("roadworthy_log_lines_dropped_total", lambda: {(): float(log.dropped_total)})
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        if start:
            self._thread.start()

    @property
    def dropped_total(self) -> int:
        """Records that never reached the journal since the start."""
        return self._dropped + self._overflow

    def add(self, finished: Finished) -> None:
        """Remember one request. Costs about 0.1 µs; never blocks, never raises. Call it from one thread."""
        waiting = len(self._records)
        if waiting >= self._limit:
            self._overflow += 1
            return
        self._records.append(finished)
        if waiting == FLUSH_RECORDS:
            self._wake.set()

    def event(self, kind: str, /, *, level: Level = "info", **fields: object) -> None:
        """Remember something rare: a log line and a journal entry. Safe for threads.

        Args:
            kind: Dotted lower-case name, as `core.ports.Entry.kind`; `breaker.<state>` with `provider` and `model` is
                counted as a transition too.
            level: Level of the log line.
            fields: Values that JSON can hold; anything else is written as its text.
        """
        if len(self._events) >= self._limit:
            self._overflow += 1
            return
        self._events.append(_Event(kind, self._clock.wall(), level, fields))
        self._wake.set()

    def health(self) -> dict[str, object]:
        """Whether records reach the journal: `ok`, `lag_entries`, `dropped`, `log_lines_dropped`, `error` (a code)."""
        return {
            "ok": not self._refusals,
            "lag_entries": self._lag(),
            "dropped": self.dropped_total,
            "log_lines_dropped": self._log.dropped_total,
            "error": self._refused_with or None,
        }

    def flush(self) -> None:
        """Write down everything remembered so far, in the calling thread, as far as the journal takes it."""
        with self._flushing:
            self._drain()

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop the thread and write down everything; what the journal still refuses is counted, logged and lost.

        Args:
            timeout_s: How long to wait for the thread, which may hang in a write to a log that nobody reads.
        """
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return
        with self._flushing:
            self._retry_at = 0.0
            self._drain()
            if self._waiting:
                lost = len(self._waiting)
                self._waiting.clear()
                self._dropped += lost
                self._log.event("error", "journal.lost_at_close", dropped=lost, error=self._refused_with)

    # ---- the thread

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(FLUSH_S)
            self._wake.clear()
            try:
                self.flush()
            # The door of a background task: a bug in here must not end the memory of the process.
            except Exception as error:
                self._dropped += self._in_hand
                self._in_hand = 0
                self._log.event("critical", "ledger.failed", error=type(error).__name__, dropped=self.dropped_total)

    def _drain(self) -> None:
        while self._events or self._records:
            self._write_events()
            records = self._records
            batch = [records.popleft() for _ in range(min(_SLICE, len(records)))]
            if batch:
                self._in_hand = len(batch)
                self._write_requests(batch)
                self._in_hand = 0
                time.sleep(0)
            if len(self._waiting) >= _JOURNAL_SLICE:
                self._store()
        self._store()
        if self.dropped_total > self._dropped_noted and not self._dropping:
            self._dropping = True
            self._log.event("critical", "journal.dropping", dropped=self.dropped_total, backlog=self._limit)

    def _write_events(self) -> None:
        while self._events:
            event = self._events.popleft()
            self._log.event(event.level, event.kind, **event.fields)
            provider, model = event.fields.get("provider"), event.fields.get("model")
            if event.kind.startswith("breaker.") and isinstance(provider, str) and isinstance(model, str):
                to = event.kind.removeprefix("breaker.")
                self._metrics.count("roadworthy_breaker_transitions_total", (provider, model, to))
            try:
                payload = self._encode({"level": event.level, **event.fields})
            except (TypeError, ValueError):  # lone surrogates, keys that JSON does not know
                payload = self._encode({"level": event.level, "fields": ascii(event.fields)})
            self._keep([Entry(event.kind, event.at, payload)])

    def _write_requests(self, batch: list[Finished]) -> None:
        fold(self._metrics, batch)
        written = self._writer.write(batch)
        self._log.lines(written.lines)
        self._keep(written.entries)
        for request_id in written.unwritable:
            self._dropped += 1
            self._log.event("error", "ledger.unwritable", request_id=request_id)

    # ---- the journal

    def _lag(self) -> int:
        return len(self._records) + len(self._events) + len(self._waiting)

    def _keep(self, entries: list[Entry]) -> None:
        room = max(self._limit - len(self._waiting), 0)
        self._waiting.extend(islice(entries, room))
        self._dropped += max(len(entries) - room, 0)

    def _store(self) -> None:
        if self._refusals and self._clock.monotonic() < self._retry_at:
            return
        size = _JOURNAL_SLICE
        while self._waiting:
            chunk = list(islice(self._waiting, size))
            try:
                self._journal.append(packed(chunk))
            except StorageError as error:
                self._refused(error)
                return
            except ValueError:  # one entry is malformed: go on one by one, so that only that one is lost
                if len(chunk) > 1:
                    size = 1
                    continue
                self._dropped += 1
                self._log.event("error", "journal.entry_refused", kind=chunk[0].kind)
            for _ in chunk:
                self._waiting.popleft()
            time.sleep(0)
        if self._note_gap() and self._refusals:
            self._log.event("warning", "journal.recovered", refusals=self._refusals, dropped=self.dropped_total)
            self._refusals = 0
            self._refused_with = ""

    def _note_gap(self) -> bool:
        """Tell the journal what it missed; False when it refuses that too."""
        total = self.dropped_total
        if total == self._dropped_noted:
            return True
        gap = Entry("journal.gap", self._clock.wall(), b'{"dropped":%d}' % (total - self._dropped_noted))
        try:
            self._journal.append([gap])
        except StorageError as error:
            self._refused(error)
            return False
        self._dropped_noted = total
        self._dropping = False
        return True

    def _refused(self, error: StorageError) -> None:
        wait = min(RETRY_CAP_S, RETRY_BASE_S * 2 ** min(self._refusals, 10))
        self._refusals += 1
        self._refused_with = error.code
        self._retry_at = self._clock.monotonic() + wait
        self._log.event(
            "error",
            "journal.refused",
            error=error.code,
            what=error.what,
            why=error.why,
            mend=error.mend,
            waiting=len(self._waiting),
            dropped=self.dropped_total,
            retry_in_s=wait,
        )
