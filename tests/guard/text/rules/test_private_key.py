"""Private keys in textual form."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

LINE = LONG[:64]
RSA = "RSA " + "PRIVATE KEY"
BEGIN, END = f"-----BEGIN {RSA}-----", f"-----END {RSA}-----"
PEM = f"{BEGIN}\n{LINE}\n{LINE[:20]}==\n{END}"
PLAIN = PEM.replace("RSA ", "")
MASKED = [
    (PEM, M),
    (PLAIN, M),
    (PEM.replace("RSA", "OPENSSH"), M),
    (PEM.replace("RSA", "EC"), M),
    (PEM.replace("RSA", "ENCRYPTED"), M),
    (PEM.replace("RSA ", "PGP ").replace("KEY-", "KEY BLOCK-"), M),
    (PEM.replace("\n", "\r\n"), M),
    (PEM.replace("\n", "\\n"), M),
    (PEM.replace("\n", "\\\\n"), M),
    (PEM.replace("\n", " "), M),
    ("k: |\n  " + PEM.replace("\n", "\n  ") + "\nnext: 1", f"k: |\n  {M}\nnext: 1"),
    (f'KEY="{PEM}"\nX=1', f'KEY="{M}"\nX=1'),
    (f'{{"a":"{PLAIN}"}}'.replace("\n", "\\n"), f'{{"a":"{M}"}}'),
    (f"{BEGIN}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00AA\n\n{LINE}\n{END}", M),
    (f"{BEGIN}\n{LINE}\n2026-11-21 INFO started and went on", f"{M}\n2026-11-21 INFO started and went on"),
    (f"before {BEGIN}\n{LINE[:30]}", f"before {M}"),
    (f"{LINE}\n{LINE}\n{LINE[:10]}==\n{END}\nafter", f"{M}\nafter"),
    (f"log line here\n{LINE}\n{LINE}\n{END}", f"log line here\n{M}"),
    (f'["{BEGIN}","{LINE}","{END}"]', f'["{M}"]'),
]

LEFT = [
    f"-----BEGIN CERTIFICATE-----\n{LINE}\n-----END CERTIFICATE-----",
    f"-----BEGIN PUBLIC KEY-----\n{LINE}\n-----END PUBLIC KEY-----",
    f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{LINE}\n-----END PGP PUBLIC KEY BLOCK-----",
    f"-----BEGIN CERTIFICATE REQUEST-----\n{LINE}\n-----END CERTIFICATE REQUEST-----",
    f"ssh-rsa AAAA{LONG} bob@host".replace(" bob@host", ""),
    "the private key is stored in a vault",
    "BEGIN PRIVATE KEY",
    "----- BEGIN -----",
    "PRIVATE KEY-----",
    f"-----BEGIN PGP SIGNED MESSAGE-----\n{LINE}",
    "a private key block of text",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
