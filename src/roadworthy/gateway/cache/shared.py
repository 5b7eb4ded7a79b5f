"""Answers that replicas share through Valkey or Redis, behind each worker's own memory.

What is young is answered from memory alone; else the server is asked too, and the younger one wins. A server that is
away, slow or full costs a hit and nothing else: memory goes on.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from roadworthy import __version__
from roadworthy.core.ports import Kept
from roadworthy.gateway.cache.memory import LARGEST_SHARE, MemoryCache
from roadworthy.gateway.line import Line

ASK_S = 0.05
"""Longest wait for the server's answer; a request would rather ask a provider than wait longer."""
ALONE_S = 30.0
"""An answer in memory that is younger is not looked for on the server."""
CLEARED = b"cache-cleared"
"""What is told on the channel when the cache is cleared."""
SWEEP_KEYS = 500
_KEEP = struct.Struct(">Q")
_FETCH = """
local key = ARGV[1] .. (redis.call('GET', KEYS[1]) or '0') .. ':' .. ARGV[2]
return {redis.call('GET', key), redis.call('PTTL', key)}
"""
_PUT = """
local key = ARGV[1] .. (redis.call('GET', KEYS[1]) or '0') .. ':' .. ARGV[2]
return redis.call('SET', key, ARGV[3], 'PX', ARGV[4])
"""
# The time of the server, so that a server that forgot the round never begins an earlier one.
_CLEAR = """
local t = redis.call('TIME')
local round = string.format('%d', t[1] * 1000 + math.floor(t[2] / 1000))
redis.call('SET', KEYS[1], round)
return round
"""


class SharedCache:
    """A `core.ports.Cache`. Use it from the event loop's thread.

    Every entry's key carries the round of the cache; clearing begins the next round, in one step for all replicas, and
    what is left of earlier rounds is deleted behind it. Replicas of different versions do not share answers.

    Args:
        memory: This worker's own.
        line: To the server.
        prefix: First part of every key.
        channel: Where other workers hear that the cache was cleared.
    """

    def __init__(self, memory: MemoryCache, line: Line, prefix: str, channel: str) -> None:
        self._memory = memory
        self._line = line
        self._round = f"{prefix}:cache-round"
        self._prefix = f"{prefix}:cache:{__version__}:"
        self._every = f"{prefix}:cache:*"
        self._channel = channel
        self._owes_clearing = False
        self._known_round = 0  # 0 until the server was asked
        self._loop = asyncio.get_running_loop()

    def fetch(self, key: bytes, told: Callable[[Kept | None], None]) -> None:
        """Look a key up in memory, then on the server, for at most `ASK_S`."""
        own: list[Kept | None] = []
        self._memory.fetch(key, own.append)
        kept = own[0]
        if (kept is not None and kept.age_s < ALONE_S) or not self._line.up:
            told(kept)
            return
        _Asked(kept, told, self._loop).by(self._line, (_FETCH, 1, self._round, self._prefix, key))

    def put(self, key: bytes, value: bytes, keep_s: float) -> None:
        """Keep a value here and there."""
        self._memory.put(key, value, keep_s)
        keep_ms = int(keep_s * 1000)
        if keep_ms > 0 and len(value) <= self._memory.max_bytes // LARGEST_SHARE:
            self._line.send("EVAL", _PUT, 1, self._round, self._prefix, key, _KEEP.pack(keep_ms) + value, keep_ms)

    def clear(self) -> int:
        """Forget everything, here and in all replicas; returns how many entries this worker's memory held.

        While the server is away only this worker forgets; the rest is done when it is back, if the worker lives.
        """
        self._clear_there()
        return self._memory.clear()

    def cleared(self) -> None:
        """Another worker cleared the cache."""
        self._memory.clear()
        self._line.send("GET", self._round, told=self._catch_up)

    def back(self) -> None:
        """The server can be reached again: do what was asked for while it was away, here and by others."""
        self._line.send("GET", self._round, told=self._catch_up)
        if self._owes_clearing:
            self._clear_there()

    def _catch_up(self, answer: object) -> None:
        if isinstance(answer, bytes) and answer.isdigit() and int(answer) > self._known_round:
            if self._known_round:
                self._memory.clear()
            self._known_round = int(answer)
        self._known_round = self._known_round or 1  # from now on every round is a later one

    def _clear_there(self) -> None:
        self._owes_clearing = False
        self._line.send("EVAL", _CLEAR, 1, self._round, told=self._sweep)
        self._line.send("PUBLISH", self._channel, CLEARED)

    def _sweep(self, answer: object) -> None:
        """Delete what earlier rounds left, a few hundred keys at a time; nobody can read it any more."""
        if not isinstance(answer, bytes):
            self._owes_clearing = True
            return
        self._known_round = max(self._known_round, int(answer))
        self._sweep_from(b"0", self._prefix.encode() + answer + b":")

    def _sweep_from(self, cursor: bytes, present: bytes) -> None:
        def told(answer: object) -> None:
            if not isinstance(answer, list) or len(answer) != 2:
                return
            following, keys = answer
            old = [key for key in keys if not key.startswith(present)]
            if old:
                self._line.send("UNLINK", *old)
            if following != b"0":
                self._sweep_from(following, present)

        self._line.send("SCAN", cursor, "MATCH", self._every, "COUNT", SWEEP_KEYS, told=told)


class _Asked:
    """A question to the server that is answered once: by the server or by the time."""

    __slots__ = ("_kept", "_timer", "_told")

    def __init__(self, kept: Kept | None, told: Callable[[Kept | None], None], loop: asyncio.AbstractEventLoop) -> None:
        self._kept = kept
        self._told: Callable[[Kept | None], None] | None = told
        self._timer = loop.call_later(ASK_S, self._answer, None)

    def by(self, line: Line, words: tuple[bytes | str | int, ...]) -> None:
        """Ask."""
        line.send("EVAL", *words, told=self._heard)

    def _heard(self, answer: object) -> None:
        self._timer.cancel()
        self._answer(_read(answer))

    def _answer(self, found: Kept | None) -> None:
        told, self._told = self._told, None
        if told is not None:
            own = self._kept
            told(own if found is None or (own is not None and own.age_s <= found.age_s) else found)


def _read(answer: object) -> Kept | None:
    if not isinstance(answer, list) or len(answer) != 2 or not isinstance(answer[0], bytes):
        return None
    packed, left_ms = answer
    if len(packed) < _KEEP.size or not isinstance(left_ms, int) or left_ms < 0:
        return None
    (keep_ms,) = _KEEP.unpack_from(packed)
    return Kept(packed[_KEEP.size :], max(0, keep_ms - left_ms) / 1000)
