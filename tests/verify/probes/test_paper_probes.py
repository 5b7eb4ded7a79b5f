"""QUA-06, GOV-01, PER-02, SEC-04: policies, pages, configurations and source, each fault beside its clean twin."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.verify.claim import claims, fault
from roadworthy.verify.danger import dangers
from roadworthy.verify.laxity import eased
from roadworthy.verify.outcome import Outcome
from roadworthy.verify.policy import policy_of
from roadworthy.verify.registry import checks

Verified = Callable[..., Outcome]
YES = "\u2705"


@pytest.mark.parametrize(
    ("before", "now", "where"),
    [
        ("", "", []),
        ("", "probes: {QUA-01: {skips: {no key: later}}}", ["probes.QUA-01.skips"]),
        ("probes: {QUA-01: {skips: {no key: later}}}", "probes: {QUA-01: {skips: {no key: never}}}", []),
        ("probes: {QUA-01: {skips: {no key: later}}}", "", []),
        ("", "probes: {QUA-01: {coverage: false}}", ["probes.QUA-01.coverage"]),
        ("probes: {QUA-01: {coverage: false}}", "", []),
        ("", "subject: {left_out: [models]}", ["subject.left_out"]),
        ("subject: {left_out: [models]}", "", []),
    ],
)
def test_what_a_policy_accepts_newly(before: str, now: str, where: list[str]) -> None:
    found = eased(policy_of(before.encode()), policy_of(now.encode()), checks())
    assert [each.where for each in found] == where


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("plain words with 3 numbers in 2026", ""),
        ("p95 is 12 ms", ""),
        (f"- {YES} chaos tests implemented", "tick"),
        (f"| PII | 98 % | {YES} |", "tick"),
        (f"## {YES} Criteria", "heading"),
        ("Readiness: 95/100", "number"),
        ("Quality 9/10", "number"),
        ("128/136 tests pass", "number"),
        ("on 24/7, in 2026/10/01, 1/2 a cup", ""),
        ("This release is production-ready.", "number"),
        ("This release is not production-ready.", ""),
        ("`95/100` is what the tool prints", ""),
        ("> 95/100, they said", ""),
        (f"{YES} 128 tests ([run](tests.json))", ""),
        (f"{YES} 129 tests ([run](tests.json))", "A number"),
        (f"{YES} 12 tests ([run](tests.json))", "A number"),
        (f"{YES} all tests ([run](gone.json))", "does not exist"),
        (f"{YES} 128 tests sha256:{'ab' * 32}", ""),
        (f"{YES} 128 tests sha256:{'cd' * 32}", "does not exist"),
    ],
)
def test_claims(line: str, found: str) -> None:
    evidence = {"tests.json": b'{"collected": 128}', "sha256:" + "ab" * 32: b"collected 128"}
    faults = [fault(each, evidence.get) for each in claims(line)]
    if found:
        assert len(faults) == 1
        assert faults[0] is not None
        assert found in faults[0].text
        assert faults[0].false is ("(" in line or "sha256:" in line)  # refuted, or merely not shown
    else:
        assert not any(faults)


def test_pages(subject: Path, verified: Verified) -> None:
    assert verified("GOV-01").status == "not_applicable"
    (subject / "README.md").write_text("# Shop\n\nIt sells.\n\n```\n95/100\n```\n")
    assert verified("GOV-01").status == "pass"
    (subject / "REPORT.md").write_text(f"# Report\n\nproduction-ready {YES} 95/100\n\n- [ ] load test\n")
    outcome = verified("GOV-01")
    assert {each.rule for each in outcome.findings} == {"tick", "open_boxes"}
    (subject / "REPORT.md").write_text("It is production-ready.\n\n- [ ] load test\n- [ ] rollback\n")
    outcome = verified("GOV-01")
    assert {each.rule for each in outcome.findings} == {"ready", "open_boxes"}
    assert verified("GOV-01", unread={"REPORT.md": "quoted from elsewhere"}).status == "pass"


CONFIG = """version: 1
gateway:
  providers: {ours: {kind: compatible, base_url: "http://127.0.0.1:9/v1", connect_timeout_s: CONNECT}}
  routes: {chat: {chain: [ours/a, ours/b], deadline_s: 30, try_timeout_s: TRY}}
  modes: {balanced: {timeout_s: 12, downshift: {p95_s: 8}}}
