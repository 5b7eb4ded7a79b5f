"""The part of console sessions that lies in the key store's transactions: tables, and what a revocation takes along."""

from __future__ import annotations

import sqlite3

OWNER = "owner"
"""Who signed for a session that began with a ticket: whoever owns the state directory. No key has this id."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS console_sessions (key_id TEXT PRIMARY KEY, signed_by TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS console_tickets (sha256 TEXT PRIMARY KEY, expires_at REAL NOT NULL) STRICT;
"""
_REVOKE = (
    "UPDATE keys SET revoked_at = :now WHERE revoked_at IS NULL "
    "AND id IN (SELECT key_id FROM console_sessions WHERE signed_by = :id)"
)


def revoke_signed(db: sqlite3.Connection, key_id: str, now: float) -> None:
    """Revoke the sessions that a key signed for, inside the caller's transaction."""
    db.execute(_REVOKE, {"now": now, "id": key_id})


def write(db: sqlite3.Connection, key_id: str, signed_by: str) -> None:
    """Tie a session's key to who signed for it, inside the caller's transaction."""
    db.execute("INSERT INTO console_sessions VALUES (?,?)", (key_id, signed_by))
