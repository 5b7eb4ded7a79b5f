"""Numbers and times in words. What is unknown stays None, which the markup shows as the word unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

_STEPS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def duration(seconds: float | None) -> str | None:
    """For example `3 s`, `12 min`, `5 h 20 min`, `2 d 4 h`."""
    if seconds is None:
        return None
    if seconds < 60:
        return f"{max(0.0, seconds):.0f} s"
    left, found = seconds, []
    for size, name in _STEPS:
        count = int(left // size)
        left -= count * size
        if count:
            found.append(f"{count} {name}")
    return " ".join(found[:2])


def ago(at: float | None, now: float) -> str | None:
    """How long ago something was."""
    if at is None:
        return None
    passed = duration(now - at)
    return f"{passed} ago" if now - at >= 1 else "now"


def clock(at: float | None, offset_min: int = 0, day: bool = False) -> str | None:
    """A time of day where the reader is.

    Args:
        at: Seconds since the Unix epoch (UTC).
        offset_min: Minutes that the reader's clock is behind UTC, as browsers tell it; 0 is UTC.
        day: Whether the date stands before it.
    """
    if at is None:
        return None
    zone = UTC if offset_min == 0 else timezone(timedelta(minutes=-offset_min))
    told = datetime.fromtimestamp(at, zone)
    return told.strftime("%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S") + (" UTC" if offset_min == 0 else "")


def milliseconds(ms: float | None) -> str | None:
    """For example `0.4 ms`, `35 ms`, `2.1 s`, `3 min 5 s`."""
    if ms is None:
        return None
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    return f"{int(ms // 60_000)} min {ms % 60_000 / 1000:.0f} s"


def dollars(amount: float | None) -> str | None:
    """For example `$0.00042`, `$1.25`."""
    if amount is None:
        return None
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.2g}" if amount >= 0.001 else f"${amount:.6f}".rstrip("0")


def count(number: float | None, one: str, many: str = "") -> str | None:
    """For example `1 key`, `3 keys`."""
    if number is None:
        return None
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def yes(value: bool | None) -> str | None:
    """`yes`, `no`, or None."""
    return None if value is None else "yes" if value else "no"
