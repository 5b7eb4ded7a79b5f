"""The number: weighted, exact, and capped. It never decides alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple

from roadworthy.verify.definition import Weight
from roadworthy.verify.ml_test import ml_test_score
from roadworthy.verify.outcome import Record, Status

WEIGHTS: dict[str, int] = {Weight.C: 40, Weight.H: 30, Weight.M: 20, Weight.L: 10}
"""In quarters: 10, 7.5, 5 and 2.5."""
CAP_FAILED = 49
CAP_UNMEASURED = 59
_MEASURED = frozenset((Status.PASS, Status.FAIL, Status.WAIVED))


class Scored(NamedTuple):
    """What the score needs of a check.

    Attributes:
        id: Of the check.
        category: Where it counts.
        weight: C, H, M or L.
        blocker: Whether it can stop a GO alone.
        status: After waivers.
        share: Credit of a proportional check, 0 to 1; None for all or nothing.
        manual: Whether a person gave the evidence, which counts half.
        contradicted: Whether one of its findings shows that a statement of the subject about itself is false.
    """

    id: str
    category: str
    weight: str
    blocker: bool
    status: Status
    share: float | None = None
    manual: bool = False
    contradicted: bool = False

    @property
    def decides(self) -> bool:
        """Whether anything but a pass or a waiver stops a GO: a blocker, or a failure that contradicts the subject."""
        return self.blocker or (self.contradicted and self.status is Status.FAIL)

    @property
    def credit(self) -> Fraction:
        """0 to 1. Only a pass has any."""
        if self.status is not Status.PASS:
            return Fraction(0)
        share = Fraction(1) if self.share is None else min(Fraction(1), max(Fraction(0), Fraction(str(self.share))))
        return share / 2 if self.manual else share


class CategoryScore(Record, frozen=True):
    """One category.

    Attributes:
        score: 0 to 100, rounded down to a tenth; None when no check applies.
        measured: Share of its weight that was measured, rounded down; None when no check applies.
        checks: How many apply.
    """

    score: float | None
    measured: float | None
    checks: int


class Score(Record, frozen=True):
    """All numbers.

    Attributes:
        overall: 0 to 100, rounded down to a tenth, capped; None when no check applies.
        uncapped: The same before caps.
        by_category: By name, in order of names.
        min_category: The category with the lowest score; None when no check applies.
        coverage: Share of the weight that was measured; None when no check applies.
        ml_test_score: By Breck et al. 2017, the least of its four sections.
        caps: Why the number was capped.
    """

    overall: float | None
    uncapped: float | None
    by_category: dict[str, CategoryScore]
    min_category: str | None
    coverage: float | None
    ml_test_score: float
    caps: tuple[str, ...]


def score(checks: Sequence[Scored]) -> Score:
    """The numbers of a run.

    Category score = sum of weight times credit over sum of weight; only `not_applicable` leaves the divisor.
    """
    applicable = [each for each in checks if each.status is not Status.NOT_APPLICABLE]
    categories: dict[str, list[Scored]] = {}
    for each in applicable:
        categories.setdefault(each.category, []).append(each)
    exact = {name: mean(each) for name, each in sorted(categories.items())}
    whole, caps = mean(applicable), _caps(applicable)
    capped = None if whole is None else min([whole, *(Fraction(cap) for cap, _ in caps)])
    return Score(
        overall=tenth(capped),
        uncapped=tenth(whole),
        by_category={
            name: CategoryScore(
                score=tenth(value),
                measured=share_down(measured_share(categories[name])),
                checks=len(categories[name]),
            )
            for name, value in exact.items()
        },
        min_category=min(exact, key=lambda name: (exact[name] or 0, name), default=None),
        coverage=share_down(measured_share(applicable)),
        ml_test_score=ml_test_score(credits_of(checks)),
        caps=tuple(text for _, text in caps),
    )


def mean(checks: Iterable[Scored]) -> Fraction | None:
    """Weighted mean of the credits, 0 to 100, exact; None without checks."""
    weight = earned = Fraction(0)
    for each in checks:
        weight += WEIGHTS[each.weight]
        earned += WEIGHTS[each.weight] * each.credit
    return 100 * earned / weight if weight else None


def measured_share(checks: Iterable[Scored]) -> Fraction | None:
    """Weight of what was measured over weight of what applies, exact; None without checks."""
    weight = measured = 0
    for each in checks:
        weight += WEIGHTS[each.weight]
        measured += WEIGHTS[each.weight] if each.status in _MEASURED else 0
    return Fraction(measured, weight) if weight else None


def credits_of(checks: Iterable[Scored]) -> Mapping[str, Fraction]:
    """Credit per check that applies; for the ML Test Score."""
    return {each.id: each.credit for each in checks if each.status is not Status.NOT_APPLICABLE}


def tenth(value: Fraction | None) -> float | None:
    """Rounded down to a tenth, so that 69.96 is not shown as 70."""
    return None if value is None else floor(value * 10) / 10


def share_down(value: Fraction | None) -> float | None:
    """A share rounded down to four digits."""
    return None if value is None else floor(value * 10_000) / 10_000


def _caps(checks: Sequence[Scored]) -> list[tuple[int, str]]:
    blockers = [each for each in checks if each.decides]
    failed = sorted(each.id for each in blockers if each.status is Status.FAIL)
    unmeasured = sorted(each.id for each in blockers if each.status in (Status.NOT_MEASURED, Status.ERROR))
    caps = []
    if failed:
        caps.append((CAP_FAILED, f"at most {CAP_FAILED}: blockers failed ({', '.join(failed)})"))
    if unmeasured:
        caps.append((CAP_UNMEASURED, f"at most {CAP_UNMEASURED}: blockers not measured ({', '.join(unmeasured)})"))
    return caps
