"""Reports of sections that an application has written as durable jobs, as their owner sees them. Unknown is None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct, field

from roadworthy.client.transport import Api
from roadworthy.core.errors import GatewayError

OVER = frozenset({"passed", "failed", "cancelled"})
"""States in which nothing more happens by itself; `queued`, `running` and, of sections, `waiting` come before."""


class RejectedText(Struct, frozen=True):
    """A text that did not pass. It is no part of the report.

    Attributes:
        text: What was written.
        served_by: `provider/model` that wrote it.
        quality_issues: What is wrong with it.
        marks: Where the faults stand that stand somewhere: first code point, end, and key of the issue; in order.
    """

    text: str = ""
    served_by: str = ""
    quality_issues: dict[str, Any] = field(default_factory=dict)
    marks: tuple[tuple[int, int, str], ...] = ()


class Section(Struct, frozen=True):
    """One section; `text` is there only when it passed."""

    key: str
    title: str
    state: str
    text: str | None = None
    quality_issues: dict[str, Any] = field(default_factory=dict)
    rejected: RejectedText | None = None
    error_type: str | None = None
    debug_hint: str | None = None
    provider: str | None = None
    model: str | None = None
    attempts: int | None = None
    repairs: int | None = None
    cost: float | None = None
    stub_used: bool | None = None
    latency_ms: float | None = None
    completion_tokens: int | None = None


class Report(Struct, frozen=True):
    """One report; `markdown` is there only when it passed. Times are seconds since the Unix epoch, cost US dollars."""

    report_id: str
    title: str
    state: str
    created_at: float
    updated_at: float
    sections: tuple[Section, ...]
    quality_passed: bool | None = None
    quality_issues: dict[str, Any] = field(default_factory=dict)
    stub_used: bool | None = None
    providers: tuple[str, ...] = ()
    cost: float | None = None
    cost_estimated: bool | None = None
    error_type: str | None = None
    debug_hint: str | None = None
    markdown: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more comes by itself."""
        return self.state in OVER

    @property
    def done(self) -> int:
        """Sections to which nothing more happens by itself."""
        return sum(one.state in OVER for one in self.sections)


class RunRow(Struct, frozen=True):
    """One report of a smoke run."""

    name: str
    language: str
    state: str
    sections_passed: int
    sections: int
    report_id: str | None = None
    stub_used: bool | None = None
    debug_hint: str | None = None
    cost: float | None = None
    providers: tuple[str, ...] | None = None


class Estimate(Struct, frozen=True):
    """What a smoke run will take; seconds and US dollars by what was measured before, None where nothing was."""

    reports: int
    requests: int
    prompt_tokens: int
    most_completion_tokens: int
    measured: int
    seconds: float | None = None
    cost: float | None = None


class Run(Struct, frozen=True):
    """A smoke run."""

    smoke_id: str
    state: str
    reports: tuple[RunRow, ...]
    estimate: Estimate
    cost: float | None = None
    debug_hint: str | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more comes by itself."""
        return self.state in OVER


R = TypeVar("R", bound=Report)


class ReportClient(Generic[R]):
    """Reports and smoke runs of one application. Calls raise what `GatewayClient` raises.

    Args:
        api: A connection to the public API.
        prefix: Where the application's routes are, for example `/api/aicmo`.
        kind: What its reports are read as.
    """

    def __init__(self, api: Api, prefix: str, kind: type[R]) -> None:
        self._api, self._prefix, self._kind = api, prefix, kind

    def order(self, path: str, body: Mapping[str, Any], key: str | None = None) -> R:
        """Have a report written; returns at once, with the report as far as it is.

        Args:
            path: Below the prefix.
            body: What is wanted.
            key: Idempotency key; without one an equal order that is not over is joined.
        """
        headers = {"prefer": "respond-async", **({} if key is None else {"idempotency-key": key})}
        return self._report(self._api.call("POST", f"{self._prefix}{path}", body, headers=headers)[1])

    def report(self, report_id: str) -> R:
        """One report as it is now."""
        return self._report(self._api.call("GET", self._at(report_id))[1])

    def reports(self, limit: int = 20) -> tuple[R, ...]:
        """The newest reports, 1 to 100."""
        told = self._api.call("GET", f"{self._prefix}/reports", query={"limit": str(limit)})[1]
        return tuple(self._report(one) for one in told["reports"])

    def cancel(self, report_id: str) -> R:
        """Stop a report; sections that are there stay."""
        return self._report(self._api.call("POST", f"{self._at(report_id)}/cancel", {})[1])

    def retry(self, report_id: str) -> R:
        """Have failed sections written again; those that passed stay."""
        return self._report(self._api.call("POST", f"{self._at(report_id)}/retry", {})[1])

    def download(self, report_id: str, form: str, draft: bool = False) -> bytes:
        """A report as a file.

        Args:
            report_id: Which.
            form: `md`, `html`, `docx` or `pdf`.
            draft: Also one that did not pass: marked so, and without what was rejected.
        """
        return b"".join(self._api.download(f"{self._at(report_id)}/download?format={form}{'&draft=1' * draft}"))

    def smoke_estimate(self, body: Mapping[str, Any] | None = None) -> Estimate:
        """What a smoke run would take; runs nothing."""
        told = self._api.call("POST", f"{self._prefix}/smoke_runs", body or {}, query={"estimate": "1"})[1]
        return _read(told, Estimate)

    def smoke(self, body: Mapping[str, Any] | None = None) -> Run:
        """Start a smoke run; an equal one that is not over is joined."""
        return _read(self._api.call("POST", f"{self._prefix}/smoke_runs", body or {})[1], Run)

    def smoke_run(self, smoke_id: str) -> Run:
        """A smoke run as it is now."""
        return _read(self._api.call("GET", f"{self._prefix}/smoke_runs/{_safe(smoke_id)}")[1], Run)

    def cancel_smoke(self, smoke_id: str) -> Run:
        """Stop a smoke run; reports that are there stay."""
        return _read(self._api.call("POST", f"{self._prefix}/smoke_runs/{_safe(smoke_id)}/cancel", {})[1], Run)

    def _at(self, report_id: str) -> str:
        return f"{self._prefix}/reports/{_safe(report_id)}"

    def _report(self, told: Mapping[str, Any]) -> R:
        return _read(told, self._kind)


S = TypeVar("S")


def _read(told: Mapping[str, Any], kind: type[S]) -> S:
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        why = f"{error}. It may be of another version."
        raise GatewayError("The gateway's answer is no such record.", why, code="gateway_unreachable") from None


def _safe(name: str) -> str:
    """An id as part of a path: what is in no id becomes a character that is in none either, so nothing is found."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "_-.") else "-" for one in name)[:200] or "-"
