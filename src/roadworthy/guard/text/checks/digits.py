"""Check digits and clocks."""

from __future__ import annotations

from roadworthy.guard.text.later import compiled_later

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_NOT_DIGIT = compiled_later(rb"[^0-9]+")
_CLOCKS = {13: 1_000, 16: 1_000_000, 19: 1_000_000_000}
_FIRST_S, _LAST_S = 978_307_200, 2_200_000_000  # January 2001 to September 2039: Mir cards begin with 2200


def only_digits(value: bytes) -> bytes:
    """The value's ASCII digits."""
    return _NOT_DIGIT.sub(b"", value)


def luhn(digits: bytes) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, byte in enumerate(reversed(digits)):
        total += _DOUBLED[byte - 48] if place % 2 else byte - 48
    return total % 10 == 0


def is_clock(digits: bytes) -> bool:
    """Whether the digits are milli-, micro- or nanoseconds since the Unix epoch, in 2001 to 2039."""
    unit = _CLOCKS.get(len(digits))
    return unit is not None and _FIRST_S * unit <= int(digits) < _LAST_S * unit
