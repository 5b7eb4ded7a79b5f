"""Every secret that a provider was ever sent by this process, so that none of them is repeated in its words."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from urllib.parse import quote

from roadworthy.gateway.settings import ProviderSettings

LEAST_SECRET_CHARS = 8
"""Shorter values of configured header lines are no secrets, and taking them out would garble every text."""
LEAST_PART_CHARS = 12
"""The same for the words of such a value: shorter ones are versions and media types."""
REMEMBERED = 32
"""Sets of values from before that are still taken out: a request under way may come back with an old key."""


class KnownSecrets:
    """Takes keys out of texts.

    Args:
        providers: With their keys.
    """

    def __init__(self, providers: Iterable[ProviderSettings]) -> None:
        self._sets: deque[frozenset[str]] = deque(maxlen=REMEMBERED)
        self._forms: list[str] = []
        self._told: Callable[[str], object] | None = None
        self.learn(providers)

    def listen(self, told: Callable[[str], object]) -> None:
        """Tell every secret that is known and every later one, for the masker of logs and journal."""
        self._told = told
        for secret in self._forms:
            told(secret)

    def learn(self, providers: Iterable[ProviderSettings]) -> None:
        """Take these out, too; the ones from before stay known."""
        self._sets.append(frozenset(_secrets(providers)))
        self._forms = sorted(frozenset().union(*self._sets), key=len, reverse=True)
        if self._told is not None:
            for secret in self._sets[-1]:
                self._told(secret)

    def take_out(self, text: str) -> str:
        """The text with `***MASKED***` in the place of every key."""
        for secret in self._forms:
            text = text.replace(secret, "***MASKED***")
        return text

    def holds(self, text: str) -> bool:
        """Whether a key is in the text."""
        return any(secret in text for secret in self._forms)


def _secrets(providers: Iterable[ProviderSettings]) -> set[str]:
    """Every configured secret as providers may repeat it."""
    found: set[str] = set()
    for provider in providers:
        if provider.api_key:
            found.add(provider.api_key)
        for value in provider.headers.values():  # a whole value such as `Bearer KEY`, or the key in it
            if len(value) >= LEAST_SECRET_CHARS:
                found.add(value)
            found.update(part for part in re.split(r"[\s;,=]+", value) if len(part) >= LEAST_PART_CHARS)
    return {form for secret in found for form in (secret, quote(secret, safe=""), secret.replace("/", "\\/"))}
