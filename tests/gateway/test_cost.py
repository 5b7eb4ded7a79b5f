"""Prices times tokens, estimates, and what is unknown."""

from __future__ import annotations

import json

import pytest

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.cost import FREE, charged, cost_usd, dearest, nano, price_of, total_usd
from roadworthy.gateway.prompt_size import MEDIA_BYTES, prompt_bytes
from roadworthy.gateway.providers.contract import Usage
from roadworthy.gateway.settings import Price

MINI = Price(input=0.4, output=1.6, cached_input=0.1, cache_write=0.4)
HAIKU = Price(input=1.0, output=5.0, cached_input=0.1, cache_write=1.25)
SEARCH = Price(1.0, 1.0, 1.0, 1.0, request=0.005)


@pytest.mark.parametrize(
    ("price", "usage", "expected"),
    [
        (MINI, Usage(1_000_000, 0), 0.4),
        (MINI, Usage(0, 1_000_000), 1.6),
        (MINI, Usage(1_000_000, 0, cached_tokens=1_000_000), 0.1),
        (MINI, Usage(1_000, 500, cached_tokens=600), (400 * 0.4 + 600 * 0.1 + 500 * 1.6) / 1e6),
        (HAIKU, Usage(1_000, 10, cached_tokens=300, written_tokens=200), (500 + 30 + 250 + 50) / 1e6),
        (SEARCH, Usage(100, 100), 0.0052),
        (FREE, Usage(10_000, 10_000), 0.0),
        (MINI, Usage(10, 0, cached_tokens=50), 5e-6),
    ],
)
def test_cost(price: Price, usage: Usage, expected: float) -> None:
    assert cost_usd(price, usage) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("price", "usage", "reason", "status", "expected"),
    [
        (MINI, Usage(1_000, 0), Reason.SERVED, 200, (4e-4, False, 1_000)),
        (None, Usage(1_000, 0), Reason.SERVED, 200, (None, False, 1_000)),
        (None, Usage(1_000, 0, 0, 0, 0.0123), Reason.SERVED, 200, (0.0123, False, 1_000)),
        (MINI, Usage(1_000, 0), Reason.EMPTY, 200, (4e-4, False, 1_000)),
        (MINI, None, Reason.SERVED, 200, (pytest.approx(1e-4 + 1.6e-4), True, 350)),
        (MINI, None, Reason.TIMEOUT, None, (pytest.approx(1e-4 + 1.6e-4), True, 350)),
        (MINI, None, Reason.CLIENT_GONE, None, (pytest.approx(1e-4 + 1.6e-4), True, 350)),
        (None, None, Reason.TIMEOUT, None, (None, False, 350)),
        (MINI, None, Reason.CONNECT_FAILED, None, (0.0, False, 0)),
        (MINI, None, Reason.RATE_LIMITED, 429, (0.0, False, 0)),
        (None, None, Reason.HTTP_ERROR, 500, (0.0, False, 0)),
        (FREE, None, Reason.TIMEOUT, None, (0.0, False, 350)),
    ],
)
def test_charged(price: Price | None, usage: Usage | None, reason: Reason, status: int | None, expected) -> None:
    assert charged(price, usage, reason, status, 1_000, 100) == expected


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gpt-4.1-mini", True),
        ("gpt-4.1-mini-2025-04-14", True),
        ("gpt-4.1-mini-20250414", True),
        ("gpt-4.1-mini-latest", True),
        ("gpt-4.1", False),
        ("gpt-4.1-mini-turbo", False),
        ("", False),
    ],
)
def test_dated_names_have_the_price_of_the_undated(model: str, found: bool) -> None:
    assert (price_of({"gpt-4.1-mini": MINI}, model) is MINI) is found


def attempt(reason: Reason, usd: float | None) -> Attempt:
    return Attempt("p", "m", reason, 1.0, None, "", usd)


@pytest.mark.parametrize(
    ("attempts", "total"),
    [
        ([], 0.0),
        ([attempt(Reason.SERVED, 0.5)], 0.5),
        ([attempt(Reason.SERVED, None)], None),
        ([attempt(Reason.TIMEOUT, 0.25), attempt(Reason.SERVED, 0.5)], 0.75),
        ([attempt(Reason.TIMEOUT, None), attempt(Reason.SERVED, 0.5)], None),
        ([attempt(Reason.BREAKER_OPEN, None), attempt(Reason.SERVED, 0.5)], 0.5),
        ([attempt(Reason.BENCHED, None), attempt(Reason.BREAKER_OPEN, None)], 0.0),
    ],
)
def test_unknown_is_never_zero(attempts: list[Attempt], total: float | None) -> None:
    assert total_usd(attempts) == total


@pytest.mark.parametrize(("usd", "parts"), [(0.0, 0), (1e-9, 1), (1.1e-9, 2), (0.1 + 0.2, 300_000_000), (1e6, 10**15)])
def test_billionths_are_rounded_up_but_not_for_noise(usd: float, parts: int) -> None:
    assert nano(usd) == parts


def test_the_worst_case_is_the_dearest_model_with_its_dearest_tokens() -> None:
    assert dearest([MINI, HAIKU, SEARCH]) == (1_250, 5_000, 5_000_000)
    assert dearest([Price(0.0001, 0.0, 0.0001, 0.0001)]) == (1, 0, 0), "never less than it costs"
    assert dearest([]) == (0, 0, 0)


def chat(messages: list, **more: object) -> ChatRequest:
    return ChatRequest.parse(json.dumps({"model": "m", "messages": messages, **more}, ensure_ascii=False).encode())


def test_the_size_of_a_prompt() -> None:
    short = prompt_bytes(chat([{"role": "user", "content": "Hello"}]))
    assert short == len('[{"role": "user", "content": "Hello"}]')
    more = prompt_bytes(chat([{"role": "user", "content": "Hello"}], tools=[{"a": "x" * 500}], user="y" * 900))
    assert short + 500 < more < short + 600
    assert prompt_bytes(chat([{"role": "user", "content": "안녕하세요"}])) == short + 10


def test_a_picture_counts_the_same_however_many_bytes_it_has() -> None:
    def picture(size: int) -> int:
        url = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * size}}
        return prompt_bytes(chat([{"role": "user", "content": [{"type": "text", "text": "What is it?"}, url]}]))

    assert picture(10) == picture(100_000)
    assert MEDIA_BYTES < picture(10) < MEDIA_BYTES + 200
