"""Tokens behind a scheme."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("sent Bearer 0a1b2c3d4e", f"sent Bearer {M}"),
    ("sent bearer " + LONG, f"sent bearer {M}"),
    ("Basic dXNlcjpwYXNz", f"Basic {M}"),
    ("got Basic dXNlcjpwYXNzd29yZA==.", f"got Basic {M}."),
    ("KakaoAK " + HEX[:32], f"KakaoAK {M}"),
    ("ApiKey " + LONG[:40], f"ApiKey {M}"),
    ("Bearer%20" + LONG[:24], f"Bearer%20{M}"),
    ('{"h":"Bearer ' + LONG[:24] + '"}', f'{{"h":"Bearer {M}"}}'),
    ("SSWS 00" + LONG[:40], f"SSWS {M}"),
    ("헤더는 Bearer " + LONG[:24] + "입니다", f"헤더는 Bearer {M}입니다"),
]

LEFT = [
    "missing bearer token",
    "basic authentication required",
    "Basic understanding of Python",
    "Basic internationalization-support",
    "bearer authentication-scheme",
    "Bearer <token>",
    "Bearer ${TOKEN}",
    "Bearer $TOKEN",
    "Bearer YOUR_API_KEY",
    "Bearer your-token-here",
    "BASIC level 12",
    "basic plan2026",
    "a bearer of news",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
