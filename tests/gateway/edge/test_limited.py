"""Header lines about limits."""

from __future__ import annotations

import pytest

from roadworthy.core.ports import Lease
from roadworthy.gateway.allowance import Account, need, whole_limits
from roadworthy.gateway.edge.limited import limit_lines, span
from roadworthy.gateway.settings import KeyLimits


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.02, "20ms"), (0.9996, "1000ms"), (1, "1s"), (8.641, "8.64s"), (59.5, "59.5s"), (60, "1m0s"),
     (360, "6m0s"), (3_661, "61m1s")],
)  # fmt: skip
def test_spans_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_lines_of_both_rates() -> None:
    account = Account("key_a", "2026-11-21", whole_limits(KeyLimits(requests_per_minute=60, tokens_per_minute=600)), 1)
    shares = account.shares(need(0, 100), [need(0, 100)])
    account.granted(shares, Lease((1, 100), (29, 200)), 100.0)
    assert limit_lines(account, 101.0).decode().splitlines() == [
        "x-ratelimit-limit-requests: 60",
        "x-ratelimit-remaining-requests: 31",
        "x-ratelimit-reset-requests: 29s",
        "x-ratelimit-limit-tokens: 600",
        "x-ratelimit-remaining-tokens: 310",
        "x-ratelimit-reset-tokens: 29s",
    ]


def test_no_lines_without_rates() -> None:
    assert limit_lines(Account("key_a", "2026-11-21", whole_limits(KeyLimits(usd_per_day=1.0)), 1), 0.0) == b""
