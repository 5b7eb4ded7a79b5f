"""Whoever holds the key signs anything: whatever stands in a report, the gate refuses or rules, and never breaks."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rig.verification import START, Run
from roadworthy.core.errors import RoadworthyError
from roadworthy.verify.gate import Asked, gate
from roadworthy.verify.report.files import written
from roadworthy.verify.report.record import Report
from roadworthy.verify.report.statement import PREDICATE_TYPE, predicate
from roadworthy.verify.signing import signed, statement

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TOLD = {"id", "status", "credit", "weight", "blocker", "category", "record", "rule", "title", "examined", "existing"}
"""What a gate compares of each check in a report."""
KEPT = {
    "id",
    "category",
    "weight",
    "blocker",
    "automation",
    "expiry",
    "waivable",
    "status",
    "examined",
    "existing",
    "sha256",
}
"""What a gate computes from, in a record."""
ODD: list[Any] = [
    float("nan"), float("inf"), 1e308, -1, 0, 10**30, 2**63, True, None, "", "x" * 100_000, "9999-99-99T99:99:99.000Z",
    "../../../etc/passwd", "2027-01-15T08:00:00.000Z\n", "\u0000", "\u202e", [], {}, [None], {"": None}, "0" * 64,
    "A" * 64,
]  # fmt: skip


class Forger:
    """A signed run, and what it would be if somebody had signed something else."""

    def __init__(self, subject: Path, out: Path, report: Report) -> None:
        self.subject, self.out = subject, out
        self.report: dict[str, Any] = json.loads((out / "report.json").read_bytes())
        self.predicate = predicate(report, "")

    def code(self, report: dict[str, Any], record: str = "") -> str:
        """How the gate ends when this was signed instead."""
        return self.code_of(json.dumps(report).encode(), record, report.get("subject"))

    def code_of(self, content: bytes, record: str = "", subject: Any = None) -> str:
        digest = hashlib.sha256(content).hexdigest()
        said = copy.deepcopy(self.predicate)
        said["report"]["digest"]["sha256"] = digest
        if record:
            said["records"]["ART-01"] = record
        chain = self.out / "history"
        shutil.rmtree(chain)
        chain.mkdir()
        (chain / f"{digest}.json").write_bytes(content)
        (chain / "head.json").write_text(json.dumps({"report": digest, "number": 1}))
        (self.out / "report.json").write_bytes(content)
        payload = json.loads(statement([], PREDICATE_TYPE, {}))
        payload |= {"subject": subject or self.report["subject"], "predicate": said}
        (self.out / "readiness.intoto.jsonl").write_bytes(signed(json.dumps(payload).encode(), KEY))
        return self.asked()

    def asked(self) -> str:
        try:
            return gate(Asked(self.out, [KEY.public_key()], self.subject, None, None, START + 60)).decision
        except RoadworthyError as error:
            return error.code

    def kept(self, check: str) -> dict[str, Any]:
        row = next(each for each in self.report["checks"] if each["id"] == check)
        return json.loads((self.out / "evidence" / row["record"]).read_bytes())

    def with_record(self, check: str, record: dict[str, Any]) -> str:
        """How the gate ends when this was kept about a check, and signed."""
        content = json.dumps(record).encode()
        digest = hashlib.sha256(content).hexdigest()
        (self.out / "evidence" / digest).write_bytes(content)
        report = copy.deepcopy(self.report)
        next(each for each in report["checks"] if each["id"] == check)["record"] = digest
        return self.code(report, digest)


@pytest.fixture(scope="module")
def first() -> list[tuple[Path, Report]]:
    """Where the first test leaves a run for the others to copy."""
    return []


@pytest.fixture
def forger(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, inspected: Run, first: list[tuple[Path, Report]]
) -> Forger:
    if not first:
        folder = tmp_path_factory.mktemp("first")
        (folder / "subject").mkdir()
        (folder / "subject" / "app.py").write_text("answer = 42\n")
        report = inspected(folder / "subject", folder / "out")
        written(report, folder / "out", KEY)
        first.append((folder, report))
    folder, report = first[0]
    shutil.copytree(folder, tmp_path / "run")
    made = Forger(tmp_path / "run" / "subject", tmp_path / "run" / "out", report)
    assert made.asked() == "GO"
    return made


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _places(child, (*path, key))


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    twin = copy.deepcopy(value)
    at = twin
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return twin


def _decides(path: tuple[Any, ...]) -> bool:
    if path[0] == "checks":
        return path[-1] in TOLD or bool({"findings", "coverage", "measured"} & {*path[2:3]})
    return (
        path[0] in ("schema", "number", "subject", "left_out", "previous", "finished", "valid_until")
        or path[:2]
        in (("policy", "sha256"), ("policy", "thresholds"), ("verdict", "decision"), ("verdict", "blockers"))
        or path[:2] in (("score", "overall"), ("score", "coverage"))
        or (path[:2] == ("score", "by_category") and path[-1] == "score")
    )


def test_odd_values_in_a_report_are_refused(forger: Forger) -> None:
    chosen = random.Random(5)
    places = list(_places({**forger.report, "checks": forger.report["checks"][:2]}))
    refused = 0
    for _ in range(50):
        path = chosen.choice(places)
        changed = _changed(forger.report, path, chosen.choice(ODD))
        if changed != forger.report:
            code = forger.code(changed)
            assert code == "integrity_mismatch" or (code == "GO" and not _decides(path)), path
            refused += code != "GO"
    assert refused > 25


def test_odd_values_in_a_record_are_refused(forger: Forger) -> None:
    chosen = random.Random(6)
    record = forger.kept("ART-01")
    places = list(_places(record))
    refused = 0
    for _ in range(40):
        path = chosen.choice(places)
        changed = _changed(record, path, chosen.choice(ODD))
        if changed != record:
            code = forger.with_record("ART-01", changed)
            assert code == "integrity_mismatch" or (code == "GO" and path[-1] not in KEPT), path
            refused += code != "GO"
    assert refused > 15


@pytest.mark.parametrize("share", [1e300, -0.5, 1.0000001])
def test_a_share_that_is_none(forger: Forger, share: float) -> None:
    record = forger.kept("ART-01")
    assert forger.with_record("ART-01", _changed(record, ("outcome", "share"), share)) == "integrity_mismatch"


def test_a_check_told_otherwise_than_its_evidence_tells_it(forger: Forger) -> None:
    for name, value in {
        "coverage": {"examined": 10**30, "existing": 10**30, "missing": [], "how_counted": "by hand"},
        "rule": "anything goes", "title": "Another question", "measured": [{"name": "x", "value": 1.0, "unit": "1"}],
    }.items():  # fmt: skip
        assert forger.code(_changed(forger.report, ("checks", 0, name), value)) == "integrity_mismatch", name


@pytest.mark.parametrize(
    "twice",
    [
        lambda text: text.replace('"decision":', '"decision": "NO-GO", "decision":', 1),
        lambda text: text.replace('"number":', '"number": 7, "number":', 1),
        lambda text: text.replace('"status":', '"status": "fail", "status":', 1),
        lambda text: text.replace('"overall": 100.0', '"overall": NaN', 1),
        lambda text: text.replace('"overall": 100.0', '"overall": 1e999', 1),
        lambda text: text.replace('"number": 1', '"number": 1' + "0" * 5000, 1),
        lambda text: text.replace('"number": 1', '"number": 1.0', 1),
        lambda text: text + "{}",
        lambda text: "\ufeff" + text,
        lambda text: "[" * 100_000 + text,
    ],
)
def test_text_that_readers_read_in_different_ways(forger: Forger, twice: Any) -> None:
    text = json.dumps(forger.report)
    changed = twice(text)
    assert changed != text
    assert forger.code_of(changed.encode()) == "integrity_mismatch"


def test_an_envelope_in_which_a_name_stands_twice(forger: Forger) -> None:
    envelope = forger.out / "readiness.intoto.jsonl"
    envelope.write_bytes(envelope.read_bytes().replace(b'{"payloadType"', b'{"payload": "e30=", "payloadType"', 1))
    assert forger.asked() == "integrity_mismatch"


@pytest.mark.parametrize("how", ["case", "link", "pipe", "folder", "other bytes", "longer"])
def test_evidence_that_is_something_else(forger: Forger, how: str, tmp_path: Path) -> None:
    for digest in (forger.report["checks"][0]["record"], forger.report["checks"][0]["evidence"][0]["sha256"]):
        file = forger.out / "evidence" / digest
        content = file.read_bytes()
        file.chmod(0o644)
        if how == "other bytes":
            file.write_bytes(bytes(len(content)))
        elif how == "longer":
            file.write_bytes(content + b"\n")
        else:
            file.unlink()
        if how == "case":
            file.with_name(digest.upper()).write_bytes(content)
        elif how == "link":
            (tmp_path / digest).write_bytes(content)
            file.symlink_to(tmp_path / digest)
        elif how == "pipe":
            os.mkfifo(file)
        elif how == "folder":
            file.mkdir()
        assert forger.asked() == "integrity_mismatch", how
        if how == "folder":
            file.rmdir()
        else:
            file.unlink(missing_ok=True)
        file.write_bytes(content)
        assert forger.asked() == "GO"


def test_a_hard_link_to_the_same_bytes_is_the_same_evidence(forger: Forger, tmp_path: Path) -> None:
    file = forger.out / "evidence" / forger.report["checks"][0]["record"]
    os.link(file, tmp_path / "twin")
    assert forger.asked() == "GO"
    (tmp_path / "twin").chmod(0o644)
    (tmp_path / "twin").write_bytes(b"{}")
    assert forger.asked() == "integrity_mismatch"


def test_a_policy_that_was_edited_after_signing(forger: Forger) -> None:
    digest = forger.report["policy"]["sha256"]
    file = forger.out / "evidence" / digest
    file.chmod(0o644)
    file.write_bytes(b"waivers: []\n" + file.read_bytes())
    assert forger.asked() == "integrity_mismatch"
    edited = hashlib.sha256(file.read_bytes()).hexdigest()
    (forger.out / "evidence" / edited).write_bytes(file.read_bytes())
    changed = _changed(forger.report, ("policy", "sha256"), edited)
    assert forger.code(changed) == "integrity_mismatch"  # what was signed names the other one
