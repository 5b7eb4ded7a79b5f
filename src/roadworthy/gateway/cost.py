"""What a request costs: counted tokens at list prices, estimates marked as such, unknown prices left unknown.

Money is US dollars as a float where people see it, and whole billionths of a dollar (`NANO`) where it is added up
against a budget, so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.model_name import undated
from roadworthy.gateway.providers.contract import Usage
from roadworthy.gateway.request_metrics import PASSED_OVER
from roadworthy.gateway.settings import Price

NANO = 1_000_000_000
"""Parts of a dollar that budgets are counted in."""
FREE = Price(0.0, 0.0, 0.0, 0.0)
"""The embedded model, by definition."""
BYTES_PER_TOKEN = 4
"""For estimates: English has 4 to 4.5 bytes of UTF-8 per token, Korean about 3 to 4 with current vocabularies."""
BYTES_PER_RESERVED_TOKEN = 3
"""For reservations, which should err on the other side."""


Charge = tuple[float | None, bool, int]
"""What one attempt costs, as the last fields of `Attempt`: US dollars, whether they are estimated, tokens."""


def price_of(prices: Mapping[str, Price], model: str) -> Price | None:
    """The price of a model; a dated name (`gpt-4.1-2025-04-14`, `…-latest`) costs what the undated one does."""
    return prices.get(model) or prices.get(undated(model))


def cost_usd(price: Price, usage: Usage) -> float:
    """List price of counted tokens in US dollars."""
    cached, written = usage.cached_tokens, usage.written_tokens
    fresh = max(0, usage.prompt_tokens - cached - written)
    micro = fresh * price.input + usage.completion_tokens * price.output
    if cached or written:
        micro += cached * price.cached_input + written * price.cache_write
    return micro / 1e6 + price.request


def charged(
    price: Price | None, usage: Usage | None, reason: Reason, status: int | None, prompt_bytes: int, said: int
) -> Charge:
    """What an attempt costs.

    An error status and a connection that was never made cost nothing. Where a model worked and its tokens are not
    counted (no usage, a cut stream, a time-out, a caller who hung up) they are estimated from what went both ways; what
    a provider still writes after nobody listens is not seen, so the estimate of a time-out is a lower bound.

    Args:
        price: Of the model, None when unknown.
        usage: As counted by the provider, None when it did not say.
        reason: How the attempt ended.
        status: HTTP status of the provider, None when none came.
        prompt_bytes: Size of the prompt, for the estimate.
        said: Tokens of the answer that were seen, by estimate.
    """
    if usage is not None:
        usd = usage.cost_usd
        if usd is None and price is not None:
            usd = cost_usd(price, usage)
        return usd, False, usage.prompt_tokens + usage.completion_tokens
    if reason is Reason.CONNECT_FAILED or (status is not None and status != 200):
        return 0.0, False, 0
    guess = Usage(-(-prompt_bytes // BYTES_PER_TOKEN), said)
    tokens = guess.prompt_tokens + said
    if price is None:
        return None, False, tokens
    usd = cost_usd(price, guess)
    return usd, usd > 0, tokens


def total_usd(attempts: Sequence[Attempt]) -> float | None:
    """Cost of a request: the sum over everyone who was asked, None when one of them has no known price.

    Where nobody was asked it is 0.
    """
    if len(attempts) == 1 and (usd := attempts[0].cost_usd) is not None:
        return usd
    total = 0.0
    for attempt in attempts:
        if attempt.reason in PASSED_OVER:
            continue
        if attempt.cost_usd is None:
            return None
        total += attempt.cost_usd
    return total


def nano(usd: float) -> int:
    """Billionths of a dollar, rounded up; what a float cannot tell apart from a whole number is that number."""
    return ceil(usd * NANO - 1e-3)


Dearest = tuple[int, int, int]
"""Billionths of a dollar for each prompt token, each token of an answer, and each request."""


def dearest(prices: Iterable[Price]) -> Dearest:
    """The most that models charge for each part of a request; no attempt at one of them costs more than the sum."""
    rows = [(nano(max(p.input, p.cache_write) / 1e6), nano(p.output / 1e6), nano(p.request)) for p in prices]
    return (
        (max(row[0] for row in rows), max(row[1] for row in rows), max(row[2] for row in rows)) if rows else (0, 0, 0)
    )
