"""One worker's line to the Valkey or Redis server that replicas share. Nothing waits for it and nothing fails with it.

Commands are gathered while one batch is on its way and sent together; answers come by callback. A server that is away
answers None at once; one that hangs is taken for away after `COMMAND_S`. The line comes back by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import random
from time import monotonic
from typing import TYPE_CHECKING, Any

from roadworthy.runtime.valkey_url import host_of, why_away

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

CONNECT_S = 1.0
COMMAND_S = 0.5
PING_S = 1.0
RETRY_BASE_S = 0.05
RETRY_CAP_S = 1.0
CANCEL_S = 0.1
MAX_BATCH = 256
MAX_WAITING = 10_000
"""Commands that may wait; more are answered with None."""

Command = tuple[bytes | str | int, ...]
Told = Callable[[Any], None]


class ValkeyLink:
    """Use it from the event loop's thread.

    Args:
        url: Where the server is; may hold a password, which is never told.
        channel: Channel to listen on.
        heard: Gets the content of every message there.
        changed: Told True when the line stands (before any message is heard), False when it broke, and why.

    Attributes:
        up: Whether the line stands.
        why: Why it does not; empty when it does or was never tried.
        since: When it last went up or down, monotonic seconds.
    """

    def __init__(
        self, url: str, channel: str, heard: Callable[[bytes], None], changed: Callable[[bool, str], None]
    ) -> None:
        self.up = False
        self.why = ""
        self.since = monotonic()
        self.host = host_of(url)
        self._url = url
        self._channel = channel
        self._heard = heard
        self._changed = changed
        self._queue: deque[tuple[Command, Told | None]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Connect, and again whenever the line breaks, until `close`."""
        self._closing = False
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Send what waits, if the line stands, and hang up."""
        if self._task is None:
            return
        sent = asyncio.Event()
        self.send("PING", told=lambda _: sent.set())  # answered after everything that was sent before
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(sent.wait(), COMMAND_S)
        task, self._task = self._task, None
        self._closing = True
        while not task.done():  # the client, while it connects, may swallow a cancellation
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_S)
        self.up = False
        self._forget()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A bug of ours ended the line: tell, and begin anew; without it each replica goes on by itself."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._closing:
            loop = task.get_loop()
            loop.call_exception_handler({"message": "the line to the shared state", "exception": error})
            self._down(type(error).__name__)
            loop.call_later(RETRY_CAP_S, self.start)

    def send(self, *command: bytes | str | int, told: Told | None = None) -> None:
        """Send a command without waiting.

        Args:
            command: Its words.
            told: Gets the answer, from the event loop; None when there is none, because the server is away or refuses.
        """
        if not self.up or len(self._queue) >= MAX_WAITING:
            if told is not None:
                told(None)
            return
        self._queue.append((command, told))
        self._wake.set()

    # -- the line

    async def _run(self) -> None:
        from valkey.exceptions import ValkeyError

        failures = 0
        while not self._closing:  # a group of tasks that fails while it is cancelled forgets that it was
            try:
                async with self._client() as client:
                    await self._live(client)
            except* (ValkeyError, OSError) as group:  # TimeoutError is an OSError
                failures = 0 if self.up else failures + 1
                self._down(why_away(self._url, _first(group)))
            await asyncio.sleep(min(RETRY_CAP_S, RETRY_BASE_S * 2**failures) * (0.5 + random() / 2))  # noqa: S311

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[Valkey]:
        from valkey.asyncio import Valkey

        client = Valkey.from_url(self._url, socket_timeout=COMMAND_S, socket_connect_timeout=CONNECT_S)
        client.response_callbacks.clear()  # answers as the server gives them, in every version
        try:
            yield client
        finally:
            with contextlib.suppress(OSError):
                await client.aclose()

    async def _live(self, client: Valkey) -> None:
        """Until the line breaks."""
        ears: Any = client.pubsub()
        try:
            async with asyncio.timeout(CONNECT_S):
                await ears.subscribe(self._channel)
                await ears.get_message(timeout=CONNECT_S)  # the server's word that it has subscribed us
                await _answer(client.ping())
            self.up, self.why, self.since = True, "", monotonic()
            self._changed(True, "")
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(client))
                group.create_task(self._listen(ears))
        finally:
            with contextlib.suppress(OSError):
                await ears.aclose()

    async def _pump(self, client: Valkey) -> None:
        while True:
            if not self._queue:
                self._wake.clear()
                try:
                    async with asyncio.timeout(PING_S):
                        await self._wake.wait()
                except TimeoutError:
                    self._queue.append((("PING",), None))
            batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
            answers: Sequence[Any] = [None] * len(batch)
            try:
                async with asyncio.timeout(COMMAND_S):
                    answers = await self._ask(client, [command for command, _ in batch])
            finally:
                for (_, told), answer in zip(batch, answers, strict=True):
                    if told is not None:
                        told(None if isinstance(answer, Exception) else answer)

    async def _ask(self, client: Valkey, commands: Sequence[Command]) -> Sequence[Any]:
        pipe: Any = client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        answers: Sequence[Any] = await pipe.execute(raise_on_error=False)
        return answers

    async def _listen(self, ears: Any) -> None:
        from valkey.exceptions import ConnectionError as Broken

        silent = False
        while True:
            message = await ears.get_message(timeout=PING_S)
            if message is None:
                if silent:
                    raise Broken("the server does not answer where we listen")
                silent = True
                await ears.ping()
                continue
            silent = False
            if message["type"] == "message":
                self._heard(message["data"])

    def _down(self, why: str) -> None:
        was_up, self.up, self.why = self.up, False, why
        self._forget()
        if was_up:
            self.since = monotonic()
        self._changed(False, why)

    def _forget(self) -> None:
        while self._queue:
            _, told = self._queue.popleft()
            if told is not None:
                told(None)


async def _answer(awaitable: Awaitable[Any] | Any) -> Any:
    return await awaitable


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
