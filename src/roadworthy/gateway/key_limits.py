"""Limits of keys as the key store keeps them, and what limits may be."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping

from roadworthy.core.errors import UsageError
from roadworthy.gateway.settings import KeyLimits

SCHEMA = """
CREATE TABLE IF NOT EXISTS key_limits (
  key_id TEXT PRIMARY KEY REFERENCES keys (id), usd_per_day REAL, tokens_per_day INTEGER, requests_per_minute INTEGER,
  tokens_per_minute INTEGER, concurrent INTEGER) STRICT;
"""
BOUNDS: dict[str, tuple[int, int]] = {
    "usd_per_day": (0, 1_000_000),
    "tokens_per_day": (0, 1_000_000_000_000),
    "requests_per_minute": (1, 10_000_000),
    "tokens_per_minute": (1, 100_000_000),
    "concurrent": (1, 1_000_000),
}
"""Least and most of each limit; as in the configuration."""


def changed(limits: KeyLimits | None, changes: Mapping[str, float | None]) -> KeyLimits | None:
    """Limits with some of them changed; None when none is left.

    Args:
        limits: As they are.
        changes: New values by name of the limit; None takes a limit away.

    Raises:
        UsageError: `invalid_request` for an unknown name or a value out of bounds.
    """
    values = {name: getattr(limits, name, None) for name in BOUNDS}
    for name, value in changes.items():
        values[name] = None if value is None else _checked(name, value)
    return KeyLimits(**values) if any(value is not None for value in values.values()) else None


def read(db: sqlite3.Connection) -> dict[str, KeyLimits]:
    """Limits of every key that has any, by the key's id."""
    names = ", ".join(BOUNDS)
    rows = db.execute(f"SELECT key_id, {names} FROM key_limits").fetchall()  # noqa: S608 (constants only)
    return {row[0]: KeyLimits(*row[1:]) for row in rows}


def write(db: sqlite3.Connection, key_id: str, limits: KeyLimits | None) -> None:
    """Replace the limits of a key; None takes all away."""
    db.execute("DELETE FROM key_limits WHERE key_id = ?", (key_id,))
    if limits is not None:
        db.execute("INSERT INTO key_limits VALUES (?,?,?,?,?,?)", (key_id, *(getattr(limits, name) for name in BOUNDS)))


def _checked(name: str, value: float) -> float | int:
    if name not in BOUNDS:
        raise UsageError("There is no such limit.", f"Limits are {', '.join(BOUNDS)}.", param="limits")
    least, most = BOUNDS[name]
    whole = name != "usd_per_day"
    number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    if not number or not least <= value <= most or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        why = f"It must be {kind} from {least} to {most}."
        raise UsageError(f"The limit {name} is out of bounds.", why, param=name)
    return int(value) if whole else float(value)
