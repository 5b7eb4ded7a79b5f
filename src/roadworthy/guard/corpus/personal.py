"""Fresh values of the personal kinds that are the same everywhere, and of Korea's and America's numbers."""

from __future__ import annotations

import ipaddress
from random import Random

from roadworthy.guard.corpus import check_digit as check
from roadworthy.guard.corpus.draw import LOWER, day, digits, shaped, word
from roadworthy.guard.corpus.sample import Generator, Value, plain
from roadworthy.guard.text.kind import Kind

_PROVIDERS = (
    "gmail.com", "naver.com", "daum.net", "kakao.com", "hotmail.com", "outlook.de", "yahoo.co.jp", "qq.com", "163.com",
    "web.de", "orange.fr", "libero.it", "mail.ru", "icloud.com", "proton.me", "googlemail.com", "uol.com.br", "wp.pl",
)  # fmt: skip
_ENDINGS = ("com", "net", "org", "io", "co.kr", "kr", "de", "fr", "co.uk", "es", "com.br", "it", "nl", "pl", "ru",
            "com.tr", "in", "vn", "co.id", "ac.th", "jp", "cn", "com.cn", "tech", "museum", "education")  # fmt: skip


def _email(rng: Random) -> Value:
    form = rng.choice(("plain", "dotted", "tagged", "digits", "upper", "subdomain", "short", "international"))
    local, host = word(rng), rng.choice(_PROVIDERS)
    if form == "dotted":
        local = f"{word(rng)}{rng.choice('._-')}{word(rng)}"
    elif form == "tagged":
        local = f"{word(rng)}+{word(rng, 1)}{rng.randrange(100)}"
    elif form == "digits":
        local = f"{word(rng)}{digits(rng, rng.randint(2, 6))}"
    elif form == "upper":
        local, host = f"{word(rng).capitalize()}.{word(rng).upper()}", f"{word(rng).capitalize()}.com"
    elif form == "subdomain":
        host = f"{word(rng, 1)}.{word(rng)}-{word(rng, 1)}.{rng.choice(_ENDINGS)}"
    elif form == "short":
        local, host = rng.choice(LOWER) + rng.choice(LOWER), f"{word(rng, 1)}.{rng.choice(_ENDINGS)}"
    elif form == "international":
        host = rng.choice(("xn--bcher-kva.example", f"bücher-{word(rng, 1)}.de", f"café{word(rng, 1)}.fr"))
    return plain(Kind.EMAIL, f"{local}@{host}", form)


# Issuer prefixes and lengths: the networks' published ranges; 9xxx is Korea's domestic range, 220x Russia's.
_CARDS = {
    "visa": (("4",), 16),
    "visa 13": (("4",), 13),
    "mastercard": (("51", "52", "53", "54", "55"), 16),
    "mastercard 2": (("2221", "2300", "2450", "2599", "2650", "2700", "2720"), 16),
    "amex": (("34", "37"), 15),
    "discover": (("6011", "644", "649", "65"), 16),
    "jcb": (("3528", "3540", "3566", "3589"), 16),
    "diners": (("36", "300", "305", "38", "39"), 14),
    "unionpay": (("6212", "6221", "6225", "6250"), 16),
    "unionpay 19": (("6212", "6217", "6228"), 19),
    "maestro": (("5018", "5020", "5038", "6304", "6759", "6763"), 16),
    "korean domestic": (("9410", "9420", "9430", "9445", "9490"), 16),
    "mir": (("2200", "2202", "2204"), 16),
}
_GROUPS = {13: (4, 3, 3, 3), 14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4), 19: (4, 4, 4, 4, 3)}


def _card(rng: Random) -> Value:
    form = rng.choice(tuple(_CARDS))
    prefixes, length = _CARDS[form]
    payload = rng.choice(prefixes)
    payload += digits(rng, length - 1 - len(payload))
    number = payload + check.luhn_digit(payload)
    separator = rng.choice(("", "", " ", " ", "-"))
    if separator and length != 13:
        number = separator.join(_grouped(number, _GROUPS[length]))
    return plain(Kind.CARD, number, form)


def _grouped(text: str, sizes: tuple[int, ...]) -> list[str]:
    groups, start = [], 0
    for size in sizes:
        groups.append(text[start : start + size])
        start += size
    return groups


def _ip(rng: Random) -> Value:
    form = rng.choice(("v4", "v4", "v4 private", "v6", "v6 short", "v6 upper", "v4 in v6"))
    four = _public_v4(rng)
    if form == "v4 private":
        four = rng.choice(
            (f"10.{_byte(rng)}.{_byte(rng)}.{_byte(rng)}", f"192.168.{_byte(rng)}.{_byte(rng)}",
             f"172.{rng.randint(16, 31)}.{_byte(rng)}.{_byte(rng)}")
        )  # fmt: skip
    elif form == "v4 in v6":
        four = f"::ffff:{four}"
    elif form.startswith("v6"):
        four = _v6(rng, form)
    return plain(Kind.IP, four, form)