"""


@pytest.mark.parametrize(
    ("connect", "attempt", "p95", "p99", "n", "status", "rules"),
    [
        (2, 10, 6.0, 9.0, 1000, "pass", set()),
        (2, 20, 6.0, 9.0, 1000, "fail", {"attempts"}),
        (11, 10, 6.0, 9.0, 1000, "fail", {"connect"}),
        (2, 10, 8.5, 9.0, 1000, "fail", {"alert"}),
        (2, 10, 6.0, 12.5, 1000, "fail", {"timeout"}),
        (2, 10, 6.0, 9.0, 20, "not_measured", set()),
    ],
)
def test_limits_against_measurements(
    connect: int, attempt: int, p95: float, p99: float, n: int, status: str, rules: set[str],
    subject: Path, verified: Verified,
) -> None:  # fmt: skip
    (subject / "roadworthy.yaml").write_text(CONFIG.replace("CONNECT", str(connect)).replace("TRY", str(attempt)))
    latency = {"p95_s": p95, "p99_s": p99, "n": n}
    (subject / "latency.json").write_text(json.dumps({"routes": {"chat": latency}, "modes": {"balanced": latency}}))
    outcome = verified("PER-02")
    assert outcome.status == status, outcome
    assert {each.rule for each in outcome.findings if each.severity != "note"} == rules


def test_no_gateway_a_broken_one_and_no_measurements(subject: Path, verified: Verified) -> None:
    assert verified("PER-02").status == "not_applicable"
    (subject / "roadworthy.yaml").write_text("gateway: {rout: 1}\n")
    assert {each.rule for each in verified("PER-02").findings} == {"config"}
    (subject / "roadworthy.yaml").write_text("version: 1\n")
    assert verified("PER-02").status == "not_measured"
    (subject / "latency.json").write_text("no json")
    assert verified("PER-02").status == "not_measured"


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        ("import subprocess\nsubprocess.run(f'ls {x}', shell=True)", ["shell"]),
        ("import subprocess as s\ns.Popen(x, shell=True)", ["shell"]),
        ("from subprocess import run as r\nr(x, shell=True)", ["shell"]),
        ("import subprocess\nsubprocess.run('ls', shell=True)", []),
        ("import subprocess\nsubprocess.run(['ls', x])", []),
        ("import os\nos.system(x)", ["shell"]),
        ("eval(x)", ["eval"]),
        ("eval('1')", []),
        ("import requests\nrequests.get(x, verify=False)", ["certificate"]),
        ("import httpx\nhttpx.HTTPTransport(uds=x, verify=False)", []),
        ("import ssl\nssl._create_unverified_context()", ["certificate"]),
        ("import hashlib\nhashlib.md5(x)", ["weak_hash"]),
        ("import hashlib\nhashlib.md5(x, usedforsecurity=False)", []),
        ("import hashlib\nhashlib.new('SHA1', x)", ["weak_hash"]),
        ("import hashlib\nhashlib.sha256(x)", []),
        ("import tempfile\ntempfile.mktemp()", ["temporary_name"]),
        ("app.run(debug=True)", ["debug"]),
        ("model.eval()", []),
    ],
)
def test_dangerous_forms(source: str, rules: list[str]) -> None:
    assert [each.rule for each in dangers(source.encode())] == rules


def test_source_with_and_without_bandit(subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verified("SEC-04").status == "not_applicable"
    (subject / "a.py").write_text("answer = 42\n")
    assert verified("SEC-04").status == "pass"
    (subject / "b.py").write_text("import subprocess\nsubprocess.run(input(), shell=True)  # nosec\n")
    outcome = verified("SEC-04")
    assert {"shell", "bandit.B602"} <= {each.rule for each in outcome.findings}
    assert verified("SEC-04", unread={"b.py": "a test of the linter"}).status == "pass"
    (subject / "c.py").write_text("def broken(:\n")
    (subject / "b.py").unlink()
    assert verified("SEC-04").status == "not_measured"
    (subject / "c.py").unlink()
    monkeypatch.setattr("roadworthy.verify.tool.found", lambda *named: None)
    assert verified("SEC-04").status == "not_measured"
    (subject / "b.py").write_text("import os\nos.system(input())\n")
    assert verified("SEC-04").status == "fail"
