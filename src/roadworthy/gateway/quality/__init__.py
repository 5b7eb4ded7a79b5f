"""Whether an answer is one: the default rules, those of a route, and those that a request brings along.

For applications: `judge` and `marks`, see `gateway.quality.document`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadworthy.gateway.quality.document import Mark, judge, marks

__all__ = ["Mark", "judge", "marks"]


def __getattr__(name: str) -> Any:
    """Load what applications use when they use it: the gate's rules alone are plain data and stay cheap to import."""
    if name not in __all__:
        raise AttributeError(name)
    from roadworthy.gateway.quality import document

    return getattr(document, name)