def _byte(rng: Random) -> int:
    return rng.randint(1, 254)


def _public_v4(rng: Random) -> str:
    while True:
        address = ipaddress.IPv4Address(rng.getrandbits(32))
        if address.is_global and not address.is_multicast and address.packed[3] not in (0, 255):
            return str(address)


def _v6(rng: Random, form: str) -> str:
    prefix = rng.choice((0x2001, 0x2400, 0x2600, 0x2A00, 0x2A02)) << 112
    if form == "v6 short":
        low = rng.getrandbits(rng.choice((8, 16, 32)))
        return str(ipaddress.IPv6Address(prefix | rng.getrandbits(32) << 80 | low))
    address = ipaddress.IPv6Address(prefix | rng.getrandbits(112))
    return address.exploded.upper() if form == "v6 upper" else str(address)


# Length and shape of the part behind the check digits (ISO 13616 registry).
_BBANS = {
    "DE": "000000000000000000", "FR": "0000000000XXXXXXXXXXX00", "GB": "AAAA00000000000000",
    "ES": "00000000000000000000", "IT": "A0000000000XXXXXXXXXXXX", "NL": "AAAA0000000000",
    "PL": "000000000000000000000000", "PT": "000000000000000000000", "SE": "00000000000000000000",
    "TR": "000000XXXXXXXXXXXXXXXX", "CH": "00000XXXXXXXXXXXX", "AT": "0000000000000000", "BE": "000000000000",
    "SA": "00XXXXXXXXXXXXXXXXXX", "AE": "0000000000000000000", "NO": "00000000000", "IE": "AAAA00000000000000",
    "BR": "00000000000000000000000AX",
}  # fmt: skip


def _iban(rng: Random) -> Value:
    country = rng.choice(tuple(_BBANS))
    bban = shaped(rng, _BBANS[country])
    number = country + check.mod97_digits(country, bban) + bban
    if rng.random() < 0.5:
        number = " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    return plain(Kind.IBAN, number, country)


def _ssn(rng: Random) -> Value:
    area = rng.choice([number for number in range(1, 900) if number != 666])
    form = rng.choice(("dashes", "dashes", "spaces", "in a row"))
    group, serial = rng.randint(1, 99), rng.randint(1, 9999)
    separator = {"dashes": "-", "spaces": " ", "in a row": ""}[form]
    text = f"{area:03d}{separator}{group:02d}{separator}{serial:04d}"
    return plain(Kind.SSN, text, form, bare=form == "dashes", languages=("en", "en", "en", "en", "es", "ko"))


def _rrn(rng: Random) -> Value:
    form = rng.choice(("citizen", "citizen", "foreigner", "born since October 2020", "issued since October 2020"))
    born = day(rng, 2021, 2026) if form.startswith("born") else day(rng, 1940, 2019)
    gender = rng.randint(1, 2) + 2 * (born.year >= 2000) + 4 * (form == "foreigner")
    checked = form in ("citizen", "foreigner")
    # two digits of the office that registered the birth, 00 to 96, until October 2020
    payload = f"{born:%y%m%d}{gender}{rng.randint(0, 96):02d}{digits(rng, 3)}"
    last = check.resident_digit(payload, form == "foreigner") if checked else digits(rng, 1)
    number = payload + last
    separator = rng.choice(("-", "-", "-", "", " - "))
    text = f"{number[:6]}{separator}{number[6:]}"
    return plain(Kind.RRN, text, form, bare=separator == "-" and checked, languages=("ko", "ko", "ko", "ko", "en"))


def _brn(rng: Random) -> Value:
    # office 101 to 999, kind of business 01 to 99 without 00, serial
    payload = f"{rng.randint(101, 999)}{rng.randint(1, 99):02d}{digits(rng, 4)}"
    number = payload + check.business_digit(payload)
    dashed = rng.random() < 0.75
    text = f"{number[:3]}-{number[3:5]}-{number[5:]}" if dashed else number
    form = "dashes" if dashed else "in a row"
    return plain(Kind.BRN, text, form, bare=dashed, languages=("ko", "ko", "ko", "ko", "en"))


GENERATORS: dict[Kind, Generator] = {
    Kind.EMAIL: _email,
    Kind.CARD: _card,
    Kind.IP: _ip,
    Kind.IBAN: _iban,
    Kind.SSN: _ssn,
    Kind.RRN: _rrn,
    Kind.BRN: _brn,
}
"""One generator per kind; each draws among the kind's forms."""
