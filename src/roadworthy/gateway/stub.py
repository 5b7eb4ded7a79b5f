"""The stub rule (spec row G10): placeholder content is never an answer.

Only how a text begins is judged, so that an answer *about* lorem ipsum passes and an answer that *is* one does not.
"""

from __future__ import annotations

import re

HEAD_CHARS = 200
_STUB = re.compile(
    r"(?i)^[\s\"'*_#>\[({<]*(?:"
    r"lorem ipsum dolor"
    r"|(?:this is |here is )?(?:a |the )?(?:mock(?:ed)?|stub(?:bed)?|placeholder|dummy|simulated|canned)"
    r" (?:llm |ai |model )?(?:response|answer|reply|content|text|output|completion|data)\b"
    r"|(?:placeholder|stub|todo|tbd|fixme)\s*(?:[\])}>.:!*]|$)"
    r"|(?:insert|your) (?:text|content|answer|response) here\b"
    r")"
)
_DECORATION = " \t\r\n\"'*_#>[({<"
# fmt: off
_OPENINGS = (
    "lorem", "this i", "here i", "a mock", "a stub", "a plac", "a dumm", "a simu", "a cann", "the mo", "the st",
    "the pl", "the du", "the si", "the ca", "mock", "stub", "placeh", "dummy", "simula", "canned", "todo", "tbd",
    "fixme", "insert", "your",
)
# fmt: on


def is_stub(text: str) -> bool:
    """Whether the text begins as placeholder content does."""
    if not text.lstrip(_DECORATION)[:6].lower().startswith(_OPENINGS):  # cheaper than the pattern, and mostly enough
        return False
    return _STUB.match(text[:HEAD_CHARS]) is not None
