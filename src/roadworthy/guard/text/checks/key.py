"""Keys that vendors give a prefix of their own: one builder for all families, one veto for what documents write."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.guard.text.checks.shape import is_mixed
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.later import compiled_later
from roadworthy.guard.text.rule import WORD_START, Candidate, Rule, Span
from roadworthy.guard.text.trigger import shortened

_STANDS_FOR_ONE = compiled_later(
    rb"[xX]{6,}|[*.]{3,}|(?i:(?:your|insert|replace|my)[-_][-_a-z]{0,24}(?:key|token|secret|here))|\A(?i:sk-learn)"
)
_LEAST_DIFFERENT = 4
_LOOK_AHEAD = 256  # longer than the shortest key of any form
_GLANCE, _LEAST_IN_GLANCE = 48, 6


def family(name: str, forms: Sequence[str], source: str) -> Rule:
    """One rule for a family of keys.

    Args:
        name: Of the rule.
        forms: RE2 patterns of the keys; each begins with letters that nothing else begins with, and has no alternation
            outside of groups.
        source: Where the forms are written down.
    """
    whole = compiled_later("|".join(forms).encode())

    def check(candidate: Candidate) -> Span | None:
        """The key, unless it is one of a document (`sk-xxxxxxxx`, `sk-your-api-key`) or words between underscores."""
        text, start = candidate.line.text, candidate.start
        if len(set(text[start : start + _GLANCE])) < _LEAST_IN_GLANCE:
            return None  # the same letters again and again
        found = whole.match(text, start, start + _LOOK_AHEAD)
        if found is None:
            return None
        value = found.group().rstrip(b".")
        if _STANDS_FOR_ONE.search(value) or len(set(value[-12:])) < _LEAST_DIFFERENT:
            return None
        ours = value.startswith(b"rw_") and b"_" not in value[3:]
        if not value.startswith(b"sk-") and not ours and not is_mixed(value) and value.lower() == value:
            return None
        if found.end() == start + _LOOK_AHEAD and (longer := whole.match(text, start)):
            value = longer.group().rstrip(b".")
        return Span(start, start + len(value))

    return Rule(
        name=name,
        kind=Kind.API_KEY,
        before=WORD_START,
        core=shortened("|".join(forms)),
        check=check,
        source=source,
        score=0.95,
    )
