"""The newest verdict of a project, read from the files that `roadworthy verify run` leaves. Unknown is None."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from roadworthy.client.record import objects, pick
from roadworthy.core.errors import SubjectError

FORM = "roadworthy.readiness/v1"
"""The form of report.json that is understood here."""

MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class VerdictFinding:
    """One thing that is wrong. `place` is `path:line`, or empty."""

    severity: str
    message: str
    place: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class VerdictCheck:
    """One check as the report tells it."""

    id: str
    title: str
    category: str
    weight: str
    blocker: bool
    status: str
    reason: str
    remediation: str
    findings: tuple[VerdictFinding, ...]


@dataclass(frozen=True, slots=True)
class VerdictDelta:
    """A check that ended otherwise than in the run before; None where there was no such check."""

    check: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class VerdictReport:
    """A report.json.

    Args:
        decision: GO, NO-GO or INCOMPLETE.
        reasons: In words, the gravest first.
        blockers: Ids of the blockers that are short of a pass or a waiver.
        overall: Score, 0 to 100.
        coverage: Share of the weight that was measured, 0 to 1.
        finished: Seconds since the Unix epoch (UTC).
        valid_until: The same.
        number: Place in the chain of runs.
        subject: Names of what was verified.
        service: URL of the running service that was asked.
        checks: All of them.
        previous: Decision, score and number of the run before; None for the first.
        deltas: What changed since.
    """

    decision: str
    reasons: tuple[str, ...]
    blockers: tuple[str, ...]
    overall: float | None
    coverage: float | None
    finished: float | None
    valid_until: float | None
    number: int | None
    subject: tuple[str, ...]
    service: str | None
    checks: tuple[VerdictCheck, ...]
    previous: tuple[str, float | None, int | None] | None
    deltas: tuple[VerdictDelta, ...]


def read_verdict(folder: Path) -> VerdictReport | None:
    """The newest verdict in a folder of `roadworthy verify run`; None when there is none.

    Raises:
        SubjectError: `subject_unreadable`: the report cannot be read, or is of another form.
    """
    try:
        with (folder / "report.json").open("rb") as file:
            content = file.read(MOST_BYTES)
        told = json.loads(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(f"{error.strerror or 'Input/output error'}.") from error
    except (ValueError, RecursionError) as error:
        raise _unreadable("It is no JSON, or only a part of it.") from error
    if pick(told, "schema", str) != FORM:
        raise _unreadable(f"It does not say that it is {FORM}.")
    return _report(told)


def read_page(folder: Path) -> str | None:
    """The report as one HTML page without scripts; None when there is none.

    Raises:
        SubjectError: `subject_unreadable`.
    """
    try:
        with (folder / "report.html").open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(f"{error.strerror or 'Input/output error'}.") from error


def _report(told: Mapping[str, Any]) -> VerdictReport:
    verdict, score = pick(told, "verdict", dict) or {}, pick(told, "score", dict) or {}
    previous = pick(told, "previous", dict)
    return VerdictReport(
        pick(verdict, "decision", str) or "unknown",
        _texts(verdict, "reasons"),
        _texts(verdict, "blockers"),
        pick(score, "overall", int, float),
        pick(score, "coverage", int, float),
        _seconds(pick(told, "finished", str)),
        _seconds(pick(told, "valid_until", str)),
        pick(told, "number", int),
        tuple(pick(one, "name", str) or "" for one in objects(told, "subject")),
        pick(told, "service", str),
        tuple(map(_check, objects(told, "checks"))),
        None if previous is None else (
            pick(previous, "decision", str) or "unknown", pick(previous, "overall", int, float),
            pick(previous, "number", int),
        ),
        tuple(
            VerdictDelta(pick(one, "check", str) or "", pick(one, "before", str), pick(one, "after", str))
            for one in objects(previous, "deltas")
        ),
    )  # fmt: skip


def _check(told: Mapping[str, Any]) -> VerdictCheck:
    return VerdictCheck(
        pick(told, "id", str) or "",
        pick(told, "title", str) or "",
        pick(told, "category", str) or "",
        pick(told, "weight", str) or "",
        pick(told, "blocker", bool) is True,
        pick(told, "status", str) or "unknown",
        pick(told, "reason", str) or "",
        pick(told, "remediation", str) or "",
        tuple(map(_finding, objects(told, "findings"))),
    )


def _finding(told: Mapping[str, Any]) -> VerdictFinding:
    where = pick(told, "location", dict)
    path, line = pick(where, "path", str) or "", pick(where, "line", int)
    return VerdictFinding(
        pick(told, "severity", str) or "unknown",
        pick(told, "message", str) or "",
        path if line is None else f"{path}:{line}",
        pick(told, "rule", str) or "",
    )


def _texts(told: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(one for one in pick(told, name, list) or () if isinstance(one, str))


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo is not None else None


def _unreadable(why: str) -> SubjectError:
    return SubjectError(
        "The newest verdict cannot be read.", why, "Run `roadworthy verify run` again, with the same version."
    )
