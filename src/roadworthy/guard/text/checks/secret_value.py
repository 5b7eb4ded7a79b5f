"""Where the value behind a name ends: in quotes of any depth, in brackets, bare, or up to the end of the line."""

from __future__ import annotations

import re
from typing import NamedTuple

from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.line import Line
from roadworthy.guard.text.place import quote_depth

_BARE = compiled_later(
    rb"(?:[^\s\"'`\\&;<>,|]++|\\\\|\\/|\\u[0-9A-Fa-f]{4}|[&;](?=[^\s\"'\\&;<>])(?![\w.\-\[\]]{1,40}=)"
    rb"|[,|](?=[^\s\"'\\])(?![\w.\-\[\]]{1,40}[=:]))+"
)
_REST = compiled_later(rb"[^\s]+")
_NEXT_FIELD = compiled_later(rb"[&;,][\w.\-\[\]]{1,40}=|;\Z")
_JSON_SCALAR = compiled_later(
    rb"(?:-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)(?=[ \t]*(?:[,}\]\r\n]|\Z))"
)
_LINE_START = compiled_later(rb"[ \t]*(?:(?:export|set|setx|ENV|ARG|-e|-)[ \t]+)?[\w.\-/:]*\Z")
# as many backslashes as a quote has that stands 0, 1, 2, 3 or 4 strings deep; a letter in front is a language's
_OPEN = compiled_later(rb"(?:[NnBbUuRrLlFf]{1,2}(?=\\{0,15}[\"']))?((?:\\{15}|\\{7}|\\{3}|\\)?\"|\\?')")
_QUOTE = compiled_later(rb'(\\*)"|\n')
_SINGLE = compiled_later(rb"(?:\\.|''|[^'\"\\\n])*")
_AFTER_STRING = compiled_later(rb"[ \t\r\n]*(?:[,}\]:]|\Z)|\n")
_TEMPLATE = compiled_later(rb"[A-Za-z_][A-Za-z_.]*(?:![rsa])?")
_BRACED = compiled_later(rb"\{([^{}\"\\\s]+)\}(?=;|\s|\Z)")
_PAIRS = {b"\xe2\x80\x9c": b"\xe2\x80\x9d", b"\xe2\x80\x9e": b"\xe2\x80\x9c", b"\xe2\x80\x98": b"\xe2\x80\x99",
          b"\xe3\x80\x8c": b"\xe3\x80\x8d", b"\xe3\x80\x8e": b"\xe3\x80\x8f", b"\xc2\xab": b"\xc2\xbb",
          b"`": b"`"}  # fmt: skip
_ITEMS = compiled_later(
    rb"\[[ \t]*(\\*)\"((?:(?!\1\")[^\n\[\]{}]){0,1024}"
    rb"(?:\1\"[ \t]*,[ \t]*\1\"(?:(?!\1\")[^\n\[\]{}]){0,1024})*+)\1\"[ \t]*\]"
)
_PAIR_BEGINS = frozenset(opening[0] for opening in _PAIRS)
_LONGEST_IN_PAIR = 256
_MOST_ESCAPED = 16


class Value(NamedTuple):
    """Bytes `start` to `end` of a line are a value.

    Attributes:
        start: First byte, behind the quote.
        end: Behind the last byte, before the quote.
        quoted: Whether it stands in quotes.
    """

    start: int
    end: int
    quoted: bool


def value_at(line: Line, name: int, start: int) -> Value | None:
    """The value that begins at `start`; None where there is none, or an object.

    Guarantees: what is found lies within one string of JSON, if the line is JSON.

    Args:
        line: Where it stands.
        name: First byte of its name.
        start: Behind the separator.
    """
    text = line.text
    opened = _OPEN.match(text, start)
    if opened is not None:
        return _quoted(line, start, opened)
    if (pair := _in_pair(text, start)) is not None:
        return pair
    first = text[start : start + 1]
    if first == b"[":
        return _listed(text, start)
    if first == b"{":
        braced = _BRACED.match(text, start)
        return Value(*braced.span(1), False) if braced and not _TEMPLATE.fullmatch(braced.group(1)) else None
    end = _end_of_bare(text, name, start)
    return Value(start, end, False) if end > start else None


