"""Secrets in queries."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    (
        "https://a.blob.core.windows.net/c?sv=2&sig=" + MIXED + "%3D&se=1",
        f"https://a.blob.core.windows.net/c?sv=2&sig={M}&se=1",
    ),
    ("/x?key=" + MIXED, f"/x?key={M}"),
    ("/cb?code=" + MIXED + "&state=1", f"/cb?code={M}&state=1"),
    ("?X-Amz-Signature=" + HEX[:64], f"?X-Amz-Signature={M}"),
    ("?X-Goog-Signature=" + HEX[:64], f"?X-Goog-Signature={M}"),
    ("?a=1&amp;signature=" + MIXED, f"?a=1&amp;signature={M}"),
    ("?token=abc1&x=2", f"?token={M}&x=2"),
    ("?serviceKey=" + LONG, f"?serviceKey={M}"),
    ("?code_verifier=" + MIXED, f"?code_verifier={M}"),
    ("?crtfc_key=" + HEX[:40], f"?crtfc_key={M}"),
]

LEFT = [
    "/x?key=ed%3Aa1%3A1a%3A85%3Aa1%3A03",
    "?code=404",
    "?key=name",
    "?hash=abc",
    "?sig=none",
    "?key=<your-key>",
    "?page=2&size=20",
    "?id=" + HEX[:32],
    "?v=" + HEX[:20],
    "?key=${KEY}",
    "?code=invalid_request",
    "?ticket=1234",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
