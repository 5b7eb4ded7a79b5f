"""Rules that one request brings along for its own answer: `quality` in the body of a chat request.

They hold besides the route's, never instead of them. What callers send is checked strictly and bounded, and compiled
once for as long as the same rules keep coming. No error repeats a word of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from roadworthy.core.attempts import Attempt
from roadworthy.core.errors import UsageError
from roadworthy.gateway.chat import explain_validation, field_at_fault
from roadworthy.gateway.quality.default import Rejection
from roadworthy.gateway.quality.gate import Gate
from roadworthy.gateway.quality.heading import heading_key
from roadworthy.gateway.quality.rule import Language, Mentions, Quality, Span, Words
from roadworthy.gateway.quality.term import Plain, Term, plain

MAX_BYTES = 32_768
"""Of the rules as JSON."""
MAX_TERMS = 200
MAX_CHARS = 200
"""Of one term or heading."""
MAX_SECTIONS = 50
MAX_COUNT = 1_000_000
MAX_REPAIRS = 5
MAX_KEPT_BYTES = 65_536
"""More of a rejected text is cut off."""
COMPILED = 128
"""So many different rules stay compiled."""

_Text = Annotated[str, Meta(min_length=1, max_length=MAX_CHARS)]
_Terms = Annotated[tuple[_Text, ...], Meta(max_length=MAX_TERMS)]
_Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]


class RequestMentions(Mentions, frozen=True, forbid_unknown_fields=True):
    """`brand_mentions`."""

    terms: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=MAX_TERMS)]
    min: _Count = 0
    max: _Count | None = None


class RequestSpan(Span, frozen=True, forbid_unknown_fields=True):
    """Bounds of one section."""

    min: _Count | None = None
    max: _Count | None = None


class RequestWords(Words, frozen=True, forbid_unknown_fields=True):
    """`words`."""

    min: _Count | None = None
    max: _Count | None = None
    sections: Annotated[dict[str, RequestSpan], Meta(max_length=MAX_SECTIONS)] = msgspec.field(default_factory=dict)


class RequestQuality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`quality` of a request; for what the rules mean see `Quality`.

    Attributes:
        refusal: True: a refusal is a failed answer even where the route lets it pass. Nothing switches the route's off.
        repairs: At least so often the model is told what was wrong; None: as the route says.
        keep_rejected: Whether an error shows the last answer that was rejected.
    """

    required_terms: _Terms = ()
    forbidden_terms: _Terms = ()
    brand_mentions: RequestMentions | None = None
    words: RequestWords | None = None
    sections: Annotated[tuple[_Text, ...], Meta(max_length=MAX_SECTIONS)] = ()
    language: Language | None = None
    refusal: bool | None = None
    repairs: Annotated[int, Meta(ge=0, le=MAX_REPAIRS)] | None = None
    keep_rejected: bool = False


class RequestGate:
    """The rules of a request, compiled.

    Args:
        rules: As sent; without a contradiction.

    Attributes:
        digest: Equal for equal rules, whatever their spelling; what an answer that failed is kept for is left out.
        keep_rejected: See `RequestQuality`.
        has_sections: Whether headings are asked for, which JSON has not.
        alone: The gate where the route has none.
    """

    __slots__ = ("_beside", "_rules", "alone", "digest", "has_sections", "keep_rejected")

    def __init__(self, rules: RequestQuality) -> None:
        self._rules = rules
        self.keep_rejected = rules.keep_rejected
        self.digest = sha256(_canonical(replace(rules, keep_rejected=False))).hexdigest()
        self.has_sections = bool(rules.sections or (rules.words is not None and rules.words.sections))
        quality = Quality(
            rules.required_terms, rules.forbidden_terms, rules.brand_mentions, rules.words, rules.sections,
            language=rules.language, repairs=1 if rules.repairs is None else rules.repairs,
        )  # fmt: skip
        self.alone = Gate(quality, {})
        self._beside: dict[Gate, Gate] = {}

    def beside(self, route: Gate | None) -> Gate:
        """The gate that an answer must pass: the route's rules and these.

        Args:
            route: The route's; None where it has no rules of its own.
        """
        if route is None:
            return self.alone
        both = self._beside.get(route)
        if both is None:
            own, ruled = self._rules, route.rules
            rules = replace(
                ruled,
                refusal=ruled.refusal or own.refusal is True,
                repairs=max(ruled.repairs, own.repairs or 0),
                language=ruled.language or own.language,
            )
            both = self._beside[route] = route.beside(self.alone, rules)
        return both


class Rejected(NamedTuple):
    """An answer that did not pass, for the person who wants to see why.

    Attributes:
        text: What it said, at most 64 KiB.
        served_by: `provider/model` that said it.
        quality_issues: What was wrong with it.
        cut: Whether the text was longer.
    """

    text: str
    served_by: str
    quality_issues: Mapping[str, object]
    cut: bool


def request_gate(raw: bytes) -> RequestGate:
    """The compiled rules of a request.

    Args:
        raw: `quality` as JSON.

    Raises:
        UsageError: `invalid_request` naming the field at fault: the rules are none, too large, or contradict
            each other.
    """
    if len(raw) > MAX_BYTES:
        raise UsageError(
            "The quality rules of the request are too large.",
            f"They have more than {MAX_BYTES} bytes.",
            param="quality",
        )
    return _compiled(raw)


