"""Secrets as arguments and in pairs."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ('setPassword("hunter2")', f'setPassword("{M}")'),
    (".password('hunter2')", f".password('{M}')"),
    ("PASSWORD('hunter2')", f"PASSWORD('{M}')"),
    ('withApiKey("ab-12")', f'withApiKey("{M}")'),
    ("(b'authorization', b'Digest abc')", f"(b'authorization', b'{M}')"),
    ('["x-api-key", "abc"]', f'["x-api-key", "{M}"]'),
    ('["cookie","a=b"]', f'["cookie","{M}"]'),
    ('client_secret("q1w2")', f'client_secret("{M}")'),
    ('new Token("abc")', f'new Token("{M}")'),
    ("setPassword( 'a b' )", f"setPassword( '{M}' )"),
    ('{"code":"setPassword(\\"x1\\")"}', f'{{"code":"setPassword(\\"{M}\\")"}}'),
    ('x.secret_key("k9")', f'x.secret_key("{M}")'),
    ("['x-auth-token','abc']", f"['x-auth-token','{M}']"),
    ('("set-cookie", "a=1")', f'("set-cookie", "{M}")'),
    ('Passphrase("ab")', f'Passphrase("{M}")'),
]

LEFT = [
    "setPassword(value)",
    "password()",
    'password("")',
    'password("changeme")',
    'getToken("${NAME}")',
    'validatePassword("must not be empty")',
    "token(s)",
    "passwords (hashed)",
    '["accept", "json"]',
    '("content-type", "text/plain")',
    'print("password")',
    "token(1)",
    'tokenize("some text")',
    'secrets("x", 1)',
    '["x-request-id","abc"]',
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
