"""How a key's limits are told to its callers: the words of a refusal, and OpenAI's `x-ratelimit-*` lines.

Source of the names and of the form of a span (`120ms`, `8.64s`, `6m0s`): OpenAI, guide "Rate limits", section "Rate
limits in headers".
"""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.core.errors import GatewayError, RoadworthyError
from roadworthy.gateway.allowance import CONCURRENT, REQUESTS, TOKEN_RATE, TOKENS, USD, Account, Need
from roadworthy.gateway.cost import NANO
from roadworthy.gateway.edge.caller import Caller

_RATES = ((REQUESTS, b"requests"), (TOKEN_RATE, b"tokens"))


class LimitedCaller:
    """Passes an answer on to the caller, with what is left of the key's limits.

    Args:
        caller: Who waits.
        account: The key's limits in this worker.
        wall: Seconds since the Unix epoch.
    """

    __slots__ = ("_account", "_caller", "_wall", "cut", "end", "write")

    def __init__(self, caller: Caller, account: Account, wall: Callable[[], float]) -> None:
        self._caller = caller
        self._account = account
        self._wall = wall
        self.write = caller.write
        self.end = caller.end
        self.cut = caller.cut

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """See `Caller.answer`."""
        self._caller.answer(status, lines + limit_lines(self._account, self._wall()), body)

    def begin(self, lines: bytes) -> None:
        """See `Caller.begin`."""
        self._caller.begin(lines + limit_lines(self._account, self._wall()))


def limit_lines(account: Account, now: float) -> bytes:
    """Header lines for the rates that are limited; `remaining` leaves out what other workers have leased."""
    lines = b""
    for resource, name in _RATES:
        limit = account.limits[resource]
        if limit is None:
            continue
        remaining = account.remaining(resource, now)
        lines += b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n" % (
            name, limit, name, remaining, name, span((limit - remaining) * 60.0 / limit).encode(),
        )  # fmt: skip
    return lines


def span(seconds: float) -> str:
    """A span as OpenAI writes it: `0s`, `120ms`, `8.64s`, `6m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms" if seconds > 0 else "0s"
    if seconds < 60:
        return f"{round(seconds, 2):g}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s"


def refusal(account: Account, wanted: Need, resource: int, wait_s: float) -> RoadworthyError:
    """The error for a request that a limit does not let pass.

    Args:
        account: The key's limits.
        wanted: What the request would have to reserve.
        resource: The limit that is short.
        wait_s: Seconds until it may pass.
    """
    limit = account.limits[resource] or 0
    if resource in (USD, TOKENS):
        never = wanted[resource] > limit or not limit
        left = max(0, account.pot(resource) + (account.left[resource] or 0)) if limit else 0
        unit = _dollars if resource == USD else _tokens
        why, mend = "A budget of 0 allows nothing.", "Raise the budget with `roadworthy key set`."
        if limit:
            why = f"It may use up to {unit(wanted[resource])}; {unit(left)} is left today."
            mend = "Bound the answer with max_tokens, or raise the budget with `roadworthy key set`." if never else ""
        return GatewayError(
            f"The key's budget of {unit(limit)} a day does not cover the request.",
            why, mend, code="budget_exceeded", retry_after_s=None if never else wait_s,
        )  # fmt: skip
    if resource == CONCURRENT:
        return GatewayError(
            f"The key has {limit} requests running, which is its limit.", code="rate_limited", retry_after_s=1.0
        )
    what = "requests" if resource == REQUESTS else "tokens"
    return GatewayError(
        f"The key's limit of {limit} {what} a minute is reached.", code="rate_limited", retry_after_s=wait_s
    )


def _dollars(amount: int) -> str:
    return f"${amount / NANO:.9f}".rstrip("0").rstrip(".")


def _tokens(amount: int) -> str:
    return f"{amount} tokens"
