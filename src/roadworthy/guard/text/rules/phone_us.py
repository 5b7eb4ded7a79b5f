"""North American telephone numbers without a plus."""

from __future__ import annotations

from roadworthy.guard.text.checks.around import has_fraction, in_uuid, is_named_otherwise
from roadworthy.guard.text.checks.bounds import GROUP_START
from roadworthy.guard.text.checks.phone_plan import with_extension
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Candidate, Rule, Span


def _number(candidate: Candidate) -> Span | None:
    line, start, end = candidate.line, candidate.start, candidate.end
    if has_fraction(line.text, end) or in_uuid(line.text, start, end) or is_named_otherwise(line.lower, start):
        return None
    return Span(start, with_extension(line.text, end))


_SOURCE = "North American Numbering Plan (ATIS-0300051)"
_END = r"(?:$|[^0-9A-Za-z_\-]|-(?:$|[^0-9A-Za-z_])|-?[A-Z][a-z]|[xX][0-9]|ext)"
RULES = (
    Rule(
        name="phone_us",
        kind=Kind.PHONE,
        before=GROUP_START,
        core=r"(?:1[\-. ])?[2-9][0-9]{2}(?:-[0-9]{3}[\- ]|\.[0-9]{3}[. ])[0-9]{4}",
        after=_END,
        check=_number,
        source=_SOURCE,
    ),
    Rule(
        name="phone_us_in_brackets",
        kind=Kind.PHONE,
        core=r"(?:1[\-. ]?)?\([2-9][0-9]{2}\)[\- ]?[0-9]{3}[\-. ][0-9]{4}",
        after=_END,
        check=_number,
        source=_SOURCE,
    ),
)
