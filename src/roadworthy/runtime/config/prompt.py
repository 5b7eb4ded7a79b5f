"""Prompts in the configuration tree."""

from __future__ import annotations

from pydantic import Field

from roadworthy.runtime.config.node import Node

PROMPT_PATTERN = "^[a-z][a-z0-9_-]{0,63}(@[1-9][0-9]{0,5})?$"
"""A prompt's name, and the version where it is pinned."""


class Prompts(Node):
    """Where prompts of your own are; those that ship are always there."""

    folder: str | None = Field(
        default=None,
        min_length=1,
        description="Folder of *.yaml files, one template each, relative to the working directory.",
    )
