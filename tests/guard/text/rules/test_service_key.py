"""Keys of shops, trackers, documents and other hosted services."""

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
    "shpat_" + HEX[:32],
    "shpss_" + HEX[:32],
    "lin_api_" + LONG[:40],
    "secret_" + LONG[:43],
    "ntn_" + "12345678901" + LONG[:35],
    "figd_" + LONG[:40],
    "pat" + LONG[:14] + "." + HEX[:64],
    "PMAK-" + HEX[:24] + "-" + HEX[:34],
    "pat-na1-" + UUID,
    "sk." + "eyJ" + LONG[:60] + "." + LONG[:22],
    "tfp_" + LONG[:59],
    "p8e-" + HEX[:32],
    "pk_" + "12345678_" + "Q7RT2XV9LM4KP8ZW3NC6Q7RT2XV9LM4K",
    LONG[:6] + "_" + LONG[:29] + "_mmk",
    "sl." + LONG + LONG,
    "pnu_" + LONG[:36],
]

LEFT = [
    "secret_name_of_the_kubernetes_object_here",
    "shpat_short",
    "lin_api_docs",
    "patch.release",
    "pattern.matching",
    "PMAK",
    "figd_short",
    "pk_12345_short",
    "ntn_short",
    "p8e-short",
    "sl.short",
    "tfp_short",
    "path/to/file",
    "pat-na1-docs",
    "secret_key_base_of_the_application",
]


@pytest.mark.parametrize("key", KEYS)
def test_takes_out(key: str) -> None:
    for frame in FRAMES:
        assert MASKER.mask(frame % key) == frame % "***MASKED***"


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
