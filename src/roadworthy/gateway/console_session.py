"""Sessions of the console: keys that end by themselves, signed for by an admin key or by a ticket of the owner.

A session is a key of the key store, so that every door of the product already knows how to check, expire and revoke it.
What is kept beside it is who signed for it: when that key is revoked, its sessions go with it, in one transaction.
A ticket is a one-time password that whoever owns the state directory can make; only its SHA-256 is stored.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.errors import AuthError, StorageError
from roadworthy.core.ports import Entry, Journal
from roadworthy.gateway.key_session import OWNER
from roadworthy.gateway.keys import BUSY_S, Key, KeyStore, digest

SESSION_S = 12 * 3600.0
"""How long a session lasts at most, in seconds."""

TICKET_S = 600.0
"""How long a ticket can be exchanged, in seconds."""

NAME = "console-"
"""Names of session keys begin with it."""

_KEPT_S = 7 * 86_400.0
_MOST_TICKETS = 64


class SessionStore:
    """Signs people in to the console. Safe for several threads and processes.

    Args:
        path: The key store's file, `<state_dir>/state.db`.
        keys: The key store on it.
        journal: Where sign-ins, refused ones too, are remembered; None to remember nothing.
        clock: Time.

    Raises:
        StorageError: `store_unavailable` when the file cannot be opened.
    """

    def __init__(self, path: Path, keys: KeyStore, journal: Journal | None = None, clock: Clock | None = None) -> None:
        self._path = path
        self._keys = keys
        self._journal = journal
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        with self._guard():
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        """Close the file; the key store stays open."""
        self._db.close()

    def new_ticket(self) -> str:
        """A ticket: `rwt_` and 43 URL-safe base64 characters (256 random bits), good once within `TICKET_S` seconds.

        Raises:
            StorageError: `store_unavailable`.
        """
        ticket, now = "rwt_" + secrets.token_urlsafe(32), self._clock.wall()
        with self._guard():
            self._db.execute("DELETE FROM console_tickets WHERE expires_at <= ?", (now,))
            # Whoever makes tickets without end must not fill the file: the oldest give way.
            self._db.execute(
                "DELETE FROM console_tickets WHERE sha256 NOT IN "
                "(SELECT sha256 FROM console_tickets ORDER BY expires_at DESC LIMIT ?)",
                (_MOST_TICKETS - 1,),
            )
            self._db.execute("INSERT INTO console_tickets VALUES (?,?)", (digest(ticket), now + TICKET_S))
        return ticket

    def sign_in_by_ticket(self, ticket: str, peer: str) -> tuple[Key, str]:
        """Exchange a ticket for a session; of two who try at once, one gets it.

        Args:
            ticket: As shown.
            peer: Address of who asks, for the journal.

        Returns:
            The session's key, and its secret, which exists nowhere else.

        Raises:
            AuthError: `unauthorized`: it does not exist, was used, or is too old.
            StorageError: `store_unavailable`.
        """
        with self._guard():
            sql = "DELETE FROM console_tickets WHERE sha256 = ? RETURNING expires_at"
            row = self._db.execute(sql, (digest(ticket),)).fetchone()
        if row is None or row[0] <= self._clock.wall():
            self.refused("ticket", peer)
            raise AuthError(
                "This sign-in link is not valid.",
                "It was used before, is more than ten minutes old, or belongs to another gateway.",
                "Run `roadworthy console` where the gateway runs; it prints a new one.",
            )
        return self._begin(None, ("use", "operate", "admin"), None, peer)

    def sign_in_by_key(self, secret: str, peer: str) -> tuple[Key, str]:
        """Begin a session that may do what a key may do, and ends no later than it.

        Args:
            secret: The key.
            peer: Address of who asks, for the journal.

        Returns:
            As `sign_in_by_ticket`.

        Raises:
            AuthError: `unauthorized` for an unknown key; `forbidden` for one without scope admin, or of a session.
            StorageError: `store_unavailable`.
        """
        key = self._keys.find(digest(secret))
        if key is None:
            self.refused("key", peer)
            raise AuthError(
                "This key is not valid.",
                "It does not exist, was revoked, or has expired.",
                "Use an admin key, or run `roadworthy console` where the gateway runs.",
            )
        if "admin" not in key.scopes or self.is_session(key.id):
            self.refused("key", peer, key.id)
            raise AuthError(
                "This key may not open the console.",
                "It lacks the scope admin." if "admin" not in key.scopes else "It is the key of a console session.",
                "Use a key with the scope admin.",
                code="forbidden",
            )
        left = None if key.expires_at is None else key.expires_at - self._clock.wall()
        return self._begin(key, key.scopes, left, peer)

    def sign_out(self, key_id: str) -> bool:
        """End a session; returns whether the key was one."""
        if not self.is_session(key_id):
            return False
        self._keys.revoke(key_id)
        return True

    def is_session(self, key_id: str) -> bool:
        """Whether a key is that of a session."""
        with self._guard():
            sql = "SELECT 1 FROM console_sessions WHERE key_id = ?"
            return self._db.execute(sql, (key_id,)).fetchone() is not None

    def refused(self, by: str, peer: str, key_id: str | None = None) -> None:
        """Remember a sign-in that failed; never what was tried."""
        self._remember("console.sign_in_refused", {"by": by, "peer": peer, "key_id": key_id})

    def _begin(self, signer: Key | None, scopes: Sequence[str], left_s: float | None, peer: str) -> tuple[Key, str]:
        life = SESSION_S if left_s is None else min(SESSION_S, left_s)
        signed_by = OWNER if signer is None else signer.id
        key, secret = self._keys.create(NAME + secrets.token_hex(4), scopes, life, signed_by=signed_by)
        with self._guard():
            self._forget_old()
        if signer is not None and self._keys.get(signer.id).revoked_at is not None:
            self._keys.revoke(key.id)  # between the look at the key and the session
            raise AuthError("This key is not valid.", "It was revoked just now.")
        by = "ticket" if signer is None else "key"
        self._remember("console.signed_in", {"by": by, "peer": peer, "key_id": key.id, "signed_by": signed_by})
        return key, secret

    def _forget_old(self) -> None:
        """Sessions that ended a week ago leave the list of keys; the journal keeps that they were there."""
        old = (
            "SELECT key_id FROM console_sessions JOIN keys ON keys.id = key_id "
            "WHERE min(coalesce(revoked_at, expires_at), expires_at) < ?"
        )
        found = [row[0] for row in self._db.execute(old, (self._clock.wall() - _KEPT_S,))]
        for table, column in (
            ("key_secrets", "key_id"), ("key_limits", "key_id"), ("keys", "id"), ("console_sessions", "key_id"),
        ):  # fmt: skip
            sql = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608 (constants only)
            self._db.executemany(sql, [(one,) for one in found])

    def _remember(self, kind: str, told: dict[str, str | None]) -> None:
        if self._journal is not None:
            self._journal.append([Entry(kind, self._clock.wall(), json.dumps(told).encode())])

    @contextmanager
    def _guard(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except (sqlite3.Error, OSError) as error:
                raise StorageError(
                    "The key store cannot be used.",
                    f"{self._path.name}: {error}.",
                    "Check free space and rights of the state directory.",
                ) from error
