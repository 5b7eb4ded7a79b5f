"""Secrets in sentences."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("the password is hunter2", f"the password is {M}"),
    ("my password is Swordfish!9.", f"my password is {M}."),
    ('the password is "swordfish"', f'the password is "{M}"'),
    ("password for the db is Xy7$kq", f"password for the db is {M}"),
    ("password was changed to Tmp-1234x", f"password was changed to {M}"),
    ("use password hunter2 to log in", f"use password {M} to log in"),
    ("비밀번호는 hunter2입니다", f"비밀번호는 {M}입니다"),
    ("비밀번호는 1234예요", f"비밀번호는 {M}예요"),
    ("비번 qwer1234! 로 로그인", f"비번 {M} 로 로그인"),
    ("비밀번호(abc123!)를", f"비밀번호({M})를"),
    ("패스워드를 Abc123$로 변경", f"패스워드를 {M}로 변경"),
    ("パスワードはhunter2です", f"パスワードは{M}です"),
    ("パスワード「hunter2」", f"パスワード「{M}」"),
    ("密码是hunter2", f"密码是{M}"),
    ("das Passwort lautet Geheim99", f"das Passwort lautet {M}"),
    ("le mot de passe est azerty12", f"le mot de passe est {M}"),
    ("la contraseña es secreta9", f"la contraseña es {M}"),
    ("пароль qwe123", f"пароль {M}"),
    ("the token is " + MIXED, f"the token is {M}"),
    ("the password is correct-horse-battery-staple9", f"the password is {M}"),
    ("비밀번호는 tulip-river-candle-window42 입니다", f"비밀번호는 {M} 입니다"),
    ("패스워드는 q_u=#*0!v.a5 입니다", f"패스워드는 {M} 입니다"),
    ("пароль - qwe123", f"пароль - {M}"),
    ("пароль — qwe123rty", f"пароль — {M}"),
    ("hasło to abc123", f"hasło to {M}"),
    ("sandi adalah abc123", f"sandi adalah {M}"),
    ("kata sandi saya abc123, mohon", f"kata sandi saya {M}, mohon"),
    ("mật khẩu của tôi là abc123", f"mật khẩu của tôi là {M}"),
    ("รหัสผ่านคือ abc123", f"รหัสผ่านคือ {M}"),
    ("รหัสผ่านของฉันคือ abc123", f"รหัสผ่านของฉันคือ {M}"),
    ("كلمة المرور هي abc123", f"كلمة المرور هي {M}"),
    ("请把密码改为abc123，谢谢", f"请把密码改为{M}，谢谢"),
    ("मेरा पासवर्ड abc123 है", f"मेरा पासवर्ड {M} है"),
    ("la parola d'ordine è abc123", f"la parola d'ordine è {M}"),
    ("sandi adalah a1s*_.@QA%b9D0", f"sandi adalah {M}"),
    ("<text>sandi adalah abc123</text>", f"<text>sandi adalah {M}</text>"),
    ("client secret - 55iN0HtDx0", f"client secret - {M}"),
    ("the client secret is nvu75Jx8Kf", f"the client secret is {M}"),
    ("AWS secret access key - " + LONG[:40], f"AWS secret access key - {M}"),
    ("アクセストークン「" + MIXED + "」を変更", f"アクセストークン「{M}」を変更"),
    ("le jeton d'accès est " + MIXED, f"le jeton d'accès est {M}"),
    ("мой токен доступа " + MIXED + ", спасибо", f"мой токен доступа {M}, спасибо"),
    ("مفتاح API هو " + MIXED, f"مفتاح API هو {M}"),
    ("คีย์ APIของฉันคือ " + MIXED, f"คีย์ APIของฉันคือ {M}"),
    ("토큰 " + MIXED + "을 폐기", f"토큰 {M}을 폐기"),
]

LEFT = [
    "the password is required",
    "the password is too short",
    "password reset link",
    "password is 8 characters",
    "token limit exceeded",
    "token is expired",
    "token 4096",
    "비밀번호를 재설정하세요",
    "비밀번호는 8자 이상",
    "비밀번호 1234567자리가 아님"[:6],
    "암호화 방식 AES256",
    "암호 알고리즘",
    "비밀번호 SHA256으로 해시",
    "토큰 1024개 사용",
    "토큰은 4096개까지",
    "Failed password for root from",
    "bad password user=bob1",
    "password policy v2",
    "password is SHA-256 hashed",
    "Passwort vergessen?",
    "mot de passe oublié",
    "password manager 1.22.3",
    "forgot password?",
    "secret sauce 2026",
    "The password was changed 4357 days ago.",
    "das Passwort ist 12 Zeichen lang",
    "la contraseña es 4357 caracteres",
    "пароль 4357 символов",
    "Passwords - part2",
    "Password - 2024 Edition",
    "access token is OAuth2Token",
    "the token - expired_token_error_2",
    "password is PBKDF2-HMAC-SHA256",
    "пароль - минимум 8 символов",
    "密码改为必填项",
    "รหัสผ่านคือข้อมูลสำคัญ",
    "password is required-by-company-policy",
    "the secret is Windows2019",
    "password is up-to-date-again",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text
