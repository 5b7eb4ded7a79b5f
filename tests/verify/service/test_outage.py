"""What takes something from the second edge: only what was felt counts as executed, and what is lost must be told."""

from __future__ import annotations

import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.service import jumping_clock, outage
from roadworthy.verify.service.asking import Reply
from roadworthy.verify.service.configuration import Line, Target
from roadworthy.verify.service.played import Played

LAG, DROPPED = "roadworthy_journal_lag_entries", "roadworthy_journal_dropped_total"


class Edge:
    """A drill whose edge answers everything and does with its records what the test says."""

    def __init__(self, folder: Path, *, waits: bool = True, loses: int = 0, tells: int = 0, whole: bool = True) -> None:
        self.waits, self.loses, self.tells = waits, loses, tells
        self.asked, self.scrapes = 0, 0
        self.lines = (Line("chat", (Target("a", "m"), Target("b", "m")), 1.0),)
        self.behaviour: dict[str, Any] = {}
        self.doubles = SimpleNamespace(behaviour=self.behaviour, all=lambda *_, **__: None)
        self.copy = SimpleNamespace(changed={}, data={}, environ={})
        self.edge = SimpleNamespace(state_dir=folder, folder=folder, chain_whole=lambda: whole)
        self.serves: Callable[[], int] = lambda: 200

    def ask(self, questions: list[Any], **_: object) -> list[Reply]:
        replies = []
        for _each in questions:
            self.asked += 1
            replies.append(Reply(self.serves(), {"x-request-id": f"r{self.asked}"}, b"", 0.01))
        return replies

    def until(self, wanted: Callable[[], bool], limit_s: float) -> bool:
        return wanted()

    def scrape(self) -> Any:
        self.scrapes += 1
        figures = {LAG: 3.0 * (self.waits and self.scrapes < 3), DROPPED: float(self.tells)}
        return SimpleNamespace(total=lambda name: figures[name])

    def recorded(self) -> set[str]:
        return {f"r{at}" for at in range(1 + self.loses, self.asked + 1)}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        db.execute("CREATE TABLE records (id)")
    return tmp_path


@pytest.mark.parametrize(
    ("edge", "problem"),
    [
        ({}, ""),
        ({"loses": 2, "tells": 2}, ""),
        ({"loses": 2}, "2 answered requests are in no record, and it tells of 0"),
        ({"loses": 3, "tells": 1}, "3 answered requests are in no record, and it tells of 1"),
        ({"whole": False}, "the chain of records is broken"),
    ],
)
def test_records_are_whole_or_the_edge_tells_what_is_lost(database: Path, edge: dict[str, Any], problem: str) -> None:
    found = Played("database_away")
    replies = outage.database_away(Edge(database, **edge), found)  # type: ignore[arg-type]
    found.answers = len(replies)
    assert found.executed
    assert found.problems == [problem] * bool(problem)


def test_a_lock_that_delays_no_record_was_not_executed(database: Path) -> None:
    found = Played("database_away")
    found.answers = len(outage.database_away(Edge(database, waits=False), found))  # type: ignore[arg-type]
    assert not found.executed
    assert "had to wait" in found.harmless


def test_the_lock_is_gone_afterwards(database: Path) -> None:
    outage.database_away(Edge(database), Played("database_away"))  # type: ignore[arg-type]
    with closing(sqlite3.connect(database / "state.db", timeout=0)) as db:
        db.execute("INSERT INTO records VALUES (1)")


def test_an_edge_without_a_database_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="no database"):
        outage.database_away(Edge(tmp_path), Played("database_away"))  # type: ignore[arg-type]


def test_no_shared_cache_is_no_scenario_and_says_why(tmp_path: Path) -> None:
    found = Played("cache_away")
    assert outage.cache_away(Edge(tmp_path), found) == []  # type: ignore[arg-type]
    assert not found.executed
    assert "state.url" in found.inapplicable


@pytest.mark.parametrize(("left", "problems"), [(1, 0), (2, 1)])
def test_a_chain_serves_as_long_as_one_model_is_left(tmp_path: Path, left: int, problems: int) -> None:
    edge, found = Edge(tmp_path), Played("full_degradation")
    edge.serves = lambda: 200 if 2 - len(edge.behaviour) >= left else 503
    outage.full_degradation(edge, found)  # type: ignore[arg-type]
    assert len(found.problems) == problems
    assert list(edge.behaviour) == ["a/m", "b/m"]


@pytest.mark.parametrize(("off", "executed"), [(93_600.0, True), (0.0, False)])
def test_a_clock_that_no_answer_shows_did_not_jump(
    tmp_path: Path, off: float, executed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge, found = Edge(tmp_path), Played("clock_jump")

    @contextmanager
    def meanwhile(ask: Callable[[], list[Reply]]) -> Iterator[list[Reply]]:
        yield ask()

    monkeypatch.setattr(outage, "_again", lambda drill: None)
    monkeypatch.setattr(outage, "_off", lambda reply: off)
    monkeypatch.setattr(outage, "time", SimpleNamespace(sleep=lambda seconds: None, time=time.time))
    edge.meanwhile = meanwhile  # type: ignore[attr-defined]
    found.answers = len(outage.clock_jump(edge, found))  # type: ignore[arg-type]
    assert found.executed is executed


def test_the_wall_clock_of_a_program_and_of_the_one_that_takes_its_place_is_off(tmp_path: Path) -> None:
    (tmp_path / "clock").write_bytes(struct.pack("<d", 93_600.0))
    second = "import time; print(time.time(), time.mktime(time.localtime()), time.monotonic())"
    first = f"import os, sys, time\nprint(time.time(), flush=True)\nos.execv(sys.executable, ['p', {'second.py'!r}])\n"
    (tmp_path / "first.py").write_text(first)
    (tmp_path / "second.py").write_text(second)
    began, steady = time.time(), time.monotonic()
    run = subprocess.run(
        [sys.executable, "-P", jumping_clock.__file__, "clock", "first.py"],
        capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    before, after = run.stdout.splitlines()
    wall, local, monotonic = map(float, after.split())
    for told in (float(before), wall, local):
        assert 93_590 < told - began < 93_700
    assert 0 <= monotonic - steady < 60
