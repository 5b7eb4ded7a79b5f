"""Ports (Protocols) that two rooms or more use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from roadworthy.core.job import Job, JobState, Json, Payload
from roadworthy.core.secret import Secret


class Masker(Protocol):
    """Takes personal data and secrets out of text before it is stored or shown."""

    def mask(self, text: str) -> str:
        """The text with every finding replaced by a mark, for example `***EMAIL_MASKED***`."""
        ...

    def mask_bytes(self, text: bytes) -> bytes:
        """The same for UTF-8 bytes; invalid UTF-8 passes through unchanged outside findings."""
        ...


class TextStream(Protocol):
    """Turns one text that comes in pieces into another one."""

    def feed(self, text: str) -> str:
        """The next piece; returns what can be given out now, which may be nothing."""
        ...

    def close(self) -> str:
        """The text ends here; returns what was held back."""
        ...


class Disguise(Protocol):
    """One request's personal data and secrets: kept from whom it is sent to, and put back into what comes from there.

    Attributes:
        reads_answers: Whether answers are to be looked at at all.
    """

    reads_answers: bool

    def hide(self, text: str, count: Callable[[str], None]) -> str:
        """A text of the request as others may see it; `count` is told the kind of everything that was replaced."""
        ...

    def answer(self, count: Callable[[str], None], *, in_json: bool = False) -> TextStream:
        """What turns a text of the answer into the caller's.

        Args:
            count: Told the kind of everything that was masked.
            in_json: Whether the text is JSON, so that what is put back must be written in its escapes.
        """
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


Resource = Literal["usd", "tokens", "requests_per_minute", "tokens_per_minute", "concurrent"]
"""What a key may have little of. `usd` (in billionths of a dollar) and `tokens` last a day of UTC and are spent; the
two rates come back with time (a token bucket that holds one minute's worth); `concurrent` when it is returned."""


class Share(NamedTuple):
    """A part of one limit that a worker asks for.

    Attributes:
        resource: Which limit.
        limit: The whole limit, for all workers together, in the resource's unit.
        least: With less than this nothing is leased at all.
        wish: What the worker would like, not less than `least`.
    """

    resource: Resource
    limit: int
    least: int
    wish: int


class Lease(NamedTuple):
    """What a worker got.

    Attributes:
        granted: Per share, at least its `least`; all 0 when one share's `least` was not to be had.
        left: Per share, what the others may still lease.
        short: Place of the share that was short, None when the lease was granted.
        retry_in_s: Seconds until that share has its `least` if nobody else takes it; 0 when nobody knows.
    """

    granted: tuple[int, ...]
    left: tuple[int, ...]
    short: int | None = None
    retry_in_s: float = 0.0


class Return(NamedTuple):
    """What became of a lease, or of a part of it.

    Attributes:
        key_id: Whose.
        day: Day of UTC that the lease was for, as `2026-11-21`.
        resource: Which limit.
        limit: The whole limit, as for `Share`.
        spent: Used up; of the rates and of `concurrent` nothing ever is.
        unused: Given back; below 0 when more was spent than had been leased.
    """

    key_id: str
    day: str
    resource: Resource
    limit: int
    spent: int
    unused: int


class AllowanceStore(Protocol):
    """What is left of every key's limits, shared by the workers of a gateway. Blocks; call it from a thread of its own.

    A worker leases a slice, works against it in memory, and returns what it spent and what it did not. What is leased
    counts as spent for everybody else, so that the limit holds whatever happens to a worker.
    """

    def lease(self, holder: int, key_id: str, day: str, at: float, shares: Sequence[Share]) -> Lease:
        """Lease all shares or none, atomically.

        Args:
            holder: Number of the worker.
            key_id: Whose limits.
            day: Day of UTC whose budget is meant, as `2026-11-21`.
            at: Seconds since the Unix epoch (UTC).
            shares: At most one per resource.

        Raises:
            StorageError: `store_unavailable`; nothing was leased.
        """
        ...

    def settle(self, holder: int, at: float, returns: Sequence[Return]) -> None:
        """Take back what was leased to the holder: all returns or none.

        Raises:
            StorageError: `store_unavailable`; nothing was taken back.
        """
        ...

    def adopt(self, holder: int, holders: int) -> None:
        """Close the leases of a worker that died: of the predecessor with the same number, and of numbers that are no
        longer in use. What it held of a day's budget counts as spent, because nobody knows what it did with it.

        Args:
            holder: Number of the worker that starts.
            holders: How many workers there are; higher numbers are no longer in use.

        Raises:
            StorageError: `store_unavailable`.
        """
        ...


class SecretSource(Protocol):
    """One place where secrets lie. Blocks; safe for threads."""

    @property
    def name(self) -> str:
        """`vault`, `aws`, `env` or `file`; also the scheme of references to it."""
        ...

    def fetch(self, place: str) -> Secret | None:
        """The secret that lies at a place now; None when the source answers that there is none.

        Args:
            place: What stands after the scheme of a reference, such as `secret/openai#api_key`.

        Raises:
            SecretError: `secret_source_unavailable` when it does not answer, `secret_source_refused` when it does not
                let us, `secret_source_untrusted`, `secret_file_exposed`, `secret_missing` for a value that is none.
        """
        ...

    def place_of(self, name: str) -> str:
        """Where this source keeps the secret that others know as `name`."""
        ...

    def check(self) -> str:
        """Ask the source whether it would answer; what was seen, in words without secrets.

        Raises:
            SecretError: As `fetch`.
        """
        ...


class SecretStore(SecretSource, Protocol):
    """A source that can be written to and remembers the version before."""

    def stage(self, place: str, value: str, expected: str | None) -> str:
        """Write a new version that readers do not get yet, where the store can; else make sure it could be written.

        Args:
            place: As for `fetch`; the secret must exist.
            value: The new value.
            expected: Version that is current now, as `fetch` told it.

        Returns:
            A mark for `promote` and `discard`.

        Raises:
            SecretError: `secret_rotation_conflict` when another version is current; as `fetch`; nothing was changed.
        """
        ...

    def promote(self, place: str, value: str, mark: str) -> Secret:
        """Make what was staged current; the version before stays readable.

        Raises:
            SecretError: `secret_rotation_conflict` when somebody else was faster; as `fetch`.
        """
        ...

    def discard(self, place: str, mark: str) -> None:
        """Take back what was staged and not promoted.

        Raises:
            SecretError: As `fetch`.
        """
        ...

    def previous(self, place: str) -> Secret | None:
        """The version before the current one; None when there is none (any more).

        Raises:
            SecretError: As `fetch`.
        """
        ...

    def restore(self, place: str, expected: str | None) -> Secret:
        """Make the version before current again.

        Args:
            place: As for `fetch`.
            expected: Version that is current now; a different one is a conflict.

        Raises:
            SecretError: `secret_missing` when there is none, `secret_rotation_conflict`; as `fetch`.
        """
        ...

    def retire(self, place: str) -> bool:
        """Make the version before unreadable; False when there is none.

        Raises:
            SecretError: As `fetch`.
        """
        ...


class FoundSecret(NamedTuple):
    """A place with a secret or personal data. Holds no value.

    Attributes:
        kind: Such as `API_KEY` or `EMAIL`.
        secret: Whether it is a credential; else it is personal data.
        line: From 1.
        column: In characters, from 1.
        rule: Name of the rule that found it.
        shown: The line around it, masked, at most 160 characters.
    """

    kind: str
    secret: bool
    line: int
    column: int
    rule: str
    shown: str


class SecretFinder(Protocol):
    """Finds credentials and personal data in files and texts."""

    def in_file(self, path: Path) -> Sequence[FoundSecret]:
        """Everything in one file, in order.

        Raises:
            SubjectError: `subject_unreadable`: it cannot be read, is binary, or has a line that is too long.
        """
        ...

    def in_text(self, text: bytes) -> Sequence[FoundSecret]:
        """The same for UTF-8 bytes in memory."""
        ...
