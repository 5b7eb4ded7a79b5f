"""Tokens of chat and mail services."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4
FRAMES = ("%s", "key %s.", '{"k":"%s"}', "키는 %s입니다", "see /x?y=%s&z=1", "Cookie-like: a=%s; b")

KEYS = [
    "xoxb-" + "123456789012-123456789012-" + LONG[:24],
    "xoxp-" + "123456789012-123456789012-123456789012-" + HEX[:32],
    "xapp-1-" + "A0B1C2D3E4F-123456789012-" + HEX[:64],
    "xoxe.xoxp-1-" + LONG,
    "xoxs-" + "1234-5678-" + HEX[:20],
    "SK" + HEX[:32],
    "AC" + HEX[:32],
    "SG." + LONG[:22] + "." + LONG[:43],
    "key-" + HEX[:32],
    "xkeysib-" + HEX[:64] + "-" + LONG[:16],
    "re_" + LONG[:8] + "_" + LONG[:24],
    "EAAC" + LONG + LONG,
    "oauth:" + "q7rt2xv9lm4kp8zw3nc6q7rt2xv9lm",
    "md-" + LONG[:22],
    "CFPAT-" + LONG[:43],
]

LEFT = [
    "xoxo with love",
    "xoxb-xxxxxxxxxxxxxxxx",
    "SK" + HEX[:12],
    "AC" + HEX[:8],
    "SG.short.one",
    "key-value-store",
    "key-" + HEX[:8],
    "re_run_the_tests_again_please",
    "EAAC",
    "oauth:authorize",
    "md-file-of-the-day",
    "U024BE7LH",
    "C024BE91L",
    "MSG.1234.5678",
    "xapp-",
]


@pytest.mark.parametrize("key", KEYS)
def test_takes_out(key: str) -> None:
    for frame in FRAMES:
        assert MASKER.mask(frame % key) == frame % "***MASKED***"


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
