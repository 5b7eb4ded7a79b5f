"""Passwords in SQL."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("CREATE USER a IDENTIFIED BY 'pw1'", f"CREATE USER a IDENTIFIED BY '{M}'"),
    ("IDENTIFIED WITH sha256_password BY 'pw1'", f"IDENTIFIED WITH sha256_password BY '{M}'"),
    ("ALTER USER a PASSWORD 'pw1';", f"ALTER USER a PASSWORD '{M}';"),
    ("ALTER ROLE a WITH ENCRYPTED PASSWORD 'pw1'", f"ALTER ROLE a WITH ENCRYPTED PASSWORD '{M}'"),
    ("create login a with password = N'pw1'", f"create login a with password = N'{M}'"),
    ("SET PASSWORD FOR 'a'@'h' = 'pw1'", f"SET PASSWORD FOR 'a'@'h' = '{M}'"),
    ("SET PASSWORD FOR a = PASSWORD('pw1')", f"SET PASSWORD FOR a = PASSWORD('{M}')"),
    ("UPDATE u SET password='pw1' WHERE id=1", f"UPDATE u SET password='{M}' WHERE id=1"),
    ("UPDATE u SET api_key = 'k' WHERE id=1", f"UPDATE u SET api_key = '{M}' WHERE id=1"),
    ("INSERT INTO u (name, password) VALUES ('a', 'pw1')", f"INSERT INTO u (name, password) VALUES ('a', '{M}')"),
    ("insert into u(id,passwd,x) values (1,'p,w',now())", f"insert into u(id,passwd,x) values (1,'{M}',now())"),
    ("INSERT INTO `u` (`token`) VALUES ('t1')", f"INSERT INTO `u` (`token`) VALUES ('{M}')"),
    ('{"q":"ALTER USER a PASSWORD \'pw1\'"}', f'{{"q":"ALTER USER a PASSWORD \'{M}\'"}}'),
    ("GRANT ALL ON x TO a IDENTIFIED BY 'it''s'", f"GRANT ALL ON x TO a IDENTIFIED BY '{M}'"),
    ("SELECT * FROM u WHERE password = 'pw1'", f"SELECT * FROM u WHERE password = '{M}'"),
]

LEFT = [
    "INSERT INTO u (name, age) VALUES ('a', 3)",
    "INSERT INTO u (name, password) VALUES (?, ?)",
    "INSERT INTO u (name, password) VALUES ($1, $2)",
    "INSERT INTO u (name, password) VALUES (:n, :p)",
    "IDENTIFIED BY '<password>'",
    "PASSWORD ''",
    "SELECT password FROM u",
    "password VARCHAR(255) NOT NULL",
    "SET password_policy = 1",
    "WHERE password IS NULL",
    "PASSWORD EXPIRE NEVER",
    "ALTER TABLE u ADD COLUMN token text",
    "WHERE password = %s",
    "SELECT token_count FROM usage",
    "CREATE INDEX u_token ON u (token)",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
