"""Whether tonight is worse than the last good night: a permutation test per score, stratified by case.

Under the null hypothesis an answer's night is exchangeable within its case. The statistic is the sum over cases of the
difference of means, tonight less then; p is the share of rearrangements that fall at least as far (one-sided). All
rearrangements are counted where there are few, else they are drawn with a fixed seed and (b + 1) / (m + 1) is p
(Phipson and Smyth 2010). Several scores are corrected by Holm's method (1979).
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ALPHA = 0.05
EXACT = 20_000
"""So many rearrangements are counted one by one; beyond it they are drawn."""
DRAWN = 10_000
_SEED = 20_260
_CLOSE = 1e-9

Values = Sequence[float]


class Compared(NamedTuple):
    """One score, tonight and then.

    Attributes:
        score: Its name.
        before: Mean then, over the cases.
        now: Mean tonight.
        p: Of the test, before correction.
        corrected: After correction over all scores.
        least_p: The smallest corrected p that was possible; above `ALPHA` nothing could be found.
        cases: How many were compared.
        exact: Whether every rearrangement was counted.
    """

    score: str
    before: float
    now: float
    p: float
    corrected: float
    least_p: float
    cases: int
    exact: bool

    @property
    def worse(self) -> bool:
        """Whether tonight is worse."""
        return self.now < self.before and self.corrected <= ALPHA


def compare(then: Mapping[str, Mapping[str, Values]], now: Mapping[str, Mapping[str, Values]]) -> list[Compared]:
    """Compare every score.

    Args:
        then: By score, by case: the values of its answers.
        now: The same of tonight. Cases that only one of them holds are left out.
    """
    rows = []
    for score in sorted(then.keys() & now.keys()):
        cases = sorted(then[score].keys() & now[score].keys())
        if cases:
            rows.append((score, [(list(then[score][each]), list(now[score][each])) for each in cases]))
    tested = [(score, *_test(pairs), pairs) for score, pairs in rows]
    # A test that could reject nothing even alone is told, and takes no power from the others.
    sharp = [index for index, each in enumerate(tested) if each[2] <= ALPHA]
    corrected = dict(zip(sharp, holm([tested[index][1] for index in sharp]), strict=True))
    return [
        Compared(
            score, _mean_of_means([old for old, _ in pairs]), _mean_of_means([new for _, new in pairs]),
            p, corrected.get(index, 1.0), min(1.0, least * max(1, len(sharp))), len(pairs), exact,
        )
        for index, (score, p, least, exact, pairs) in enumerate(tested)
    ]  # fmt: skip


def holm(values: Sequence[float]) -> list[float]:
    """Holm's correction, in the order given."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        found[index] = highest
    return found


def _test(pairs: Sequence[tuple[list[float], list[float]]]) -> tuple[float, float, bool]:
    """p, the least p that was possible, and whether it is exact."""
    observed = sum(_mean(new) - _mean(old) for old, new in pairs)
    ways = math.prod(math.comb(len(old) + len(new), len(new)) for old, new in pairs)
    if ways <= EXACT:
        falls = [sum(each) for each in itertools.product(*(_rearranged(old, new) for old, new in pairs))]
        return sum(each <= observed + _CLOSE for each in falls) / len(falls), 1 / ways, True
    generator = random.Random(_SEED)  # noqa: S311  statistics, no secret
    pools = [(old + new, len(new)) for old, new in pairs]
    hits = 0
    for _ in range(DRAWN):
        fall = 0.0
        for pool, size in pools:
            generator.shuffle(pool)
            fall += _mean(pool[:size]) - _mean(pool[size:])
        hits += fall <= observed + _CLOSE
    return (hits + 1) / (DRAWN + 1), 1 / (DRAWN + 1), False


def _rearranged(old: list[float], new: list[float]) -> list[float]:
    """The difference of means for every way to choose which answers are tonight's."""
    pool = old + new
    total, size = sum(pool), len(new)
    rest = len(pool) - size
    found = []
    for chosen in itertools.combinations(pool, size):
        part = sum(chosen)
        found.append(part / size - (total - part) / rest)
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mean_of_means(values: Sequence[Sequence[float]]) -> float:
    return _mean([_mean(each) for each in values])
