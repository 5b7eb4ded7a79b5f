"""Fresh secrets: vendors' keys, tokens, private keys, passwords, and passwords in addresses."""

from __future__ import annotations

import base64
import json
import string
from random import Random
from urllib.parse import quote

from roadworthy.guard.corpus.draw import ALNUM, HEX, LOWER, UPPER, base64_text, chars, digits, hexed, url_base64, word
from roadworthy.guard.corpus.sample import Generator, Part, Value, plain
from roadworthy.guard.text.kind import Kind

_URL64 = ALNUM + "-_"
_B32 = UPPER + "234567"
# Prefix, alphabet, length, rest: from the vendors' own pages on their keys, and the forms secret scanners agree on.
_KEYS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "OpenAI": (("sk-", ALNUM, 48),),
    "OpenAI project": (("sk-proj-", _URL64, 74), ("T3BlbkFJ", _URL64, 74)),
    "Anthropic": (("sk-ant-api03-", _URL64, 93), ("AA", "", 0)),
    "OpenRouter": (("sk-or-v1-", HEX, 64),),
    "Google": (("AIza", _URL64, 35),),
    "Google OAuth secret": (("GOCSPX-", _URL64, 28),),
    "Google access token": (("ya29.a0", _URL64, 120),),
    "AWS access key": (("AKIA", _B32, 16),),
    "AWS session key": (("ASIA", _B32, 16),),
    "GitHub": (("ghp_", ALNUM, 36),),
    "GitHub app": (("ghs_", ALNUM, 36),),
    "GitHub fine-grained": (("github_pat_", ALNUM, 22), ("_", ALNUM, 59)),
    "GitLab": (("glpat-", _URL64, 20),),
    "Slack bot": (("xoxb-", string.digits, 12), ("-", string.digits, 13), ("-", ALNUM, 24)),
    "Slack user": (("xoxp-", string.digits, 12), ("-", string.digits, 12), ("-", string.digits, 12), ("-", HEX, 32)),
    "Slack app": (("xapp-1-A", UPPER + string.digits, 10), ("-", string.digits, 13), ("-", HEX, 64)),
    "Stripe": (("sk_live_", ALNUM, 24),),
    "Stripe restricted": (("rk_live_", ALNUM, 99),),
    "Stripe webhook": (("whsec_", ALNUM, 32),),
    "SendGrid": (("SG.", _URL64, 22), (".", _URL64, 43)),
    "Hugging Face": (("hf_", string.ascii_letters, 34),),
    "Groq": (("gsk_", ALNUM, 52),),
    "xAI": (("xai-", ALNUM, 80),),
    "Perplexity": (("pplx-", ALNUM, 48),),
    "Replicate": (("r8_", ALNUM, 37),),
    "npm": (("npm_", ALNUM, 36),),
    "Python index": (("pypi-AgEIcHlwaS5vcmc", _URL64, 120),),
    "DigitalOcean": (("dop_v1_", HEX, 64),),
    "Shopify": (("shpat_", HEX, 32),),
    "Databricks": (("dapi", HEX, 32),),
    "Linear": (("lin_api_", ALNUM, 40),),
    "Notion": (("ntn_", ALNUM, 46),),
    "Postman": (("PMAK-", HEX, 24), ("-", HEX, 34)),
    "Vault": (("hvs.", _URL64, 90),),
    "Doppler": (("dp.pt.", ALNUM, 43),),
    "Supabase": (("sbp_", HEX, 40),),
    "New Relic": (("NRAK-", UPPER + string.digits, 27),),
    "Grafana": (("glsa_", ALNUM, 32), ("_", HEX, 8)),
    "Telegram": (("", "123456789", 1), ("", string.digits, 8), (":AA", _URL64, 33)),
    "Mailgun": (("key-", HEX, 32),),
    "Square": (("sq0atp-", _URL64, 22),),
    "Twilio": (("SK", HEX, 32),),
    "age": (("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),),
}  # fmt: skip
_NAMED = {
    "AWS secret key": (("AWS secret access key",), ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY")),
    "Azure storage": (("account key",), ("AccountKey", "account_key")),
    "Datadog": (("Datadog API key",), ("DD_API_KEY", "dd-api-key")),
    "Cloudflare": (("Cloudflare API token",), ("CLOUDFLARE_API_TOKEN", "cf_api_token")),
    "Kakao": (("REST API \ud0a4", "API key"), ("kakao_rest_api_key", "KAKAO_API_KEY")),
    "Naver": (("client secret",), ("X-Naver-Client-Secret", "client_secret")),
    "own service": ((), ("api_key", "apiKey", "x-api-key", "API_KEY", "access_token", "auth_token")),
    "session": (("session token",), ("session_token", "refresh_token", "csrf_secret")),
}  # fmt: skip


def api_key(rng: Random) -> Value:
    """A vendor's key with its prefix, or a key without one behind its name."""
    form = rng.choice((*_KEYS, *_NAMED))
    if form not in _NAMED:
        text = "".join(
            prefix + (chars(rng, alphabet, count) if count else "") for prefix, alphabet, count in _KEYS[form]
        )
        named = form in ("Twilio", "Mailgun")
        return plain(Kind.API_KEY, _solid(rng, text), form, bare=not named)
    labels, fields = _NAMED[form]
    text = {
        "AWS secret key": lambda: base64_text(rng, 30),
        "Azure storage": lambda: base64_text(rng, 64),
        "Cloudflare": lambda: _solid(rng, chars(rng, _URL64, 40)),
        "Naver": lambda: chars(rng, ALNUM, 10),
        "own service": lambda: _solid(rng, chars(rng, _URL64, rng.randint(24, 48))),
    }.get(form, lambda: hexed(rng, 32))()
    return plain(Kind.API_KEY, text, form, labels=labels, fields=fields, bare=False)


def _solid(rng: Random, text: str) -> str:
    """Without a dash or underscore at the end, which a reader may take for punctuation."""
    return text[:-1] + rng.choice(LOWER) if text[-1] in "-_" else text


def jwt(rng: Random) -> Value:
    """A JSON Web Token (RFC 7519): signed, without signature, or encrypted in five parts (RFC 7516)."""
    form = rng.choice(("HS256", "HS256", "RS256", "ES256", "unsigned", "encrypted"))
    if form == "encrypted":
        header = {"alg": "RSA-OAEP", "enc": "A256GCM"}
        pieces = [_packed(header), *(url_base64(rng.randbytes(size)) for size in (256, 12, rng.randint(40, 90), 16))]
        return plain(Kind.JWT, ".".join(pieces), form)
    header = {"alg": "none" if form == "unsigned" else form, "typ": "JWT"}
    if rng.random() < 0.3:
        header["kid"] = hexed(rng, 8)
    claims = {"sub": digits(rng, 10), "name": word(rng), "iat": 1_760_000_000 + rng.randrange(10**7)}
    size = {"RS256": 256, "ES256": 64, "HS256": 32, "unsigned": 0}[form]
    return plain(Kind.JWT, f"{_packed(header)}.{_packed(claims)}.{url_base64(rng.randbytes(size))}", form)


def _packed(value: dict[str, object] | dict[str, str]) -> str:
    return url_base64(json.dumps(value, separators=(",", ":")).encode())


_PEM = {
    "PKCS 1": ("RSA PRIVATE KEY", 600),
    "PKCS 8": ("PRIVATE KEY", 620),
    "encrypted": ("ENCRYPTED PRIVATE KEY", 640),
    "EC": ("EC PRIVATE KEY", 121),
    "OpenSSH": ("OPENSSH PRIVATE KEY", 400),
    "PGP": ("PGP PRIVATE KEY BLOCK", 500),
}


def private_key(rng: Random) -> Value:
    """A private key in PEM (RFC 7468), OpenSSH or PGP armour; a few are cut off before their end."""
    form = rng.choice(tuple(_PEM))
    label, size = _PEM[form]
    width = 70 if form == "OpenSSH" else 64
    body = base64.b64encode(b"\x30\x82" + rng.randbytes(size)).decode()
    lines = [body[start : start + width] for start in range(0, len(body), width)]
    if form == "PGP":
        lines = ["Version: GnuPG v2", "", *lines, "=" + chars(rng, ALNUM, 4)]
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    if rng.random() < 0.05:
        return _key([begin, *lines[:4]], form + ", cut off")
    return _key([begin, *lines, end], form)


def _key(lines: list[str], form: str) -> Value:
    return plain(Kind.PRIVATE_KEY, "\n".join(lines), form, disguise=False)


_SYMBOLS = "!@#$%^*_-+=.?"


def _secret_word(rng: Random) -> tuple[str, str]:
    """A password and its form; none has white space, quotes, or a comma or semicolon, which end it in bare places."""
    form = rng.choice(("word and number", "random", "symbols", "hexadecimal", "leet", "phrase"))
    if form == "random":
        return chars(rng, ALNUM, rng.randint(10, 24)), form
    if form == "symbols":
        inside = chars(rng, ALNUM + _SYMBOLS, rng.randint(8, 16))
        return rng.choice(LOWER) + inside + rng.choice(string.digits), form
    if form == "hexadecimal":
        return hexed(rng, rng.choice((16, 24, 32))), form
    if form == "leet":
        return f"{word(rng).capitalize().replace('o', '0').replace('e', '3')}{rng.choice('!@#$')}{digits(rng, 3)}", form
    if form == "phrase":
        return "-".join(word(rng) for _ in range(4)) + digits(rng, 2), form
    return f"{word(rng)}{digits(rng, rng.randint(2, 4))}", form


def password(rng: Random) -> Value:
    """A password, to stand behind its name."""
    text, form = _secret_word(rng)
    return plain(Kind.PASSWORD, text, form, bare=False, disguise=False)


_SCHEMES = (
    "postgres", "postgresql", "postgresql+psycopg", "mysql", "mysql+pymysql", "mongodb", "mongodb+srv", "amqp", "amqps",
    "redis", "rediss", "https", "http", "ftp", "sftp", "smtp", "clickhouse", "mssql", "nats", "ldap", "socks5",
)  # fmt: skip


def url_password(rng: Random) -> Value:
    """An address with a user and a password in it (RFC 3986, section 3.2.1), as databases and proxies are given."""
    scheme = rng.choice(_SCHEMES)
    secret, form = _secret_word(rng)
    # what RFC 3986 bars from user information is percent-encoded, or, as people do, left out or left as it is
    written = quote(secret, safe="!$*+=-._~") if rng.random() < 0.6 else secret.replace("@", "").replace("#", "")
    written = written.replace("?", "")
    user = (
        "" if scheme.startswith("redis") and rng.random() < 0.6 else f"{word(rng, 1)}{rng.choice(('', '_app', '.ro'))}"
    )
    host = rng.choice((f"{word(rng)}.internal", "db", "localhost", f"{word(rng)}.example.com"))
    tail = rng.choice((f":{rng.choice((5432, 3306, 6379, 5672))}/{word(rng, 1)}", f"/{word(rng, 1)}", ""))
    parts = (Part(f"{scheme}://{user}:"), Part(written, Kind.URL_PASSWORD), Part(f"@{host}{tail}"))
    return Value(parts, form, disguise=False)


SECRETS: dict[Kind, Generator] = {
    Kind.API_KEY: api_key,
    Kind.JWT: jwt,
    Kind.PRIVATE_KEY: private_key,
    Kind.PASSWORD: password,
    Kind.URL_PASSWORD: url_password,
}
"""One generator per kind."""
