"""What a caller says about caches: the request directives of RFC 9111 §5.2.1 that a store of answers can keep."""

from __future__ import annotations

from math import inf
from typing import NamedTuple


class Directive(NamedTuple):
    """What a caller allows.

    Attributes:
        read: Whether an answer that was kept may be served.
        write: Whether the answer may be kept.
        max_age_s: Oldest kept answer that the caller takes, in seconds.
    """

    read: bool = True
    write: bool = True
    max_age_s: float = inf


ANYTHING = Directive()


def read_directive(line: bytes | None) -> Directive:
    """What a `Cache-Control` line of a request allows; what is not known to us is no restriction.

    Args:
        line: The line's value, None without one.
    """
    if line is None:
        return ANYTHING
    read, write, max_age_s = True, True, inf
    for part in line.lower().split(b","):
        name, _, value = part.strip().partition(b"=")
        if name == b"no-store":
            read = write = False
        elif name == b"no-cache":
            read = False
        elif name == b"max-age":
            digits = value.strip(b'"')
            max_age_s = min(max_age_s, float(digits[:12]) if digits.isdigit() else 0.0)
    return Directive(read, write, max_age_s)
