"""Keys of clouds, hosting and infrastructure."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4
FRAMES = ("%s", "key %s.", '{"k":"%s"}', "키는 %s입니다", "see /x?y=%s&z=1", "Cookie-like: a=%s; b")

KEYS = [
    "AKIA" + "Q7RT2XV9LM4KP8ZW",
    "ASIA" + "Q7RT2XV9LM4KP8ZW",
    "LTAI" + LONG[:20],
    "AKID" + LONG[:32],
    "ya29." + LONG,
    "GOCSPX-" + LONG[:28],
    "dop_v1_" + HEX[:64],
    "dapi" + HEX[:32],
    "hvs." + LONG,
    "hvb." + LONG,
    "pul-" + HEX[:40],
    "dp.pt." + LONG[:43],
    "dp.st.prd." + LONG[:43],
    "sbp_" + HEX[:40],
    "sb_secret_" + LONG[:31],
    "pscale_tkn_" + LONG[:43],
    "pscale_pw_" + LONG[:43],
    "fo1_" + LONG[:43],
    "tskey-auth-" + LONG[:30],
    "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0" * 3,
    "1//0" + LONG[:40],
]

LEFT = [
    "AKIA is a prefix",
    "ASIA-PACIFIC region",
    "MALAYSIA2026CONFERENCEX",
    "AKIAXXXXXXXXXXXXXXXX",
    "dapi-short",
    "hvs.short",
    "dp.pt.short",
    "sbp_short1",
    "ap-northeast-2",
    "arn:aws:iam::123456789012:role/reader",
    "projects/p/secrets/s/versions/3",
    "i-0abc123def4567890",
    "vpc-0a1b2c3d4e5f67890",
    "sha256:" + HEX[:64],
    "dop_v1_",
    "GOCSPX",
]


@pytest.mark.parametrize("key", KEYS)
def test_takes_out(key: str) -> None:
    for frame in FRAMES:
        assert MASKER.mask(frame % key) == frame % "***MASKED***"


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
