"""Asks the admin API about sessions, and remembers its answer for a few seconds."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from roadworthy.client.admin import AdminClient
from roadworthy.client.transport import RemoteError
from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.errors import GatewayError

FRESH_S = 5.0
"""How long an answer is believed, in seconds: so late does a revocation reach an open page at most."""

_REFUSED = frozenset({"unauthorized", "forbidden", "admin_disabled", "not_found"})
_MOST = 512


class Standing(Enum):
    """What a session is worth now; unknown when the admin API does not answer."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class _Seen(NamedTuple):
    standing: Standing
    until: float


class Desk:
    """Signs in and out, and knows who is signed in.

    Args:
        admin: Gives a client of the admin API for a key.
        clock: Time.
    """

    def __init__(self, admin: Callable[[str | None], AdminClient], clock: Clock | None = None) -> None:
        self._admin = admin
        self._clock = clock or SystemClock()
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Standing]] = {}

    async def standing(self, secret: str) -> Standing:
        """What a session is worth; requests that come at once share one question."""
        name = hashlib.sha256(secret.encode()).digest()
        seen = self._seen.get(name)
        if seen is not None and self._clock.monotonic() < seen.until:
            return seen.standing
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = asyncio.create_task(self._ask(name, secret))
            asking.add_done_callback(lambda _: self._asking.pop(name, None))
        return await asyncio.shield(asking)

    async def sign_in(self, peer: str, *, key: str | None = None, ticket: str | None = None) -> tuple[str, float]:
        """Begin a session.

        Args:
            peer: Address of the browser.
            key: An admin key, or
            ticket: a ticket.

        Returns:
            The session's secret, and the seconds that it lasts.

        Raises:
            RemoteError: What the admin API says against it.
            GatewayError: `gateway_unreachable`.
        """

        def begin() -> tuple[str, float]:
            with self._admin(None) as admin:
                made = admin.console.sign_in(key=key, ticket=ticket, peer=peer)
            return made.secret, max(0.0, (made.key.expires_at or 0.0) - self._clock.wall())

        return await run_in_threadpool(begin)

    async def sign_out(self, secret: str) -> None:
        """End a session; one that is over already is no error.

        Raises:
            GatewayError: `gateway_unreachable`: it still holds.
        """

        def end() -> None:
            with self._admin(secret) as admin:
                admin.console.sign_out()

        try:
            await run_in_threadpool(end)
        except RemoteError as error:
            if error.code not in _REFUSED:
                raise
        self._seen.pop(hashlib.sha256(secret.encode()).digest(), None)

    async def _ask(self, name: bytes, secret: str) -> Standing:
        standing, left_s = await run_in_threadpool(self._look, secret)
        if standing is not Standing.UNKNOWN:
            self._seen[name] = _Seen(standing, self._clock.monotonic() + min(FRESH_S, left_s))
            self._seen.move_to_end(name)
            if len(self._seen) > _MOST:
                self._seen.popitem(last=False)
        return standing

    def _look(self, secret: str) -> tuple[Standing, float]:
        try:
            with self._admin(secret) as admin:
                key = admin.console.who()
        except RemoteError as error:
            return (Standing.INVALID if error.code in _REFUSED else Standing.UNKNOWN), FRESH_S
        except GatewayError:
            return Standing.UNKNOWN, 0.0
        left = FRESH_S if key.expires_at is None else key.expires_at - self._clock.wall()
        return (Standing.VALID if left > 0 else Standing.INVALID), max(0.0, left)
