"""The comparison finds what fell, and nothing where only chance was at work."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.verify.nightly.comparison import ALPHA, compare, holm


def _nights(then: list[list[float]], now: list[list[float]]) -> tuple[dict, dict]:
    def by_case(values: list[list[float]]) -> dict[str, list[float]]:
        return {f"case-{number}": each for number, each in enumerate(values)}

    return {"mentions": by_case(then)}, {"mentions": by_case(now)}


@pytest.mark.parametrize(
    ("then", "now", "worse", "blunt"),
    [
        ([[1, 1, 1]] * 6, [[1, 1, 1]] * 6, False, False),
        ([[1, 1, 1]] * 6, [[0, 0, 0]] * 6, True, False),
        ([[1, 1, 1]] * 6, [[1, 1, 0]] + [[1, 1, 1]] * 5, False, False),
        ([[0, 0, 0]] * 6, [[1, 1, 1]] * 6, False, False),
        ([[1]] * 8, [[0]] * 8, True, False),
        ([[1]] * 3, [[0]] * 3, False, True),  # three answers each can show nothing
        ([[1, 1, 1]] * 40, [[1, 1, 1]] * 30 + [[0, 0, 0]] * 10, True, False),
    ],
)
def test_falls(then: list[list[float]], now: list[list[float]], worse: bool, blunt: bool) -> None:
    (row,) = compare(*_nights(then, now))
    assert row.worse is worse, row
    assert (row.least_p > ALPHA) is blunt


def test_a_score_that_can_show_nothing_takes_no_power_from_the_others() -> None:
    then, now = _nights([[1, 1]] * 5, [[0, 0]] * 5)
    (alone,) = compare(then, now)
    for night in (then, now):
        night["rare"] = {"case-0": [1.0]}
    rows = {each.score: each for each in compare(then, now)}
    assert rows["mentions"].corrected == alone.corrected
    assert rows["mentions"].worse
    assert rows["rare"].least_p > ALPHA
    assert not rows["rare"].worse


def test_p_is_the_share_of_all_rearrangements() -> None:
    """Against a count by hand: one case, answers of two nights pooled."""
    old, new = [1.0, 0.5, 0.75, 1.0], [0.25, 0.5, 0.0]
    pool, observed = old + new, sum(new) / 3
    falls = [sum(pool[each] for each in chosen) / 3 for chosen in combinations(range(7), 3)]
    (row,) = compare(*_nights([old], [new]))
    assert row.exact
    assert row.p == pytest.approx(sum(each <= observed + 1e-9 for each in falls) / len(falls))


def test_drawn_agrees_with_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    nights = _nights([[1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1]], [[0, 1, 0], [1, 0, 0], [0, 1, 1], [0, 1, 0]])
    monkeypatch.setattr("roadworthy.verify.nightly.comparison.EXACT", 10**9)
    (counted,) = compare(*nights)
    monkeypatch.setattr("roadworthy.verify.nightly.comparison.EXACT", 0)
    (drawn,) = compare(*nights)
    assert counted.exact
    assert not drawn.exact
    assert drawn.p == pytest.approx(counted.p, abs=0.02)


def test_false_alarms_stay_within_alpha() -> None:
    """300 pairs of nights without any change: at most ALPHA of them and four standard errors more are called worse."""
    generator = random.Random(7)
    alarms = 0
    for _ in range(300):
        then, now = ([[float(generator.random() < 0.8) for _ in range(2)] for _ in range(4)] for _ in range(2))
        alarms += compare(*_nights(then, now))[0].worse
    assert alarms <= 300 * ALPHA + 4 * (300 * ALPHA * (1 - ALPHA)) ** 0.5


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_and_keeps_the_order(values: list[float]) -> None:
    corrected = holm(values)
    assert all(after >= before for before, after in zip(values, corrected, strict=True))
    assert all(after <= 1 for after in corrected)
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [corrected[each] for each in order] == sorted(corrected)
