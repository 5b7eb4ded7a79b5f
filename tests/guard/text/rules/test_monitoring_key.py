"""Keys of services for logs, metrics and errors."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4
UUID = "3f9a0c7e-1b5d-4246-8af1-0c7e1b5d8246"
FRAMES = ("%s", "key %s.", '{"k":"%s"}', "키는 %s입니다", "see /x?y=%s&z=1", "Cookie-like: a=%s; b")

KEYS = [
    "glsa_" + LONG[:32] + "_" + HEX[:8],
    "glc_" + LONG,
    "sntrys_" + LONG,
    "sntryu_" + HEX[:64],
    "NRAK-" + "Q7RT2XV9LM4KP8ZW3NC6Q7RT2XV",
    "NRII-" + LONG[:32],
    "NRJS-" + HEX[:19],
    HEX[:36] + "NRAL",
    "dt0c01." + "Q7RT2XV9LM4KP8ZW3NC6Q7RT" + "." + "Q7RT2XV9LM4KP8ZW3NC6Q7RT" * 3,
    "hcaik_" + LONG[:58],
    "xaat-" + UUID,
    "pub" + HEX[:32],
    "ddapi_" + LONG[:32],
    "sm_aat_" + LONG[:16],
    "essu_" + LONG[:40],
]

LEFT = [
    "glc_short",
    "glsa_",
    "NRAK",
    "sntrys_short",
    "dt0c01.short",
    HEX[:40],
    "pub/sub",
    "pub" + HEX[:10],
    "publication2026",
    "trace_id=" + HEX[:32],
    "span_id=" + HEX[:16],
    "NATURAL",
    "xaat-short",
    "NRJS-short",
    "hcaik_short1",
]


@pytest.mark.parametrize("key", KEYS)
def test_takes_out(key: str) -> None:
    for frame in FRAMES:
        assert MASKER.mask(frame % key) == frame % "***MASKED***"


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
