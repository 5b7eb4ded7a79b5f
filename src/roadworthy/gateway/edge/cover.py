"""Keeps personal data and secrets of a request from its providers, and gives the caller his own back.

Works at the border to the provider: what is sent is covered last of all, what comes is uncovered first of all. So the
cache, the gate, the budgets and the modes see what the caller sees; what a provider gets is covered whichever target it
is, first, second or hedge. A masker that fails ends the request before anything is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from roadworthy.core.errors import UsageError
from roadworthy.core.ports import Disguise, TextStream
from roadworthy.gateway.chat import ChatRequest, Message
from roadworthy.gateway.edge.shown import Shown
from roadworthy.gateway.providers.contract import Piece, Reply, StreamDecoder

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_messages = msgspec.json.Decoder(list[Message]).decode
TEXTS = ("content", "refusal", "reasoning_content", "reasoning", "thinking")
"""Fields of a message or a delta that hold text; what models call their reasoning is no part of OpenAI's format."""
_PLAIN = ("user", "safety_identifier", "prompt_cache_key")
_DEFINITIONS = ("tools", "functions", "response_format")
_LEFT = frozenset(("role", "id", "type", "tool_call_id", "call_id", "file_id", "data", "file_data", "detail", "format"))
"""Members that name things or hold no text."""
_FUNCTION = _LEFT | {"name"}
Change = Callable[[str], str]


class Cover:
    """Of one request; a hedge gets a twin.

    Args:
        disguise: Hides and brings back.
    """

    __slots__ = ("_disguise", "answer", "prompt")

    def __init__(self, disguise: Disguise) -> None:
        self._disguise = disguise
        self.prompt: Counter[str] = Counter()
        self.answer: Counter[str] = Counter()

    def twin(self) -> Cover:
        """The same for another try of the same request."""
        return Cover(self._disguise)

    @property
    def reads(self) -> bool:
        """Whether answers are to be uncovered."""
        return self._disguise.reads_answers

    # -- what leaves

    def request(self, request: ChatRequest) -> ChatRequest:
        """The request as the provider may see it; the same object when nothing was hidden."""
        count = self.prompt = Counter()
        hide = self._hide
        changed: dict[str, Raw] = {}
        for name, raw in request.fields.items():
            if name == "messages" or name == "prediction" or name == "metadata":
                new = _changed(_decode(raw), hide)
            elif name in _PLAIN:
                new = _changed({name: _decode(raw)}, hide)[name]
            elif name in _DEFINITIONS:
                new = _described(_decode(raw), hide)
            else:
                continue
            changed[name] = Raw(_encode(new))
        if not count:
            return request
        covered = request.copy()
        covered.fields.update(changed)
        covered.view.messages = _decode_messages(covered.fields["messages"])
        return covered

    def inputs(self, fields: Mapping[str, Raw]) -> Mapping[str, Raw]:
        """The same for the fields of an embeddings request.

        Raises:
            UsageError: `unsupported_parameter`: token numbers cannot be looked into.
        """
        self.prompt = Counter()
        given = _decode(fields["input"])
        texts = [given] if isinstance(given, str) else given
        if not all(isinstance(text, str) for text in texts):
            raise UsageError(
                "This route masks what it sends, and token numbers cannot be looked into.",
                mend="Send `input` as text.",
                code="unsupported_parameter",
                param="input",
            )
        new = [self._hide(text) for text in texts]
        found = {"input": Raw(_encode(new[0] if isinstance(given, str) else new))}
        if "user" in fields and isinstance(user := _decode(fields["user"]), str):
            found["user"] = Raw(_encode(self._hide(user)))
        return {**fields, **found}

    def _hide(self, text: str) -> str:
        return self._disguise.hide(text, self._count_prompt)

    def _count_prompt(self, kind: str) -> None:
        self.prompt[kind] += 1

    def _count_answer(self, kind: str) -> None:
        self.answer[kind] += 1

    # -- what comes

    def reply(self, reply: Reply) -> Reply:
        """A whole answer as the caller may see it; the same object when nothing changed."""
        if not reply.body or not self.reads:
            return reply
        self.answer = Counter()
        whole = _decode(reply.body)
        for choice in whole.get("choices", ()):
            message = choice.get("message") if isinstance(choice, dict) else None
            if isinstance(message, dict):
                _each_text(message, self._uncovered)
                choice.pop("logprobs", None)
        body = _encode(whole)
        first = whole["choices"][0]["message"].get("content") if whole.get("choices") else None
        content = first if isinstance(first, str) else reply.content
        return msgspec.structs.replace(reply, body=body, content=content)

    def _uncovered(self, text: str, in_json: bool) -> str:
        stream = self.stream_of(in_json)
        return stream.feed(text) + stream.close()

    def stream_of(self, in_json: bool) -> TextStream:
        """What uncovers one text that comes in pieces."""
        return self._disguise.answer(self._count_answer, in_json=in_json)

    def decoder(self, decoder: StreamDecoder) -> StreamDecoder:
        """The decoder of a stream whose texts are uncovered."""
        if not self.reads:
            return decoder
        self.answer = Counter()
        return CoveredStream(decoder, self)

    # -- what is told

    def shown(self, shown: Shown) -> Shown:
        """What answers say, with how many values of each kind were hidden or masked."""
        return shown.masked(dict(sorted(self.prompt.items())), dict(sorted(self.answer.items())))


