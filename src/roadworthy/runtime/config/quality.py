"""The part of the configuration tree that says what the answers of a route must be."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from roadworthy.runtime.config.node import Node

_WORDS_MAX = 1_000_000


class Mentions(Node):
    """How often brands must be named."""

    terms: list[str] = Field(min_length=1, max_length=200, description="Names that count, together.")
    min: int = Field(default=0, ge=0, le=_WORDS_MAX, description="Fewest mentions.")
    max: int | None = Field(default=None, ge=0, le=_WORDS_MAX, description="Most mentions.")


class Span(Node):
    """Bounds on a number of words."""

    min: int | None = Field(default=None, ge=0, le=_WORDS_MAX, description="Fewest words.")
    max: int | None = Field(default=None, ge=0, le=_WORDS_MAX, description="Most words.")


class Words(Node):
    """Bounds on the number of words, of the answer and of its sections."""

    min: int | None = Field(default=None, ge=0, le=_WORDS_MAX, description="Fewest words of the answer.")
    max: int | None = Field(default=None, ge=0, le=_WORDS_MAX, description="Most words of the answer.")
    sections: dict[str, Span] = Field(
        default_factory=dict,
        description="Bounds on the words below a heading, by heading; for sections that are there.",
    )


class Quality(Node):
    """What an answer of the route must be; the default rules (no empty, stub or refusing answer) hold besides."""

    required_terms: list[str] = Field(
        default_factory=list, max_length=200, description="Each must occur; one that ends in * may go on in the text."
    )
    forbidden_terms: list[str] = Field(default_factory=list, max_length=1000, description="None may occur.")
    brand_mentions: Mentions | None = Field(default=None, description="How often brands must be named.")
    words: Words | None = Field(default=None, description="Bounds on the number of words.")
    sections: list[str] = Field(default_factory=list, max_length=100, description="Headings that the answer must have.")
    json_schema: dict[str, Any] | None = Field(
        default=None, description="The answer must be JSON that satisfies this JSON schema."
    )
    language: Literal["en", "ja", "ko", "zh"] | None = Field(
        default=None, description="The answer must not be in another language; what cannot be told passes."
    )
    refusal: bool = Field(default=True, description="Whether an answer that only refuses is a failed one.")
    checks: list[str] = Field(
        default_factory=list, max_length=20, description="Custom checks, by entry point of group roadworthy.quality."
    )
    repairs: int = Field(
        default=1, ge=0, le=5, description="How often a model is told what was wrong and asked again, per request."
    )
    heartbeat_s: float = Field(
        default=10.0, gt=0, le=600, description="A stream held back this long gets a comment line, in seconds."
    )
