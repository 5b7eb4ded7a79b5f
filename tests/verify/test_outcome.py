"""What counts as a pass, and that nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.verify.evidence import Item
from roadworthy.verify.outcome import (
    Applicability,
    Coverage,
    Finding,
    Missing,
    Outcome,
    Severity,
    Status,
    finding,
    judged,
    not_applicable,
)
from roadworthy.verify.run import settle

ITEM = Item(sha256="0" * 64, bytes=1, media_type="text/plain", label="x", started="", ended="")
FOUND = finding("ART-04", "rule", "Bad.", key=("a",))
NOTE = finding("ART-04", "rule", "Fine.", key=("b",), severity=Severity.NOTE)


def coverage(examined: int, existing: int, *missing: Missing) -> Coverage:
    return Coverage(examined=examined, existing=existing, how_counted="by hand", missing=missing)


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        (coverage(3, 3), True),
        (coverage(0, 0), False),
        (coverage(0, 3), False),
        (coverage(2, 3), False),
        (coverage(4, 3), False),  # two counts that contradict each other
        (coverage(2, 3, Missing(name="a", reason="generated")), True),
        (coverage(2, 3, Missing(name="a")), False),
        (coverage(1, 5, Missing(name="a", reason="generated", count=4)), True),
        (coverage(1, 5, Missing(name="a", reason="generated", count=3)), False),
        (coverage(0, 2, Missing(name="a", reason="all", count=2)), False),  # everything excused is nothing examined
    ],
)
def test_coverage_is_complete(given: Coverage, complete: bool) -> None:
    assert given.complete is complete
    assert judged("Seen.", coverage=given).status is (Status.PASS if complete else Status.NOT_MEASURED)


@pytest.mark.parametrize(
    ("findings", "examined", "passed", "status"),
    [
        ((), 3, True, Status.PASS),
        ((NOTE,), 3, True, Status.PASS),
        ((FOUND,), 3, True, Status.FAIL),
        ((FOUND,), 1, True, Status.FAIL),  # a failure is one, however little was looked at
        ((), 3, False, Status.FAIL),
        ((), 1, True, Status.NOT_MEASURED),
    ],
)
def test_judged(findings: tuple[Finding, ...], examined: int, passed: bool, status: Status) -> None:
    assert judged("Seen.", coverage=coverage(examined, 3), findings=findings, passed=passed).status is status


@pytest.mark.parametrize(
    ("changes", "items", "status"),
    [
        ({}, (ITEM,), Status.PASS),
        ({}, (), Status.NOT_MEASURED),
        ({"coverage": None}, (ITEM,), Status.NOT_MEASURED),
        ({"coverage": coverage(0, 0)}, (ITEM,), Status.NOT_MEASURED),
        ({"coverage": coverage(1, 2)}, (ITEM,), Status.NOT_MEASURED),
        ({"findings": (FOUND,)}, (ITEM,), Status.NOT_MEASURED),
        ({"findings": (NOTE,)}, (ITEM,), Status.PASS),
        ({"status": Status.WAIVED}, (ITEM,), Status.ERROR),
        ({"status": Status.NOT_APPLICABLE}, (ITEM,), Status.NOT_MEASURED),
        (
            {"status": Status.NOT_APPLICABLE, "applicability": Applicability(predicate="p", result=True, detail="")},
            (ITEM,),
            Status.NOT_MEASURED,
        ),
    ],
)
def test_settled(changes: dict[str, Any], items: tuple[Item, ...], status: Status) -> None:
    values = {"status": Status.PASS, "reason": "Seen.", "coverage": coverage(3, 3), **changes}
    assert settle(Outcome(**values), items, "ART-04").status is status


def test_not_applicable_needs_evidence() -> None:
    given = not_applicable("None here.", predicate="there is a model", detail="0 files")
    assert settle(given, (ITEM,), "ART-04").status is Status.NOT_APPLICABLE
    assert settle(given, (), "ART-04").status is Status.NOT_MEASURED


def test_a_failure_without_findings_can_be_named() -> None:
    failed = settle(judged("Too slow.", coverage=coverage(3, 3), passed=False), (ITEM,), "PER-01")
    again = settle(judged("Too slow: 3 s.", coverage=coverage(3, 3), passed=False), (ITEM,), "PER-01")
    assert [each.fingerprint for each in failed.findings] == [each.fingerprint for each in again.findings]
    assert len(failed.findings) == 1


def test_one_waiver_is_for_one_finding() -> None:
    """Two lines of a file with the same fault: the second gets a fingerprint of its own, the same in every run."""
    first, second = (
        settle(judged("x", coverage=coverage(3, 3), findings=[FOUND] * 3), (ITEM,), "ART-04") for _ in "ab"
    )
    prints = [each.fingerprint for each in first.findings]
    assert len(set(prints)) == 3
    assert prints[0] == FOUND.fingerprint
    assert first == second


def test_fingerprints_tell_things_apart() -> None:
    prints = {
        finding("ART-04", "rule", "Same words.", key=key).fingerprint
        for key in (("a", "b"), ("ab",), ("a",), ("b", "a"))
    }
    assert len(prints) == 4
    assert finding("ART-04", "rule", "One.", key=("a",)).fingerprint == FOUND.fingerprint
