"""Ports (Protocols) that two rooms or more use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from roadworthy.core.job import Job, JobState, Json, Payload


class Masker(Protocol):
    """Takes personal data and secrets out of text before it is stored or shown."""

    def mask(self, text: str) -> str:
        """The text with every finding replaced by `[KIND]`, for example `[EMAIL]`."""
        ...

    def mask_bytes(self, text: bytes) -> bytes:
        """The same for UTF-8 bytes; invalid UTF-8 passes through unchanged outside findings."""
        ...


class Entry(NamedTuple):
    """One thing to remember.

    Attributes:
        kind: Closed vocabulary, dotted: `request.finished`, `breaker.open`, `key.created`.
        at: Seconds since the Unix epoch (UTC).
        payload: A JSON object as UTF-8 bytes; the journal masks it before it is written.
    """

    kind: str
    at: float
    payload: bytes


class Journal(Protocol):
    """Append-only memory, hash-chained, masked at the door. Safe for several processes."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write all entries or none, in order; blocks until they are on disk.

        Raises:
            StorageError: `store_unavailable` when the disk refuses; nothing was written.
        """
        ...


class JobRun(Protocol):
    """What a handler sees of the job it does."""

    @property
    def id(self) -> str:
        """The job's id."""
        ...

    def step(self, name: str, work: Callable[[], Json], tries: int = 1) -> Json:
        """Do a piece of work once: when the job is taken up again, the recorded result is returned instead.

        A worker that is killed between the end of `work` and the record repeats it, so work with an effect outside
        carries an idempotency key of its own. Steps must come in the same order each time.

        Args:
            name: Of the step; a different name at the same place is an error, not a silent mix-up.
            work: Gives a JSON value.
            tries: How often it is tried, with growing waits, before its error ends the job.

        Raises:
            JobInterrupted: The worker stops; let it pass.
            Exception: What `work` raised at its last try.
        """
        ...

    def progressed(self) -> None:
        """Say that work which is remembered elsewhere got on, so that a later kill does not count as a poison job."""
        ...

    def check(self) -> None:
        """Ask inside long work whether to go on.

        Raises:
            JobInterrupted: The worker stops; let it pass.
        """
        ...


JobHandler = Callable[[JobRun, Payload], Json]
"""Does a job. What it returns is the job's result; what it raises makes the job a dead letter."""


class Jobs(Protocol):
    """Durable jobs: a killed worker loses none and repeats no finished step. Safe for threads and processes.

    Every call raises `StorageError` with `store_unavailable` when the store does not answer.
    """

    def enqueue(self, kind: str, job_id: str, payload: Payload) -> Job:
        """Add a job, once: an id that is known already is returned as it stands, and nothing is added.

        Args:
            kind: Name of a handler; it may be registered in another process.
            job_id: Idempotency key, 1 to 200 printable ASCII characters.
            payload: JSON object for the handler.

        Raises:
            GatewayError: `queue_full`, with the seconds after which to try again.
            UsageError: `invalid_request` for a bad id or a payload that is no JSON.
        """
        ...

    def get(self, job_id: str) -> Job | None:
        """One job; None when there is none of this id."""
        ...

    def list(self, state: JobState | None = None, limit: int = 100, kind: str | None = None) -> tuple[Job, ...]:
        """Jobs, newest first.

        Args:
            state: Only these; `dead` lists the dead letters.
            limit: At most so many, 1 to 1,000.
            kind: Only of this kind.
        """
        ...

    def cancel(self, job_id: str) -> Job:
        """Stop a job for now: no further step starts, and a step that runs is not recorded. Done and dead jobs stay.

        Raises:
            UsageError: `not_found`.
        """
        ...

    def replay(self, job_id: str) -> Job:
        """Queue a dead or cancelled job again; its finished steps are not repeated, the failed one is.

        Raises:
            UsageError: `not_found`, or `invalid_request` for a job in another state.
        """
        ...


class Kept(NamedTuple):
    """What a cache holds under a key.

    Attributes:
        value: The bytes as they were put.
        age_s: Seconds since they were put.
    """

    value: bytes
    age_s: float


class Cache(Protocol):
    """Keeps bytes under keys for a while; may lose any of them at any time, and never gives back other bytes.

    Told by call instead of by return, so that a store in memory answers at once and one behind a network later.
    """

    def fetch(self, key: bytes, told: Callable[[Kept | None], None]) -> None:
        """Look a key up. `told` is called exactly once, on the event loop's thread; None when there is nothing.

        A store that cannot be reached tells None: a cache that is away costs a request nothing but the hit.
        """
        ...

    def put(self, key: bytes, value: bytes, keep_s: float) -> None:
        """Keep a value for at most `keep_s` seconds. Never blocks, never raises; too large a value is dropped."""
        ...

    def clear(self) -> int:
        """Forget everything; returns how many entries there were."""
        ...
