"""What tests of verifications share: outcomes, and the types of the fixtures that run things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roadworthy.verify.outcome import Coverage, Outcome, judged
from roadworthy.verify.report.record import Report

START = 1_800_000_000.0
"""Where the virtual time of whole runs begins."""

Verified = Callable[..., Outcome]
"""The fixture `verified`: id of a check, its settings -> the settled outcome of its probe."""

Run = Callable[..., Report]
"""The fixture `inspected`: subject, output, what probes say -> the report."""


def good(reason: str = "All is well.", **changes: Any) -> Outcome:
    """A pass with all that a pass needs."""
    return judged(reason, coverage=Coverage(examined=3, existing=3, how_counted="by hand"), **changes)
