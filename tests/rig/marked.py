"""Texts in which the values to be found are marked: `call ⟦010-1234-5678⟧ now`."""

from __future__ import annotations

import re

from roadworthy.guard.text.masker import TextMasker

_MASKER = TextMasker()
_MARKED = re.compile("⟦(.*?)⟧", re.DOTALL)


def found(text: str) -> list[tuple[str, str]]:
    """Kind and value of everything that all rules together find."""
    raw = text.encode()
    return [(each.kind.value, raw[each.start : each.end].decode()) for each in _MASKER.find(raw)]


def expected(kind: str, marked: str) -> tuple[str, list[tuple[str, str]]]:
    """The text without marks, and what is to be found in it."""
    return _MARKED.sub(r"\1", marked), [(kind, value) for value in _MARKED.findall(marked)]
