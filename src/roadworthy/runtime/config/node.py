"""Base of every section of the configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Node(BaseModel):
    """Base of the tree: unknown keys are errors, types are not bent, values stay out of error texts."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True, frozen=True, allow_inf_nan=False)
