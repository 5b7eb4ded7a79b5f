"""REL-08: a backup of the wrong thing, a damaged one and none at all fail; the product's own passes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from rig import faulty_backup
from rig.verify_service import CONFIG
from roadworthy.verify.outcome import NotMeasured, Outcome
from roadworthy.verify.probes.backup_restore import probe
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


WHOLE: dict[str, Any] = {
    "records": {"1": {}}, "chain": [True, "h"], "keys": [{"id": "k"}], "batches": {"id": "b"}, "files": "answers"
}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"records": {}}, "no records"),
        ({"chain": [False, "h"]}, "chain of records of the second edge is broken before"),
        ({"keys": None}, "does not tell the keys before"),
        ({"batches": None, "files": None}, "does not tell the batch and the contents of its files before"),
    ],
)
def test_what_nobody_told_before_cannot_be_equal_afterwards(told: dict[str, Any], why: str) -> None:
    probe._something_to_lose(WHOLE)
    with pytest.raises(NotMeasured, match=why):
        probe._something_to_lose({**WHOLE, **told})


def test_a_key_that_the_restored_service_rotated_by_itself_is_the_same_key() -> None:
    own, kept, turned = ({"id": name, "rotated_at": at} for name, at in (("own", None), ("kept", 5.0), ("turned", 7.0)))
    before = {"keys": [own, kept, turned]}
    after = {"keys": [{**own, "rotated_at": 11.0}, {**kept}, {**turned, "rotated_at": 9.0}]}
    probe.forget_rotations(before, after, since=10.0)
    assert before["keys"][:2] == after["keys"][:2]
    assert before["keys"][2] != after["keys"][2]  # an older state of that key was restored
    probe.forget_rotations(before, {}, since=10.0)
