"""Passwords in URLs."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("postgres://app:p$w:d@db:5432/x", f"postgres://app:{M}@db:5432/x"),
    ("postgresql+asyncpg://u:p@ss/w#rd@db.internal:5432/x", f"postgresql+asyncpg://u:{M}@db.internal:5432/x"),
    ("mysql+pymysql://u:a/b@db/x", f"mysql+pymysql://u:{M}@db/x"),
    ("mongodb+srv://u:p%40w@c.mongodb.net/x?w=1", f"mongodb+srv://u:{M}@c.mongodb.net/x?w=1"),
    ("mongodb://u:pw@h1:27017,h2:27017/x", f"mongodb://u:{M}@h1:27017,h2:27017/x"),
    ("redis://:pw@cache:6379/0", f"redis://:{M}@cache:6379/0"),
    ("amqp://guest:pw1@mq//", f"amqp://guest:{M}@mq//"),
    ("https://bob:pw1@host/path", f"https://bob:{M}@host/path"),
    ("https://x-access-token:tok1@github.com/o/r.git", f"https://x-access-token:{M}@github.com/o/r.git"),
    ("ftp://u:p#w@h/f", f"ftp://u:{M}@h/f"),
    ("smtp://user@corp.com:pw1@smtp.corp.com:587", f"smtp://***EMAIL_MASKED***:{M}@smtp.corp.com:587"),
    ("jdbc:postgresql://h/x?user=a&password=pw1", f"jdbc:postgresql://h/x?user=a&password={M}"),
    ("https://bob:pw1@host/@scope/x", f"https://bob:{M}@host/@scope/x"),
    ('{"u":"postgres:\\/\\/u:pw@h\\/d"}', f'{{"u":"postgres:\\/\\/u:{M}@h\\/d"}}'),
    ("postgres%3A%2F%2Fu%3Apw%40h%2Fd", f"postgres%3A%2F%2Fu%3A{M}%40h%2Fd"),
    ("접속 주소 postgres://u:pw1@db/x입니다", f"접속 주소 postgres://u:{M}@db/x입니다"),
    ("clickhouse://default:pw?1@h:9000", f"clickhouse://default:{M}@h:9000"),
    ("주소 redis://u:pw1@localhost로 변경", f"주소 redis://u:{M}@localhost로 변경"),
    ("我填写的是ldap://u:pw1@h.internal。", f"我填写的是ldap://u:{M}@h.internal。"),
    ('{"b":"{\\"u\\":\\"amqp://u:pw1@db\\",\\"v\\":2}"}', f'{{"b":"{{\\"u\\":\\"amqp://u:{M}@db\\",\\"v\\":2}}"}}'),
    ("/x?u=ldap%3A%2F%2Fu%3Apw1%40db&note=a%40b", f"/x?u=ldap%3A%2F%2Fu%3A{M}%40db&note=a%40b"),
    ("https://bob:p%40w1@h.io/x@y", f"https://bob:{M}@h.io/x@y"),
    ("amqp://u:q%3Fn0xy=!Ni9@h:1/x", f"amqp://u:{M}@h:1/x"),
    ("redis://a:pw1@h1,redis://b:pw2@h2", f"redis://a:{M}@h1,redis://b:{M}@h2"),
]

LEFT = [
    "http://127.0.0.1:9110/v1/chat",
    "http://host:8080/@scope/name",
    "postgres://u:${PW}@h/d",
    "postgres://user:***@h/d",
    "postgres://u@h/d",
    "https://host:443/?q=x@y",
    "ssh://git@host:22/o/r",
    "git+ssh://git@host:o/r.git@v1.0",
    "redis://cache:6379/0",
    "http://[::1]:8080/@x",
    "https://medium.com/@bob/post",
    "http://u:<password>@h/",
    "http://host:80",
    "see http://a:1/ and b@c",
    "https://cdn.jsdelivr.net/npm/pkg@1.2.3/x.js",
    "postgres://u:{password}@h/d",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
