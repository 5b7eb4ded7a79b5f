"""Keeps personal data and secrets of a request from its providers, and gives the caller his own back.

Works at the border to the provider: what is sent is covered last of all, what comes is uncovered first of all. So the
cache, the gate, the budgets and the modes see what the caller sees; what a provider gets is covered whichever target it
is, first, second or hedge. A masker that fails ends the request before anything is sent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from roadworthy.core.errors import UsageError
from roadworthy.core.ports import Disguise, TextStream
from roadworthy.gateway.chat import ChatRequest, Message
from roadworthy.gateway.edge.shown import Shown
from roadworthy.gateway.edge.uncover import CoveredStream, uncovered
from roadworthy.gateway.providers.contract import Reply, StreamDecoder

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_messages = msgspec.json.Decoder(list[Message]).decode
_DEFINITIONS = frozenset(("tools", "functions", "response_format"))
_CHOICES = frozenset(("model", "tool_choice", "function_call", "logit_bias", "stream_options"))
"""Fields that name what others define, or numbers."""
_IDS = frozenset(("role", "id", "type", "tool_call_id", "call_id", "file_id", "detail", "format"))
_FUNCTION = _IDS | {"name"}
_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")
"""What stands in these members must be the same on both sides; anything else in them is looked into."""
_BINARY = frozenset(("data", "file_data", "url", "b64_json"))
_FILE = re.compile(r"(?:data:[\w.+\-]+/[\w.+\-]+(?:;[\w.+=\-]+)*;base64,)?[A-Za-z0-9+/_\-]{64,}={0,2}")
_OBJECTS = frozenset(("arguments", "input", "parameters", "args"))
_FORMS = frozenset(("name", "type", "pattern", "format", "required", "strict", "$ref", "$id", "$schema", "$defs"))
"""Members of a definition that say its form; in `$defs` only what is below them is looked into."""
_NAMED = frozenset(("properties", "patternProperties", "$defs", "definitions"))
Change = Callable[[str], str]


class Cover:
    """Of one request; a hedge gets a twin.

    Args:
        disguise: Hides and brings back.

    Attributes:
        prompt: How many values of each kind were hidden when it was last sent.
        answer: How many were masked in what came.
        failed: Whether hiding or bringing back raised an error: then the request must end.
    """

    __slots__ = ("_disguise", "answer", "failed", "prompt")

    def __init__(self, disguise: Disguise) -> None:
        self._disguise = disguise
        self.failed = False
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
        changed: dict[str, Raw] = {}
        for name, raw in request.fields.items():
            if name in _CHOICES or not _may_hold_text(raw):
                continue
            before = count.total()
            new = self._field(name, raw)
            if count.total() != before:
                changed[name] = Raw(_encode(new))
        if not count:
            return request
        covered = request.copy()
        covered.fields.update(changed)
        covered.view.messages = _decode_messages(covered.fields["messages"])
        return covered

    def _field(self, name: str, raw: Raw) -> Any:
        value = _decode(raw)
        if name in _DEFINITIONS:
            return _described(value, self._hide)
        if name == "prediction" or not isinstance(value, dict):
            return _changed(value, self._hide)
        return _object(value, self._hide)

    def inputs(self, fields: Mapping[str, Raw]) -> Mapping[str, Raw]:
        """The same for the fields of an embeddings request.

        Raises:
            UsageError: `unsupported_parameter`: token numbers cannot be looked into.
        """
        self.prompt = Counter()
        given, texts = _texts(fields)
        new = [self._hide(text) for text in texts]
        found = {"input": Raw(_encode(new[0] if isinstance(given, str) else new))}
        for name, raw in fields.items():
            if name not in ("input", "model", "encoding_format") and _may_hold_text(raw):
                found[name] = Raw(_encode(self._field(name, raw)))
        return {**fields, **found}

    def check(self, fields: Mapping[str, Raw]) -> None:
        """Refuse what cannot be looked into, before anything else is done with it; for errors see `inputs`."""
        _texts(fields)

    def _hide(self, text: str) -> str:
        try:
            return self._disguise.hide(text, self._count_prompt)
        except Exception:  # whatever it is, its door is the handler's; it must be known there that nothing was masked
            self.failed = True
            raise

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
                uncovered(message, self._uncovered)
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
        return _Watched(self, self._disguise.answer(self._count_answer, in_json=in_json))

    def decoder(self, decoder: StreamDecoder) -> StreamDecoder:
        """The decoder of a stream whose texts are uncovered."""
        if not self.reads:
            return decoder
        self.answer = Counter()
        return CoveredStream(decoder, self.stream_of)

    # -- what is told

    def shown(self, shown: Shown) -> Shown:
        """What answers say, with how many values of each kind were hidden or masked."""
        return shown.masked(dict(sorted(self.prompt.items())), dict(sorted(self.answer.items())))


class _Watched:
    """A stream whose failure its cover knows of."""

    def __init__(self, cover: Cover, stream: TextStream) -> None:
        self._cover = cover
        self._stream = stream

    def feed(self, text: str) -> str:
        try:
            return self._stream.feed(text)
        except Exception:  # as in `Cover._hide`
            self._cover.failed = True
            raise

    def close(self) -> str:
        try:
            return self._stream.close()
        except Exception:  # as above
            self._cover.failed = True
            raise


def _texts(fields: Mapping[str, Raw]) -> tuple[Any, list[str]]:
    given = _decode(fields["input"])
    texts = [given] if isinstance(given, str) else given
    if not all(isinstance(text, str) for text in texts):
        raise UsageError(
            "This route masks what it sends, and token numbers cannot be looked into.",
            mend="Send `input` as text.",
            code="unsupported_parameter",
            param="input",
        )
    return given, texts


def _may_hold_text(raw: Raw) -> bool:
    """Whether it is a string, an object or a list."""
    return memoryview(raw)[0] in b'"{['


def _changed(value: Any, hide: Change, name: str = "") -> Any:
    """Every text in it hidden, but for ids, which both sides must know, and files."""
    if isinstance(value, str):
        return value if name in _BINARY and _FILE.fullmatch(value) else hide(value)
    if isinstance(value, list):
        return [_changed(each, hide, name) for each in value]
    if isinstance(value, dict):
        ids = _FUNCTION if "arguments" in value else _IDS
        return {name: _member(name, each, ids, hide) for name, each in value.items()}
    return value


def _member(name: str, value: Any, ids: frozenset[str], hide: Change) -> Any:
    if name in ids and isinstance(value, str) and _ID.fullmatch(value):
        return value
    if name in _OBJECTS and isinstance(value, dict):
        return _object(value, hide)
    return _changed(value, hide, name)


def _object(value: Any, hide: Change) -> Any:
    """An object of anything: as JSON, so that names tell what values are and are looked into; then its texts."""
    given = _encode(value).decode()
    new = hide(given)
    return _changed(value if new == given else _decode(new), hide)


def _described(value: Any, hide: Change) -> Any:
    """What is defined keeps its names and forms; all else in it is text."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_described(each, hide) for each in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, each in value.items():
        if name in _NAMED and isinstance(each, dict):
            found[name] = {key: _described(below, hide) for key, below in each.items()}
        else:
            found[name] = each if name in _FORMS and not isinstance(each, dict) else _described(each, hide)
    return found
