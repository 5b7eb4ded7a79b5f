"""What becomes of a finding, per kind: kept, marked, shown by its last four, or replaced by a keyed hash or a token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from enum import StrEnum

from roadworthy.guard.text.kind import Kind, mark


class Action(StrEnum):
    """What to do with a kind."""

    KEEP = "keep"
    MARK = "mark"
    LAST4 = "last4"
    HASH = "hash"
    TOKEN = "token"  # noqa: S105 - the name of an action


LEAST_KEY_BYTES = 16
_HASH_DIGITS = 16


class Policy:
    """Chooses what takes a finding's place.

    Args:
        actions: Per kind; kinds that are not named are marked.
        key: Of the keyed hash (HMAC-SHA-256, RFC 2104), at least 16 bytes; needed where a kind is hashed. The same
            value gives the same hash under the same key, so that lines about one person can be told to belong together.
        token: Gives the token of a value (see `vault`); needed where a kind gets tokens.

    Raises:
        ValueError: A kind is hashed and the key is missing or short, or a kind gets tokens and nothing gives them.
    """

    def __init__(
        self,
        actions: Mapping[Kind, Action] | None = None,
        key: bytes = b"",
        token: Callable[[Kind, bytes], bytes] | None = None,
    ) -> None:
        self._actions = dict(actions or {})
        self._key = key
        self._token = token
        if Action.TOKEN in self._actions.values() and token is None:
            raise ValueError("tokens need a vault")
        if Action.HASH in self._actions.values() and len(key) < LEAST_KEY_BYTES:
            raise ValueError(f"hashes need a key of at least {LEAST_KEY_BYTES} bytes")

    def keeps(self, kind: Kind) -> bool:
        """Whether values of this kind stay as they are."""
        return self._actions.get(kind) is Action.KEEP

    def replacement(self, kind: Kind, value: bytes) -> bytes | None:
        """What stands there instead; None when the value stays.

        Args:
            kind: Of the finding.
            value: The bytes found.
        """
        action = self._actions.get(kind, Action.MARK)
        if action is Action.KEEP:
            return None
        if action is Action.TOKEN and self._token is not None:
            return self._token(kind, value)
        if action is Action.LAST4:
            return mark(kind)[:-3] + b":" + _last_four(value) + b"***"
        if action is Action.HASH:
            digest = hmac.new(self._key, kind.value.encode() + b"\0" + canonical(kind, value), hashlib.sha256)
            return b"%b_%b" % (kind.value.lower().encode(), digest.hexdigest()[:_HASH_DIGITS].encode())
        return mark(kind)


def canonical(kind: Kind, value: bytes) -> bytes:
    """One form for all ways to write the same value: letters and digits only, in lower case; addresses whole."""
    if kind in (Kind.EMAIL, Kind.IP):
        return value.lower()
    return bytes(byte for byte in value.lower() if chr(byte).isalnum() or byte >= 0x80)


def _last_four(value: bytes) -> bytes:
    return bytes(byte for byte in value if chr(byte).isascii() and chr(byte).isalnum())[-4:]
