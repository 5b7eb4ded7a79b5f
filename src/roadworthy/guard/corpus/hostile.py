"""Hostile text: pieces that begin a rule's form, repeated without end, alone and recombined at random by a seed."""

from __future__ import annotations

from random import Random
from typing import NamedTuple


class Limits(NamedTuple):
    """What any input must keep.

    Attributes:
        ms_at_10_kb: Milliseconds for ten thousand bytes.
        growth: Times as much for twice the text.
    """

    ms_at_10_kb: float
    growth: float


LIMITS = Limits(50.0, 2.5)

_ARMOUR = "PRIVATE KEY"
HOSTILE = tuple(
    unit.encode()
    for unit in (
        # addresses, and what stands in them
        "a@",
        "a@b.co",
        "a.a.a.a.",
        "a-b_c.d+",
        "@b.co ",
        "a@b@c@d.ef ",
        "%40",
        "a%40b.co%2C",
        # digits and separators
        "0",
        "1 ",
        "12-",
        "1.",
        "1,",
        "(1) ",
        "4111 ",
        "4111 1111 1111 1111 ",
        "4111111111111112 ",
        "4-1-1-1-",
        "+1 ",
        "+82 10 ",
        "+82 10 1234 5678 ",
        "010-1234-5678-",
        "0082",
        "900101-1234567 ",
        "123-45-67890 ",
        "123-45-6789 ",
        "1234567890",
        "(415) 555-2671 ",
        "+1 2 3 4 5 6 7 ",
        "00 49 ",
        "6560 0630 ",
        "0055 11 99347 3335 ",
        "12.34.56.78.",
        "1.2.3.4 ",
        "255.255.255.255,",
        "::",
        "a:b:c:d:",
        "2001:db8::1 ",
        "fe80:0:0:0:",
        "GB29 NWBK ",
        "DE89370400440532013000",
        "A1",
        "M12345678 ",
        "AB123456C ",
        "12345678Z",
        "1234 5678 9012 ",
        # names of secrets, open and closed
        "password=",
        "password='",
        'password="',
        '"password":\\"',
        '{"password":"',
        "token: ",
        "secret\\\\\\\\",
        "api_key=a,",
        "pwd : : ",
        "Authorization: Bearer ",
        "Bearer ab ",
        "Basic ",
        "비밀번호: ",
        "비밀번호는 ",
        "--password ",
        "export TOKEN=",
        "<password>",
        "password is ",
        "token=a&a",
        "set password=a",
        "password=\u201c1",
        "api_key=${",
        'secret=["a",',
        "https://u:p@h?token=`1",
        # addresses with passwords
        "://",
        "://a:1/",
        "://u:p@",
        "://u:p",
        "://u:p@a%",
        "://u:@${a%",
        "postgres://u:p@",
        "a://b:c@d/",
        "postgres://a:b",
        "redis://:",
        "jdbc:",
        "x://y:z:z:z:z",
        # keys and tokens
        "sk-",
        "sk-a",
        "ghp_",
        "xoxb-1-",
        "eyJ",
        "eyJaaaaaaaa.",
        "eyJa.b.c ",
        "AKIA",
        "AIza",
        "SG.a.",
        "-----BEGIN ",
        f"%2525-----BEGIN {_ARMOUR}-----\n",
        f"\uff20-----END {_ARMOUR}-----",
        f"-----BEGIN {_ARMOUR}-----",
        f"-----BEGIN RSA {_ARMOUR}-----\n",
        "-----END PRIVATE KEY-----",
        "MII",
        "whsec_",
        "hvs.",
        "key-",
        # quotes, backslashes, escapes, references
        '"',
        "'",
        "\\",
        '\\"',
        '\\\\"',
        '{"a":',
        '{"a":4111111111111111},',
        "[[[[",
        '":"',
        "\\u0040",
        "\\u00",
        "\\n",
        "%25",
        "%2525",
        "%E",
        "&#",
        "&#64;",
        "&amp;",
        "\u200b",
        "\uff11",
        "\uff20",
        "\u2013",
        "\u00a0",
        "한",
        "한a@b.co",
        # long runs
        "a",
        "aA0",
        "-",
        "_",
        ".",
        " ",
        "=",
        ":",
        "/",
        "+",
        "A",
        "f",
        "\t",
        "\n",
        "a\n",
        "***",
        "***EMAIL_MASKED***",
        "0x",
        "9",
    )
)
"""Units to repeat."""


def hostile(unit: bytes, size: int) -> bytes:
    """The unit as often as it fits into `size` bytes, cut at the end."""
    return (unit * (size // len(unit) + 1))[:size]


def recombined(seed: int) -> bytes:
    """A unit of two to six pieces of the others, drawn and cut at random."""
    rng = Random(seed)  # noqa: S311 - the same input for the same seed
    pieces = []
    for _ in range(rng.randint(2, 6)):
        piece = rng.choice(HOSTILE) * rng.choice((1, 1, 1, 2, 7))
        pieces.append(piece[: rng.randint(1, len(piece))] if rng.random() < 0.2 else piece)
    return b"".join(pieces)
