"""Virtual keys: who may call the gateway. Only the SHA-256 of a key is stored; the key itself is shown once.

A key is 256 random bits, so a fast hash is right (there is nothing to guess, unlike a password), and a look-up by
hash needs no comparison in constant time: whoever could learn a hash's prefix from timing still could not invert it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from roadworthy.core.clock import Clock, SystemClock
from roadworthy.core.errors import StorageError, UsageError
from roadworthy.core.ports import Entry, Journal
from roadworthy.gateway import key_limits, key_session, settings
from roadworthy.runtime.journal import make_private
from roadworthy.runtime.wal import use_wal

Scope = Literal["use", "operate", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a key may allow: call models; look after the gateway; everything, keys included. `admin` implies the others."""

BUSY_S = 5.0
"""How long to wait for another process that writes."""

MAX_LIFE_DAYS = 3_650
MAX_OVERLAP_S = 30 * 86_400

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL, created_at REAL NOT NULL,
  expires_at REAL, rotated_at REAL, revoked_at REAL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS keys_live_name ON keys (name) WHERE revoked_at IS NULL;
CREATE TABLE IF NOT EXISTS key_secrets (
  sha256 TEXT PRIMARY KEY, key_id TEXT NOT NULL REFERENCES keys (id), valid_until REAL) STRICT;
