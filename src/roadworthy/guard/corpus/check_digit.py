"""Check digits as their standards write them, apart from the rules' own checks: a proof must not share their faults."""

from __future__ import annotations

from collections.abc import Sequence


def weighted(digits: str, weights: Sequence[int]) -> int:
    """Sum of the digits times the weights, as far as the weights go."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def luhn_digit(payload: str) -> str:
    """Check digit behind `payload` (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(payload)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def mod97_digits(country: str, bban: str) -> str:
    """The two check digits of an IBAN (ISO 13616, by ISO 7064 MOD 97-10)."""
    number = "".join(str(int(char, 36)) for char in f"{bban}{country}00")
    return f"{98 - int(number) % 97:02d}"


def _dihedral(left: int, right: int) -> int:
    """Product in the dihedral group of order ten."""
    if left < 5:
        return (left + right) % 5 if right < 5 else (left + right - 5) % 5 + 5
    return (left - right) % 5 + 5 if right < 5 else (left - right) % 5


def _permuted(digit: int, times: int) -> int:
    for _ in range(times % 8):
        digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
    return digit


def verhoeff_digit(payload: str) -> str:
    """Check digit by Verhoeff's dihedral scheme (J. Verhoeff, 1969), as Aadhaar has it."""
    check = 0
    for place, digit in enumerate(reversed(payload), 1):
        check = _dihedral(check, _permuted(int(digit), place))
    return str((0, 4, 3, 2, 1, 5, 6, 7, 8, 9)[check])


def mod11_10_digit(payload: str) -> str:
    """Check digit by ISO 7064 MOD 11,10, as the German tax number has it."""
    product = 10
    for digit in payload:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def resident_digit(payload: str, foreigner: bool) -> str:
    """Check digit of a Korean resident number issued before October 2020; foreigners' numbers add two."""
    rest = 11 - weighted(payload, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11
    return str((rest + 2 * foreigner) % 10)


def business_digit(payload: str) -> str:
    """Check digit of a Korean business number: weights 1 3 7, and the ninth digit counts five times, tens included."""
    total = weighted(payload, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(payload[8]) * 5 // 10
    return str(-total % 10)
