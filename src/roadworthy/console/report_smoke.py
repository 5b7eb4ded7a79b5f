"""An application's smoke run for the page *Admin*, asked through its client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roadworthy.client.report import OVER, ReportClient, RunRow
from roadworthy.console import words
from roadworthy.console.page import SmokeProgress


class ReportSmoke:
    """Implements `console.page.SmokeRun`.

    Args:
        client: Of the application.
    """

    def __init__(self, client: ReportClient[Any]) -> None:
        self._client = client

    def estimate(self) -> Sequence[tuple[str, str]]:
        """What it would do and cost."""
        told = self._client.smoke_estimate()
        by = (
            f"by {words.count(told.measured, 'section')} measured here" if told.measured else "nothing was measured yet"
        )
        return [
            ("Reports", f"{told.reports:,}"),
            ("Requests", f"{told.requests:,}, besides repairs and further tries"),
            ("Tokens", f"about {told.prompt_tokens:,} in, at most {told.most_completion_tokens:,} out"),
            ("Time", f"{words.duration(told.seconds) or 'unknown'} ({by})"),
            ("Cost", f"{words.dollars(told.cost) or 'unknown'} ({by})"),
        ]

    def start(self) -> str:
        """Begin, or join the one that runs."""
        return self._client.smoke().smoke_id

    def progress(self, run_id: str) -> SmokeProgress:
        """How far it is."""
        run = self._client.smoke_run(run_id)
        done = sum(row.report_id is not None and row.state in OVER for row in run.reports)
        rows = [(f"{row.name} ({row.language})", row.state, smoke_remark(row)) for row in run.reports]
        return SmokeProgress(done, len(run.reports), run.over, rows, run.cost)

    def cancel(self, run_id: str) -> None:
        """Stop it; reports that are there stay."""
        self._client.cancel_smoke(run_id)


def smoke_remark(row: RunRow) -> str:
    """What came of one report, in words."""
    if row.state == "waiting" or row.report_id is None:
        return ""
    told = f"{row.sections_passed} of {row.sections} sections"
    return f"{told}. {row.debug_hint}" if row.debug_hint else told
