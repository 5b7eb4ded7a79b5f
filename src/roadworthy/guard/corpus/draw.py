"""Small draws: digits, letters, names, dates."""

from __future__ import annotations

import base64
import datetime
import string
from random import Random

LOWER = string.ascii_lowercase
UPPER = string.ascii_uppercase
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
_ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "h", "j", "k", "kl", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w")
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "ee", "oo")
_CODAS = ("", "", "n", "r", "s", "l", "m", "ng", "ck", "th")


def chars(rng: Random, alphabet: str, count: int) -> str:
    """`count` characters of the alphabet, each as likely as the other."""
    return "".join(rng.choices(alphabet, k=count))


def digits(rng: Random, count: int, first: str = string.digits) -> str:
    """`count` digits; the first one is one of `first`."""
    return rng.choice(first) + chars(rng, string.digits, count - 1)


def hexed(rng: Random, count: int) -> str:
    """`count` hexadecimal digits in lower case."""
    return chars(rng, HEX, count)


def word(rng: Random, syllables: int = 2) -> str:
    """A made-up word in ASCII letters."""
    return "".join(rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(syllables))


def base64_text(rng: Random, size: int) -> str:
    """Base64 of `size` random bytes, standard alphabet, with its padding."""
    return base64.b64encode(rng.randbytes(size)).decode()


def url_base64(data: bytes) -> str:
    """Base64 of the data, URL alphabet, without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def day(rng: Random, first: int = 1950, last: int = 2005) -> datetime.date:
    """A day between the start of the first year and the end of the last."""
    start = datetime.date(first, 1, 1)
    return start + datetime.timedelta(days=rng.randrange((datetime.date(last + 1, 1, 1) - start).days))


def moment(rng: Random) -> datetime.datetime:
    """A moment in 2024 to 2026, with milliseconds."""
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    return start + datetime.timedelta(milliseconds=rng.randrange(3 * 365 * 86_400_000))


def shaped(rng: Random, shape: str) -> str:
    """A text after a shape: `0` a digit, `A` and `a` a letter, `X` either, `h` a hexadecimal digit."""
    alphabets = {"0": string.digits, "A": UPPER, "a": LOWER, "X": UPPER + string.digits, "h": HEX}
    return "".join(rng.choice(alphabets[char]) if char in alphabets else char for char in shape)
