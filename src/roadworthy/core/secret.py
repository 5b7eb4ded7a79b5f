"""A secret that shows itself only when asked by name, and where it came from."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NamedTuple, NoReturn, SupportsIndex


class Provenance(NamedTuple):
    """Where a secret came from. Holds nothing that is secret.

    Attributes:
        source: `vault`, `aws`, `env` or `file`.
        version: As the store counts; None when it does not.
        created_at: Seconds since the Unix epoch (UTC, by the store's clock) at which this version was written; None
            when the store does not say.
        age_s: Seconds since then by the store's own clock, None when unknown.
        lease_s: Seconds for which a credential that was made for us is valid; None for one that stays.
    """

    source: str
    version: str | None = None
    created_at: float | None = None
    age_s: float | None = None
    lease_s: float | None = None


class Secret:
    """A value that `repr`, `str`, `format` and tracebacks show as `***`, and that JSON, pickle and copy refuse.

    Args:
        value: The secret itself.
        origin: Where it came from.
    """

    __slots__ = ("_value", "origin")
    __hash__ = None  # type: ignore[assignment] # a key of a dictionary would keep it alive unseen

    def __init__(self, value: str, origin: Provenance) -> None:
        # In a closure, so that whoever walks over attributes finds a function and no text.
        self._value: Callable[[], str] = lambda: value
        self.origin = origin

    def reveal(self) -> str:
        """The value itself. Whoever calls this must neither store nor show it."""
        return self._value()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is not copied")
