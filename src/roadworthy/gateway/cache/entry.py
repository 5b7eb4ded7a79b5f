"""What is kept of an answer, and the two forms in which it leaves again: a whole body, or server-sent events."""

from __future__ import annotations

from typing import Any

import msgspec

from roadworthy.gateway.finished import Quality

PIECE_CHARS = 64
"""Text of one event of a stream from the cache; the caller's parser is the same, nobody waits for the next token."""
DONE = b"data: [DONE]\n\n"

_TEXTS = frozenset({"content", "reasoning_content", "reasoning"})
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An answer that may be served again.

    Attributes:
        body: The OpenAI-shaped `chat.completion` object as JSON bytes, without the `roadworthy` object.
        served_by: `provider/model` that gave it.
        quality: What the gate said of it.
    """

    body: bytes
    served_by: str
    quality: Quality


pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Entry).decode


def read(packed: bytes) -> Entry | None:
    """What `pack` wrote; None for anything else, which only a server that others write to can hold."""
    try:
        return _unpack(packed)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


class _Told(msgspec.Struct, gc=False):
    """The part of a message that decides whether the answer is nothing but text."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[msgspec.Raw] | None = None
    function_call: msgspec.Raw | None = None
    audio: msgspec.Raw | None = None


class _Choice(msgspec.Struct, gc=False):
    message: _Told
    finish_reason: str | None = None


class _Completion(msgspec.Struct, gc=False):
    choices: list[_Choice]


_decode_completion = msgspec.json.Decoder(_Completion).decode
NULL = b"null"


def repeatable(body: bytes) -> bool:
    """Whether a whole answer may be served a second time: one choice, text only, ended by itself.

    Tool calls make the caller act, and acting twice is not answering twice; refusals and answers cut at the token limit
    are not worth keeping.
    """
    try:
        choices = _decode_completion(body).choices
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    if len(choices) != 1:
        return False
    told = choices[0].message
    spoken = told.content is not None and not (told.refusal or told.tool_calls)
    silent = all(part is None or part == NULL for part in (told.function_call, told.audio))
    return spoken and silent and choices[0].finish_reason == "stop"


class StreamRecording:
    """Puts a stream's chunks together to the whole answer that they are.

    Args:
        most_bytes: Larger streams are not recorded to the end.
    """

    __slots__ = ("_finish_reason", "_head", "_left", "_texts", "_usage", "broken")

    def __init__(self, most_bytes: int) -> None:
        self.broken = False
        self._left = most_bytes
        self._head: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {"content": []}
        self._finish_reason: str | None = None
        self._usage: object = None

    def add(self, payload: bytes) -> None:
        """Take one `chat.completion.chunk`. What is more than text makes the recording `broken`."""
        self._left -= len(payload)
        if self.broken or not payload:
            return
        if self._left < 0:
            self._give_up()
            return
        try:
            chunk = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._give_up()
            return
        choices = chunk.pop("choices", None) or ()
        self._usage = chunk.pop("usage", None) or self._usage
        chunk.pop("object", None)
        self._head.update(chunk)
        for choice in choices:
            if choice.get("index", 0) != 0 or not self._take(choice):
                self._give_up()
                return

    def whole(self) -> bytes | None:
        """The answer as a `chat.completion` object; None when it cannot be told whole, or may not be told again."""
        if self.broken or self._finish_reason != "stop":
            return None
        message = {"role": "assistant", **{name: "".join(parts) for name, parts in self._texts.items()}}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish_reason}
        head = {"id": self._head.pop("id", ""), "object": "chat.completion", **self._head, "choices": [choice]}
        if self._usage is not None:
            head["usage"] = self._usage
        return _encode(head)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts.get("content", ()))

    def _take(self, choice: dict[str, Any]) -> bool:
        if choice.get("logprobs") is not None:
            return False
        for name, value in (choice.get("delta") or {}).items():
            if name in _TEXTS and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
            elif name != "role" and value:
                return False
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        return True

    def _give_up(self) -> None:
        self.broken = True
        self._texts.clear()
        self._head.clear()


def events(body: bytes, extra: bytes, include_usage: bool) -> bytes:
    """A whole answer as the stream that it could have been, end mark included.

    Args:
        body: A `chat.completion` object for which `repeatable` holds.
        extra: The `roadworthy` object, which goes into the chunk that ends the choice.
        include_usage: Whether the caller asked for a usage chunk at the end.
    """
    whole = _decode(body)
    choice = whole.pop("choices")[0]
    usage = whole.pop("usage", None)
    message = choice["message"]
    head = {**whole, "object": "chat.completion.chunk"}
    if include_usage:
        head["usage"] = None
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for name in ("reasoning_content", "reasoning", "content"):
        text = message.get(name)
        if isinstance(text, str):
            deltas += [{name: text[at : at + PIECE_CHARS]} for at in range(0, len(text), PIECE_CHARS)]
    chunks = [_encode({**head, "choices": [_choice(delta, None)]}) for delta in deltas]
    if choice.get("logprobs") is not None:
        chunks.append(_encode({**head, "choices": [{**_choice({}, None), "logprobs": choice["logprobs"]}]}))
    end = _encode({**head, "choices": [_choice({}, choice.get("finish_reason"))]})
    chunks.append(b'%b,"roadworthy":%b}' % (end[:-1], extra))
    if include_usage:
        chunks.append(_encode({**head, "choices": [], "usage": usage}))
    return b"".join([b"data: %b\n\n" % chunk for chunk in chunks]) + DONE


def _choice(delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
