"""Values that exist nowhere else: made for one run, in the forms of personal data and secrets, to be looked for."""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class Canary(NamedTuple):
    """One value.

    Attributes:
        kind: Such as `EMAIL`.
        value: Nobody's: example domains, reserved or random numbers with right check digits.
        sentence: A text that holds it.
    """

    kind: str
    value: str
    sentence: str


def canaries(seed: int | None = None) -> tuple[Canary, ...]:
    """One of each kind.

    Args:
        seed: For tests; random when None.
    """
    dice = random.Random(seed)  # noqa: S311  made-up values, no secrets
    word = _letters(dice, 10).lower()
    values = {
        "EMAIL": (f"canary.{word}@example.org", "Write to {} about the order."),
        "PHONE": (f"010-{dice.randrange(2000, 9999)}-{dice.randrange(1000, 9999)}", "Call me at {} tomorrow."),
        "CARD": (_card(dice), "Charge my card {} please."),
        "IBAN": (_iban(dice), "Pay to IBAN {} today."),
        "SSN": (f"{dice.randrange(101, 600)}-{dice.randrange(10, 99)}-{dice.randrange(1000, 9999)}", "My SSN is {}."),
        "RRN": (_rrn(dice), "주민등록번호는 {} 입니다."),
        "API_KEY": (f"sk-proj-{_letters(dice, 48)}", "Use the key {} for it."),
        "PASSWORD": (f"Tr0ub4dor-{_letters(dice, 12)}", "password: {}"),
        "URL_PASSWORD": (_letters(dice, 16), "postgres://shop:{}@db.example.org/orders"),
    }
    return tuple(Canary(kind, value, text.format(value)) for kind, (value, text) in values.items())


def forms(value: str) -> Iterator[bytes]:
    """How a value may look where it was written: as it is, escaped, in a URL, without its separators."""
    plain = {value, quote(value, safe=""), json.dumps(value)[1:-1]}
    digits = re.sub(r"[ -]", "", value)
    if digits.isdecimal() and len(digits) >= 9:
        plain.add(digits)
    for each in plain:
        yield each.encode()


def hits(content: bytes, wanted: tuple[Canary, ...]) -> Mapping[str, int]:
    """How often each kind is in a content; kinds that are not in it are left out."""
    found = {each.kind: max(content.count(form) for form in forms(each.value)) for each in wanted}
    return {kind: count for kind, count in found.items() if count}


def places(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, with its content; sockets and links are left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()


def _letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choice(string.ascii_letters + string.digits) for _ in range(count))


def _card(dice: random.Random) -> str:
    digits = [4, *(dice.randrange(10) for _ in range(14))]
    doubled = [sum(divmod(2 * each, 10)) if at % 2 == 0 else each for at, each in enumerate(digits)]
    text = "".join(map(str, [*digits, -sum(doubled) % 10]))
    return " ".join(text[at : at + 4] for at in range(0, 16, 4))


def _iban(dice: random.Random) -> str:
    account = "".join(str(dice.randrange(10)) for _ in range(18))
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def _rrn(dice: random.Random) -> str:
    head = f"{dice.randrange(60, 99):02d}{dice.randrange(1, 13):02d}{dice.randrange(1, 28):02d}{dice.choice('12')}"
    head += "".join(str(dice.randrange(10)) for _ in range(5))
    check = (
        11
        - sum(int(digit) * weight for digit, weight in zip(head, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=True))
        % 11
    )
    return f"{head[:6]}-{head[6:]}{check % 10}"
