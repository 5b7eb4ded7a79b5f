"""Score and verdict: rules by table, and against the gate's own arithmetic on anything Hypothesis makes up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.verify import recompute
from roadworthy.verify.definition import Category, Weight
from roadworthy.verify.ml_test import TESTS, ml_test_score
from roadworthy.verify.outcome import Status
from roadworthy.verify.policy import Thresholds
from roadworthy.verify.registry import catalogue
from roadworthy.verify.score import Scored, score
from roadworthy.verify.verdict import Decision, verdict

BOUNDS = Thresholds()


def one(id: str, status: str, weight: str = "M", blocker: bool = False, **more: Any) -> Scored:
    return Scored(id, more.pop("category", "testing"), weight, blocker, Status(status), **more)


@pytest.mark.parametrize(
    ("checks", "decision", "overall"),
    [
        ([], Decision.INCOMPLETE, None),
        ([one("A", "not_applicable")], Decision.INCOMPLETE, None),
        ([one("A", "pass")], Decision.GO, 100.0),
        ([one("A", "not_measured")], Decision.INCOMPLETE, 0.0),
        ([one("A", "error")], Decision.INCOMPLETE, 0.0),
        ([one("A", "fail")], Decision.NO_GO, 0.0),
        # one blocker at any score
        ([one("A", "pass", "C", True)] * 40 + [one("B", "fail", "C", True)], Decision.NO_GO, 49.0),
        ([one("A", "pass", "C", True)] * 40 + [one("B", "not_measured", "C", True)], Decision.INCOMPLETE, 59.0),
        ([one("A", "pass", "C", True)] * 40 + [one("B", "error", "C", True)], Decision.INCOMPLETE, 59.0),
        ([one("A", "pass", "C", True)] * 40 + [one("B", "waived", "H", True)], Decision.GO, 98.1),
        # a category below 70, a coverage below 0.9
        ([one("A", "pass"), one("B", "fail", category="privacy")], Decision.NO_GO, 50.0),
        ([one("A", "pass")] * 7 + [one("B", "fail")] * 3, Decision.GO, 70.0),
        ([one("A", "pass")] * 9 + [one("B", "not_measured")], Decision.GO, 90.0),
        ([one("A", "pass")] * 8 + [one("B", "not_measured")] * 2, Decision.INCOMPLETE, 80.0),
        # what a person did counts half
        ([one("A", "pass", manual=True)], Decision.INCOMPLETE, 50.0),
        ([one("A", "pass", share=0.7)], Decision.GO, 70.0),
        ([one("A", "pass", share=0.6999)], Decision.INCOMPLETE, 69.9),
        ([one("A", "fail", share=0.9)], Decision.NO_GO, 0.0),
        # a statement that is false decides at any weight and any score; elsewhere the flag means nothing
        ([one("A", "pass", "C", True)] * 40 + [one("B", "fail", "L", contradicted=True)], Decision.NO_GO, 49.0),
        ([one("A", "pass")] * 9 + [one("B", "not_measured", contradicted=True)], Decision.GO, 90.0),
    ],
)  # fmt: skip
def test_rules(checks: list[Scored], decision: Decision, overall: float | None) -> None:
    assert verdict(checks, BOUNDS).decision is decision
    assert score(checks).overall == overall
    assert verdict(checks, BOUNDS).reasons


def test_seed_report_of_95_per_cent_is_no_go() -> None:
    """Everything passed but two blockers that failed and two drills that nobody ran: 95 was printed once."""
    said = {"PII-01": "fail", "SUP-05": "fail", "REL-01": "not_measured", "SEC-03": "not_measured"}
    checks = [
        Scored(id, row.category, row.weight, row.blocker, Status(said.get(id, "pass")))
        for id, row in catalogue().items()
    ]
    assert verdict(checks, BOUNDS).decision is Decision.NO_GO
    assert score(checks).overall == 49
    assert (score(checks).uncapped or 0) > 90


CHECKS = st.lists(
    st.builds(
        Scored,
        id=st.integers(0, 10_000).map(lambda number: f"APP-{number}"),
        category=st.sampled_from([*Category][:4]),
        weight=st.sampled_from([*Weight]),
        blocker=st.booleans(),
        status=st.sampled_from([*Status]),
        share=st.none() | st.integers(0, 10**6).map(lambda part: part / 10**6),
        manual=st.booleans(),
        contradicted=st.booleans(),
    ),
    max_size=25,
    unique_by=lambda each: each.id,
)


def again(checks: Sequence[Scored]) -> recompute.Sum:
    """The same by the gate's own code, from what a record would say."""
    made = []
    for each in checks:
        record = {"outcome": {"share": each.share}, "manual": each.manual}
        points = recompute.POINTS[each.weight]
        earned = recompute._earned(each.status, points, record)
        false = each.contradicted and each.status == "fail"
        made.append(recompute.Line(each.id, each.category, points, each.blocker, str(each.status), earned, false))
    return recompute.summed(made, BOUNDS.category, BOUNDS.coverage)


