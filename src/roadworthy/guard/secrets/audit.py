"""The record of where secrets came from: every resolution counts, repeats of the same outcome share an entry."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass

from roadworthy.core.clock import Clock
from roadworthy.core.ports import Entry
from roadworthy.core.secret import Provenance

SAME_S = 3_600.0
"""Seconds after which an unchanged outcome gets an entry again."""

Write = Callable[[Entry], None]


@dataclass(slots=True)
class _Last:
    outcome: tuple[object, ...]
    at: float
    unsaid: int = 0


class ResolutionAudit:
    """Writes `secret.resolved`, `secret.failed` and what rotation does. Never a value. Safe for threads.

    Args:
        write: Takes an entry for the journal.
        clock: Times of records.
    """

    def __init__(self, write: Write, clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, _Last] = {}

    def resolved(self, reference: str, origin: Provenance, state: str, passed_over: tuple[str, ...] = ()) -> None:
        """A value was handed out.

        Args:
            reference: As it was asked for.
            origin: Where it came from.
            state: `fresh`, or `last_good` when the source does not answer.
            passed_over: Sources that were down and passed over, which only happens in development.
        """
        age_s = None if origin.age_s is None else round(origin.age_s, 1)
        told = {"source": origin.source, "version": origin.version, "state": state, "passed_over": list(passed_over)}
        outcome = (origin.source, origin.version, state, passed_over)
        self._note("secret.resolved", reference, outcome, {**told, "age_s": age_s})

    def failed(self, reference: str, code: str) -> None:
        """No value was handed out; `code` says why."""
        self._note("secret.failed", reference, (code,), {"code": code})

    def changed(self, kind: str, reference: str, fields: dict[str, object]) -> None:
        """A secret was rotated, rolled back or retired; always an entry of its own."""
        self._write(self._entry(kind, {"reference": reference, **fields}))

    def _note(self, kind: str, reference: str, outcome: tuple[object, ...], fields: dict[str, object]) -> None:
        with self._lock:
            last, now = self._last.get(reference), self._clock.wall()
            if last is not None and last.outcome == outcome and now - last.at < SAME_S:
                last.unsaid += 1
                return
            unsaid = 0 if last is None else last.unsaid
            self._last[reference] = _Last(outcome, now)
        self._write(self._entry(kind, {"reference": reference, **fields, "same_before": unsaid}))

    def _entry(self, kind: str, fields: dict[str, object]) -> Entry:
        return Entry(kind, self._clock.wall(), json.dumps(fields).encode())
