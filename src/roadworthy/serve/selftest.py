"""The self-test of a fresh start: wait until requests are taken, then one plain and one streamed answer over HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from roadworthy.client.gateway import GatewayClient
from roadworthy.client.record import Answer
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import GatewayError, RoadworthyError
from roadworthy.gateway.keys import KeyStore

QUESTION = "Say hello in one short sentence."
MAX_TOKENS = 24
SELF_TEST_KEY = "self-test"
_POLL_S = 0.05
_SLOW_AFTER_S = 30.0


class Trial(NamedTuple):
    """One question of the self-test and how it went.

    Attributes:
        kind: `plain` or `streamed`.
        ok: Whether a whole answer with text came.
        served_by: `provider/model`; empty when nobody served.
        completion_tokens: As counted by the provider, None when unknown.
        latency_ms: Milliseconds to the last byte.
        first_text_ms: Milliseconds to the first text of a stream; None for a plain answer.
        text: The beginning of the answer.
        error: What went wrong, empty when nothing did.
    """

    kind: str
    ok: bool
    served_by: str
    completion_tokens: int | None
    latency_ms: float
    first_text_ms: float | None = None
    text: str = ""
    error: str = ""


def wait_ready(url: str, stopping: threading.Event, say: Callable[[str], None]) -> bool:
    """Poll `/readyz` until it answers 200.

    Args:
        url: Root of the public API.
        stopping: Ends the wait.
        say: Told once when it takes long.

    Returns:
        False when `stopping` was set first.
    """
    begin, told, last = time.monotonic(), False, "nothing answers yet"
    with GatewayClient(url, timeout_s=2.0) as client:
        while not stopping.is_set():
            try:
                health = client.ready()
                if health.ok:
                    return True
                last = f"/readyz says {health.status}"
            except GatewayError as error:
                last = error.what
            if not told and time.monotonic() - begin > _SLOW_AFTER_S:
                told = True
                say(f"Not ready after {_SLOW_AFTER_S:.0f} s: {last} See the messages above; still waiting.")
            stopping.wait(_POLL_S)
    return False


def wait_listening(url: str, stopping: threading.Event, limit_s: float) -> bool:
    """Poll until something listens at the address.

    Args:
        url: Root of an HTTP API.
        stopping: Ends the wait.
        limit_s: Longest wait, in seconds.

    Returns:
        Whether something does.
    """
    parts = urlsplit(url)
    end = time.monotonic() + limit_s
    while not stopping.is_set() and time.monotonic() < end:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((parts.hostname or "", parts.port or 80), timeout=limit_s),
        ):
            return True
        stopping.wait(_POLL_S)
    return False


def run_trials(url: str, key: str | None, route: str) -> tuple[Trial, Trial]:
    """Ask one plain and one streamed question through the real HTTP path.

    Args:
        url: Root of the public API.
        key: Key with scope `use`, None when none is needed.
        route: Model name to ask for.
    """
    with GatewayClient(url, key, fresh=True) as client:
        return _try("plain", lambda: _plain(client, route)), _try("streamed", lambda: _streamed(client, route))


def self_test_key(state_dir: Path) -> str:
    """A key with scope `use` for this one self-test: the secret of the key `self-test`, new at every start.

    Raises:
        StorageError: `store_unavailable`.
    """
    with contextlib.closing(KeyStore(state_dir / "state.db")) as store:
        live = [key for key in store.list() if key.name == SELF_TEST_KEY and key.revoked_at is None]
        return store.rotate(live[0].id)[1] if live else store.create(SELF_TEST_KEY, ["use"])[1]


def _plain(client: GatewayClient, route: str) -> tuple[Answer, float | None]:
    return client.chat(QUESTION, model=route, max_tokens=MAX_TOKENS), None


def _streamed(client: GatewayClient, route: str) -> tuple[Answer, float | None]:
    begin, first = time.monotonic(), None
    for piece in client.stream(QUESTION, model=route, max_tokens=MAX_TOKENS):
        if isinstance(piece, Answer):
            return piece, first
        if first is None and piece.strip():
            first = (time.monotonic() - begin) * 1000
    raise GatewayError("The stream ended without an answer.", code="stream_incomplete")


def _try(kind: str, ask: Callable[[], tuple[Answer, float | None]]) -> Trial:
    begin = time.monotonic()
    try:
        answer, first = ask()
    except RoadworthyError as error:
        hint = ""
        if isinstance(error, RemoteError) and error.debug_hint and error.debug_hint not in str(error):
            hint = f" ({error.debug_hint})"
        return Trial(kind, False, "", None, (time.monotonic() - begin) * 1000, error=f"{error.code}: {error}{hint}")
    ok = bool(answer.text.strip())
    return Trial(
        kind,
        ok,
        answer.served_by,
        answer.completion_tokens,
        answer.latency_ms,
        first,
        answer.text.strip()[:80],
        "" if ok else "the answer has no text",
    )
