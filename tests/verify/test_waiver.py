"""Waivers: exact, owned, approved by another, bounded in time; whatever is not so does not hold and is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.verify import recompute
from roadworthy.verify.outcome import Coverage, Outcome, Severity, Status, finding, judged
from roadworthy.verify.policy import Waiver
from roadworthy.verify.registry import catalogue
from roadworthy.verify.waiver import applied, problem_of

TODAY = date(2026, 11, 21)
COVERAGE = Coverage(examined=1, existing=1, how_counted="by hand")
FIRST = finding("QUA-05", "ruff.F401", "An import is not used.", key=("a.py",))
SECOND = finding("QUA-05", "ruff.F401", "An import is not used.", key=("b.py",))
FALSE = finding("QUA-05", "claim", "It is not so.", key=("d.md",), contradicts=True)
NOTE = finding("QUA-05", "style", "A matter of taste.", key=("c.py",), severity=Severity.NOTE)


def waiver(**changes: Any) -> Waiver:
    values = {
        "check": "QUA-05",
        "fingerprint": FIRST.fingerprint,
        "owner": "Dana",
        "approver": "Kim",
        "reason": "The module goes away with the next release.",
        "created": TODAY - timedelta(days=1),
        "expires": TODAY + timedelta(days=10),
        **changes,
    }
    return Waiver(**values)


def outcome(*findings: Any) -> Outcome:
    return judged("Found.", coverage=COVERAGE, findings=findings)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"fingerprint": "*"}, "32 hexadecimal"),
        ({"fingerprint": FIRST.fingerprint[:31]}, "32 hexadecimal"),
        ({"owner": " "}, "no owner"),
        ({"approver": ""}, "no owner or no approver"),
        ({"approver": "Dana"}, "are the same"),
        ({"approver": " d a n a "}, "are the same"),
        ({"reason": "later"}, "gives no reason"),
        ({"created": TODAY + timedelta(days=1)}, "created in the future"),
        ({"created": TODAY - timedelta(days=40), "expires": TODAY - timedelta(days=41)}, "before it begins"),
        ({"created": TODAY, "expires": TODAY + timedelta(days=90)}, ""),
        ({"created": TODAY, "expires": TODAY + timedelta(days=91)}, "longer than 90 days"),
        ({"check": "SUP-04", "created": TODAY, "expires": TODAY + timedelta(days=30)}, ""),
        ({"check": "SUP-04", "created": TODAY, "expires": TODAY + timedelta(days=31)}, "longer than 30 days"),
        ({"check": "OBS-07", "created": TODAY, "expires": TODAY + timedelta(days=31)}, "longer than 30 days"),
        ({"expires": TODAY}, ""),
        ({"created": TODAY - timedelta(days=9), "expires": TODAY - timedelta(days=1)}, "ended on"),
        *(({"check": id}, "cannot be waived") for id in sorted(recompute.NEVER_WAIVED)),
    ],
)
def test_rules(changes: dict[str, Any], problem: str) -> None:
    given_waiver = waiver(**changes)
    found = problem_of(given_waiver, catalogue()[given_waiver.check], TODAY)
    assert problem in found
    assert bool(found) is bool(problem)


@pytest.mark.parametrize(
    ("findings", "waivers", "status", "problems"),
    [
        ((FIRST,), (waiver(),), Status.WAIVED, ("",)),
        ((FIRST, SECOND), (waiver(),), Status.FAIL, ("",)),
        ((FIRST, SECOND), (waiver(), waiver(fingerprint=SECOND.fingerprint)), Status.WAIVED, ("", "")),
        ((FIRST, NOTE), (waiver(),), Status.WAIVED, ("",)),
        ((SECOND,), (waiver(),), Status.FAIL, ("matches no finding",)),
        ((), (waiver(),), Status.PASS, ("matches no finding",)),
        ((FIRST,), (waiver(approver="Dana"),), Status.FAIL, ("are the same",)),
        ((FIRST,), (waiver(), waiver()), Status.WAIVED, ("", "twice")),
        ((FALSE,), (waiver(fingerprint=FALSE.fingerprint),), Status.FAIL, ("take the statement back",)),
        ((FIRST, FALSE), (waiver(), waiver(fingerprint=FALSE.fingerprint)), Status.FAIL, ("", "statement back")),
        ((NOTE,), (waiver(fingerprint=NOTE.fingerprint),), Status.PASS, ("matches no finding",)),
    ],
)
def test_applied(
    findings: tuple[Any, ...], waivers: tuple[Waiver, ...], status: Status, problems: tuple[str, ...]
) -> None:
    judged_waivers = applied(waivers, {"QUA-05": outcome(*findings)}, catalogue(), TODAY)
    assert judged_waivers.outcomes["QUA-05"].status is status
    for told, expected in zip(judged_waivers.problems, problems, strict=True):
        assert expected in told
        assert bool(told) is bool(expected)


@pytest.mark.parametrize("status", [Status.NOT_MEASURED, Status.ERROR])
def test_what_was_not_measured_cannot_be_waived(status: Status) -> None:
    unknown = msgspec.structs.replace(outcome(FIRST), status=status)
    judged_waivers = applied([waiver()], {"QUA-05": unknown}, catalogue(), TODAY)
    assert judged_waivers.outcomes["QUA-05"].status is status
    assert "matches no finding" in judged_waivers.problems[0]


DAYS = st.integers(-100, 100).map(lambda days: TODAY + timedelta(days=days))


@given(
    check=st.sampled_from(sorted(catalogue())), owner=st.sampled_from(["Dana", "dana ", "Kim", ""]),
    approver=st.sampled_from(["Dana", "Kim", " "]), reason=st.sampled_from(["", "x" * 14, "x" * 15]),
    created=DAYS, expires=DAYS,
)  # fmt: skip
def test_the_gate_judges_waivers_alike(check: str, created: date, expires: date, **more: str) -> None:
    """Two pieces of code, one rule."""
    made = waiver(check=check, created=created, expires=expires, **more)
    holds = not problem_of(made, catalogue()[check], TODAY)
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp()
    definition = msgspec.to_builtins(catalogue()[check])
    assert recompute._waiver_holds(msgspec.to_builtins(made), definition, noon) is holds


def test_the_gate_does_not_waive_what_is_false_either() -> None:
    """Even where a careless tool would have let the waiver hold."""
    for findings, status in (((FIRST,), "waived"), ((FIRST, FALSE), "fail")):
        record = {
            "definition": msgspec.to_builtins(catalogue()["QUA-05"]),
            "outcome": msgspec.to_builtins(outcome(*findings)),
            "evidence": [], "manual": False, "ended": "2026-11-21T00:00:00.000Z",
        }  # fmt: skip
        waivers = [msgspec.to_builtins(waiver(fingerprint=each.fingerprint)) for each in findings]
        noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp()
        line = recompute.lines({"QUA-05": record}, waivers, noon)[0]
        assert (line.status, line.false) == (status, status == "fail")
