"""REL-09: a second edge that keeps memory or files fails, its clean twin passes, and what is too short says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rig.verify_service import CONFIG
from roadworthy.verify.outcome import Outcome, Status

Verified = Callable[..., Outcome]
SHORT = {"warm_up_s": 3, "measure_s": 10, "every_s": 0.25, "most_mb": 7}


@pytest.mark.long
@pytest.mark.parametrize(
    ("flaw", "status", "grown"),
    [("even", "pass", set()), ("leak", "fail", {"memory"}), ("files", "fail", {"files"})],
)
def test_a_leak_and_its_twin(
    flaw: str,
    status: str,
    grown: set[str],
    verified: Verified,
    running: Callable[..., str],
    naive: Callable[[str], None],
) -> None:
    naive(flaw)
    outcome = verified("REL-09", service=running(), **SHORT)
    assert outcome.status == status, outcome
    assert {each.message.split()[0] for each in outcome.findings} == grown
    assert {each.name for each in outcome.measured} == {"memory_per_hour", "files_per_hour", "tasks_per_hour"}


@pytest.mark.long
def test_the_products_own_edge_does_not_leak(verified: Verified, running: Callable[..., str]) -> None:
    outcome = verified("REL-09", service=running(CONFIG), **{**SHORT, "most_mb": 20})
    assert outcome.status in (Status.PASS, Status.NOT_MEASURED), outcome
    assert outcome.status is Status.PASS or "too short to say" in outcome.reason


@pytest.mark.parametrize(
    ("settings", "flaw", "words"),
    [
        ({"measure_s": 5, "every_s": 0.5}, "even", "fewer than 20 times"),
        pytest.param({**SHORT, "warm_up_s": 0}, "stub", "served 0 of", marks=pytest.mark.long),
        ({}, "even", "how long to look"),
        ({"measure_s": 30}, "mute", "serves nothing"),
    ],
)
def test_a_run_that_says_nothing(
    settings: dict[str, Any],
    flaw: str,
    words: str,
    verified: Verified,
    running: Callable[..., str],
    naive: Callable[[str], None],
) -> None:
    naive(flaw)
    outcome = verified("REL-09", service=running(), **settings)
    assert outcome.status is Status.NOT_MEASURED
    assert words in outcome.reason, outcome.reason