class CoveredStream:
    """Implements `StreamDecoder` over another one: texts of each choice are uncovered as they come.

    Args:
        decoder: Of the provider's format.
        cover: Of the request.
    """

    def __init__(self, decoder: StreamDecoder, cover: Cover) -> None:
        self._decoder = decoder
        self._cover = cover
        self._streams: dict[int, dict[tuple[str, int], TextStream]] = {}
        self._last: dict[str, Any] = {}

    @property
    def finished(self) -> bool:
        """See `StreamDecoder.finished`."""
        return self._decoder.finished

    @finished.setter
    def finished(self, value: bool) -> None:
        """Passed on."""
        self._decoder.finished = value

    def feed(self, event: bytes, data: bytes) -> Sequence[Piece]:
        """See `StreamDecoder.feed`."""
        found: list[Piece] = []
        for piece in self._decoder.feed(event, data):
            found += self._uncovered(piece) if piece.payload else (piece,)
        return found

    def rest(self) -> list[Piece]:
        """What is still held back of choices that were not ended; call it when the stream is complete."""
        return [piece for index in list(self._streams) for piece in self._flushed(index)]

    def _uncovered(self, piece: Piece) -> list[Piece]:
        chunk = _decode(piece.payload)
        found: list[Piece] = []
        touched = shows = False
        text = ""
        for choice in chunk.get("choices", ()):
            index, delta = choice.get("index", 0), choice.get("delta")
            self._last = {name: value for name, value in chunk.items() if name not in ("choices", "usage")}
            if isinstance(delta, dict):
                touched |= self._delta(index, delta)
                touched |= choice.pop("logprobs", None) is not None
                shows |= _shows(delta)
                if index == 0:
                    text = delta.get("content") or ""
            if choice.get("finish_reason"):
                found += self._flushed(index)
        if not touched:
            return [*found, piece]
        empty = not shows and piece.finish_reason is None and not any(map(_says_more, chunk["choices"]))
        payload = b"" if empty and piece.usage is None else _encode(chunk)
        useful = piece.useful and any(map(_is_useful, chunk["choices"]))
        return [*found, msgspec.structs.replace(piece, payload=payload, text=text, useful=useful)]

    def _delta(self, index: int, delta: dict[str, Any]) -> bool:
        def pass_on(name: str, at: int, text: str, in_json: bool) -> str:
            streams = self._streams.setdefault(index, {})
            stream = streams.get((name, at))
            if stream is None:
                stream = streams[name, at] = self._cover.stream_of(in_json)
            return stream.feed(text)

        return _each_delta(delta, pass_on)

    def _flushed(self, index: int) -> list[Piece]:
        delta: dict[str, Any] = {}
        for (name, at), stream in self._streams.pop(index, {}).items():
            rest = stream.close()
            if not rest:
                continue
            if name == "arguments":
                delta.setdefault("tool_calls", []).append({"index": at, "function": {"arguments": rest}})
            elif name == "function_call":
                delta["function_call"] = {"arguments": rest}
            else:
                delta[name] = rest
        if not delta:
            return []
        choice = {"index": index, "delta": delta, "finish_reason": None}
        text = delta.get("content", "") if index == 0 else ""
        return [Piece(_encode({**self._last, "choices": [choice]}), text, _is_useful(choice))]


def _changed(value: Any, hide: Change) -> Any:
    """Every text in it hidden, except in members that name things and in what is no text."""
    if isinstance(value, str):
        return value if value.startswith("data:") else hide(value)
    if isinstance(value, list):
        return [_changed(each, hide) for each in value]
    if isinstance(value, dict):
        left = _FUNCTION if "arguments" in value else _LEFT
        return {name: each if name in left else _changed(each, hide) for name, each in value.items()}
    return value


def _described(value: Any, hide: Change) -> Any:
    """What is defined keeps its names and forms; its descriptions are texts."""
    if isinstance(value, list):
        return [_described(each, hide) for each in value]
    if isinstance(value, dict):
        return {
            name: hide(each) if name == "description" and isinstance(each, str) else _described(each, hide)
            for name, each in value.items()
        }
    return value


def _each_text(message: dict[str, Any], change: Callable[[str, bool], str]) -> None:
    def pass_on(name: str, at: int, text: str, in_json: bool) -> str:
        return change(text, in_json)

    _each_delta(message, pass_on)
    audio = message.get("audio")
    if isinstance(audio, dict) and isinstance(audio.get("transcript"), str):
        audio["transcript"] = change(audio["transcript"], False)


def _each_delta(delta: dict[str, Any], change: Callable[[str, int, str, bool], str]) -> bool:
    """Change every text of a message or a delta in place; whether there was any."""
    found = False
    for name in TEXTS:
        if isinstance(text := delta.get(name), str) and text:
            delta[name], found = change(name, 0, text, False), True
    calls = [
        ("arguments", call, call.get("function")) for call in delta.get("tool_calls") or () if isinstance(call, dict)
    ]
    calls.append(("function_call", {}, delta.get("function_call")))
    for at, (name, call, function) in enumerate(calls):
        if isinstance(function, dict) and isinstance(text := function.get("arguments"), str) and text:
            function["arguments"], found = change(name, call.get("index", at), text, True), True
    return found


def _shows(delta: dict[str, Any]) -> bool:
    """Whether anything is left to show of a delta."""
    return any(value not in (None, "", []) for value in delta.values()) and not _only_empty_arguments(delta)


def _only_empty_arguments(delta: dict[str, Any]) -> bool:
    calls = delta.get("tool_calls") or []
    others = any(value not in (None, "", []) for name, value in delta.items() if name != "tool_calls")
    if not calls or others:
        return False
    return all(call.get("function") == {"arguments": ""} and not call.get("id") for call in calls)


def _says_more(choice: dict[str, Any]) -> bool:
    return bool(choice.get("finish_reason"))


def _is_useful(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta") or {}
    content = delta.get("content")
    if isinstance(content, str) and content and not content.isspace():
        return True
    return any(delta.get(name) for name in ("tool_calls", "refusal", "function_call", "audio"))
