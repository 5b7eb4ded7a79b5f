"""Private keys without their armour."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("MIIEvQ" + "IBADANBgkqhkiG9w0BAQEFAASC" + LONG, M),
    ("KEY=MIIEpA" + "IBAAKCAQEA" + LONG, f"KEY={M}"),
    ("MIGHAgEAMBMG" + "ByqGSM49" + LONG, M),
    ("MC4CAQAwBQYDK2Vw" + "BCIEI" + MIXED, M),
    ("b3BlbnNzaC1rZXkt" + "djEA" + LONG, M),
    ('{"k":"MIIEpA' + "IBAAKCAQEA" + LONG + '"}', f'{{"k":"{M}"}}'),
    ("MIIEpA" + f"IBAAKCAQEA{LONG[:48]}\n{LONG[:64]}\nnext line", f"{M}\nnext line"),
    (f"Private-Lines: 2\n{LONG[:64]}\n{LONG[:20]}\nPrivate-MAC: 0", f"Private-Lines: 2\n{M}\nPrivate-MAC: 0"),
    ('{"kty":"EC","d":"' + LONG[:43] + '"}', f'{{"kty":"EC","d":"{M}"}}'),
    ('{"k":"' + LONG[:43] + '","kty":"oct"}', f'{{"k":"{M}","kty":"oct"}}'),
]

LEFT = [
    "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQG",
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
    "Public-Lines: 6\nAAAAB3NzaC1yc2EAAAADAQABAAAB",
    '{"kty":"EC","x":"' + LONG[:43] + '"}',
    '{"d":"' + LONG[:43] + '"}',
    '{"d":"2026-11-21","kty":"EC"}',
    "MIIE",
    "Private-Lines: 14",
    "b3BlbnNzaC1r",
    "MHcCAQ",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
