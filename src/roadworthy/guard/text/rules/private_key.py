"""Private keys in textual form: whole, on one line, indented, cut off at either end."""

from __future__ import annotations

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_SPACE = r"(?: |%20|\+)"
"""As it is, and as a query writes it."""
_LABEL = rf"[A-Z0-9 %+]{{0,48}}PRIVATE{_SPACE}KEY(?:{_SPACE}BLOCK)?"
_DASHES = rb"(?:-----|---- )"
_END = compiled_later(rb"[ \t]*" + _DASHES + b"END" + _SPACE.encode() + _LABEL.encode() + rb"(?:-----| ----)")
_BREAK = rb"(?:[ \t\r\f>|+]|\n[ \t>|+]*|\\+[nrt/])"
_TEXT = rb"[A-Za-z0-9+/=]"
_HEADER = rb"(?:Proc-Type|DEK-Info|Comment|Version|Charset|Hash|Subject|X-[A-Za-z\-]{1,20}): ?[^\n\f\"\\]{0,128}"
_BODY = compiled_later(
    rb"(?:"
    + _BREAK
    + rb"|"
    + _HEADER
    + rb"|"
    + _TEXT
    + rb"{16,}|"
    + _TEXT
    + rb"{1,64}(?=[ \t]*(?:[\r\n\f\"'\\]|-----|\Z))|\\/)*+"
)
"""Words of a following sentence are shorter than 16 and end no line: the body ends before them."""
_JOINED = compiled_later(rb"(?:" + _BREAK + rb"|" + _TEXT + rb"|\\/|(\\*)\"[ \t\n]*[,+]?[ \t\n]*\1\")*+")
_IN_KEY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n\f\\"
_LONGEST = 65_536  # the largest key in use, RSA of 16,384 bits, has 13 KB
_LEAST_BEFORE = 24
_LEAST_WORD = 16
_WORD = compiled_later(rb"(?:[A-Za-z0-9+=]|\\?/)+")


def _key(candidate: Candidate) -> Span | None:
    text, start, end = candidate.line.text, candidate.start, candidate.end
    if candidate.value.startswith((b"-----END", b"---- END")):
        return _cut_off(text, start, end)
    limit = end + _LONGEST
    for body in (_BODY, _JOINED):
        found = body.match(text, end, limit)
        if found is not None and (foot := _END.match(text, found.end())):
            return Span(start, foot.end())
    found = _BODY.match(text, end, limit)
    return Span(start, end + len(text[end : found.end()].rstrip(b" \t\r\n\f\\|>+")) if found else end)


def _cut_off(text: bytes, start: int, end: int) -> Span | None:
    """What stands before a foot without a head: Base64 in long words, of which the last may be short."""
    first = start
    before = text[max(0, start - _LONGEST, text.rfind(b"-----", 0, start)) : start]
    offset = start - len(before)
    for place, word in enumerate(reversed(list(_WORD.finditer(before, len(before) - len(_tail(before)))))):
        if place and len(word.group()) < _LEAST_WORD:
            break
        first = offset + word.start()
    return Span(first, end) if start - first >= _LEAST_BEFORE else None


def _tail(before: bytes) -> bytes:
    return before[len(before.rstrip(_IN_KEY)) :]


_CHAR, _GAP = r"(?:[A-Za-z0-9+=]|\\?/)", r"(?:[ \t\r\n\f\\]|\\[rnt]){0,8}"

RULE = Rule(
    name="private_key",
    kind=Kind.PRIVATE_KEY,
    core=rf"(?:-----|---- )(?:BEGIN|END){_SPACE}{_LABEL}(?:-----| ----)",
    check=_key,
    source="RFC 7468 §10-11, RFC 1421 for the headers, RFC 9580 §6.2 for OpenPGP, RFC 4716 for the dashes of SSH2",
    score=1.0,
    block=True,
    lead=rf"(?:{_CHAR}{{16,}}{_GAP})*{_CHAR}{{0,16}}{_GAP}",
    rest=r"[A-Za-z0-9+/=:,. \t\r\n\f]|-[A-Za-z0-9]|\\+[nrt/]",
    rest_end=rf"(?:-----|---- )END{_SPACE}{_LABEL}(?:-----| ----)",
)
