"""Keys whose mark stands inside."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    (LONG[:14] + ".atlasv1." + LONG[:67], M),
    ("123456789:AA" + LONG[:33], M),
    ("https://api.telegram.org/bot123456789:AA" + LONG[:33] + "/x", f"https://api.telegram.org/bot{M}/x"),
    ("MTA" + LONG[:21] + "." + "q7Rt2X" + "." + LONG[:27], M),
    (HEX[:32] + "-us12", M),
    (f"k={HEX[:32]}-us6;", f"k={M};"),
    (HEX[:36] + "NRAL", M),
    ("aB1" + "8Q~" + LONG[:34], M),
    (LONG[:52] + "JQQJ99B" + LONG[:26], M),
    ("봇 토큰은 123456789:AA" + LONG[:33] + "입니다", f"봇 토큰은 {M}입니다"),
]

LEFT = [
    "12:34:56.123",
    "10:AAB",
    "com.google.protobuf.descriptor.extension.longname",
    "region-us1",
    HEX[:8] + "-us1",
    "ADMIRAL",
    "1Q~2",
    "x.atlasv1.y",
    "file_mmk",
    "00:AA:BB:CC:DD:EE",
    "v1.234567.20261121",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
