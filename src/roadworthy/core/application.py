"""What an application gives the platform and what it gets from it: an application is configuration plus a little code.

A package names an object of type `Application` under the entry point group `roadworthy.applications`. The worker
process starts it: its routes are reached through the edge's public port, which has checked the key and names the
tenant; its job handlers do durable work. It asks models through the gateway only, never by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from roadworthy.core.job import Json, Payload
from roadworthy.core.ports import JobHandler, Jobs

GROUP = "roadworthy.applications"
"""Entry point group of applications."""

PAGES_GROUP = "roadworthy.pages"
"""Entry point group of applications' pages in the console; the entry point has the application's name, which is also
the page's title in lower case and so its address."""

PREFIX = "/api/"
"""Every route of an application begins with it."""

MAX_BODY_BYTES = 1024 * 1024
"""Largest body of a request to an application."""

MAX_WAIT_S = 840.0
"""Longest wait of a caller for a `Later`."""

REPLY_HEADERS = frozenset({"location", "content-disposition", "preference-applied", "retry-after", "etag"})
"""Header lines that a reply may have."""


class Call(NamedTuple):
    """One request to a route of an application.

    Attributes:
        tenant: Public id of the caller's key; records of one tenant are never shown to another.
        request_id: Also in the log and in errors.
        path: Values of the path's parameters, decoded; none is empty, `.` or `..`, or holds a slash, a backslash or a
            control character.
        query: Values of the query string; the last of several of one name.
        headers: `content-type`, `idempotency-key`, `prefer` and `accept`, as far as given.
        body: As sent, at most 1 MiB.
    """

    tenant: str
    request_id: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What the caller gets.

    Attributes:
        body: A JSON value, or bytes of the content type.
        status: HTTP status: 200, 201, 202, or an error's.
        content_type: Of bytes, at most 64 MiB (4 MiB with another status than 200); JSON values are always
            `application/json`.
        headers: Of `REPLY_HEADERS`, in lower case; printable ASCII.
    """

    body: Json | bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Later(NamedTuple):
    """A reply that is not there yet: the worker asks again and again without holding a thread.

    Attributes:
        ready: Gives the reply, or None while there is none.
        wait_s: How long the caller waits at most, in seconds; `MAX_WAIT_S` is the most.
        late: Gives what it gets after that time.
    """

    ready: Callable[[], Reply | None]
    wait_s: float
    late: Callable[[], Reply]


class Route(NamedTuple):
    """One route.

    Attributes:
        method: Of HTTP.
        path: Begins with `PREFIX` and the application's own part, which no other application uses; parameters as
            `{id}`, each a whole segment.
        answer: Runs in a thread and may block; what it raises as `RoadworthyError` becomes the error answer.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    answer: Callable[[Call], Reply | Later]


class Chat(Protocol):
    """Asks models through the data plane, in the name of a tenant. Blocks; safe for threads."""

    def __call__(self, tenant: str, body: Payload, check: Callable[[], None]) -> dict[str, Json]:
        """One chat completion, not streamed.

        Waits while an edge is started again and as long as a limit of the tenant names a time.

        Args:
            tenant: Who pays.
            body: As for /v1/chat/completions; `quality` in it holds this answer to rules of its own.
            check: Called about five times a second while it waits; what it raises ends the wait.

        Returns:
            The body of the answer, with its `roadworthy` object.

        Raises:
            RoadworthyError: With the code that the gateway told (`llm_chain_failed`, `runtime_quality_failed`); the
                client's `RemoteError`, which carries the attempts and the quality issues.
        """
        ...


class RecordStore(Protocol):
    """JSON records of one application, in the store of the durable jobs. Safe for threads and processes.

    A record is a JSON object of at most 8 MiB. It belongs to a tenant and a kind (1 to 80 printable ASCII characters)
    and has an id (1 to 200). What cannot be one raises `UsageError` with `invalid_request`.
    Every call raises `StorageError` with `store_unavailable` when the store does not answer.
    """

    def add(self, tenant: str, kind: str, record_id: str, value: Payload) -> bool:
        """Write a record unless there is one of this id; returns whether it was written."""
        ...

    def put(self, tenant: str, kind: str, record_id: str, value: Payload) -> None:
        """Write a record, or write over it, as a whole."""
        ...

    def get(self, tenant: str, kind: str, record_id: str) -> dict[str, Json] | None:
        """One record; None when there is none."""
        ...

    def all_of(
        self, tenant: str, kind: str, prefix: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Json]]]:
        """Ids and records whose id begins with `prefix`, newest first; writing over a record does not make it newer.

        Args:
            tenant: Whose.
            kind: Of which kind.
            prefix: Beginning of the id.
            limit: At most so many, 1 to 1,000.
        """
        ...

    def delete(self, tenant: str, kind: str, record_id: str) -> bool:
        """Remove a record; returns whether there was one."""
        ...


class Platform(NamedTuple):
    """What an application may use.

    Attributes:
        chat: See `Chat`.
        jobs: See `Jobs`; kinds must begin with the application's name and a dot.
        records: See `RecordStore`; each application sees its own only.
        settings: The part of the configuration under `applications.NAME`, checked by the application.
        profile: development, staging or production.
    """

    chat: Chat
    jobs: Jobs
    records: RecordStore
    settings: Mapping[str, Json]
    profile: str


class Service(NamedTuple):
    """A started application.

    Attributes:
        routes: Looked up in this order.
        handlers: What does its durable jobs, by kind; each begins with the application's name and a dot.
    """

    routes: Sequence[Route]
    handlers: Mapping[str, JobHandler]


class Application(Protocol):
    """An application, as its entry point names it.

    Attributes:
        name: Lower-case letters, digits and hyphens; also its key in the configuration.
    """

    name: str

    def start(self, platform: Platform) -> Service:
        """Check the settings and give what is served; called once in the worker process, and must be quick.

        Raises:
            ConfigError: `config_invalid`; the worker says so and goes on without the application.
        """
        ...
