"""What is kept, and its two forms: chunks to a whole answer, a whole answer to chunks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.cache.entry import Entry, StreamRecording, events, pack, read, repeatable


def completion(**changed: Any) -> bytes:
    message = {"role": "assistant", "content": "Paris.", **changed.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **changed.pop("choice", {})}
    return json.dumps({"id": "x", "object": "chat.completion", "created": 1, "choices": [choice], **changed}).encode()


@pytest.mark.parametrize(
    ("body", "good"),
    [
        (completion(), True),
        (completion(message={"tool_calls": [{"id": "1"}]}), False),
        (completion(message={"tool_calls": [], "refusal": None, "function_call": None, "audio": None}), True),
        (completion(message={"function_call": {"name": "f"}}), False),
        (completion(message={"audio": {"id": "a"}}), False),
        (completion(message={"refusal": "No."}), False),
        (completion(message={"content": None}), False),
        (completion(choice={"finish_reason": "length"}), False),
        (completion(choice={"finish_reason": "content_filter"}), False),
        (completion(choice={"finish_reason": None}), False),
        (completion(choices=[]), False),
        (completion(choices=[json.loads(completion())["choices"][0]] * 2), False),
        (b"no json", False),
        (b'{"choices":[{}]}', False),
    ],
)
def test_what_may_be_told_again(body: bytes, good: bool) -> None:
    assert repeatable(body) is good


def test_entries_survive_the_store() -> None:
    entry = Entry(completion(), "openai/gpt", "passed")
    assert read(pack(entry)) == entry
    assert read(pack(entry)[:-1]) is None
    assert read(b"\x93\xc4\x01a\xa1\xff\xa1b") is None


def parse(stream: bytes) -> list[dict[str, Any]]:
    blocks = stream.decode().split("\n\n")
    assert blocks.pop() == ""
    assert blocks.pop() == "data: [DONE]"
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


@given(st.text(min_size=1, max_size=400), st.booleans())
def test_a_whole_answer_as_a_stream_is_the_same_answer(text: str, usage: bool) -> None:
    body = completion(message={"content": text}, usage={"prompt_tokens": 3}, model="m", citations=["u"])
    recording = StreamRecording(10**6)
    chunks = parse(events(body, b'{"cache":"hit"}', usage))
    assert [chunk["roadworthy"] for chunk in chunks if "roadworthy" in chunk] == [{"cache": "hit"}]
    assert (chunks[-1]["choices"] == []) is usage
    for chunk in chunks:
        chunk.pop("roadworthy", None)
        recording.add(json.dumps(chunk).encode())
    whole = json.loads(recording.whole() or b"{}")
    expected = json.loads(body)
    assert whole["choices"][0]["message"] == expected["choices"][0]["message"]
    assert (whole["id"], whole["model"], whole["citations"]) == ("x", "m", ["u"])
    assert whole.get("usage") == (expected["usage"] if usage else None)


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    return json.dumps({"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}).encode()


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk({"content": "a"})],
        [chunk({"content": "a"}), chunk({}, "length")],
        [chunk({"tool_calls": [{"index": 0}]}), chunk({}, "stop")],
        [chunk({"content": "a"}, logprobs={"content": []}), chunk({}, "stop")],
        [chunk({"content": "a"}), chunk({"content": "b"}, index=1), chunk({}, "stop")],
        [b"no json", chunk({}, "stop")],
        [chunk({"content": "a" * 2_000}), chunk({}, "stop")],
    ],
)
def test_streams_that_are_not_kept(chunks: list[bytes]) -> None:
    recording = StreamRecording(1_000)
    for each in chunks:
        recording.add(each)
    assert recording.whole() is None
