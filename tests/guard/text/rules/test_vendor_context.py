"""Keys behind a vendor's name."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("datadog key: " + HEX[:32], f"datadog key: {M}"),
    ("DD_APP_KEY=" + HEX[:40], f"DD_APP_KEY={M}"),
    ("heroku_key=" + HEX[:8] + "-1b5d-4246-8af1-0c7e1b5d8246", f"heroku_key={M}"),
    ("mistral key " + LONG[:32], f"mistral key {M}"),
    ("cohere api key is " + LONG[:40], f"cohere api key is {M}"),
    ("kakao rest key: " + HEX[:32], f"kakao rest key: {M}"),
    ("naver key=" + LONG[:24], f"naver key={M}"),
    ("cloudflare_global_key = " + HEX[:37], f"cloudflare_global_key = {M}"),
    ('{"okta_key":"' + LONG[:42] + '"}', f'{{"okta_key":"{M}"}}'),
    ("twitter client key: " + LONG[:25], f"twitter client key: {M}"),
    ("Naver " + "client secret " + LONG[:20], f"Naver client secret {M}"),
]

LEFT = [
    "datadog key rotation",
    "heroku_key=<key>",
    "the line key is name_of_the_line",
    "add key: value",
    "stripe key required",
    "google key insights 2026",
    "azure key vault",
    "aws key management service",
    "deadline key: 12",
    "slack token expired",
    "s3 key prefix/path",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
