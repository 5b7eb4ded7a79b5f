"""The record of one request after it ended: source of its log line, journal entry and metrics."""

from __future__ import annotations

from typing import Literal

import msgspec

from roadworthy.core.attempts import Attempt

Quality = Literal["passed", "failed", "not-gated"]
CacheResult = Literal["off", "miss", "hit", "semantic", "stale"]
"""What the cache did for a request (closed set: it is a metric label)."""

HedgeResult = Literal["", "won", "lost", "too_late", "no_target", "unpriced", "over_cost_cap", "over_budget"]
"""What became of a second try (closed set: it is a metric label): the first two were sent, the others were not."""


class ModeServed(msgspec.Struct, frozen=True, gc=False):
    """Which mode was asked for and which one served; shared by all requests that fared alike.

    Attributes:
        requested: Mode asked for.
        served: Mode that served, or was to serve when the request failed; None when none was able.
        reason: Why the mode asked for did not serve; empty when it did.
    """

    requested: str
    served: str | None
    reason: str = ""


class PromptUsed(msgspec.Struct, frozen=True, gc=False):
    """Which prompt was put before a request's messages.

    Attributes:
        id: Its name.
        version: Its version, from 1 upwards.
        language: `en` or `ko`.
    """

    id: str
    version: int
    language: str


class Masked(msgspec.Struct, frozen=True, gc=False):
    """How many values of each kind were replaced; never the values.

    Attributes:
        prompt: In what was sent to the provider.
        answer: In what came back.
    """

    prompt: dict[str, int]
    answer: dict[str, int]


class Finished(msgspec.Struct, frozen=True, gc=False):
    """One request, ended. Holds no text of the caller or of the answer.

    Attributes:
        request_id: As in the header `x-request-id`.
        at: Seconds since the Unix epoch (UTC) when the request arrived.
        endpoint: `chat` or `embeddings`.
        route: Name of the route that served or failed; empty when none matched.
        key_id: Public id of the caller's key, `anonymous` without one.
        stream: Whether the caller asked for a stream.
        status: HTTP status of the answer.
        code: `ok`, or the code of the error that was served (a key of `core.errors.CODES`); `client_gone` when the
            caller hung up first.
        served_by: `provider/model`, empty when nobody served.
        attempts: In order; the last one is the one that served, if any did.
        latency_ms: From the request's last byte to the answer's last byte.
        first_token_ms: Same start, to the first useful token of a stream; None for plain answers.
        overhead_ms: Part of the latency that was ours: the latency without the time spent in attempts and waits.
        prompt_tokens: As counted by the provider, None when unknown.
        completion_tokens: Same.
        fallback: Reason of the first failed attempt when a later one served, else empty.
        quality: What the gate said.
        stub_used: Always False in an answer that left; a stub is an error.
        mode: What the mode selector decided; None when no mode was asked for.
        cache: What the cache did; with `hit`, `semantic` and `stale` nobody served now and `served_by` did it then.
        cache_age_s: Seconds since the answer that the cache gave was made; None when it gave none.
        cost_usd: List price of all attempts together in US dollars, None when unknown.
        prompt: The prompt that was used; None without one.
        hedge: What became of the second try beside a slow one; empty when none was due.
        masked: What was replaced; None where nothing is looked for.
    """

    request_id: str
    at: float
    endpoint: Literal["chat", "embeddings"]
    route: str
    key_id: str
    stream: bool
    status: int
    code: str
    served_by: str
    attempts: tuple[Attempt, ...]
    latency_ms: float
    first_token_ms: float | None = None
    overhead_ms: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    fallback: str = ""
    quality: Quality = "not-gated"
    stub_used: bool = False
    mode: ModeServed | None = None
    cache: CacheResult = "off"
    cache_age_s: float | None = None
    cost_usd: float | None = None
    prompt: PromptUsed | None = None
    hedge: HedgeResult = ""
    masked: Masked | None = None
