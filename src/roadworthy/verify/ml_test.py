"""The ML Test Score of Breck, Cai, Nielsen, Salib and Sculley (2017): 28 tests, seven in each of four sections.

A test counts 1 when its checks pass by machine, a half when a person gave the evidence; the score is the least of the
four sums. A test that no check of the catalogue covers counts 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

TESTS: dict[str, dict[str, tuple[str, ...]]] = {
    "data": {
        "features are captured in a schema": ("TRN-03",),
        "all features are beneficial": (),
        "no feature's cost is too much": (),
        "features adhere to meta-level requirements": ("SUP-05", "TRN-02"),
        "the pipeline has privacy controls": ("PII-01", "PII-02"),
        "new features can be added quickly": (),
        "all input feature code is tested": ("QUA-07",),
    },
    "model": {
        "every model specification is reviewed and in version control": ("SUP-09",),
        "offline and online metrics correlate": (),
        "all hyperparameters have been tuned": (),
        "the impact of staleness is known": ("TRN-07",),
        "a simpler model is not better": ("TRN-06",),
        "quality is sufficient on all important slices": ("QUA-03",),
        "the model was tested for inclusion": (),
    },
    "infrastructure": {
        "training is reproducible": ("TRN-01",),
        "model specification code is unit tested": ("QUA-01",),
        "the full pipeline is integration tested": ("REL-01",),
        "model quality is validated before serving": ("QUA-04", "QUA-06"),
        "the model allows debugging by single steps": (),
        "models are tested by a canary before serving": (),
        "models can be rolled back safely": ("REL-07",),
    },
    "monitoring": {
        "dependency changes notify": ("SUP-02", "SUP-03"),
        "data invariants hold in training and serving": ("TRN-03",),
        "training and serving features agree": ("TRN-04",),
        "models are not too stale": ("TRN-07",),
        "the model is numerically stable": ("TRN-08",),
        "no regression of latency, throughput or memory": ("PER-06", "REL-09"),
        "no regression of prediction quality": ("OBS-05",),
    },
}
"""Section: test: checks that must all pass for it."""


def ml_test_score(credit: Mapping[str, Fraction]) -> float:
    """The least of the four sums, 0 to 7.

    Args:
        credit: By id of a check, 0 to 1; a check that is not there counts 0.
    """
    zero = Fraction(0)
    sums = (
        sum((min((credit.get(id, zero) for id in ids), default=zero) for ids in tests.values()), zero)
        for tests in TESTS.values()
    )
    return float(min(sums))
