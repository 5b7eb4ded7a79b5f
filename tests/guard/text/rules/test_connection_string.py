"""Connection strings that are no URLs."""

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
        "Server=db;Database=x;User Id=sa;Password=p@ss w0rd;Encrypt=true",
        f"Server=db;Database=x;User Id=sa;Password={M};Encrypt=true",
    ),
    ("Server=db;Uid=sa;Pwd=pw1;", f"Server=db;Uid=sa;Pwd={M};"),
    ("Server=db;Uid=sa;Pwd={a;b};", f"Server=db;Uid=sa;Pwd={{{M}}};"),
    ("Driver={X};Server=db;PWD=pw1", f"Driver={{X}};Server=db;PWD={M}"),
    ("Host=db;Username=a;Password='p w'", f"Host=db;Username=a;Password='{M}'"),
    ('"Data Source=db;User ID=a;Password=pw1"', f'"Data Source=db;User ID=a;Password={M}"'),
    ('{"c":"Server=db;User Id=sa;Password=pw1;"}', f'{{"c":"Server=db;User Id=sa;Password={M};"}}'),
    ("jdbc:sqlserver://h;user=sa;password=pw1;encrypt=true", f"jdbc:sqlserver://h;user=sa;password={M};encrypt=true"),
    ("app:pw1@tcp(db:3306)/x", f"app:{M}@tcp(***IP_MASKED***:3306)/x".replace("***IP_MASKED***", "db")),
    ("dsn=app:p:w1@unix(/run/m.sock)/x", f"dsn=app:{M}@unix(/run/m.sock)/x"),
    ("jdbc:oracle:thin:scott/tiger1@h:1521/x", f"jdbc:oracle:thin:scott/{M}@h:1521/x"),
    ("sqlplus scott/tiger1@orcl", f"sqlplus scott/{M}@orcl"),
    ("db.internal:5432:x:app:pw1", f"db.internal:5432:x:app:{M}"),
    ("*:5432:*:app:pw1", f"*:5432:*:app:{M}"),
    ("machine h login bob password pw1", f"machine h login bob password {M}"),
    (
        "Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey=" + MIXED + "=",
        f"Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey={M}=".replace(f"{M}=", M),
    ),
]

LEFT = [
    "Server=db;Integrated Security=true",
    "Server=db;Password=;",
    "Server=db;Password=${PW};",
    "Server=db;Password={password};",
    "user@tcp(h:3306)/x",
    "listening on @unix(/x)",
    "h:5432",
    "host:5432:up",
    "12:54:32:11:22",
    "sqlplus / as sysdba",
    "login bob ok",
    "password authentication failed for user",
    "a=1;b=2",
    "db:5432:x:app:********",
    "Persist Security Info=False;Encrypt=True",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
