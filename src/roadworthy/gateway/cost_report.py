"""What requests cost, added up from the journal: by key, model, mode, route or day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from roadworthy.core.errors import StorageError
from roadworthy.gateway.allowance_store import day_of
from roadworthy.gateway.request_metrics import PASSED_OVER
from roadworthy.gateway.request_record import KIND, PACKED_KIND

BY = ("key", "model", "mode", "route", "day")
"""What costs can be added up by."""
_PAGE = 5_000


class Book(Protocol):
    """A journal that can be read."""

    def read(self, kind_prefix: str = "", after_seq: int = 0, limit: int = 100) -> list[Any]:
        """Entries in order."""
        ...


class CostRow(NamedTuple):
    """Costs of one group.

    Attributes:
        name: Id of the key, `provider/model`, mode, route, or day of UTC.
        requests: Requests; by model, attempts at it.
        tokens: Prompts and answers together, counted or estimated.
        cost_usd: Known costs in US dollars.
        estimated_usd: Part of them that was estimated.
        unpriced: Attempts whose cost is unknown and therefore in no sum.
    """

    name: str
    requests: int
    tokens: int
    cost_usd: float
    estimated_usd: float
    unpriced: int


class _Attempt(msgspec.Struct):
    provider: str
    model: str
    reason: str
    cost_usd: float | None = None
    cost_estimated: bool = False
    tokens: int | None = None


class _Request(msgspec.Struct):
    at: float
    key_id: str
    route: str = ""
    mode_served: str | None = None
    attempts: list[_Attempt] = []


class _Pack(msgspec.Struct):
    requests: list[_Request]


class _Sum:
    __slots__ = ("estimated", "requests", "tokens", "unpriced", "usd")

    def __init__(self) -> None:
        self.requests = self.tokens = self.unpriced = 0
        self.usd = self.estimated = 0.0

    def add(self, attempt: _Attempt) -> None:
        if attempt.reason in PASSED_OVER:
            return
        self.tokens += attempt.tokens or 0
        if attempt.cost_usd is None:
            self.unpriced += 1
            return
        self.usd += attempt.cost_usd
        if attempt.cost_estimated:
            self.estimated += attempt.cost_usd


_one = msgspec.json.Decoder(_Request).decode
_many = msgspec.json.Decoder(_Pack).decode
_GROUPS: dict[str, Callable[[_Request], str]] = {
    "key": lambda request: request.key_id,
    "mode": lambda request: request.mode_served or "none",
    "route": lambda request: request.route or "none",
    "day": lambda request: day_of(request.at),
}


def costs(book: Book, by: str, since: float) -> tuple[list[CostRow], CostRow]:
    """Add up what the journal knows. Reads the whole journal once, a page at a time.

    Args:
        book: The journal.
        by: One of `BY`.
        since: Only requests that arrived then or later, in seconds since the Unix epoch.

    Returns:
        The groups, the dearest first (days in their order), and the total over all requests.

    Raises:
        StorageError: `journal_corrupt` when an entry cannot be read, `store_unavailable`.
    """
    groups: dict[str, _Sum] = {}
    total = _Sum()
    for request in _requests(book):
        if request.at < since:
            continue
        total.requests += 1
        for attempt in request.attempts:
            total.add(attempt)
        if by == "model":
            for attempt in request.attempts:
                if attempt.reason not in PASSED_OVER:
                    _into(groups, f"{attempt.provider}/{attempt.model}", (attempt,))
        else:
            _into(groups, _GROUPS[by](request), request.attempts)
    rows = [_row(name, each) for name, each in groups.items()]
    rows.sort(key=lambda row: (row.name,) if by == "day" else (-row.cost_usd, row.name))
    return rows, _row("total", total)


def _into(groups: dict[str, _Sum], name: str, attempts: Iterable[_Attempt]) -> None:
    into = groups.setdefault(name, _Sum())
    into.requests += 1
    for attempt in attempts:
        into.add(attempt)


def _row(name: str, of: _Sum) -> CostRow:
    return CostRow(name, of.requests, of.tokens, round(of.usd, 9), round(of.estimated, 9), of.unpriced)


def _requests(book: Book) -> Iterator[_Request]:
    after = 0
    while page := book.read("request", after, _PAGE):
        for entry in page:
            after = entry.seq
            try:
                if entry.kind == KIND:
                    yield _one(entry.payload)
                elif entry.kind == PACKED_KIND:
                    yield from _many(entry.payload).requests
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise StorageError(
                    "The journal holds a request that cannot be read.",
                    f"Entry {entry.seq} is damaged.",
                    "`roadworthy gateway journal verify` says whether the journal is whole.",
                    code="journal_corrupt",
                ) from error
