"""The rules of a route's gate as plain values: from the configuration, or from a pack that hands in the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Language = Literal["en", "ja", "ko", "zh"]
"""Languages that the gate can tell apart; see `gateway.quality.language` for how far that goes."""

ISSUES = (
    "empty", "stub", "error_page", "refusal", "invalid_json", "schema", "missing_terms", "forbidden_terms",
    "brand_mentions", "word_count", "missing_sections", "language", "custom", "check_failed",
)  # fmt: skip
"""Every key that `quality_issues` may have; a closed set, because it is a metric label."""


class Mentions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often any of the terms must be named; `max` None: no upper bound."""

    terms: tuple[str, ...]
    min: int = 0
    max: int | None = None


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on a number of words, both inclusive; None: no bound."""

    min: int | None = None
    max: int | None = None


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on the whole answer and on the sections below headings."""

    min: int | None = None
    max: int | None = None
    sections: Mapping[str, Span] = {}


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an answer must be. Everything left out is not asked for.

    Attributes:
        required_terms: Each must occur; see `gateway.quality.term` for what an occurrence is.
        forbidden_terms: None may occur.
        brand_mentions: How often brands must be named.
        words: Bounds on the number of words.
        sections: Headings that the answer must have.
        json_schema: The answer must be JSON that satisfies it.
        language: The answer must not be in another language.
        refusal: Whether a refusal is a failed answer.
        checks: Names of custom checks (entry points of group `roadworthy.quality`).
        repairs: How often the same model is asked again with what was wrong, per try of the chain.
        heartbeat_s: A stream that is held back longer than this gets a comment line every so many seconds.
    """

    required_terms: tuple[str, ...] = ()
    forbidden_terms: tuple[str, ...] = ()
    brand_mentions: Mentions | None = None
    words: Words | None = None
    sections: tuple[str, ...] = ()
    json_schema: dict[str, Any] | None = None
    language: Language | None = None
    refusal: bool = True
    checks: tuple[str, ...] = ()
    repairs: int = 1
    heartbeat_s: float = 10.0
