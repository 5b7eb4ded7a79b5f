"""What stands around a number and tells that it is part of something else."""

from __future__ import annotations

import re

_FRACTION = re.compile(rb"\.[0-9]")
_UUID_BEFORE = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{4,12}-\Z")
_UUID_AFTER = re.compile(rb"-[0-9A-Fa-f]{4,12}(?![0-9A-Za-z])")
_LONGEST_GROUP = 14


def has_fraction(text: bytes, end: int) -> bool:
    """Whether a decimal point and a digit follow."""
    return _FRACTION.match(text, end) is not None


def in_uuid(text: bytes, start: int, end: int) -> bool:
    """Whether a group of hexadecimal digits and a hyphen stand before or behind."""
    if _UUID_AFTER.match(text, end):
        return True
    return _UUID_BEFORE.search(text, max(0, start - _LONGEST_GROUP), start) is not None
