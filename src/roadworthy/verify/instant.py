"""Instants as people and machines read them: ISO 8601 in UTC to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


def instant(seconds: float) -> str:
    """Seconds since the Unix epoch as `2026-11-21T22:24:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """The way back.

    Raises:
        ValueError: The text is no such instant.
    """
    if not _FORM.match(text):
        raise ValueError("no instant of the form 2026-11-21T22:24:00.000Z")
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def day_start(day: date) -> float:
    """Seconds since the epoch at which a day of UTC begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def day_of(at: float) -> date:
    """The day of UTC of an instant."""
    return datetime.fromtimestamp(at, UTC).date()
