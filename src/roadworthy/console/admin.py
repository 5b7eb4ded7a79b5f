"""What the page *Admin* says of keys, as records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roadworthy.client.record import KeyInfo
from roadworthy.console.markup import Tone

SESSION_NAME = "console-"
"""Names of the keys of this console's sessions begin with it."""

_TONES: dict[str, Tone] = {"active": "good", "expired": "mute", "revoked": "mute"}
_ORDER = {"active": 0, "expired": 1, "revoked": 2}


@dataclass(frozen=True)
class KeyRow:
    """One key. Times in seconds since the Unix epoch (UTC); None is never."""

    id: str
    name: str
    scopes: tuple[str, ...]
    state: str
    tone: Tone
    created_at: float | None
    expires_at: float | None
    rotated_at: float | None


def is_session(key: KeyInfo) -> bool:
    """Whether a key looks like that of a session: such keys always end, and are made by signing in."""
    return key.name.startswith(SESSION_NAME) and key.expires_at is not None


def key_state(key: KeyInfo) -> str:
    """active, expired, revoked, or unknown."""
    return key.state or "unknown"


def key_rows(keys: Iterable[KeyInfo]) -> tuple[KeyRow, ...]:
    """Living keys first, the newest of each group first."""
    rows = [
        KeyRow(
            key.id, key.name, key.scopes, key_state(key), _TONES.get(key.state, "mute"), key.created_at,
            key.expires_at, key.rotated_at,
        )
        for key in keys
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (_ORDER.get(row.state, 3), -(row.created_at or 0.0))))
