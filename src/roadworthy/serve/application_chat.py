"""How applications ask models: through an edge's own socket, in the name of the tenant, from any thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from roadworthy.client.transport import read_error
from roadworthy.core.errors import GatewayError, UsageError
from roadworthy.core.job import Json, Payload
from roadworthy.serve.edge_link import AWAY_ERRORS, AWAY_S, EdgeLink, wait_s

PATH = "/v1/chat/completions"
CHECK_S = 0.2
CLOSE_S = 5.0
MAX_BUSY_TRIES = 4
"""Fewer than a line of a batch has: somebody may be waiting."""


class EdgeChat:
    """Implements `core.application.Chat`. One event loop in a thread of its own, begun at the first use.

    Args:
        run_dir: Where the edges' sockets are.
    """

    def __init__(self, run_dir: Path) -> None:
        self._link = EdgeLink(run_dir)
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, tenant: str, body: Payload, check: Callable[[], None]) -> dict[str, Json]:
        """See `core.application.Chat`."""
        content = _encoded(body)
        away_until = time.monotonic() + AWAY_S
        tries = 0
        while True:
            check()
            try:
                response = self._ask(tenant, content, check)
            except AWAY_ERRORS as error:
                if time.monotonic() > away_until:
                    raise _away(error) from error
                _pause(1.0, check)
                continue
            away_until = time.monotonic() + AWAY_S
            pause_s = wait_s(response, tries, MAX_BUSY_TRIES)
            if pause_s is None:
                return _told(response)
            tries += response.status_code != 429
            _pause(pause_s, check)

    def _ask(self, tenant: str, content: bytes, check: Callable[[], None]) -> httpx2.Response:
        asking = asyncio.run_coroutine_threadsafe(self._link.post(tenant, PATH, content), self._running())
        try:
            while not concurrent.futures.wait([asking], CHECK_S).done:
                check()
            return asking.result()
        finally:  # whoever does not wait any more lets the edge stop, too
            asking.cancel()

    def close(self) -> None:
        """Hang up; whoever still waits gets an error."""
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._link.close(), loop).result(CLOSE_S)
            loop.call_soon_threadsafe(loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=(self._loop,), name="application-chat", daemon=True).start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _encoded(body: Payload) -> bytes:
    if body.get("stream"):
        raise UsageError("Applications ask for whole answers.", "`stream` is set.", param="stream")
    try:
        return json.dumps(dict(body), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise UsageError("The body of the question is no JSON object.") from None


def _told(response: httpx2.Response) -> dict[str, Json]:
    try:
        told: Any = msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise GatewayError("The answer was no JSON object.", code="llm_failure")
    if response.is_success:
        return told
    error = told.get("error")
    raise read_error(error if isinstance(error, dict) else {}, response.status_code, response.headers)


def _pause(seconds: float, check: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(CHECK_S, left))
        check()


def _away(error: BaseException) -> GatewayError:
    return GatewayError(
        "No edge answers.",
        f"{type(error).__name__}, for {AWAY_S:.0f} s.",
        "See the log of the edges.",
        code="gateway_unreachable",
    )
