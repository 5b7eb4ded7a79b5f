"""REL-08: a backup of the wrong thing, a damaged one and none at all fail; the product's own passes."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from rig import faulty_backup
from rig.verify_service import CONFIG
from roadworthy.verify.outcome import Outcome
from roadworthy.verify.service import second

Verified = Callable[..., Outcome]
ALONE = CONFIG + "jobs: {enabled: false}\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "status", "rules"),
    [
        ("none", "pass", set()),
        ("cut", "fail", {"failed"}),
        ("keys", "fail", {"keys"}),
        ("rewritten", "fail", {"records", "chain"}),
    ],
)
def test_a_backup_that_is_not_what_it_should_be(
    fault: str,
    status: str,
    rules: set[str],
    verified: Verified,
    running: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(second, "ROADWORTHY", (sys.executable, faulty_backup.__file__, fault))
    outcome = verified("REL-08", service=running(ALONE))
    assert outcome.status == status, outcome
    assert {each.rule for each in outcome.findings} == rules
    assert outcome.coverage is not None
    assert outcome.coverage.complete


@pytest.mark.long
def test_a_service_without_records_is_not_measured(
    verified: Verified, running: Callable[..., str], naive: Callable[[str], None]
) -> None:
    naive("even")
    outcome = verified("REL-08", service=running(ALONE))
    assert outcome.status == "not_measured"
    assert "no records" in outcome.reason
