"""Secrets on command lines."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("run --password hunter2 now", f"run --password {M} now"),
    ("run --password 'two words'", f"run --password '{M}'"),
    ("run --api-key abc123", f"run --api-key {M}"),
    ("run --token=abc123", f"run --token={M}"),
    ("run --client-secret abc", f"run --client-secret {M}"),
    ("mysql -u root -p'pw1' db", f"mysql -u root -p'{M}' db"),
    ("mysql -uroot -ppw1x db", f"mysql -uroot -p{M} db"),
    ("mysqldump -h db -psecret1 x", f"mysqldump -h db -p{M} x"),
    ("sshpass -p hunter2 ssh host", f"sshpass -p {M} ssh host"),
    ("redis-cli -h c -a hunter2 ping", f"redis-cli -h c -a {M} ping"),
    ("docker login -u bob -p hunter2", f"docker login -u bob -p {M}"),
    ("curl -u bob:hunter2 http://h/", f"curl -u bob:{M} http://h/"),
    ("curl --user 'bob:hun ter2' h", f"curl --user 'bob:{M}' h"),
    ("curl -X GET -u :hunter2 h", f"curl -X GET -u :{M} h"),
    ("sqlcmd -S h -P hunter2", f"sqlcmd -S h -P {M}"),
    ("ldapsearch -x -w hunter2", f"ldapsearch -x -w {M}"),
    ("PGPASSWORD=hunter2 psql", f"PGPASSWORD={M} psql"),
    ('{"cmd":"run --password \\"a b\\""}', f'{{"cmd":"run --password \\"{M}\\""}}'),
    ("openssl rsa -passin pass:hunter2", f"openssl rsa -passin pass:{M}"),
]

LEFT = [
    "run --password",
    "run --password --verbose",
    "run --password $PASSWORD",
    "run --password <password>",
    "run --token-limit 256",
    "run --max-tokens 256",
    "mkdir -p /var/lib/x",
    "ps -p 1234",
    "mysql -u root -p",
    "mysql -u root -p db"[:16],
    "curl -u bob http://h/",
    "docker run -p 8080:80 x",
    "cp -a src dst",
    "ssh -p 2222 host",
    "sort -u file",
    "psql -U app -h db",
    "the --password flag is required",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
