"""Reversible tokens: what stands in a provider's text for a value, and the way back.

A token is a kind and 80 bits of a keyed hash over scope, kind and value, such as `EMAIL_k5r2mzq7xw3tb6ya`: the same
value gives the same token within a scope, without anything being stored; nothing can be told from tokens of two scopes.
The way back is only what was stored: in memory for one request, or encrypted in a file for as long as it is to last.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import sqlite3
import threading
from base64 import b32encode
from collections.abc import Callable
from time import time
from typing import Protocol

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.pattern import Pattern
from roadworthy.guard.text.policy import LEAST_KEY_BYTES, canonical
from roadworthy.guard.text.prefix import prefixes

_HASH_CHARS = 16
_KINDS = "|".join(sorted((kind.value for kind in Kind), key=len, reverse=True))
_FORM = rf"(?i:(?:{_KINDS})\\{{0,2}}_[a-z2-7]{{{_HASH_CHARS}}})"
TOKEN = re.compile(_FORM.encode())
"""A token as models write it: in any case, and with the underscore escaped as in Markdown."""
LONGEST_TOKEN = max(len(kind.value) for kind in Kind) + 3 + _HASH_CHARS
_BEGUN = Pattern(rf"(?:{prefixes(_FORM, exact=True)})\z").search


class Vault(Protocol):
    """Keeps what tokens stand for."""

    def token(self, kind: Kind, value: bytes) -> bytes:
        """The token of a value, which is kept."""
        ...

    def value(self, token: bytes) -> bytes | None:
        """What it stands for; None when this scope has no such token, or none any more."""
        ...


def derived(key: bytes, purpose: bytes, scope: bytes) -> bytes:
    """A key of 32 bytes for one purpose and scope: HKDF with SHA-256 (RFC 5869).

    Raises:
        ValueError: The key has less than 16 bytes.
    """
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"tokens need a key of at least {LEAST_KEY_BYTES} bytes")
    extracted = hmac.digest(b"roadworthy.guard.vault", key, "sha256")
    return hmac.digest(extracted, purpose + b"\0" + scope + b"\x01", "sha256")


def scope_of(tenant: str, conversation: str = "") -> bytes:
    """The scope of a tenant, or of one conversation of his; no two pairs give the same."""
    return b"%d:%b%b" % (len(tenant.encode()), tenant.encode(), conversation.encode())


class _Tokens:
    """Makes tokens of one scope."""

    def __init__(self, key: bytes, scope: bytes) -> None:
        self._key = derived(key, b"token", scope)

    def of(self, kind: Kind, value: bytes) -> bytes:
        name = kind.value.encode()
        digest = hmac.digest(self._key, name + b"\0" + canonical(kind, value), hashlib.sha256)
        return name + b"_" + b32encode(digest[:10]).lower()


class MemoryVault:
    """What one request needs; it is gone with it. Implements `Vault`.

    Args:
        key: At least 16 bytes.
        scope: See `scope_of`.

    Raises:
        ValueError: The key is too short.
    """

    def __init__(self, key: bytes, scope: bytes) -> None:
        self._tokens = _Tokens(key, scope)
        self._values: dict[bytes, bytes] = {}

    def token(self, kind: Kind, value: bytes) -> bytes:
        """See `Vault.token`. Of two ways to write a value the first one is what comes back."""
        token = self._tokens.of(kind, value)
        self._values.setdefault(token.lower(), value)
        return token

    def value(self, token: bytes) -> bytes | None:
        """See `Vault.value`."""
        return self._values.get(_plain(token))


class SqliteVault:
    """What must outlive a request or the process: encrypted, expiring, one scope. Implements `Vault`.

    Values are encrypted with AES-256-GCM (NIST SP 800-38D) under a key of the scope alone, bound to token and expiry,
    so that a row that was moved, changed or prolonged is no value any more. The file holds neither values nor tenants.

    Args:
        path: The file; it is made with mode 0600.
        key: At least 16 bytes. With another key everything kept is unreadable.
        scope: See `scope_of`.
        ttl_s: Seconds after which a value is forgotten; every use as a new finding begins them anew.
        now: Seconds since the Unix epoch.

    Raises:
        ValueError: The key is too short.
        ModuleNotFoundError: The package `cryptography` is not installed.
        sqlite3.Error: The file cannot be used.
    """

    def __init__(
        self, path: str | os.PathLike[str], key: bytes, scope: bytes, ttl_s: float, now: Callable[[], float] = time
    ) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # heavy, and only this class needs it

        self._tokens = _Tokens(key, scope)
        self._cipher = AESGCM(derived(key, b"encryption", scope))
        self._scope = derived(key, b"name", scope)[:16]
        self._ttl_s = ttl_s
        self._now = now
        self._lock = threading.Lock()
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._store = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._store.execute("PRAGMA journal_mode=WAL")
        self._store.execute("PRAGMA secure_delete=ON")
        self._store.execute(
            "CREATE TABLE IF NOT EXISTS token (scope BLOB, token BLOB, expires REAL, sealed BLOB,"
            " PRIMARY KEY (scope, token)) WITHOUT ROWID"
        )

    def token(self, kind: Kind, value: bytes) -> bytes:
        """See `Vault.token`.

        Raises:
            sqlite3.Error: It could not be kept; then the value must not leave.
        """
        token, expires, nonce = self._tokens.of(kind, value), self._now() + self._ttl_s, os.urandom(12)
        sealed = nonce + self._cipher.encrypt(nonce, value, self._bound(token, expires))
        with self._lock:
            self._store.execute(
                "INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?)", (self._scope, _plain(token), expires, sealed)
            )
        return token

    def value(self, token: bytes) -> bytes | None:
        """See `Vault.value`."""
        from cryptography.exceptions import InvalidTag

        token = _plain(token)
        with self._lock:
            row = self._store.execute(
                "SELECT expires, sealed FROM token WHERE scope = ? AND token = ?", (self._scope, token)
            ).fetchone()
        if row is None or row[0] <= self._now():
            return None
        try:
            value: bytes = self._cipher.decrypt(row[1][:12], row[1][12:], self._bound(token, row[0]))
        except InvalidTag:
            return None
        return value

    def expire(self) -> int:
        """Forget what is over, in every scope; returns how many values that were."""
        with self._lock:
            return self._store.execute("DELETE FROM token WHERE expires <= ?", (self._now(),)).rowcount

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _bound(self, token: bytes, expires: float) -> bytes:
        return self._scope + _plain(token) + b"\0" + repr(expires).encode()


class Restorer:
    """Puts values in the place of tokens, in a text that comes in pieces.

    At most the longest token is held back. Tokens that the vault does not know stay as they are.

    Args:
        vault: Of the request's scope.
        written: How a value is to be written there, such as in JSON escapes.
    """

    def __init__(self, vault: Vault, written: Callable[[bytes], bytes] | None = None) -> None:
        self._vault = vault
        self._written = written
        self._held = b""

    def feed(self, text: str) -> str:
        """The next piece; returns what can be given out now."""
        raw = self._held + text.encode("utf-8", "surrogatepass")
        begun = _BEGUN(raw, 0)
        while begun is not None and TOKEN.fullmatch(raw, begun[0]):
            # What only looks like a token may have the first letters of one as its last.
            known = self._vault.value(raw[begun[0] :]) is not None
            begun = None if known else _BEGUN(raw, begun[0] + 1)
        at = len(raw) if begun is None else begun[0]
        self._held = raw[at:]
        return self._restored(raw[:at])

    def close(self) -> str:
        """The text ends here."""
        held, self._held = self._held, b""
        return self._restored(held)

    def _restored(self, raw: bytes) -> str:
        parts, told, at = [], 0, 0
        while found := TOKEN.search(raw, at):
            value = self._vault.value(found.group())
            if value is None:
                at = found.start() + 1
                continue
            parts += [raw[told : found.start()], value if self._written is None else self._written(value)]
            told = at = found.end()
        return b"".join([*parts, raw[told:]]).decode("utf-8", "surrogatepass")


def _plain(token: bytes) -> bytes:
    return token.replace(b"\\", b"").lower()
