"""Secrets behind their name."""

from __future__ import annotations

import pytest

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
M = "***MASKED***"
MIXED = "q7Rt2Xv9Lm4Kp8Zw3Nc6"
LONG = MIXED * 4
HEX = "3f9a0c7e1b5d82460af1" * 4

MASKED = [
    ("{'password': 'msH%27sjVd'}", f"{{'password': '{M}'}}"),
    ('{"password": "msH%22sjVd"}', f'{{"password": "{M}"}}'),
    ("%7B%22password%22%3A%22abc123%22%2C%22a%22%3A1", f"%7B%22password%22%3A%22{M}%22%2C%22a%22%3A1"),
    ("sandi: hunter2", f"sandi: {M}"),
    ("PWD={hunter2};", f"PWD={{{M}}};"),
    ("token de acceso: abc123", f"token de acceso: {M}"),
    ("API-nyckel: abc123", f"API-nyckel: {M}"),
    ("एक्सेस टोकन: abc123", f"एक्सेस टोकन: {M}"),
    ("مفتاح API: abc123", f"مفتاح API: {M}"),
    ("client_secret=abc123XYZ", f"client_secret={M}"),
    ('{"refresh_token": "1a2b3c"}', f'{{"refresh_token": "{M}"}}'),
    ("access_token=ab12cd34&x=1", f"access_token={M}&x=1"),
    ("idToken: 'q1w2e3'", f"idToken: '{M}'"),
    ("X-Api-Key: zz-yy", f"X-Api-Key: {M}"),
    ("signing_key = s3", f"signing_key = {M}"),
    ("webhookSecret: abc9", f"webhookSecret: {M}"),
    ("export DB_PASSWORD=pa&ss#w;d<x", f"export DB_PASSWORD={M}"),
    ("SMTP_PASS=hunter2", f"SMTP_PASS={M}"),
    ('db_pass: "two words"', f'db_pass: "{M}"'),
    ("password => 'x1'", f"password => '{M}'"),
    ("pwd := `x1y2`", f"pwd := `{M}`"),
    ("비밀번호: hunter2!", f"비밀번호: {M}"),
    ("비밀번호：hunter2", f"비밀번호：{M}"),
    ("비번=qwer1234", f"비번={M}"),
    ("인증키 = 9f8e7d6c", f"인증키 = {M}"),
    ("パスワード：abc123", f"パスワード：{M}"),
    ("密码: abc123", f"密码: {M}"),
    ("Passwort: Geheim!", f"Passwort: {M}"),
    ("mot de passe : azerty12", f"mot de passe : {M}"),
    ("contraseña: secreta9", f"contraseña: {M}"),
    ("senha=abc123", f"senha={M}"),
    ("Пароль: qwe123", f"Пароль: {M}"),
    ("hasło: abc123", f"hasło: {M}"),
    ("şifre: abc123", f"şifre: {M}"),
    ("mật khẩu: abc123", f"mật khẩu: {M}"),
    ('password: str = "hunter2"', f'password: str = "{M}"'),
    ("User(name=bob, password=hunter2)", f"User(name=bob, password={M})"),
    ("{password=hunter2,user=bob}", f"{{password={M},user=bob}}"),
    ("password=p%40ss%26word&user=x", f"password={M}&user=x"),
    ('{"passwords":["a1","b2"]}', f'{{"passwords":["{M}"]}}'),
    ("**Password:** hunter2", f"**Password:** {M}"),
    ("password: “hunter2”", f"password: “{M}”"),
    ("aws_secret_access_key = " + MIXED * 2, f"aws_secret_access_key = {M}"),
    ("AccountKey=" + MIXED + "+/==;EndpointSuffix=core", f"AccountKey={M};EndpointSuffix=core"),
    ("Authorization: KakaoAK " + HEX[:32], f"Authorization: {M}"),
    (
        "Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + HEX[:64],
        f"Authorization: {M}",
    ),
    ("%7B%22password%22%3A%22hunter2%22%7D", f"%7B%22password%22%3A%22{M}%22%7D"),
    ('"private_key_id": "3f9a0c7e1b5d"', f'"private_key_id": "{M}"'),
    ("token=tok_1,user=bob", f"token={M},user=bob"),
    ("user[password]=hunter2&x=1", f"user[password]={M}&x=1"),
    ("config['password'] = 'hunter2'", f"config['password'] = '{M}'"),
    ("PASSWORD_PROD=hunter2", f"PASSWORD_PROD={M}"),
    ("spring.datasource.password=hunter2", f"spring.datasource.password={M}"),
]

LEFT = [
    "OPENAI_API_KEY=sk-...",
    "api_key: sk-ant-…",
    "x-api-key: {api_key}",
    "token={settings.token!r}",
    "api_key=${API_KEY:-}",
    "password=changeme",
    "password: xxxxxxxx",
    "password=********",
    "password=••••••••",
    "api_key=<your-key>",
    "api_key=your-api-key-here",
    "password=${DB_PASSWORD}",
    "password: {{ vault_password }}",
    "password=$(cat /run/secret)",
    "password=$DB_PASSWORD",
    "token = os.environ['TOKEN']",
    'token = os.environ["TOKEN"]',
    "const token = process.env.TOKEN;",
    "password: null",
    '{"password": ""}',
    "password: str",
    "def login(user: str, password: str) -> bool:",
    "token: string;",
    "max_tokens=256",
    "token_count: 12",
    '{"prompt_tokens": 12, "max_token": 5}',
    '{"token":"Hello","logprob":-0.1}',
    "next_page_token=CAUQAA",
    "password reset",
    "invalid token: unexpected end",
    "Password: must be 8 characters",
    '{"password":"This field is required."}',
    "PWD=/home/app",
    "pwd: ~/src",
    "ssl_key=/etc/ssl/a.key private_key=/etc/ssl/key.pem",
    "credentials: include",
    "password = getpass.getpass()",
    "login(password=password)",
    "this.token = token",
    "POSTGRES_PASSWORD_FILE=/run/secrets/pw",
    "password: !vault |",
    "암호화: 사용",
    "Access-Control-Allow-Credentials: true",
    "compass=north",
    "eos_token: </s>",
    "secretName: tls",
    "password_length=12",
    "token_type=bearer",
    "bypass: 17",
    "api_key: vault:secret/data/x#key",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_takes_out(text: str, expected: str) -> None:
    assert MASKER.mask(text) == expected
    assert MASKER.mask(expected) == expected


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert MASKER.mask(text) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("api_key=q7Rt2Xv9", Kind.API_KEY),
        ('{"refresh_token": "1a2b3c"}', Kind.API_KEY),
        ("<dd-api-key>q7Rt2Xv9</dd-api-key>", Kind.API_KEY),
        ("run --api-key q7Rt2Xv9", Kind.API_KEY),
        ('setToken("q7Rt2Xv9")', Kind.API_KEY),
        ("db_password=q7Rt2Xv9", Kind.PASSWORD),
        ("<user_pwd>q7Rt2Xv9</user_pwd>", Kind.PASSWORD),
        ("run --password q7Rt2Xv9", Kind.PASSWORD),
        ('setPassword("q7Rt2Xv9")', Kind.PASSWORD),
    ],
)
def test_the_name_says_the_kind(text: str, kind: Kind) -> None:
    assert [each.kind for each in MASKER.find(text.encode())] == [kind]
