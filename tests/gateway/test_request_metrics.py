"""Requests counted together are counted as they would be one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.core.attempts import Attempt, Reason
from roadworthy.gateway.finished import Finished, ModeServed
from roadworthy.gateway.request_metrics import fold
from roadworthy.runtime.metrics import Metrics

NAMES = st.sampled_from(("a", "b"))
ATTEMPTS = st.builds(
    Attempt,
    provider=NAMES,
    model=NAMES,
    reason=st.sampled_from(Reason),
    latency_ms=st.sampled_from((0.0, 1.5, 3200.25)),
    status=st.none(),
    detail=st.just(""),
    cost_usd=st.sampled_from((None, 0.0, 0.25)),
    repair=st.sampled_from(("", "unfenced", "asked_again")),
    issues=st.sampled_from((None, {"schema": [], "words": 3}, {"invalid_json": "x"})),
)
REQUESTS = st.builds(
    Finished,
    request_id=st.just("req_1"),
    at=st.just(1.0),
    endpoint=st.sampled_from(("chat", "embeddings")),
    route=NAMES,
    key_id=st.just("anonymous"),
    stream=st.booleans(),
    status=st.sampled_from((200, 502)),
    code=st.sampled_from(("ok", "llm_chain_failed")),
    served_by=st.sampled_from(("", "a/b")),
    attempts=st.lists(ATTEMPTS, max_size=3).map(tuple),
    latency_ms=st.sampled_from((0.5, 80.25)),
    first_token_ms=st.sampled_from((None, 40.0)),
    overhead_ms=st.sampled_from((0.0625, 0.5)),
    prompt_tokens=st.sampled_from((None, 0, 12)),
    completion_tokens=st.sampled_from((None, 34)),
    fallback=st.sampled_from(("", "timeout")),
    stub_used=st.booleans(),
    mode=st.sampled_from((None, ModeServed("fast", "fast"), ModeServed("fast", None, "memory"))),
    cache=st.sampled_from(("off", "hit", "stale")),
    hedge=st.sampled_from(("", "won")),
)


def counted(*batches: list[Finished]) -> dict[tuple[str, ...], Any]:
    """Every counter, and of every histogram its counts and its sum."""
    metrics = Metrics()
    for batch in batches:
        fold(metrics, batch)
    values: dict[tuple[str, ...], Any] = {}
    for name, series in metrics.snapshot().items():
        for labels, value in series:
            if not name.startswith(("process_", "roadworthy_process_")):
                values[name, *labels] = [*value["counts"], value["sum"]] if isinstance(value, dict) else value
    return values


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(REQUESTS, max_size=20))
def test_together_is_as_one_by_one(batch: list[Finished]) -> None:
    together, apart = counted(batch), counted(*([one] for one in batch))
    assert together.keys() == apart.keys()
    for name, value in together.items():
        assert value == pytest.approx(apart[name]), name