@settings(max_examples=examples(60))
@given(CHECKS)
def test_two_ways_of_adding_up_agree(checks: list[Scored]) -> None:
    numbers, total = score(checks), again(checks)
    assert verdict(checks, BOUNDS).decision == total.decision
    assert sorted(verdict(checks, BOUNDS).blockers) == sorted(total.blockers)
    assert _decimal(numbers.overall) == total.overall
    assert _decimal(numbers.coverage) == total.coverage
    assert {name: _decimal(each.score) for name, each in numbers.by_category.items()} == total.categories


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


@settings(max_examples=examples(60))
@given(CHECKS)
def test_go_needs_everything(checks: list[Scored]) -> None:
    live = [each for each in checks if each.status is not Status.NOT_APPLICABLE]
    if verdict(checks, BOUNDS).decision is Decision.GO:
        assert live
        assert all(each.status in (Status.PASS, Status.WAIVED) for each in live if each.blocker)
        assert not any(each.status is Status.FAIL for each in live if each.contradicted)
        assert all((each.score or 0) >= 70 for each in score(checks).by_category.values())
        assert (score(checks).coverage or 0) >= 0.9


@settings(max_examples=examples(60))
@given(CHECKS, st.data())
def test_knowing_less_never_helps(checks: list[Scored], data: st.DataObject) -> None:
    """A check that is not measured any more never raises a number, and never makes a GO.

    But for a statement that was found false: where it is not measured, nobody found it false.
    """
    checks = [each._replace(contradicted=False) for each in checks]
    live = [index for index, each in enumerate(checks) if each.status is not Status.NOT_APPLICABLE]
    if not live:
        return
    index = data.draw(st.sampled_from(live))
    fewer = [*checks]
    fewer[index] = checks[index]._replace(status=data.draw(st.sampled_from([Status.NOT_MEASURED, Status.ERROR])))
    assert (score(fewer).uncapped or 0) <= (score(checks).uncapped or 0)
    if verdict(checks, BOUNDS).decision is not Decision.GO:
        assert verdict(fewer, BOUNDS).decision is not Decision.GO


@settings(max_examples=examples(60))
@given(CHECKS)
def test_order_does_not_matter(checks: list[Scored]) -> None:
    assert score(checks) == score(checks[::-1])
    assert verdict(checks, BOUNDS).decision is verdict(checks[::-1], BOUNDS).decision


def test_numbers_are_rounded_down() -> None:
    checks = [one("A", "pass", share=0.6996)]
    assert score(checks).overall == 69.9
    assert math.isclose(score([one("A", "pass")] * 2 + [one("B", "fail")]).overall or 0, 66.6)


def test_ml_test_score() -> None:
    assert [len(tests) for tests in TESTS.values()] == [7, 7, 7, 7]
    named = {id for tests in TESTS.values() for ids in tests.values() for id in ids}
    assert named <= set(catalogue())
    everything = {id: Fraction(1) for id in named}
    assert ml_test_score(everything) == 4.0
    assert ml_test_score({**everything, "QUA-03": Fraction(1, 2)}) == 3.5
    assert ml_test_score({}) == 0.0


def test_blocker_that_is_not_waivable_is_the_same_in_both_ways() -> None:
    """The list of what is never waived is written down twice on purpose; it must not drift."""
    assert {id for id, row in catalogue().items() if not row.waivable} == recompute.NEVER_WAIVED
