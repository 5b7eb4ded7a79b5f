"""OBS-05: the newest night decides, when it is not older than 26 hours."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rig.verification import Verified
from roadworthy.verify.nightly.run import Night, State
from roadworthy.verify.nightly.store import Store, stamp


def keep(subject: Path, hours: float, state: str) -> None:
    at = stamp(time.time() - hours * 3600)
    night = Night(name="shop", model="m", started=at, ended=at, state=State(state), reasons=(), answers=())
    Store(subject / ".roadworthy/nightly").add(night, "")


@pytest.mark.parametrize(
    ("nights", "status"),
    [
        ([], "not_measured"),
        ([(1, "good")], "pass"),
        ([(27, "good")], "not_measured"),
        ([(1, "bad")], "fail"),
        ([(1, "unknown")], "not_measured"),
        ([(25, "good"), (1, "bad")], "fail"),
        ([(25, "bad"), (1, "good")], "pass"),
        ([(-2, "good")], "not_measured"),  # from the future
    ],
)
def test_nights(nights: list[tuple[float, str]], status: str, subject: Path, verified: Verified) -> None:
    for hours, state in nights:
        keep(subject, hours, state)
    assert verified("OBS-05").status == status


def test_a_set_that_is_wanted_and_did_not_run(subject: Path, verified: Verified) -> None:
    keep(subject, 1, "good")
    assert verified("OBS-05", cases=["shop"]).status == "pass"
    assert verified("OBS-05", cases=["shop", "other"]).status == "not_measured"


@pytest.mark.parametrize(("hours", "status"), [(1, "not_measured"), (25, "pass")])
def test_a_newer_night_that_cannot_be_read_may_have_been_bad(
    hours: float, status: str, subject: Path, verified: Verified
) -> None:
    keep(subject, 20, "good")
    keep(subject, hours, "bad")
    nights = sorted((subject / ".roadworthy/nightly").iterdir())
    assert len(nights) == 2
    (nights[hours == 1] / "night.json").write_text("{")
    assert verified("OBS-05").status == status
