"""The shape of OpenAI's chat API around something that is no model: what was asked, and how an answer looks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from roadworthy.core.errors import UsageError
from roadworthy.core.job import Json
from roadworthy.runtime.request_body import read_body

_LINE = re.compile(r"^\s*[\"']?(\w+)[\"']?\s*[:=]\s*(.+?)\s*$", re.MULTILINE)


class _Message(msgspec.Struct):
    role: str
    content: str | list[dict[str, Any]] | None = None


class Asked(msgspec.Struct):
    """A body of `POST .../chat/completions`, as far as it is read."""

    model: str
    messages: list[_Message]
    stream: bool = False

    @property
    def text(self) -> str:
        """The last message of the user."""
        said = next((one.content for one in reversed(self.messages) if one.role == "user"), None) or ""
        return said if isinstance(said, str) else "\n".join(str(part.get("text", "")) for part in said)

    def fields(self) -> dict[str, Any]:
        """The last message of the user as an object: JSON, or a line `field: value` for each field."""
        try:
            return msgspec.json.decode(self.text, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError):
            return {name.lower(): value for name, value in _LINE.findall(self.text)}


def read_asked(body: bytes) -> Asked:
    """What was asked.

    Raises:
        UsageError: `invalid_request`; `unsupported_parameter` for a stream.
    """
    asked = read_body(body, Asked)
    if asked.stream:
        raise UsageError("The answer is given as a whole.", code="unsupported_parameter", param="stream")
    return asked


def models(names: Mapping[str, object] | list[str], owner: str) -> dict[str, Json]:
    """The body of `GET .../models`."""
    return {
        "object": "list",
        "data": [{"id": one, "object": "model", "created": 0, "owned_by": owner} for one in names],
    }


def completion(
    name: str, created: float, model: str, text: str, tokens: tuple[int | None, int | None]
) -> dict[str, Any]:
    """The body of an answer.

    Args:
        name: Its id.
        created: Seconds since the Unix epoch (UTC).
        model: Who answered.
        text: What was answered.
        tokens: Of question and answer; None when unknown.
    """
    told: dict[str, Any] = {
        "id": name, "object": "chat.completion", "created": int(created), "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
    }  # fmt: skip
    asked, said = tokens
    if asked is not None and said is not None:
        told["usage"] = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
    return told
