"""How much a model has to read, without a tokenizer: bytes of text, and a flat number for what is no text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from roadworthy.gateway.chat import ChatRequest, Message

MEDIA_BYTES = 6_400
"""What a picture, a sound or a file counts for: about 1,600 tokens, a large picture at the providers of our chains."""
MESSAGE_BYTES = 16
"""Role and separators of a message: about 4 tokens."""
_READ = ("tools", "functions", "response_format", "prediction")


class _Part(msgspec.Struct, gc=False):
    type: str = ""


_part = msgspec.json.Decoder(_Part).decode


def prompt_bytes(request: ChatRequest) -> int:
    """Bytes of JSON that the model reads: messages, tools, formats."""
    fields, messages = request.fields, request.view.messages
    size = 0
    for name in _READ:
        if name in fields:
            size += len(fields[name])
    for message in messages:
        if type(message.content) is list:
            return size + _with_parts(messages)
    return size + len(fields["messages"])


def _with_parts(messages: Sequence[Message]) -> int:
    size = 0
    for message in messages:
        content = message.content
        size += MESSAGE_BYTES + sum(map(len, message.tool_calls or ()))
        if isinstance(content, str):
            size += len(content.encode("utf-8", "surrogatepass"))
        elif content is not None:
            size += sum(map(_part_bytes, content))
    return size


def _part_bytes(raw: msgspec.Raw) -> int:
    try:
        kind = _part(raw).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return len(raw)  # not an object: the provider will refuse it
    return MEDIA_BYTES if kind in ("image_url", "input_audio", "file") else len(raw)
