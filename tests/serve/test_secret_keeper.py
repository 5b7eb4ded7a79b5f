"""The keeper: asks when it is due, hands on what changed, remembers a worker that was away, withdraws at the end."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import msgspec
import pytest

from rig.secret_source import FakeSource, Rig
from roadworthy.core.errors import StorageError
from roadworthy.core.ports import Entry
from roadworthy.gateway.edge.rekey import NewKeys
from roadworthy.gateway.settings import EdgeSettings
from roadworthy.guard.text.masker import TextMasker
from roadworthy.runtime.config.load import load
from roadworthy.runtime.journal import SqliteJournal
from roadworthy.serve.secret_keeper import AuditBuffer, SecretKeeper
from roadworthy.serve.secret_report import poke, read_report
from roadworthy.serve.wiring import compile_edge
from roadworthy.serve.wiring_secret import Secrets

CONFIG = """\
version: 1
gateway:
  providers:
    a: {kind: openai, base_url: "http://127.0.0.1:1/v1", api_key: "vault:a"}
    b: {kind: openai, base_url: "http://127.0.0.1:1/v1", api_key: "env:B", headers: {x-token: "vault:t"}}
  routes: {chat: {chain: [a/m, b/m]}}
"""


class Bench:
    """A keeper on a clock, with workers that answer as the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("roadworthy.runtime.secret._PLACES", {"vault": re.compile(".+")})
        (folder / "roadworthy.yaml").write_text(CONFIG)
        self.folder = folder
        self.vault, self.env = FakeSource("vault", a="a-key-1", t="t-key-1"), FakeSource("env", B="b-key-1")
        self.rig = Rig(self.vault, self.env)
        config = load(folder / "roadworthy.yaml", environ={}).config
        secrets = Secrets({}, self.rig.chain)
        edge = msgspec.structs.replace(compile_edge(config, secrets), state_dir=str(folder), workers=2)
        (folder / "run").mkdir()
        self.settled: list[dict[str, bytes]] = []
        self.told: list[NewKeys] = []
        self.said: list[str] = []
        self.answer = True
        self.keeper = SecretKeeper(
            config,
            secrets,
            edge,
            lambda told: self.settled.append(dict(told)),
            AuditBuffer(),
            self.said.append,
            self.ask,
        )

    def ask(self, news: NewKeys) -> bool:
        self.told.append(news)
        return self.answer

    def after(self, seconds: float) -> None:
        self.rig.clock.advance(seconds)
        self.keeper.step()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_nothing_is_told_while_nothing_changes(bench: Bench) -> None:
    for _ in range(5):
        bench.after(61)
    assert (bench.settled, bench.told, bench.said) == ([], [], [])
    report = read_report(bench.folder / "run")
    assert report is not None
    assert [(one.reference, one.state) for one in report.secrets] == [
        ("vault:a", "fresh"), ("env:B", "fresh"), ("vault:t", "fresh"),
    ]  # fmt: skip


def test_a_change_is_settled_before_it_is_told_and_only_what_changed(bench: Bench) -> None:
    bench.vault.values["a"] = "a-key-2"
    bench.after(30)
    assert bench.told == []  # not due yet
    bench.after(31)
    assert [(news.generation, [p.name for p in news.providers]) for news in bench.told] == [(1, ["a"])]
    edges = bench.settled[0]
    assert sorted(edges) == ["edge-0", "edge-1"]
    assert msgspec.json.decode(edges["edge-0"], type=EdgeSettings).providers[0].api_key == "a-key-2"
    assert "a-key" not in "".join(bench.said)
    bench.vault.values["t"] = "t-key-2"
    bench.after(61)
    assert [p.name for p in bench.told[-1].providers] == ["a", "b"]  # all that ever changed, for whoever missed some
    assert bench.told[-1].providers[1].headers == {"x-token": "t-key-2"}


def test_a_poke_asks_at_once(bench: Bench) -> None:
    bench.vault.values["a"] = "a-key-2"
    assert poke(bench.folder / "run")
    bench.after(0.5)
    assert [news.generation for news in bench.told] == [1]


def test_a_worker_that_was_away_is_told_again(bench: Bench) -> None:
    bench.answer = False
    bench.vault.values["a"] = "a-key-2"
    bench.after(61)
    bench.after(0.5)
    report = read_report(bench.folder / "run")
    assert report is not None
    assert not report.taken
    bench.answer = True
    bench.after(0.5)
    bench.after(0.5)
    assert [news.generation for news in bench.told] == [1, 1, 1]


def test_a_key_nobody_can_confirm_is_withdrawn_and_comes_back(bench: Bench) -> None:
    bench.vault.fault = "secret_source_unavailable"
    bench.after(599)
    assert bench.told == []
    bench.after(40)
    assert bench.told[-1].withdrawn == ("a", "b")  # b has a header from there
    assert any("withdrawn" in line and "secret_source_unavailable" in line for line in bench.said)
    count = len(bench.told)
    bench.after(2.1)
    assert len(bench.told) > count  # said again, for a worker that was started anew
    bench.vault.fault = ""
    bench.after(40)
    assert bench.told[-1].withdrawn == ()
    assert [p.name for p in bench.told[-1].providers] == ["a", "b"]
    assert bench.told[-1].providers[0].api_key == "a-key-1"


def test_one_store_that_fails_holds_up_no_other_key(bench: Bench) -> None:
    bench.vault.values.pop("t")
    bench.vault.values["a"] = "a-key-2"
    bench.after(61)
    assert [p.name for p in bench.told[-1].providers] == ["a"]
    assert bench.told[-1].withdrawn == ("b",)  # its header is gone for good


def test_records_wait_for_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = AuditBuffer()
    buffer(Entry("secret.resolved", 1.0, json.dumps({"reference": "vault:a"}).encode()))

    def away(*_: object) -> None:
        raise StorageError("It is away.")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteJournal, "append", away)
        buffer.flush(tmp_path)
    buffer.flush(tmp_path)
    buffer.flush(tmp_path)
    journal = SqliteJournal(tmp_path / "state.db", TextMasker())
    try:
        assert [stored.kind for stored in journal.tail(10)] == ["secret.resolved"]
    finally:
        journal.close()


def test_a_bug_does_not_end_the_refreshing_and_is_told_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    stopping = threading.Event()

    def step() -> None:
        steps.append(1)
        if len(steps) == 3:
            stopping.set()
        raise ValueError("a-key-1 is in the text")

    monkeypatch.setattr("roadworthy.serve.secret_keeper.TICK_S", 0.001)
    monkeypatch.setattr(bench.keeper, "step", step)
    bench.keeper.run(stopping)
    assert len(steps) == 3
    assert [line for line in bench.said if "ValueError" in line] == bench.said[:1]
    assert "a-key-1" not in "".join(bench.said)
