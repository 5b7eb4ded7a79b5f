"""Which requests are the same: everything that could change the answer is in the key, the tenant first."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from roadworthy.gateway.chat import ChatRequest

NOT_IN_KEY = frozenset({"model", "stream", "stream_options"})
"""The form of the answer, not its content; the model stands in the key under the name of its route."""

_decode = msgspec.json.Decoder().decode
_canonical = msgspec.json.Encoder(order="sorted").encode


class Question:
    """A request as the cache sees it.

    Attributes:
        key: SHA-256 over tenant, route, model asked for, rules in force, and every field that can change the answer.
        partition: The same with the text of the last user message left out; None when there is no such text.
        text: That text.
    """

    __slots__ = ("key", "partition", "text")

    def __init__(self, key: bytes, partition: bytes | None, text: str) -> None:
        self.key = key
        self.partition = partition
        self.text = text


def question(tenant: str, route: str, request: ChatRequest, rules: str = "", *, similar: bool = False) -> Question:
    """What is asked, by whom, of whom.

    Args:
        tenant: Public id of the caller's key.
        route: Name of the route or mode that serves.
        request: The checked request.
        rules: What of the configuration can change the answer; see `cache.rules`.
        similar: Whether the partition for similar questions is wanted.
    """
    raws = {name: bytes(raw) for name, raw in request.fields.items() if name not in NOT_IN_KEY}
    who = _canonical([tenant, route, request.view.model, rules])
    fields = _values(raws)
    content = b"" if fields is None else _canonical(fields)
    if fields is None or _ambiguous(raws, content):
        exact = b"".join(b"%b %d %b" % (_canonical(name), len(raw), raw) for name, raw in sorted(raws.items()))
        return Question(sha256(b"bytes" + who + exact).digest(), None, "")
    key = sha256(b"exact" + who + content).digest()
    if not similar:
        return Question(key, None, "")
    text = _last_words(fields["messages"])
    if text is None:
        return Question(key, None, "")
    return Question(key, sha256(b"similar" + who + _canonical(fields)).digest(), text)


def _values(raws: dict[str, bytes]) -> dict[str, Any] | None:
    """The fields as plain values; None when a number in them is larger than any that a machine holds."""
    try:
        return {name: _decode(raw) for name, raw in raws.items()}
    except msgspec.DecodeError:
        return None


def _ambiguous(raws: dict[str, bytes], canonical: bytes) -> bool:
    """Whether an object may name a key twice: readers differ in which value counts, so only equal bytes are equal.

    A dropped key takes its quotes with it, so the canonical form has fewer; quotes written as `\\u0022`, which it
    writes shorter, would hide that.
    """
    quotes = 2 * len(raws)
    for name, raw in raws.items():
        if '"' in name or b"\\u0022" in raw:
            return True
        quotes += raw.count(b'"')
    return quotes != canonical.count(b'"')


def _last_words(messages: list[dict[str, Any]]) -> str | None:
    """Take the text of the last message out, if the user wrote it and it is nothing but text."""
    last = messages[-1]
    content = last.get("content")
    if last.get("role") != "user" or not isinstance(content, str):
        return None
    last["content"] = None
    return content
