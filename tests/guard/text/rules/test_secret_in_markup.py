"""Secrets in XML, HTML and pairs of name and value."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("<password>hunter2</password>", f"<password>{M}</password>"),
    ("<db:password>two words</db:password>", f"<db:password>{M}</db:password>"),
    ('<Password type="plain">x1</Password>', f'<Password type="plain">{M}</Password>'),
    ("<apiKey> ab12 </apiKey>", f"<apiKey> {M} </apiKey>"),
    ("<client-secret>q1</client-secret>", f"<client-secret>{M}</client-secret>"),
    ("<token><![CDATA[ab12]]></token>", f"<token><![CDATA[{M}]]></token>"),
    ('<entry key="db.password">x1</entry>', f'<entry key="db.password">{M}</entry>'),
    ('<string name="api_key">x1</string>', f'<string name="api_key">{M}</string>'),
    ("<key>Password</key><string>x1</string>", f"<key>Password</key><string>{M}</string>"),
    ('<add key="ApiKey" value="x1"/>', f'<add key="ApiKey" value="{M}"/>'),
    ('<property name="password" value="x1"/>', f'<property name="password" value="{M}"/>'),
    ("<property name='password' value='x1'/>", f"<property name='password' value='{M}'/>"),
    ('{"name":"DB_PASSWORD","value":"x1"}', f'{{"name":"DB_PASSWORD","value":"{M}"}}'),
    ('{"key": "client_secret", "value": "x1"}', f'{{"key": "client_secret", "value": "{M}"}}'),
    (
        '{"j":"{\\"name\\":\\"TOKEN\\",\\"value\\":\\"x1\\"}"}',
        f'{{"j":"{{\\"name\\":\\"TOKEN\\",\\"value\\":\\"{M}\\"}}"}}',
    ),
    ("<비밀번호>x1</비밀번호>", f"<비밀번호>{M}</비밀번호>"),
]

LEFT = [
    "<password></password>",
    "<password/>",
    "<password>${DB}</password>",
    "<password>********</password>",
    "<label>Password</label>",
    "<p>password</p>",
    "<token>string</token>",
    "<tokens>12</tokens>",
    "<maxTokens>256</maxTokens>",
    '<add key="Theme" value="dark"/>',
    '{"name":"HOST","value":"db"}',
    '{"name":"DB_PASSWORD","value":""}',
    '{"name":"DB_PASSWORD","value":"${X}"}',
    '<input type="password" name="x">',
    "<message>Password is required</message>",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