def kept(rejection: Rejection, served_by: str) -> Rejected | None:
    """What is shown of an answer that was rejected; None when it said nothing, or nothing that a model wrote."""
    if not rejection.text.strip():
        return None
    data = rejection.text.encode()
    cut = len(data) > MAX_KEPT_BYTES
    text = data[:MAX_KEPT_BYTES].decode("utf-8", "ignore") if cut else rejection.text
    return Rejected(text, served_by, rejection.issues, cut)


def without_words(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Attempts as they may be recorded when the rules came with the request: numbers in place of the caller's terms."""
    return tuple(
        one._replace(issues={name: _counted(name, issue) for name, issue in one.issues.items()}) if one.issues else one
        for one in attempts
    )


_NAMING = frozenset(("missing_terms", "forbidden_terms", "missing_sections"))
_BOUNDS = frozenset(("found", "min", "max"))


def _counted(name: str, issue: object) -> object:
    if name in _NAMING and isinstance(issue, list):
        return len(issue)
    if name == "brand_mentions" and isinstance(issue, dict):
        return _bounds_of(issue)
    if name == "word_count" and isinstance(issue, list):
        return [_bounds_of(each) for each in issue]
    return issue


def _bounds_of(issue: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in issue.items() if name in _BOUNDS}


_decode = msgspec.json.Decoder(RequestQuality).decode
_canonical = msgspec.json.Encoder(order="sorted").encode


@lru_cache(COMPILED)
def _compiled(raw: bytes) -> RequestGate:
    try:
        rules = _decode(raw)
    except msgspec.ValidationError as error:
        path = field_at_fault(str(error))
        raise _fault(path if path[:1] != "[" else "", explain_validation(str(error))) from None
    except RecursionError:
        raise _fault("", "They are nested too deeply.") from None
    for path, why in _faults(rules):
        raise _fault(path, why)
    return RequestGate(rules)


def _fault(path: str, why: str) -> UsageError:
    field = f"quality.{path}" if path else "quality"
    # A path below `words.sections` could only be told by the caller's own headings.
    return UsageError(f"The request field {field} is not what it must be.", why, param=field)


def _faults(rules: RequestQuality) -> Iterator[tuple[str, str]]:
    """(field, what is wrong) for every rule that cannot be used or contradicts another one."""
    yield from _term_faults(rules)
    yield from _heading_faults(rules)
    brands, words = rules.brand_mentions, rules.words
    if brands is not None and brands.max is not None and brands.min > brands.max:
        yield "brand_mentions.min", "It is larger than `max`."
    if words is None:
        return
    if _crossed(words):
        yield "words.min", "It is larger than `max`."
    if any(_crossed(span) for span in words.sections.values()):
        yield "words.sections", "The `min` of a section is larger than its `max`."
    least = sum(span.min or 0 for name, span in words.sections.items() if name in rules.sections)
    if words.max is not None and least > words.max:
        yield "words.max", f"The required sections alone need {least} words."


def _crossed(span: Span | Words) -> bool:
    return span.min is not None and span.max is not None and span.min > span.max


def _heading_faults(rules: RequestQuality) -> Iterator[tuple[str, str]]:
    bounded = () if rules.words is None else tuple(rules.words.sections)
    for field, names in (("sections", rules.sections), ("words.sections", bounded)):
        if any(not heading_key(name) or len(name) > MAX_CHARS for name in names):
            yield field, f"A heading must be more than decoration, and have at most {MAX_CHARS} characters."
    different = frozenset((*rules.sections, *bounded))
    if len({heading_key(name) for name in different}) < len(different):
        yield "sections", "Two headings differ in decoration or case alone, so one of them would never be found."


def _term_faults(rules: RequestQuality) -> Iterator[tuple[str, str]]:
    brands = rules.brand_mentions
    fields = {
        "required_terms": rules.required_terms,
        "forbidden_terms": rules.forbidden_terms,
        "brand_mentions.terms": () if brands is None else brands.terms,
    }
    for field, terms in fields.items():
        for at, text in enumerate(terms):
            if not plain(text):
                yield f"{field}[{at}]", "The term is empty."
                return
    forbidden = [Term(text) for text in rules.forbidden_terms]
    named_at = _first_naming(forbidden, rules.required_terms)
    if named_at is not None:
        yield f"required_terms[{named_at}]", "It has a forbidden term in it, so no answer could pass."
    unwanted = () if brands is None or brands.max != 0 else tuple(Term(text) for text in brands.terms)
    if _first_naming(unwanted, rules.required_terms) is not None:
        yield "brand_mentions.max", "A required term names what must not be named, so no answer could pass."


def _first_naming(terms: Sequence[Term], required: Sequence[str]) -> int | None:
    """Index of a required term that no text can name without naming one of the others; None when there is none."""
    # All in one text: a line feed is in no plain text, and is no letter.
    joined = Plain("\n".join(map(_at_least, required)))
    place = next((start for term in terms for start, _ in term.spans(joined)), None)
    return None if place is None else joined.count("\n", 0, place)


def _at_least(term: str) -> str:
    """What a text must have in it to name the term: behind one that may go on, a letter that shows no word's end."""
    return f"{plain(term)}x" if term.rstrip().endswith("*") else plain(term)
