"""One-time codes and PINs."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("OTP: 123456", f"OTP: {M}"),
    ("otp=482913", f"otp={M}"),
    ("your verification code is 482913.", f"your verification code is {M}."),
    ("인증번호 [482913]를 입력", f"인증번호 [{M}]를 입력"),
    ("인증번호는 482913입니다", f"인증번호는 {M}입니다"),
    ("인증번호: 4829", f"인증번호: {M}"),
    ('{"otp":"482913"}', f'{{"otp":"{M}"}}'),
    ('{"otp":482913}', f'{{"otp":"{M}"}}'),
    ("PIN: 4829", f"PIN: {M}"),
    ("pin code 4829", f"pin code {M}"),
    ("验证码是482913", f"验证码是{M}"),
    ("認証コードは482913です", f"認証コードは{M}です"),
    ("2FA code: 482 913", f"2FA code: {M}"),
    ("security code: 4829", f"security code: {M}"),
    ("핀번호 4829", f"핀번호 {M}"),
]

LEFT = [
    "pin=3",
    "GPIO pin 17",
    "otp expired",
    "otp sent",
    "verification code required",
    "인증번호를 입력하세요",
    "status code: 4040",
    "exit code 1234",
    "error code: 50012",
    "zip code: 12345",
    "spin: 1234",
    "shopping: 1234",
    "otp: 3600s",
    "pin: 123",
    "pinned: 4829",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
