"""Personal data and secrets of every kind that the guard knows, and the search for them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any
from urllib.parse import quote

import re2

from roadworthy.guard.corpus import check_digit, national
from roadworthy.guard.corpus.draw import ALNUM, HEX, LOWER, UPPER, base64_text, chars, digits, hexed, url_base64, word

_LEAST = 8


@dataclass(frozen=True)
class Planted:
    """One value.

    Attributes:
        name: What it is.
        text: The words in which it is written.
        value: What must be seen nowhere; for addresses with a password in them, the password.
    """

    name: str
    text: str
    value: str

    @cached_property
    def inline(self) -> str:
        """The words in one line of Latin-1 or UTF-8, for a header."""
        return self.text.replace("\n", "\\n")

    @cached_property
    def needles(self) -> set[bytes]:
        """The value in every way of writing that anything on the way may choose, and every half of it."""
        found: set[bytes] = set()
        for line in self.value.splitlines():
            if len(line) < _LEAST or line.startswith("-----"):
                continue
            size = max(_LEAST, len(line) // 2)
            halves = {line[start : start + size] for start in range(len(line) - size + 1)} - {line}
            found |= {half.encode() for half in halves if len(line) > size + 2}
            escaped = json.dumps(line)[1:-1]
            forms = {line, escaped, escaped.replace("/", "\\/"), quote(line, safe=""), quote(line, safe="@/:+")}
            found |= {form.encode() for form in forms}
            found |= {base64.b64encode(line.encode()).rstrip(b"=")[:-1]}
        return found


def _email(rng: Random, name: str) -> str:
    return f"{name}@{word(rng)}.{word(rng)}-mail.org"


def _card(rng: Random, first: str, length: int) -> str:
    body = first + digits(rng, length - 1 - len(first))
    return body + check_digit.luhn_digit(body)


def _iban(country: str, account: str) -> str:
    return country + check_digit.mod97_digits(country, account) + account


def _pem(rng: Random) -> str:
    body = base64.b64encode(b"\x30\x82" + rng.randbytes(300)).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    label = "PRIVATE " + "KEY"
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])


def _jwt(rng: Random) -> str:
    def packed(value: dict[str, Any]) -> str:
        return url_base64(json.dumps(value, separators=(",", ":")).encode())

    claims = {"sub": digits(rng, 10), "name": word(rng), "iat": 1_760_000_000 + rng.randrange(10**7)}
    return f"{packed({'alg': 'HS256', 'typ': 'JWT'})}.{packed(claims)}.{url_base64(rng.randbytes(32))}"


def _spaced(text: str, sizes: tuple[int, ...]) -> str:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return " ".join(pieces)


def _personal(rng: Random) -> list[tuple[str, str, str]]:
    mails = [_email(rng, f"{word(rng)}.{word(rng)}{digits(rng, 2)}") for _ in range(4)]
    visa, master, amex = _card(rng, "4539", 16), _card(rng, "5412", 16), _card(rng, "3714", 15)
    british, german = _iban("GB", "NWBK" + digits(rng, 14)), _iban("DE", digits(rng, 18, "123"))
    v4 = f"{rng.randint(62, 95)}.{rng.randint(100, 220)}.{rng.randint(100, 250)}.{rng.randint(100, 250)}"
    v6 = f"2a02:{hexed(rng, 4)}:{hexed(rng, 4)}:{hexed(rng, 4)}::{chars(rng, '123456789abcdef', 1)}{hexed(rng, 3)}"
    old = f"{rng.randint(61, 99)}0{rng.randint(1, 9)}1{rng.randint(0, 9)}{rng.randint(1, 2)}{digits(rng, 5, '0123')}"
    old = f"{old[:6]}-{old[6:]}{check_digit.resident_digit(old, foreigner=False)}"
    new = f"{rng.randint(21, 25)}0{rng.randint(1, 9)}1{rng.randint(0, 9)}-{digits(rng, 7, '34')}"
    return [
        ("e-mail", "please write to {}", mails[0]),
        ("e-mail with a tag", "cc {} too", mails[1].replace("@", "+bills@")),
        ("e-mail before a particle", "메일은 {}로 보내 주세요", mails[2]),
        ("e-mail in brackets", "From: Someone <{}>", mails[3]),
        ("phone, Korea", "전화 {} 입니다", f"010-{digits(rng, 4, '23456789')}-{digits(rng, 4)}"),
        ("phone, Korea, international", "call {}", f"+82-10-{digits(rng, 4, '23456789')}-{digits(rng, 4)}"),
        ("phone, United States", "ring me at {} now", f"(415) {digits(rng, 3, '23456789')}-{digits(rng, 4)}"),
        ("phone, Britain", "tel {}", f"+44 20 7{digits(rng, 3)} {digits(rng, 4)}"),
        ("phone, Germany", "Telefon: {}", f"+49 30 {digits(rng, 7, '23456789')}"),
        ("phone, Japan", "電話 {}", f"+81 90-{digits(rng, 4, '23456789')}-{digits(rng, 4)}"),
        ("phone, France", "téléphone : {}", f"06 {digits(rng, 2, '1234567')} {digits(rng, 2)} {digits(rng, 2)} 47"),
        ("card, Visa", "card {} exp 04/29", _spaced(visa, (4, 4, 4, 4))),
        ("card, Mastercard", "paid with {}", master),
        ("card, American Express", "amex {} please", _spaced(amex, (4, 6, 5))),
        ("resident number", "주민등록번호 {}", old),
        ("resident number since 2020", "주민번호: {}", new),
        ("business number", "사업자등록번호 {}", _business(rng)),
        ("IBAN, Germany", "Konto {}", german),
        ("IBAN, Britain", "account {}", _spaced(british, (4, 4, 4, 4, 4, 2))),
        ("passport, Korea", "여권번호 {}", f"M{digits(rng, 8)}"),
        ("passport, United States", "passport number: {}", f"C{digits(rng, 8)}"),
        ("SSN", "SSN {}", f"{rng.randint(101, 649)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"),
        ("IPv4", "client {} refused", v4),
        ("IPv6", "client {} refused", v6),
        ("DNI", "DNI {}", national.dni(rng)),
        ("CPF", "CPF {}", national.cpf(rng)),
    ]  # fmt: skip


def _business(rng: Random) -> str:
    body = f"{rng.randint(101, 999)}{rng.randint(10, 99)}{digits(rng, 4)}"
    return f"{body[:3]}-{body[3:5]}-{body[5:]}{check_digit.business_digit(body)}"


def _keys(rng: Random) -> list[tuple[str, str, str]]:
    return [
        ("OpenAI", "Incorrect API key provided: {}.", "sk-" + chars(rng, ALNUM, 48)),
        ("Anthropic", "x-api-key: {}", "sk-ant-api03-" + chars(rng, ALNUM, 93) + "AA"),
        ("AWS key id", "key {} is gone", "AKIA" + chars(rng, UPPER + "234567", 16)),
        ("AWS secret key", "aws_secret_access_key={}", base64_text(rng, 30)),
        ("GitHub", "remote: {}", "ghp_" + chars(rng, ALNUM, 36)),
        ("GitLab", "token {}", "glpat-" + chars(rng, ALNUM, 20)),
        ("Slack", "bot {}", f"xoxb-{digits(rng, 12, '123456789')}-{digits(rng, 13, '1')}-{chars(rng, ALNUM, 24)}"),
        ("Stripe", "stripe {}", "sk_live_" + chars(rng, ALNUM, 24)),
        ("Google", "maps {}", "AIza" + chars(rng, ALNUM, 35)),
        ("Hugging Face", "hub {}", "hf_" + chars(rng, UPPER + LOWER, 34)),
        ("SendGrid", "mail {}", f"SG.{chars(rng, ALNUM, 22)}.{chars(rng, ALNUM, 43)}"),
        ("JWT", "got {}", _jwt(rng)),
        ("bearer", "Authorization: Bearer {}", chars(rng, ALNUM, 43)),
        ("session cookie", "Cookie: lang=en; sessionid={}; a=b", chars(rng, ALNUM, 32)),
        ("webhook", "https://hooks.slack.com/services/{}",
         f"T{chars(rng, UPPER, 8)}/B{chars(rng, UPPER, 8)}/{chars(rng, ALNUM, 24)}"),
        ("private key", "{}", _pem(rng)),
        ("own API key", '{{"api_key": "{}"}}', chars(rng, ALNUM, 32)),
        ("hexadecimal key", "X-Api-Key: {}", chars(rng, HEX, 40)),
    ]  # fmt: skip


def _passwords(rng: Random) -> list[tuple[str, str, str]]:
    def made() -> str:
        return f"{word(rng).capitalize()}{chars(rng, ALNUM, 8)}{digits(rng, 2)}"

    return [
        ("PostgreSQL", f"postgresql://{word(rng)}:{{}}@db.internal:5432/app", made()),
        ("Redis", "redis://:{}@cache:6379/0", made()),
        ("MongoDB", f"mongodb+srv://{word(rng)}:{{}}@cluster0.example.net/", made()),
        ("password, named", "password={}", made()),
        ("password, Korean", "비밀번호: {}", made()),
        ("password, German", "Passwort: {}", made()),
        ("password, Spanish", "contraseña: {}", made()),
        ("password, Japanese", "パスワード: {}", made()),
        ("password, French", "mot de passe : {}", made()),
        ("password, flag", "mysql -u root --password={} app", made()),
        ("password, prose", "the password is {}", made()),
    ]


def planted(seed: int) -> list[Planted]:
    """More than fifty values, others for each seed."""
    rng = Random(seed)
    rows = [*_personal(rng), *_keys(rng), *_passwords(rng)]
    return [Planted(name, text.format(value), value) for name, text, value in rows]


class Search:
    """Looks for planted values in whatever was written anywhere.

    Args:
        values: They.
    """

    def __init__(self, values: list[Planted]) -> None:
        self._owner = {needle.lower(): one.name for one in values for needle in one.needles}
        options = re2.Options()
        options.max_mem = 256 << 20
        options.encoding = re2.Options.Encoding.LATIN1
        options.case_sensitive = False
        longest = sorted(self._owner, key=len, reverse=True)
        self._pattern = re2.compile(b"|".join(re2.escape(needle) for needle in longest), options)

    def hits(self, text: str | bytes) -> list[tuple[str, bytes]]:
        """Name of each value that stands there, with what stands around it; once per value."""
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        found: dict[str, bytes] = {}
        for match in self._pattern.finditer(raw):
            name = self._owner[match.group().lower()]
            found.setdefault(name, raw[max(0, match.start() - 90) : match.end() + 60])
        return sorted(found.items())
