"""What answers say of the mode, the cache and the prompt."""

from __future__ import annotations

import msgspec

from roadworthy.gateway.finished import CacheResult, Masked, ModeServed, PromptUsed

_encode = msgspec.json.Encoder().encode


class Shown:
    """What answers say of the mode, the cache and the prompt, as bytes made once for all requests that fare alike.

    Args:
        mode: The decision; None when no mode was asked for.
        cache: What the cache did.
        prompt: The prompt that was put before the messages; None without one, and then nothing is said of it.
        hidden: What was hidden from the provider and masked in the answer; None where nothing is.
    """

    __slots__ = ("_others", "cache", "cache_line", "hidden", "lines", "members", "mode", "prompt")

    def __init__(
        self,
        mode: ModeServed | None,
        cache: CacheResult = "off",
        prompt: PromptUsed | None = None,
        hidden: Masked | None = None,
    ) -> None:
        self.mode = mode
        self.hidden = hidden
        self.prompt = prompt
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
        if prompt is not None:
            self.members += b',"prompt":%b' % _encode(prompt)
            lines += f"x-roadworthy-prompt: {prompt.id}@{prompt.version}\r\n"
        if hidden is not None:
            self.members += b',"masked":%b' % _encode(hidden)
        self.lines = lines.encode("ascii", "replace")
        self._others: dict[CacheResult | PromptUsed, Shown] = {cache: self}

    def cached(self, cache: CacheResult) -> Shown:
        """The same with another word on the cache; made once."""
        other = self._others.get(cache)
        if other is None:
            other = self._others[cache] = Shown(self.mode, cache, self.prompt)
        return other

    def prompted(self, prompt: PromptUsed) -> Shown:
        """The same with a prompt; made once."""
        other = self._others.get(prompt)
        if other is None:
            other = self._others[prompt] = Shown(self.mode, self.cache, prompt)
        return other

    def masked(self, prompt: dict[str, int], answer: dict[str, int]) -> Shown:
        """The same with how many values of each kind were hidden from the provider and masked in the answer."""
        return Shown(self.mode, self.cache, self.prompt, Masked(prompt, answer))


NOTHING_SHOWN = Shown(None)
"""The answer to a request that asked for no mode and passed the cache by."""
