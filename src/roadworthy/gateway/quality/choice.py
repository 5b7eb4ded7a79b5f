"""What an answer says, choice by choice, where its text alone does not tell: several choices, tool calls, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from roadworthy.gateway.providers.contract import Reply


class Said(NamedTuple):
    """What is to be judged.

    Attributes:
        texts: Text of every choice that is a text. One that calls a tool or holds audio is none, whatever else it says.
        refused: Whether a choice is a refusal in the field that the wire format has for it.
    """

    texts: list[str]
    refused: bool


class _Present(msgspec.Struct, gc=False):
    """An object whose presence is all that matters."""


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Present] | None = None
    function_call: _Present | None = None
    audio: _Present | None = None


class _Choice(msgspec.Struct, gc=False):
    message: _Message | None = None
    delta: _Message | None = None
    index: int = 0


class _Answer(msgspec.Struct, gc=False):
    choices: list[_Choice]


_decode = msgspec.json.Decoder(_Answer).decode


def said(reply: Reply, chunks: Sequence[bytes], number: int) -> Said:
    """What the answer says.

    Args:
        reply: The answer.
        chunks: Its chunks when it was a stream.
        number: How many choices were asked for.
    """
    if number == 1 and not reply.has_payload:
        return Said([reply.content or ""], False)
    found: dict[int, list[str]] = {}
    other: set[int] = set()
    refused = False
    for body in chunks or (reply.body,):
        for choice in _decode(body).choices:
            message = choice.message or choice.delta
            if message is None:
                continue
            found.setdefault(choice.index, []).append(message.content or "")
            refused = refused or bool(message.refusal)
            if message.tool_calls or message.function_call or message.audio or message.refusal:
                other.add(choice.index)
    return Said(["".join(parts) for index, parts in sorted(found.items()) if index not in other], refused)
