"""Which part of a text can mend what is wrong with the whole, and what that part must be then. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from roadworthy.gateway.quality.heading import words
from roadworthy.gateway.quality.repair import Tongue, repair_message
from roadworthy.gateway.quality.term import Term, mentions, plain

_MOST = 1_000_000


class Part(NamedTuple):
    """A part of a whole.

    Attributes:
        text: As it is; it passed its rules.
        rules: As in a request.
    """

    text: str
    rules: Mapping[str, Any]


class Mend(NamedTuple):
    """One part to write again.

    Attributes:
        part: Its name.
        rules: Fields of its rules that take the place of the old ones.
        message: What the model is told about the first text.
    """

    part: str
    rules: dict[str, Any]
    message: str


def choose(issues: Mapping[str, Any], parts: Mapping[str, Part], tongue: Tongue) -> Mend | None:
    """The part with the most room to mend the whole within its own bounds; None when none has enough.

    Only counts can be mended so: mentions of brands, and words.

    Args:
        issues: `quality_issues` of the whole.
        parts: By name.
        tongue: Language of the message.
    """
    terms: dict[str, Any] = {}
    if issue := issues.get("brand_mentions"):
        brand, terms = [Term(term) for term in issue["terms"]], {"terms": issue["terms"]}
        counts = {name: mentions(brand, plain(part.text)) for name, part in parts.items()}
        rule = "brand_mentions"
    elif issue := next((one for one in issues.get("word_count", ()) if one["section"] is None), None):
        counts = {name: words(part.text) for name, part in parts.items()}
        rule = "words"
    else:
        return None
    short = max(0, (issue["min"] or 0) - issue["found"])
    over = 0 if issue["max"] is None else max(0, issue["found"] - issue["max"])
    bounds = {name: _bounds(part.rules.get(rule) or {}) for name, part in parts.items()}

    def room(name: str) -> int:
        least, most = bounds[name]
        return (_MOST if most is None else most) - counts[name] if short else counts[name] - least

    best = max(parts, key=room)
    if room(best) < short + over:
        return None
    (least, most), count = bounds[best], counts[best]
    span = {"min": count + short, "max": most} if short else {"min": least, "max": count - over}
    wrong = {**terms, **span, "found": count}
    told = {"brand_mentions": wrong} if terms else {"word_count": [{**wrong, "section": None}]}
    return Mend(best, {rule: {**terms, **span}}, repair_message(told, tongue))


def _bounds(rule: Mapping[str, Any]) -> tuple[int, int | None]:
    return rule.get("min") or 0, rule.get("max")
