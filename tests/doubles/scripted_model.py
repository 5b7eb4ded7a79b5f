"""A provider that says given answers in order, plain or streamed, and what its callers see of streams."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import httpx2

from doubles.wire_api import EVENT_STREAM, Call, chunk, completion, framed, whole


@dataclass
class Model:
    """A provider that gives its answers in order; the last one again and again."""

    answers: list[Any]
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, call: Call) -> bool:
        said = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(call.json)
        if call.streamed:
            data = said if isinstance(said, bytes) else streamed(said)
            await call.send(EVENT_STREAM + framed(data, 30))
        else:
            await call.send(whole(said if isinstance(said, bytes) else completion(said)))
        return True


def streamed(text: str) -> bytes:
    first = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
    usage = {"id": "c", "model": "m", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7}}
    parts = [text[i : i + 7] for i in range(0, len(text), 7)]
    return (
        b"data: %b\n\n" % json.dumps(first).encode()
        + b"".join(chunk(part) for part in parts)
        + chunk("", "stop")
        + b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(usage).encode()
    )


@dataclass
class Seen:
    status: int
    headers: Any
    raw: str

    @property
    def chunks(self) -> list[dict[str, Any]]:
        lines = [line[6:] for line in self.raw.split("\n") if line.startswith("data: ") and line != "data: [DONE]"]
        return [json.loads(line) for line in lines]

    @property
    def text(self) -> str:
        deltas = [c["delta"] for chunk in self.chunks for c in chunk.get("choices", ()) if c.get("delta")]
        return "".join(delta.get("content") or "" for delta in deltas)


async def watch(edge: Any, **more: Any) -> Seen:
    body = {"model": "chat", "messages": [{"role": "user", "content": "x"}], "stream": True, **more}
    async with edge.http.stream("POST", "/v1/chat/completions", json=body) as response:
        parts: list[bytes] = []
        with contextlib.suppress(httpx2.RemoteProtocolError):  # the cut that follows an error event
            async for part in response.aiter_bytes():
                parts.append(part)  # noqa: PERF401 - what came before the cut counts
        return Seen(response.status_code, response.headers, b"".join(parts).decode())