def _quoted(line: Line, start: int, opened: re.Match[bytes]) -> Value | None:
    text, mark, value = line.text, opened.group(1), opened.end()
    if mark == b'"' and _AFTER_STRING.match(text, value) and line.inside_string(start):
        # the quote ends the JSON string in which the name stands
        return Value(start, opened.start(1), False) if opened.start(1) > start else None
    if mark[-1:] == b"'":
        end = _end_of_single(line, value)
        if len(mark) == 2 and text[end - 1 : end] == b"\\":
            end -= 1
    else:
        depth = quote_depth(len(mark) - 1)
        end = end_of_quoted(text, value, depth)
        for _ in range(_MOST_ESCAPED):
            if not _is_of_value(line, value, end):
                break
            end = end_of_quoted(text, end + 1, depth)
    return Value(value, end, True) if end > value else None


def _end_of_single(line: Line, value: int) -> int:
    end = value
    for _ in range(_MOST_ESCAPED):
        found = _SINGLE.match(line.text, end)
        end = found.end() if found else end
        if not _is_of_value(line, value, end):
            break
        end += 1
    return end


def _is_of_value(line: Line, value: int, end: int) -> bool:
    """Whether the quote at `end` is written as an escape and the opening one is not: then it closes nothing."""
    if end >= len(line.text):
        return False
    return _is_escape(line, end) and not _is_escape(line, value - 1)


def _is_escape(line: Line, place: int) -> bool:
    first, last = line.raw_span(place, place + 1)
    return last - first > 1


def end_of_quoted(text: bytes, start: int, depth: int) -> int:
    """Where the text of a double-quoted string ends that was opened at `depth`; a shallower quote ends it too."""
    for quote in _QUOTE.finditer(text, start):
        if quote.group() == b"\n":
            return quote.start()
        found = quote_depth(len(quote.group(1)))
        if found <= depth:
            return quote.end() - 1 - ((1 << found) - 1)
    return len(text)


def _in_pair(text: bytes, start: int) -> Value | None:
    """Quotes that no format knows: typographic ones, and the grave accents of Markdown."""
    if start >= len(text) or text[start] not in _PAIR_BEGINS:
        return None
    for opening, closing in _PAIRS.items():
        if text.startswith(opening, start):
            first = start + len(opening)
            end = text.find(closing, first, first + _LONGEST_IN_PAIR)
            if end > first and not any(byte in b'"\\\n' for byte in text[first:end]):
                return Value(first, end, True)
    return None


def _listed(text: bytes, start: int) -> Value | None:
    """All strings of a list as one."""
    found = _ITEMS.match(text, start)
    if found is None or not found.group(2):
        return None
    return Value(*found.span(2), True)


def _end_of_bare(text: bytes, name: int, start: int) -> int:
    scalar = _JSON_SCALAR.match(text, start)
    if scalar is not None:
        return scalar.end()
    if _fills_line(text, name, start):
        rest = _REST.match(text, start)
        if rest is None:
            return start
        cut = _NEXT_FIELD.search(text, start, rest.end())
        return trimmed(text, start, cut.start() if cut else rest.end())
    found = _BARE.match(text, start)
    return trimmed(text, start, found.end()) if found else start


def _fills_line(text: bytes, name: int, start: int) -> bool:
    """Whether it is an assignment of its own, as in `.env` files: then no quote ends the value."""
    return text[start - 1 : start] == b"=" and _LINE_START.match(text, 0, name) is not None


def trimmed(text: bytes, start: int, end: int) -> int:
    """The end without the punctuation of a sentence or of brackets around."""
    return start + len(text[start:end].rstrip(b",.)]}:"))
