"""UK national insurance numbers."""

from __future__ import annotations

import re

from roadworthy.guard.text.checks.around import is_named_otherwise
from roadworthy.guard.text.checks.bounds import ID_END, ID_START, named
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import Candidate, Rule, Span

_NEVER = compiled_later(rb"BG|GB|KN|NK|NT|TN|ZZ", re.IGNORECASE)
_CORE = "[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]{sep}[0-9]{{2}}{sep}[0-9]{{2}}{sep}[0-9]{{2}}{sep}[A-D]"


def _number(candidate: Candidate) -> Span | None:
    """Some pairs of letters are never given."""
    line, start = candidate.line, candidate.start
    if _NEVER.match(candidate.value) or is_named_otherwise(line.lower, start):
        return None
    return Span(start, candidate.end)


_SOURCE = "HMRC National Insurance Manual NIM39110"
RULES = (
    Rule(
        name="nino",
        kind=Kind.NATIONAL_ID,
        before=ID_START,
        core=_CORE.format(sep="[ -]?"),
        after=ID_END,
        check=_number,
        source=_SOURCE,
        score=0.65,
    ),
    Rule(
        name="nino_named",
        kind=Kind.NATIONAL_ID,
        before=named("nino|national insurance|ni no"),
        core=f"(?i:{_CORE.format(sep='[ -]?')})",
        after=ID_END,
        check=_number,
        source=_SOURCE,
    ),
)
