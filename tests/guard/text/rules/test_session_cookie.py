"""Cookies and sessions."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("Cookie: sid=abc; theme=dark", f"Cookie: {M}"),
    ("Set-Cookie: sid=abc123; Path=/; HttpOnly", f"Set-Cookie: sid={M}; Path=/; HttpOnly"),
    ('{"cookie":"a=b; c=d"}', f'{{"cookie":"{M}"}}'),
    ('{"set-cookie": "sid=abc; Secure"}', f'{{"set-cookie": "sid={M}; Secure"}}'),
    ("curl -H 'Cookie: a=b1'", f"curl -H 'Cookie: {M}'"),
    ("JSESSIONID=0A1B2C3D4E5F", f"JSESSIONID={M}"),
    ("PHPSESSID=q7rt2xv9lm4k", f"PHPSESSID={M}"),
    ("session_id=q7rt2xv9lm4k", f"session_id={M}"),
    ('{"sessionId":"q7rt2xv9lm4k"}', f'{{"sessionId":"{M}"}}'),
    ("connect.sid=s%3Aq7rt2xv9lm4k.abc", f"connect.sid={M}"),
    ("sid: q7rt2xv9lm4k", f"sid: {M}"),
    ("ASP.NET_SessionId=q7rt2xv9lm4k", f"ASP.NET_SessionId={M}"),
    ("csrf=q7rt2xv9lm4k", f"csrf={M}"),
    ("remember_me=q7rt2xv9lm4k", f"remember_me={M}"),
    ("session=" + MIXED, f"session={M}"),
]

LEFT = [
    "session=12",
    "session_id=3f9a0c7e-1b5d-4246-8af1-0c7e1b5d8246",
    "session: started",
    "session timeout: 30 minutes",
    "cookie: none",
    "cookies are delicious",
    "cookie policy: see page",
    "sid=7",
    "session_id=user_login",
    "session_timeout=3600",
    "outside: q7rt2xv9lm4k",
    "Set-Cookie: sid=; Max-Age=0",
    "inside=abc",
    '{"session":null}',
    "csrf: enabled",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
