"""What answers say of the mode and the cache."""

from __future__ import annotations

import msgspec

from roadworthy.gateway.finished import CacheResult, ModeServed

_encode = msgspec.json.Encoder().encode


class Shown:
    """What answers say of the mode and the cache, as bytes made once for all requests that fare alike.

    Args:
        mode: The decision; None when no mode was asked for.
        cache: What the cache did.
    """

    __slots__ = ("_others", "cache", "cache_line", "lines", "members", "mode")

    def __init__(self, mode: ModeServed | None, cache: CacheResult = "off") -> None:
        self.mode = mode
        self.cache: CacheResult = cache
        self.cache_line = f"x-roadworthy-cache: {cache}\r\n".encode()
        values = (None, None, None) if mode is None else (mode.requested, mode.served, mode.reason)
        told = tuple(map(_encode, (*values, cache)))
        self.members = b'"mode_requested":%b,"mode_served":%b,"mode_reason":%b,"cache":%b' % told
        lines = ""
        if mode is not None:
            lines = f"x-roadworthy-mode: {mode.served or 'emergency'}\r\n"
            if mode.reason:
                lines += f"x-roadworthy-mode-requested: {mode.requested}\r\nx-roadworthy-mode-reason: {mode.reason}\r\n"
        self.lines = lines.encode("ascii", "replace")
        self._others: dict[CacheResult, Shown] = {cache: self}

    def cached(self, cache: CacheResult) -> Shown:
        """The same with another word on the cache; made once."""
        other = self._others.get(cache)
        if other is None:
            other = self._others[cache] = Shown(self.mode, cache)
        return other


NOTHING_SHOWN = Shown(None)
"""The answer to a request that asked for no mode and passed the cache by."""