CREATE TABLE IF NOT EXISTS key_changes (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO key_changes VALUES (1, 0);
"""
_LIST = "SELECT id, name, scopes, created_at, expires_at, rotated_at, revoked_at FROM keys ORDER BY created_at, id"
# A secret counts while its key is neither revoked nor expired and the secret itself is not past its overlap.
_FROM_LIVE = (
    "FROM keys JOIN key_secrets ON key_id = id WHERE revoked_at IS NULL "
    "AND (expires_at IS NULL OR expires_at > :now) AND (valid_until IS NULL OR valid_until > :now)"
)
# What a session does is its signer's: reports outlive it, and the signer's limits hold.
_SIGNER = "coalesce((SELECT signed_by FROM console_sessions AS s WHERE s.key_id = id), id)"
_ACTIVE = f"SELECT {_SIGNER}, sha256, scopes, expires_at, valid_until {_FROM_LIVE} ORDER BY created_at, id"
_FIND = f"SELECT id, name, scopes, created_at, expires_at, rotated_at, revoked_at {_FROM_LIVE} AND sha256 = :sha256"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as people see it. Times in seconds since the Unix epoch (UTC).

    Args:
        id: Public id: `key_` and 12 hexadecimal digits. May appear in logs and metrics.
        name: What its maker called it; unique among the keys that are not revoked.
        scopes: What it allows.
        created_at: When it was made.
        expires_at: From when on it is refused; None for never.
        rotated_at: When its secret was last replaced; None for never.
        revoked_at: When it was taken away; None while it is not.
        limits: Its budget and rates; None when it has none of its own.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None = None
    rotated_at: float | None = None
    revoked_at: float | None = None
    limits: settings.KeyLimits | None = None

    def state(self, now: float) -> Literal["active", "expired", "revoked"]:
        """What it is worth at a time."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


def new_secret() -> str:
    """A new key: `rw_` and 43 URL-safe base64 characters (256 random bits)."""
    return "rw_" + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The SHA-256 of a key as 64 hexadecimal digits: what is stored and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class KeyStore:
    """Keys in a SQLite file, shared by every process of one gateway. Safe for several threads.

    Giving access is written to the journal before it takes effect; taking it away takes effect first.

    Args:
        path: The file, `<state_dir>/state.db`; made with mode 0600 (and its folder with 0700) when missing.
        journal: Where changes are remembered; None to remember nothing.
        clock: Time.

    Raises:
        StorageError: `store_unavailable` when the file cannot be opened or is no database.
    """

    def __init__(self, path: Path, journal: Journal | None = None, clock: Clock | None = None) -> None:
        self._path = path
        self._journal = journal
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._seen: int | None = None
        self._next_end: float | None = None
        with self._guard():
            make_private(path)
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                use_wal(self._db, BUSY_S)
                # A revocation must survive a power cut; keys change so rarely that the wait does not matter.
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.executescript(_SCHEMA + key_limits.SCHEMA + key_session.SCHEMA)
            except sqlite3.Error:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def create(
        self,
        name: str,
        scopes: Sequence[str],
        expires_s: float | None = None,
        limits: Mapping[str, float | None] | None = None,
        signed_by: str | None = None,
    ) -> tuple[Key, str]:
        """Make a key.

        Args:
            name: 1 to 63 of a-z 0-9 . _ - , the first a letter or digit; no living key may have it.
            scopes: One or more of `SCOPES`.
            expires_s: Seconds until it expires, at most 3,650 days; None for never.
            limits: Names and values, as for `set_limits`.
            signed_by: For the key of a console session: id of the key that signed for it, or `key_session.OWNER`.

        Returns:
            The key, and its secret, which exists nowhere else.

        Raises:
            UsageError: `invalid_request` for a bad or taken name, an unknown scope, a bad life or limit.
            StorageError: `store_unavailable`; no key was made.
        """
        _check_name(name)
        _check_life(expires_s)
        now = self._clock.wall()
        key = Key(
            "key_" + secrets.token_hex(6),
            name,
            _check_scopes(scopes),
            now,
            None if expires_s is None else now + expires_s,
            limits=key_limits.changed(None, limits or {}),
        )
        if any(other.name == name and other.revoked_at is None for other in self.list()):
            raise _taken(name)
        self._remember("key.created", key)
        secret = new_secret()
        try:
            with self._write() as db:
                row = (key.id, name, " ".join(key.scopes), now, key.expires_at)
                db.execute("INSERT INTO keys (id, name, scopes, created_at, expires_at) VALUES (?,?,?,?,?)", row)
                db.execute("INSERT INTO key_secrets VALUES (?,?,NULL)", (digest(secret), key.id))
                key_limits.write(db, key.id, key.limits)
                if signed_by is not None:
                    key_session.write(db, key.id, signed_by)
        except sqlite3.IntegrityError as error:
            raise _taken(name) from error
        return key, secret

    def list(self) -> tuple[Key, ...]:
        """All keys, revoked and expired ones too, oldest first."""
        with self._guard():
            limits = key_limits.read(self._db)
            return tuple(_key(row, limits.get(row[0])) for row in self._db.execute(_LIST))

    def get(self, name_or_id: str) -> Key:
        """A key by its id, or the living one by its name.

        Raises:
            UsageError: `not_found`.
        """
        for key in self.list():
            if key.id == name_or_id or (key.name == name_or_id and key.revoked_at is None):
                return key
        raise UsageError(
            "There is no such key.",
            "No key has this id and no living key has this name.",
            "`roadworthy key list` shows the keys.",
            code="not_found",
        )

    def revoke(self, name_or_id: str) -> Key:
        """Take a key away at once and for good, and console sessions that it signed for; again changes nothing.

        Raises:
            UsageError: `not_found`.
            StorageError: `store_unavailable`.
        """
        key, now = self.get(name_or_id), self._clock.wall()
        with self._write() as db:
            sql = "UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
            changed = db.execute(sql, (now, key.id)).rowcount
            key_session.revoke_signed(db, key.id, now)
        key = self.get(key.id)
        if changed:
            self._remember("key.revoked", key)
        return key

    def rotate(self, name_or_id: str, overlap_s: float = 0.0) -> tuple[Key, str]:
        """Give a key a new secret.

        Args:
            name_or_id: The key, neither revoked nor expired.
            overlap_s: Seconds for which the old secret stays valid, 0 to 30 days. An older one that is still in
                its own overlap does not gain time.

        Returns:
            The key, and its new secret, which exists nowhere else.

        Raises:
            UsageError: `not_found`, or `invalid_request` for a dead key or a bad overlap.
            StorageError: `store_unavailable`; the old secret still holds.
        """
        if not 0 <= overlap_s <= MAX_OVERLAP_S:
            raise UsageError("The overlap is out of bounds.", f"It must be 0 to {MAX_OVERLAP_S} seconds.")
        key, now = self.get(name_or_id), self._clock.wall()
        _must_live(key, now)
        self._remember("key.rotated", key, overlap_s=overlap_s)
        secret, until = new_secret(), now + overlap_s
        with self._write() as db:
            sql = "UPDATE keys SET rotated_at = ? WHERE id = ? AND revoked_at IS NULL"
            if not db.execute(sql, (now, key.id)).rowcount:
                raise UsageError("The key was revoked meanwhile.", "", "Create a new one.")
            db.execute(
                "UPDATE key_secrets SET valid_until = min(coalesce(valid_until, :until), :until) WHERE key_id = :id",
                {"until": until, "id": key.id},
            )
            db.execute("INSERT INTO key_secrets VALUES (?,?,NULL)", (digest(secret), key.id))
        return self.get(key.id), secret

    def set_limits(self, name_or_id: str, changes: Mapping[str, float | None]) -> Key:
        """Change what a key may use; running gateways follow within a second.

        Args:
            name_or_id: The key, neither revoked nor expired.
            changes: New values by name of the limit (a field of `KeyLimits`); None takes a limit away.

        Raises:
            UsageError: `not_found`, or `invalid_request` for a dead key, an unknown limit or a value out of bounds.
            StorageError: `store_unavailable`; the old limits still hold.
        """
        key = self.get(name_or_id)
        _must_live(key, self._clock.wall())
        limits = key_limits.changed(key.limits, changes)
        self._remember("key.limited", key, **{name: getattr(limits, name, None) for name in key_limits.BOUNDS})
        with self._write() as db:
            key_limits.write(db, key.id, limits)
        return self.get(key.id)

    def find(self, sha256: str) -> Key | None:
        """The key whose secret has this hash; None when there is none or it is revoked, expired or replaced."""
        with self._guard():
            row = self._db.execute(_FIND, {"sha256": sha256, "now": self._clock.wall()}).fetchone()
        return None if row is None else _key(row)

    def active(self) -> tuple[settings.Key, ...]:
        """What an edge needs: one entry per valid secret, a session's under the id of who signed for it.

        Ask again when `changed()` says so.
        """
        now = self._clock.wall()
        with self._guard():
            seen = self._count()
            rows = self._db.execute(_ACTIVE, {"now": now}).fetchall()
            limits = key_limits.read(self._db)
            ends = [end for row in rows for end in row[3:] if end is not None]
            self._seen, self._next_end = seen, min(ends, default=None)
        return tuple(settings.Key(row[0], row[1], tuple(row[2].split()), limits.get(row[0])) for row in rows)

    def has_admin(self) -> bool:
        """Whether a valid key with scope `admin` exists; without one the admin routes are off."""
        now = self._clock.wall()
        return any("admin" in key.scopes and key.state(now) == "active" for key in self.list())

    def changed(self) -> bool:
        """Whether `active()` may answer differently than when this object last called it.

        Reads one row, so it may be asked every second. The counter moves with each change of a key by any process,
        and a key or an overlap that ran out since counts as a change too. (`PRAGMA data_version` would not do: the
        journal writes to the same file, and it does not see writes of its own connection.)
        """
        with self._guard():
            if self._seen is None or (self._next_end is not None and self._next_end <= self._clock.wall()):
                return True
            return self._count() != self._seen

    def _count(self) -> int:
        return int(self._db.execute("SELECT count FROM key_changes").fetchone()[0])

    def _remember(self, kind: str, key: Key, **more: float | None) -> None:
        if self._journal is None:
            return
        told = {"id": key.id, "name": key.name, "scopes": list(key.scopes), "expires_at": key.expires_at, **more}
        self._journal.append([Entry(kind, self._clock.wall(), json.dumps(told).encode())])

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """One thread at a time; what the disk refuses becomes our error. A broken constraint passes through."""
        with self._lock:
            try:
                yield
            except sqlite3.IntegrityError:
                raise
            except (sqlite3.Error, OSError) as error:
                raise StorageError(
                    "The key store cannot be used.",
                    f"{self._path.name}: {error}.",
                    "Check free space and rights of the state directory.",
                ) from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that moves the change counter; rolled back when anything fails."""
        with self._guard():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("UPDATE key_changes SET count = count + 1")
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _key(
    row: tuple[str, str, str, float, float | None, float | None, float | None],
    limits: settings.KeyLimits | None = None,
) -> Key:
    return Key(row[0], row[1], tuple(row[2].split()), *row[3:], limits)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            "The name of the key is not allowed.",
            "It must be 1 to 63 of a-z 0-9 . _ - and begin with a-z or 0-9.",
            param="name",
        )


def _check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    if not scopes or not set(scopes) <= set(SCOPES):
        raise UsageError(
            "The scopes of the key are not allowed.",
            f"They must be one or more of {', '.join(SCOPES)}.",
            param="scopes",
        )
    return tuple(scope for scope in SCOPES if scope in scopes)


def _check_life(expires_s: float | None) -> None:
    if expires_s is not None and not 0 < expires_s <= MAX_LIFE_DAYS * 86_400:
        raise UsageError(
            "The life of the key is out of bounds.",
            f"It must be more than 0 and at most {MAX_LIFE_DAYS} days.",
            param="expires_s",
        )


def _must_live(key: Key, now: float) -> None:
    state = key.state(now)
    if state != "active":
        raise UsageError(
            f"The key is {state}.",
            "A key that is revoked or expired stays so.",
            "Create a new one with `roadworthy key create`.",
        )


def _taken(name: str) -> UsageError:
    return UsageError(
        f"A key named {name} exists already.",
        "Names are unique among the keys that are not revoked.",
        f"Choose another name, or run `roadworthy key revoke {name}` first.",
        param="name",
    )
