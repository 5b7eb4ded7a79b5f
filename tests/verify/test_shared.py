"""What checks of a run share: made once, waited for, and never taken from somebody else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.serve.wiring_verify import PORTS
from roadworthy.verify.child import Job, done
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context, EvidenceWriter
from roadworthy.verify.registry import checks
from roadworthy.verify.shared import FOLDER, shared

KEY = b"k" * 32
Made = Callable[..., Context]


@pytest.fixture
def context(tmp_path: Path) -> Made:
    def make(run_key: bytes = KEY, left_s: float = 30.0) -> Context:
        return Context(
            definition=checks()["ART-04"].definition, root=tmp_path, settings={}, service=None, scratch=tmp_path,
            evidence=EvidenceWriter(None),  # type: ignore[arg-type]  nothing is kept here
            progress=lambda text, done=0, total=0: None, deadline=time.monotonic() + left_s, out=tmp_path / "out",
            run_key=run_key,
        )  # fmt: skip

    return make


class Counted:
    """Makes something, and counts how often."""

    def __init__(self, content: bytes = b"made", wait: threading.Event | None = None) -> None:
        self.times, self._content, self._wait = 0, content, wait

    def __call__(self) -> bytes:
        self.times += 1
        if self._wait is not None:
            self._wait.wait(20)
        return self._content


def test_made_once(context: Made, tmp_path: Path) -> None:
    make = Counted()
    assert [shared(context(), "a", b"1", make) for _ in range(3)] == [b"made"] * 3
    assert make.times == 1
    shared(context(), "a", b"2", make)  # from something else
    shared(context(b"other" * 8), "a", b"1", make)  # of another run
    shared(context(b""), "a", b"1", make)  # of no run: nothing is shared
    assert make.times == 4


def test_others_wait(context: Made) -> None:
    begin = threading.Event()
    make, found = Counted(wait=begin), []
    threads = [threading.Thread(target=lambda: found.append(shared(context(), "a", b"1", make))) for _ in range(4)]
    for each in threads:
        each.start()
    begin.set()
    for each in threads:
        each.join(30)
    assert (found, make.times) == ([b"made"] * 4, 1)


def test_who_waits_too_long_has_measured_nothing(context: Made) -> None:
    begin = threading.Event()
    slow = threading.Thread(target=lambda: shared(context(), "a", b"1", Counted(wait=begin)))
    slow.start()
    try:
        while not list((context().out or Path()).glob(f"{FOLDER}/*.lock")):
            time.sleep(0.01)
        time.sleep(0.2)
        with pytest.raises(NotMeasured, match="did not end in time"):
            shared(context(left_s=1.0), "a", b"1", Counted())
    finally:
        begin.set()
        slow.join(30)


@pytest.mark.parametrize("how", ["changed", "planted", "pipe", "short"])
def test_what_somebody_else_wrote_is_not_taken(how: str, context: Made, tmp_path: Path) -> None:
    """The tests of the subject run as the same user, and can write there."""
    make = Counted()
    shared(context(), "a", b"1", make)
    file = next(each for each in (tmp_path / "out" / FOLDER).iterdir() if each.suffix != ".lock")
    content = file.read_bytes()
    file.unlink()
    if how == "pipe":
        os.mkfifo(file)
    else:
        file.write_bytes({"changed": content[:-4] + b"MADE", "planted": b"\0" * 32 + b"clean", "short": b"x"}[how])
    assert shared(context(), "a", b"1", make) == b"made"
    assert make.times == 2


def test_three_checks_scan_once_and_say_the_same(tmp_path: Path, subject: Path) -> None:
    """With and without sharing; a file that changes in between is scanned again."""
    (subject / "a.pkl").write_bytes(b"cos\nsystem\n(S'x'\ntR.")
    (subject / "b.py").write_text("x = 1\n")
    (subject / "new\nname.jinja").write_text("{{ messages }}")
    (subject / os.fsdecode(b"\xff.pkl")).write_bytes(b"N.")

    def ran(check: str, run_key: bytes) -> object:
        definition = checks()[check].definition
        (tmp_path / "scratch").mkdir(exist_ok=True)
        job = Job(
            module=checks()[check].module or "", definition=definition, ports=PORTS, root=str(subject),
            settings={name: each.default for name, each in definition.settings.items()},
            evidence=str(tmp_path / "evidence"), scratch=str(tmp_path / "scratch"), timeout_s=60.0,
            out=str(tmp_path / "out"), run_key=run_key,
        )  # fmt: skip
        return done(job).outcome

    names = ("ART-04", "ART-05", "ART-07")
    assert [ran(each, KEY) for each in names] == [ran(each, b"") for each in names]
    kept = [each for each in (tmp_path / "out" / FOLDER).iterdir() if each.suffix != ".lock"]
    assert len(kept) == 1
    (subject / "a.pkl").write_bytes(b"N.")
    after = ran("ART-04", KEY)
    assert after == ran("ART-04", b"")
    assert getattr(after, "status", None) == "pass"
