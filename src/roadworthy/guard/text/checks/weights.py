"""Check digits by weighted sums, and the schemes of Verhoeff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

_PRODUCT = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043",
    "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def weighted(digits: bytes, weights: Sequence[int]) -> int:
    """Sum of digits times weights, as far as the shorter one goes; a letter counts as its ASCII code less 48."""
    return sum((byte - 48) * weight for byte, weight in zip(digits, weights, strict=False))


def verhoeff(digits: bytes) -> bool:
    """Whether the last digit is the check digit (Verhoeff, Error Detecting Decimal Codes, 1969)."""
    check = 0
    for place, byte in enumerate(reversed(digits)):
        permuted = int(_PERMUTED[place % 8][byte - 48])
        check = int(_PRODUCT[check][permuted])
    return check == 0


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the calendar has that day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def is_repeated(digits: bytes) -> bool:
    """Whether all digits are the same, which passes many sums and is nobody's number."""
    return len(set(digits)) == 1


def mod_11_10(digits: bytes) -> bool:
    """Whether the last digit is the check digit by ISO/IEC 7064 MOD 11,10."""
    product = 10
    for byte in digits[:-1]:
        product = ((byte - 48 + product) % 10 or 10) * 2 % 11
    return (product + digits[-1] - 48) % 10 == 1
