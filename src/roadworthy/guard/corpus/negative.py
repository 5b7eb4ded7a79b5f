"""Hard negatives: what looks like personal data or a secret and is none. Ambiguous things are left out on purpose."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from roadworthy.guard.corpus.check_digit import business_digit, luhn_digit
from roadworthy.guard.corpus.draw import ALNUM, UPPER, base64_text, chars, digits, hexed, moment, shaped, word
from roadworthy.guard.corpus.prose import CODE, PLACEHOLDERS, PROSE


class Negative(NamedTuple):
    """A family of harmless texts.

    Attributes:
        make: Draws one.
        labels: What people call it; empty for a text that stands alone.
        fields: What programs call it.
        escapes: Whether it may be written into other carriers; code and documents stay as they are.
    """

    make: Callable[[Random], str]
    labels: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    escapes: bool = True


def _wrong(right: str) -> str:
    """Another digit than the right one."""
    return str((int(right) + 1) % 10)


def _bad_card(rng: Random) -> str:
    payload = digits(rng, 15, "23456")
    number = payload + _wrong(luhn_digit(payload))
    return number if rng.random() < 0.6 else "-".join((number[:4], number[4:8], number[8:12], number[12:]))


def _bad_business(rng: Random) -> str:
    payload = digits(rng, 9, "123456789")
    number = payload + _wrong(business_digit(payload))
    return f"{number[:3]}-{number[3:5]}-{number[5:]}"


def _impossible_resident(rng: Random) -> str:
    return f"{digits(rng, 2)}{rng.randint(13, 99)}{rng.randint(32, 99)}-{digits(rng, 7, '09')}"


def _epoch(factor: int) -> Callable[[Random], str]:
    return lambda rng: str(int(moment(rng).timestamp() * factor) + rng.randrange(factor))


def _clock_card(rng: Random) -> str:
    """Milliseconds or microseconds since 1970 that pass the check of card numbers."""
    now = str(int(moment(rng).timestamp() * rng.choice((1000, 10**6))))
    return now[:-1] + luhn_digit(now[:-1])


def _fraction_card(rng: Random) -> str:
    payload = digits(rng, 15, "45")
    return f"0.{payload}{luhn_digit(payload)}"


def _place(rng: Random) -> str:
    latitude, longitude = rng.uniform(-60, 70), rng.uniform(-179, 179)
    return rng.choice((f"{latitude:.6f}, {longitude:.6f}", f"{latitude:.4f},{longitude:.4f}", f"{longitude:.7f}"))


def _version(rng: Random) -> str:
    four = ".".join(str(rng.randrange(limit)) for limit in (40, 20, 9999, 250))
    return rng.choice(
        (f"v{four}", f"version {four}", f"Chrome/{four}", f"release {four} is out", f"upgraded to v{four}")
    )


def _price(rng: Random) -> str:
    amount = rng.randrange(10**3, 10**9)
    return rng.choice(
        (
            f"{amount:,}원",
            f"₩{amount:,}",
            f"${amount / 100:,.2f}",
            f"€{amount / 100:.2f}",
            f"{amount} KRW",
            f"1.{amount % 1000:03d},{amount % 100:02d} €",
            f"¥{amount:,}",
        )
    )


def _order(rng: Random) -> str:
    return rng.choice(
        (
            digits(rng, 7),
            digits(rng, 10, "123456789"),
            f"ORD-{digits(rng, 8)}",
            shaped(rng, "2026-1100-000000"),
            shaped(rng, "AA00-0000-0000"),
            digits(rng, 12, "123456789"),
        )
    )


def _isbn(rng: Random) -> str:
    body = f"97889{digits(rng, 7)}"
    check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10
    return rng.choice((f"{body}{check}", f"978-89-{body[5:9]}-{body[9:]}-{check}"))


def _imei(rng: Random) -> str:
    payload = f"35{digits(rng, 12)}"
    return payload + luhn_digit(payload)


def _tracking(rng: Random) -> str:
    return rng.choice(
        (
            f"1Z{chars(rng, UPPER, 3)}{digits(rng, 13)}",
            f"RR{digits(rng, 9)}KR",
            digits(rng, 12, "123456"),
            shaped(rng, "JD014600000000000"),
        )
    )


def _image(rng: Random) -> str:
    return "data:image/png;base64,iVBORw0KGgo" + base64_text(rng, rng.randint(60, 240))


def _cursor(rng: Random) -> str:
    return base64.b64encode(f'{{"id":{rng.randrange(10**8)},"dir":"next"}}'.encode()).decode()


def _package(rng: Random) -> str:
    version = f"{rng.randrange(20)}.{rng.randrange(30)}.{rng.randrange(90)}"
    return rng.choice(
        (
            f"@{word(rng)}/{word(rng)}@{version}",
            f"{word(rng)}@{version}",
            f"npm i {word(rng)}@latest",
            f"uses: actions/{word(rng)}@v{rng.randint(1, 6)}",
            f"{word(rng)}@^{version}",
            f"pip install {word(rng)}=={version}",
        )
    )


def _at_sign(rng: Random) -> str:
    return rng.choice(
        (
            f"icon-{word(rng)}@2x.png",
            f"git@github.com:{word(rng)}/{word(rng)}.git",
            f"root@web{rng.randrange(99):02d}:~#",
            f"getty@tty{rng.randrange(9)}.service",
            f"thanks @{word(rng)} for the review",
            f"https://medium.com/@{word(rng)}/why-we-{word(rng)}",
            f"@{word(rng)}.route('/users')",
            f"{word(rng)}@host",
            f"@media (max-width: {rng.randint(300, 1200)}px)",
        )
    )


def _colons(rng: Random) -> str:
    pairs = ":".join(hexed(rng, 2) for _ in range(6))
    return rng.choice(
        (
            pairs,
            pairs.upper(),
            f"std::{word(rng)}::{word(rng)}",
            f"a[::{rng.randint(2, 9)}]",
            f"{word(rng)}::before",
            f"key=user:{rng.randrange(10**6)}:profile",
            f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}",
        )
    )


def _size(rng: Random) -> str:
    return rng.choice(
        (
            f"{rng.randrange(10**8):,} bytes",
            f"{rng.random() * 900:.2f} MB",
            f"{rng.randrange(10**12)}B",
            f"{rng.randrange(4096)}x{rng.randrange(4096)}",
        )
    )


def _vendor_id(rng: Random) -> str:
    return rng.choice(
        (
            f"chatcmpl-{chars(rng, ALNUM, 29)}",
            f"req_{hexed(rng, 24)}",
            f"cus_{chars(rng, ALNUM, 14)}",
            f"pi_{chars(rng, ALNUM, 24)}",
            f"file-{chars(rng, ALNUM, 22)}",
            f"arn:aws:iam::{digits(rng, 12)}:role/{word(rng)}",
            f"{word(rng)}-{hexed(rng, 10)}-{chars(rng, 'bcdfghjklmnpqrstvwxz2456789', 5)}",
            f"i-{hexed(rng, 17)}",
            f"msg_01{chars(rng, ALNUM, 22)}",
            f"task-{word(rng)}-{rng.randrange(10**4)}",
        )
    )


def _masked(rng: Random) -> str:
    return rng.choice(
        (
            f"010-****-{digits(rng, 4)}",
            f"**** **** **** {digits(rng, 4)}",
            f"XXXX-XXXX-XXXX-{digits(rng, 4)}",
            f"{digits(rng, 6, '789')}-*******",
            "***EMAIL_MASKED***",
            "password=***",
            "token: ***MASKED***",
            f"card ending in {digits(rng, 4)}",
            "Authorization: Bearer ***",
        )
    )


def _stamp(rng: Random) -> str:
    at = moment(rng)
    return rng.choice(
        (
            at.isoformat(),
            f"{at:%Y-%m-%dT%H:%M:%S}+09:00",
            f"{at:%Y%m%d%H%M%S}",
            f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}",
            f"{at:%d.%m.%Y %H:%M}",
            f"{at:%Y년 %m월 %d일 %H시 %M분}",
            f"{at:%a, %d %b %Y %H:%M:%S} GMT",
            f"{at:%Y/%m/%d}",
            f"{at:%y%m%d}-{rng.randrange(100):02d}",
        )
    )


def _vector(rng: Random) -> str:
    return "[" + ", ".join(f"{rng.uniform(-1, 1):.{rng.choice((6, 8, 16))}f}" for _ in range(6)) + "]"


def _address(rng: Random) -> str:
    return rng.choice(
        (
            f"http://localhost:{rng.randint(1024, 65535)}/{word(rng)}",
            f"listening on :{rng.randint(1024, 65535)}",
            f"{word(rng)}.svc.cluster.local:{rng.randint(80, 9999)}",
            f"postgres://{word(rng)}.internal:5432/app",
            f"redis://cache:{rng.randint(6379, 6399)}/0",
            f"https://{word(rng)}.example/a:b/c@d",
        )
    )


def _color(rng: Random) -> str:
    return rng.choice(
        (
            f"color: #{hexed(rng, 6)};",
            f"#{hexed(rng, 8)}",
            f".{word(rng)}{{margin:0 auto;padding:{rng.randrange(99)}px;background:#{hexed(rng, 3)}}}",
            f"rgba({rng.randrange(256)}, {rng.randrange(256)}, {rng.randrange(256)}, 0.{rng.randrange(99)})",
        )
    )


def _counts(rng: Random) -> str:
    return rng.choice(
        (
            f"prompt_tokens={rng.randrange(9000)} total_tokens={rng.randrange(18000)}",
            f"max_tokens: {rng.randrange(9000)}",
            f'"usage":{{"prompt_tokens":{rng.randrange(9000)},"total_tokens":{rng.randrange(9000)}}}',
            f"tokens/s {rng.random() * 99:.1f}",
            f"token_count={rng.randrange(10**6)}",
        )
    )


def _one_of(texts: tuple[str, ...]) -> Callable[[Random], str]:
    def make(rng: Random) -> str:
        text = rng.choice(texts)
        return text.replace("{n}", str(rng.randrange(2, 5000))).replace("{w}", word(rng)).replace("{h}", hexed(rng, 12))

    return make


NEGATIVES: dict[str, Negative] = {
    "epoch s": Negative(_epoch(1), ("ts", "timestamp"), ("ts", "created", "iat")),
    "epoch ms": Negative(_epoch(10**3), ("timestamp", "time"), ("ts", "timestamp", "time_ms")),
    "epoch us": Negative(_epoch(10**6), ("timestamp",), ("ts_us", "time_usec")),
    "epoch ns": Negative(_epoch(10**9), ("timestamp",), ("ts_ns", "time_unix_nano")),
    "epoch like a card": Negative(_clock_card, ("timestamp", "ts"), ("ts", "updated_at", "t")),
    "time stamp": Negative(_stamp, ("date", "일시", "at"), ("created_at", "date", "time")),
    "fraction like a card": Negative(_fraction_card, ("score", "ratio"), ("score", "loss", "p")),
    "vector": Negative(_vector),
    "uuid": Negative(
        lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        ("request", "id"),
        ("id", "request_id", "trace"),
    ),
    "uuid in a row": Negative(
        lambda rng: uuid.UUID(int=rng.getrandbits(128), version=4).hex, ("trace", "id"), ("trace_id", "id")
    ),
    "hex id": Negative(lambda rng: hexed(rng, rng.choice((8, 16, 24))), ("span", "id"), ("span_id", "id", "etag")),
    "snowflake": Negative(
        lambda rng: f"1{digits(rng, rng.choice((16, 17, 18)))}", ("message id", "id"), ("id", "message_id", "tweet_id")
    ),
    "number id": Negative(
        lambda rng: digits(rng, rng.randint(5, 8), "123456789"), ("ticket", "회원번호"), ("user_id", "id", "seq")
    ),
    "md5": Negative(lambda rng: hexed(rng, 32), ("checksum", "md5"), ("md5", "checksum", "etag")),
    "sha-1": Negative(lambda rng: hexed(rng, 40), ("commit", "revision"), ("commit", "sha", "revision")),
    "short sha": Negative(lambda rng: hexed(rng, 7), ("commit", "build"), ("git_sha", "build")),
    "sha-256": Negative(lambda rng: hexed(rng, 64), ("digest", "sha256"), ("sha256", "digest")),
    "docker digest": Negative(lambda rng: f"{word(rng)}@sha256:{hexed(rng, 64)}", ("image",), ("image",)),
    "integrity": Negative(lambda rng: "sha512-" + base64_text(rng, 64), ("integrity",), ("integrity",)),
    "version": Negative(_version),
    "version field": Negative(
        lambda rng: ".".join(str(rng.randrange(limit)) for limit in (40, 20, 9999, 250)),
        ("version",),
        ("version", "app_version", "client_version"),
    ),
    "place": Negative(_place, ("location", "lat/lon", "좌표"), ("geo", "lat_lon", "position")),
    "price": Negative(_price, ("price", "결제 금액", "total"), ("price", "amount", "total")),
    "order": Negative(_order, ("order", "주문번호", "order number"), ("order_no", "order_id")),
    "bad card": Negative(_bad_card, ("order", "reference"), ("order_no", "ref", "invoice")),
    "bad business number": Negative(_bad_business, ("order", "상품코드"), ("order_no", "sku")),
    "impossible resident number": Negative(_impossible_resident, ("접수번호", "case"), ("case_no", "ref")),
    "tracking": Negative(_tracking, ("tracking", "운송장번호"), ("tracking_no", "waybill")),
    "isbn": Negative(_isbn, ("ISBN",), ("isbn", "ean")),
    "imei": Negative(_imei, ("IMEI",), ("imei",)),
    "part number": Negative(
        lambda rng: shaped(rng, rng.choice(("AA-0000-0000", "AAA-000", "A0000-00", "00-000-0000-A", "AA0000"))),
        ("part", "model", "품번"),
        ("part_no", "sku", "model"),
    ),
    "masked": Negative(_masked),
    "colons": Negative(_colons, ("MAC", "key", "at"), ("mac", "key")),
    "size": Negative(_size, ("size", "용량"), ("size", "length")),
    "latency": Negative(lambda rng: f"{rng.random() * 900:.3f} ms", ("took", "지연"), ("latency", "took")),
    "counts": Negative(_counts, escapes=False),
    "address": Negative(_address),
    "vendor id": Negative(_vendor_id, ("id", "request"), ("id", "object", "pod")),
    "image": Negative(_image, ("avatar",), ("avatar", "src")),
    "cursor": Negative(_cursor, ("cursor",), ("cursor", "next", "page")),
    "package": Negative(_package),
    "at sign": Negative(_at_sign),
    "color": Negative(_color),
    "code": Negative(_one_of(CODE), escapes=False),
    "placeholder": Negative(_one_of(PLACEHOLDERS), escapes=False),
    "prose": Negative(_one_of(PROSE)),
    "prose again": Negative(_one_of(PROSE)),
}
"""Every family by its name."""
