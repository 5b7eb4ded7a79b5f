"""When a line of a batch is sent again, and when what came is its answer."""

from __future__ import annotations

import httpx2
import pytest

from roadworthy.gateway.batch.line import Wanted
from roadworthy.serve.edge_link import BACKOFF_CAP_S, MAX_BUSY_TRIES, wait_s
from roadworthy.serve.line_sender import _answered


@pytest.mark.parametrize(
    ("status", "told", "tries", "wait"),
    [
        (200, None, 0, None),
        (400, "5", 0, None),
        (502, None, 0, None),  # the gateway did the retrying
        (429, "7", 0, 7.0),
        (429, "7", 1_000, 7.0),  # a limit of the tenant is waited for as long as there is time
        (429, "86400", 0, BACKOFF_CAP_S),
        (429, None, 0, None),  # a budget that the line alone is larger than: no waiting will help
        (503, None, 0, 0.5),
        (503, None, 3, 4.0),
        (503, "10", 0, 10.0),
        (503, "no number", 1, 1.0),
        (503, None, MAX_BUSY_TRIES, None),
    ],
)
def test_waits(status: int, told: str | None, tries: int, wait: float | None) -> None:
    headers = {} if told is None else {"retry-after": told}
    assert wait_s(httpx2.Response(status, headers=headers), tries) == wait


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"a":', b"\xff"])
def test_an_answer_that_is_no_json_is_told_as_such(content: bytes) -> None:
    answered = _answered(Wanted(3, "a", b"{}"), httpx2.Response(200, content=content))
    assert not answered.good
    assert answered.fault is not None
    assert (answered.fault.code, answered.fault.line) == ("llm_failure", 3)


def test_an_answer_keeps_its_words_and_its_request(tmp_path) -> None:
    answered = _answered(
        Wanted(3, "a", b"{}"), httpx2.Response(200, headers={"x-request-id": "req_1"}, content=b'{"x": [1]}')
    )
    assert (answered.good, answered.request_id, bytes(answered.body)) == (True, "req_1", b'{"x": [1]}')
