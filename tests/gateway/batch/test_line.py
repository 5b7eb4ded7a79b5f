"""What a line of a batch must be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.batch.line import MAX_LINE_BYTES, Bad, read_line

CHAT = "/v1/chat/completions"
GOOD = {"custom_id": "a", "method": "POST", "url": CHAT, "body": {"model": "chat", "messages": []}}


def line(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_a_good_line_keeps_its_body() -> None:
    read = read_line(7, line(body={"model": "chat", "x": [1, {"y": None}]}), CHAT, set())
    assert (read.number, read.custom_id) == (7, "a")
    assert json.loads(read.body) == {"model": "chat", "x": [1, {"y": None}]}


@pytest.mark.parametrize(
    ("raw", "code", "param", "named"),
    [
        (b"{", "invalid_request", None, False),
        (b"\xff\xfe", "invalid_request", None, False),
        (b"[]", "invalid_request", None, False),
        (b"[" * 100_000, "invalid_request", None, False),
        (line(body="text"), "invalid_request", None, False),
        (line(custom_id=5), "invalid_request", None, False),
        (line(custom_id=""), "invalid_request", "custom_id", False),
        (line(custom_id="x" * 257), "invalid_request", "custom_id", False),
        (line(custom_id="known"), "invalid_request", "custom_id", False),
        (line(url="/v1/embeddings"), "invalid_request", "url", True),
        (line(method="GET"), "invalid_request", "url", True),
        (line(body={"stream": True}), "unsupported_parameter", "stream", True),
        (b'"' + b"x" * MAX_LINE_BYTES + b'"', "request_too_large", None, False),
    ],
)
def test_a_bad_line_says_which_and_why(raw: bytes, code: str, param: str | None, named: bool) -> None:
    with pytest.raises(Bad) as bad:
        read_line(3, raw, CHAT, {"known"})
    fault = bad.value.fault
    assert (fault.code, fault.line, fault.param) == (code, 3, param)
    assert fault.message.startswith("Line 3: ")
    assert (bad.value.custom_id == "a") == named


@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner, max_size=4), max_leaves=8,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_whatever_comes_is_read_or_named_bad(raw: bytes) -> None:
    faults = []
    try:
        read_line(1, raw, CHAT, set())
    except Bad as bad:
        faults.append(bad.fault.line)
    assert faults in ([], [1])


def test_a_fault_repeats_nothing_of_the_line() -> None:
    with pytest.raises(Bad) as bad:
        read_line(1, line(custom_id="sk-planted", url="https://planted.example"), CHAT, set())
    assert "planted" not in bad.value.fault.message
