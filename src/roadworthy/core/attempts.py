"""What happened at one provider: the record that appears in the answer, the journal, the log and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Why an attempt ended as it did (closed set: it is a metric label)."""

    SERVED = "served"
    # the connection
    CONNECT_FAILED = "connect_failed"
    CONNECTION_CUT = "connection_cut"
    TIMEOUT = "timeout"
    # the provider's own refusal
    HTTP_ERROR = "http_error"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    MODEL_NOT_FOUND = "model_not_found"
    BAD_REQUEST = "bad_request"
    CONTENT_FILTERED = "content_filtered"
    # an answer that is none
    MALFORMED = "malformed_body"
    EMPTY = "empty_answer"
    INVALID_JSON = "invalid_json"
    LENGTH_LIMIT = "length_limit"
    STUB = "stub_content"
    REFUSAL = "refusal"
    QUALITY_FAILED = "quality_failed"
    # a stream after its commit point
    STREAM_CUT = "stream_cut"
    STREAM_STALLED = "stream_stalled"
    STREAM_TOO_SLOW = "stream_too_slow"
    # not asked at all
    BREAKER_OPEN = "breaker_open"
    BENCHED = "benched"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    CLIENT_GONE = "client_gone"
    HEDGE_LOST = "hedge_lost"


class Attempt(NamedTuple):
    """One provider asked, or passed over, for one request.

    Attributes:
        provider: Name of the provider in the configuration.
        model: Model asked for at that provider.
        reason: How it ended; `served` when its answer was used.
        latency_ms: Milliseconds from asking to the end of the attempt; 0 when it was passed over.
        status: HTTP status of the provider, if one came.
        detail: Masked text of the provider's error, at most 200 characters; empty when there is none.
        cost_usd: Price of the attempt in US dollars, None when unknown.
        cost_estimated: Whether the price was estimated from characters, because the provider gave no token counts.
        tokens: Prompt and answer together, counted or estimated; None when nobody was asked.
        repair: `asked_again` when the model was told what was wrong with its last answer, `unfenced` when JSON was
            taken out of the code block around it; else empty.
        issues: `quality_issues` of an answer that did not pass the gate, None when no answer was judged or it passed.
        hedge: Whether it was asked in addition, because another target was slow.
    """

    provider: str
    model: str
    reason: Reason
    latency_ms: float
    status: int | None = None
    detail: str = ""
    cost_usd: float | None = None
    cost_estimated: bool = False
    tokens: int | None = None
    repair: str = ""
    issues: Mapping[str, object] | None = None
    hedge: bool = False
