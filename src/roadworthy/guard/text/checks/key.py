"""Keys that vendors give a prefix of their own: one builder for all families, one veto for what documents write."""

from __future__ import annotations

import re
from collections.abc import Iterable

from roadworthy.guard.text.checks.shape import is_mixed
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import WORD_START, Candidate, Rule, Span

_STANDS_FOR_ONE = re.compile(
    rb"[xX]{6,}|[*.]{3,}|(?i:(?:your|insert|replace|my)[-_][-_a-z]{0,24}(?:key|token|secret|here))|\A(?i:sk-learn)"
)
_LEAST_DIFFERENT = 4


def vendor_key(candidate: Candidate) -> Span | None:
    """The key, unless it is one of a document (`sk-xxxxxxxx`, `sk-your-api-key`) or words between underscores."""
    value = candidate.value
    if _STANDS_FOR_ONE.search(value) or len(set(value[-12:])) < _LEAST_DIFFERENT:
        return None
    if not value.startswith(b"sk-") and not is_mixed(value) and value.lower() == value:
        return None
    return Span(candidate.start, candidate.end)


def family(name: str, forms: Iterable[str], source: str) -> Rule:
    """One rule for a family of keys.

    Args:
        name: Of the rule.
        forms: RE2 patterns of the keys; each begins with letters that nothing else begins with.
        source: Where the forms are written down.
    """
    return Rule(
        name=name,
        kind=Kind.API_KEY,
        before=WORD_START,
        core="|".join(forms),
        check=vendor_key,
        source=source,
        score=0.95,
    )
