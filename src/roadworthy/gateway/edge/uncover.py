"""Brings what was hidden back into an answer, and masks what it says by itself: whole, and as it comes in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from roadworthy.core.ports import TextStream
from roadworthy.gateway.providers.contract import Piece, StreamDecoder

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_TEXTS = frozenset(
    (
        "content",
        "refusal",
        "reasoning_content",
        "reasoning",
        "thinking",
        "text",
        "arguments",
        "input",
        "transcript",
        "summary",
        "partial_json",
        "output",
    )
)
"""Members whose texts go on from piece to piece; what models call their reasoning is no part of OpenAI's format."""
_LEFT = frozenset(("role", "id", "type", "name", "index", "tool_call_id", "call_id", "signature", "data", "format"))
"""Members that name things, and sounds."""
_JSON = frozenset(("arguments", "partial_json"))
Path = tuple[str | int, ...]
"""Members and, in lists, what stands in `index`, or the place."""
Change = Callable[[Path, str], str]


def uncovered(message: dict[str, Any], change: Callable[[str, bool], str]) -> None:
    """Change every text of a whole message in place.

    Args:
        message: As decoded.
        change: From a text, and whether it is JSON.
    """
    _each(message, (), lambda path, text: change(text, path[-1] in _JSON))


class CoveredStream:
    """Implements `StreamDecoder` over another one: texts of each choice are uncovered as they come.

    Args:
        decoder: Of the provider's format.
        stream_of: Gives what uncovers a text; told whether that is JSON.
    """

    def __init__(self, decoder: StreamDecoder, stream_of: Callable[[bool], TextStream]) -> None:
        self._decoder = decoder
        self._stream_of = stream_of
        self._streams: dict[int, dict[Path, TextStream]] = {}
        self._kinds: dict[Path, str] = {}  # of the parts of a list
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
        def pass_on(path: Path, text: str) -> str:
            if path[-1] not in _TEXTS and not isinstance(path[-1], int):
                alone = self._stream_of(False)
                return alone.feed(text) + alone.close()
            streams = self._streams.setdefault(index, {})
            stream = streams.get(path)
            if stream is None:
                stream = streams[path] = self._stream_of(path[-1] in _JSON)
            return stream.feed(text)

        return _each(delta, (), pass_on, self._kinds)

    def _flushed(self, index: int) -> list[Piece]:
        delta: dict[str, Any] = {}
        for path, stream in self._streams.pop(index, {}).items():
            if rest := stream.close():
                self._put(delta, path, rest)
        if not delta:
            return []
        choice = {"index": index, "delta": delta, "finish_reason": None}
        text = delta.get("content", "") if index == 0 else ""
        return [Piece(_encode({**self._last, "choices": [choice]}), text, _is_useful(choice))]

    def _put(self, delta: dict[str, Any], path: Path, text: str) -> None:
        """Set what stands at the path, with all that is above it."""
        at: Any = delta
        for depth, step in enumerate(path[:-1], 1):
            below = path[depth]
            if isinstance(step, str):
                at = at.setdefault(step, [] if isinstance(below, int) else {})
                continue
            found = next((each for each in at if each["index"] == step), None)
            if found is None:
                kind = self._kinds.get(path[:depth])
                found = {"index": step, **({} if kind is None else {"type": kind})}
                at.append(found)
            at = found
        if isinstance(at, list):
            at.append(text)
        else:
            at[path[-1]] = text


def _each(value: Any, path: Path, change: Change, kinds: dict[Path, str] | None = None) -> bool:
    """Change every text of a message or a delta in place; whether there was any."""
    found = False
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, each in list(members):
        if name in _LEFT:
            continue
        if isinstance(each, str):
            if each:
                value[name], found = change((*path, name), each), True
        elif isinstance(each, dict | list) and each:
            step: Any = name
            if isinstance(value, list) and isinstance(each, dict):
                step = each.get("index", name)
                if kinds is not None and path != ("tool_calls",) and isinstance(each.get("type"), str):
                    kinds[(*path, step)] = each["type"]
            found |= _each(each, (*path, step), change, kinds)
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
