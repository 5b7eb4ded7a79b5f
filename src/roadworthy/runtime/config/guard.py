"""What is kept from providers, in the configuration tree."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from roadworthy.runtime.config.node import Node


def _off(value: object) -> object:
    """YAML 1.1 reads a bare `off` as false."""
    return "off" if value is False else value


class Masking(Node):
    """What is kept from providers, and what of their answers from callers."""

    prompts: Annotated[Literal["off", "mask", "token"], BeforeValidator(_off)] = Field(
        default="off",
        description="What happens to personal data and secrets before a prompt leaves: nothing (off), a mark in their "
        "place (mask), or a token that the answer is freed from again (token).",
    )
    answers: bool = Field(
        default=False, description="Whether personal data and secrets that a model writes are masked for the caller."
    )
    kinds: list[Annotated[str, Field(pattern="^[A-Z][A-Z_]{1,31}$")]] = Field(
        default_factory=list, description="Kinds that are looked for, such as EMAIL and CARD; all when empty."
    )
