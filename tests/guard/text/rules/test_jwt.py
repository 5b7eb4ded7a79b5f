"""JSON Web Tokens."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

HEAD = "eyJhbGciOiJIUzI1NiJ9"
BODY = "eyJzdWIiOiIxMjM0In0"
MASKED = [
    (f"{HEAD}.{BODY}.{MIXED}", M),
    (f"{HEAD}.{BODY}.", f"{M}."),
    (f"{HEAD}.{BODY}", M),
    (f"jwt {HEAD}.{BODY}.{MIXED}입니다", f"jwt {M}입니다"),
    (f"/x?jwt={HEAD}.{BODY}.{MIXED}&y=1", f"/x?jwt={M}&y=1"),
    (f"auth_{HEAD}.{BODY}.{MIXED}", f"auth_{M}"),
    (f"{HEAD}.{MIXED}.{MIXED}.{MIXED}.{MIXED}", M),
    (f"{HEAD}..{MIXED}.{MIXED}.{MIXED}", M),
    (f'{{"a":"{HEAD}.{BODY}.{MIXED}"}}', f'{{"a":"{M}"}}'),
    (f'{{"a":"\\n{HEAD}.{BODY}.{MIXED}"}}', f'{{"a":"\\n{M}"}}'),
    (HEAD, M),
    ("eyJ0eXAiOiJKV1QiLCJhbGciOi", M),
    (f"Bearer {HEAD}.{BODY}.{MIXED}", f"Bearer {M}"),
    (f"a={HEAD}.{BODY}.{MIXED}; b=1", f"a={M}; b=1"),
    (f"jwt={HEAD}\\u002e{BODY}\\u002e ms=1", f"jwt={M} ms=1"),
    (f"({HEAD}.{BODY}.{MIXED})", f"({M})"),
]

LEFT = [
    "eyJ",
    "eyJjdXJzb3IiOjEyfQ==",
    "cursor eyJvZmZzZXQiOjEwMH0",
    "heyJude.and.more",
    "eyJ.eyJ",
    "eyjafjallajokull.is.a.volcano",
    HEX[:40],
    "a.b.c",
    "com.example.eye",
    "greyJay.png.jpg",
    "eyJpZCI6MX0",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
