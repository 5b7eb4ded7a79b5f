"""A second target asked beside a slow one, in the configuration tree."""

from __future__ import annotations

from pydantic import Field

from roadworthy.runtime.config.node import Node


class Hedge(Node):
    """When a second target is asked beside a slow one, and its cost; needs after_s, after_percentile or both."""

    after_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Seconds without an answer (of a stream: without a useful token) after which the next healthy "
        "target is asked too. With after_percentile: holds until that is known.",
    )
    after_percentile: float | None = Field(
        default=None,
        ge=50,
        le=99.9,
        description="The same as a percentile of how long the target itself took lately, 50 to 99.9; known after 20 "
        "answers within 10 minutes.",
    )
    max_extra_cost: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Share of what the route spends otherwise that second tries may add, 0 to 1.",
    )
    window_s: float = Field(
        default=600.0, ge=10, le=86_400, description="Span over which that share is counted, in seconds."
    )
