"""REL-10: a fault that nobody felt is no drill; real services stand in the tables of good and broken ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from roadworthy.verify.outcome import Outcome, Status
from roadworthy.verify.probe import Context
from roadworthy.verify.probes.full_disk import probe as full_disk
from roadworthy.verify.service.played import Played
from roadworthy.verify.service.queued import HandedOver

REFUSED = HandedOver(["b"], {}, Counter({"store_unavailable": 3}))


def _outcome(monkeypatch: pytest.MonkeyPatch, records: Played, queue: HandedOver | None) -> Outcome:
    @contextmanager
    def drill(context: Context, **_: object) -> Iterator[object]:
        yield object()

    enabled = SimpleNamespace(jobs=SimpleNamespace(enabled=queue is not None))
    stands: dict[str, Any] = {
        "drill": drill,
        "of_service": lambda context: enabled,
        "play": lambda name, found: records,
        "hand_over": lambda found, fault, name, count: queue,
        "FAULTS": dict.fromkeys(full_disk.FAULTS, lambda found: None),
    }
    for name, value in stands.items():
        monkeypatch.setattr(full_disk, name, value)
    context = SimpleNamespace(
        check="REL-10",
        settings={"batches": 6},
        progress=lambda *_: None,
        evidence=SimpleNamespace(write_json=lambda *_: None),
    )
    return full_disk.probe(cast(Context, context))


def _records(**more: Any) -> Played:
    return Played("disk_full", answers=3, **more)


@pytest.mark.parametrize(
    ("records", "queue", "status"),
    [
        (_records(), REFUSED, Status.PASS),
        (_records(), None, Status.PASS),
        (_records(), HandedOver(["b"], {}, Counter(), 0.2), Status.NOT_MEASURED),
        (_records(), HandedOver(["b"], {}, Counter(), 2.0), Status.PASS),
        (_records(harmless="no record had to wait for it"), REFUSED, Status.NOT_MEASURED),
        (_records(harmless="no record had to wait for it"), None, Status.NOT_MEASURED),
        (_records(problems=["3 answered requests are in no record"]), REFUSED, Status.FAIL),
        (_records(), HandedOver(["b"], {}, Counter(), 0.2, ["1 files are not what was sent"]), Status.FAIL),
    ],
)
def test_what_was_not_felt_was_not_measured(
    records: Played, queue: HandedOver | None, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = _outcome(monkeypatch, records, queue)
    assert outcome.status is status, outcome
    if records.harmless:
        assert "disk_full: records: no record had to wait for it" in outcome.reason
