"""A subject whose owner wants a GO that is not deserved, or our machine: nothing of it runs, hangs, or is believed.

What single probes and the gate refuse is in their tests; here is what lies around them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rig.verification import START, Run, Verified, good
from roadworthy.core.errors import ConfigError, RoadworthyError
from roadworthy.verify import history, policy, regular, tool
from roadworthy.verify.child import Ports
from roadworthy.verify.evidence import EvidenceStore
from roadworthy.verify.gate import Asked, gate
from roadworthy.verify.identity import git_commit
from roadworthy.verify.outcome import Coverage, Measure, NotMeasured, Status, judged
from roadworthy.verify.registry import checks
from roadworthy.verify.report import markdown, page, terminal
from roadworthy.verify.report.files import written

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BASELINE = '{"form": "roadworthy.tests/v1", "collected": 1, "files": {"test_a.py": 1}}'


def _git(folder: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *words], cwd=folder, env=env, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def trap(subject: Path, tmp_path: Path) -> Path:
    """A repository that runs a program wherever git can be made to: the program leaves a file."""
    sprung = tmp_path / "sprung"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {sprung}\nexit 1\n")
    program.chmod(0o755)
    _git(subject, "init")
    for name, text in (("a.txt", "one\n"), ("test_a.py", "def test_a():\n    assert True\n"),
                       ("test-baseline.json", BASELINE), ("gone.txt", "two\n")):  # fmt: skip
        (subject / name).write_text(text)
    _git(subject, "add", ".")
    _git(subject, "commit", "-m", "first")
    for name in ("gone.txt", "test-baseline.json"):  # objects that only a promisor could give
        blob = _git(subject, "rev-parse", f"HEAD:{name}")
        (subject / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for key, value in {
        "core.repositoryformatversion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{program}", "protocol.ext.allow": "always", "protocol.allow": "always",
        "core.fsmonitor": str(program), "core.hooksPath": str(tmp_path), "core.sshCommand": str(program),
        "core.pager": str(program), "pager.log": str(program), "core.editor": str(program),
        "filter.x.clean": str(program), "filter.x.required": "true", "diff.external": str(program),
        "core.alternateRefsCommand": str(program), "core.askPass": str(program), "core.gitProxy": str(program),
    }.items():  # fmt: skip
        _git(subject, "config", key, value)
    for hook in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(program, tmp_path / hook)
    (subject / ".gitattributes").write_text("* filter=x diff=x\n")
    (subject / "a.txt").write_text("changed\n")
    return sprung


@pytest.mark.parametrize("check", ["SUP-09", "SEC-01", "QUA-01"])
def test_a_repository_runs_nothing(check: str, trap: Path, verified: Verified) -> None:
    """Not even by a missing object, which git would fetch from a remote whose address is a command."""
    outcome = verified(check, **({"coverage": False} if check == "QUA-01" else {}))
    assert outcome.status is not Status.PASS
    assert not trap.exists(), trap.read_text()


def test_the_trap_is_one(trap: Path, subject: Path) -> None:
    """Plain git does run the program: else the test above shows nothing."""
    subprocess.run(["git", "cat-file", "blob", "HEAD:gone.txt"], cwd=subject, capture_output=True, check=False)
    assert trap.exists()


@pytest.mark.parametrize(
    ("name", "asking"), [("git", ("SUP-09", "SEC-01")), ("ruff", ("QUA-05",)), ("bandit", ("SEC-04",))]
)
@pytest.mark.parametrize("place", [".venv/bin", "bin", "."])
def test_a_tool_that_lies_in_the_subject_is_not_the_tool(
    name: str,
    asking: tuple[str, ...],
    place: str,
    subject: Path,
    tmp_path: Path,
    verified: Verified,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An activated environment of the subject puts its folder first on PATH."""
    _git(subject, "init")
    (subject / "a.py").write_text("x = 1\n")
    sprung = tmp_path / "sprung"
    fake = subject / place / name
    fake.parent.mkdir(parents=True, exist_ok=True)
    fake.write_text(f"#!/bin/sh\necho ran > {sprung}\necho '[]'\n")
    fake.chmod(0o755)
    beside = [str(fake.parent), *([] if place != "." else ["", "."]), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(beside))
    for check in asking:
        verified(check)
    assert not sprung.exists()
    assert tool.found(name, subject) != str(fake)


def test_the_subjects_python_sees_no_secret_of_ours(
    subject: Path, tmp_path: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is only asked whether coverage.py is installed."""
    monkeypatch.setenv("SOME_TOKEN", "hunter2-hunter2")
    seen = tmp_path / "seen"
    python = subject / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nenv >> {seen}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (subject / "test_a.py").write_text("def test_a():\n    assert True\n")
    verified("QUA-01")
    assert "PATH=" in seen.read_text()
    assert "SOME_TOKEN" not in seen.read_text()


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


@pytest.mark.parametrize("name", [".git/HEAD", ".git/packed-refs", ".git/refs/heads/main", ".git/commondir"])
def test_a_pipe_in_a_repository_does_not_block(name: str, subject: Path) -> None:
    (subject / ".git").mkdir()
    (subject / ".git/HEAD").write_text("ref: refs/heads/main\n")
    _pipe(subject / name)
    assert git_commit(subject) is None


def test_a_git_file_that_points_anywhere(subject: Path, tmp_path: Path) -> None:
    for said in ("gitdir: /dev/zero", "gitdir: " + "../" * 3000, "gitdir: \0", "gitdir: .git", "x" * 100_000):
        (subject / ".git").write_text(said)
        assert git_commit(subject) is None


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_policy_that_is_no_file(kind: str, subject: Path) -> None:
    place = subject / policy.NAME
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        place.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        policy.load(None, subject)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(8)),
        "waivers: &w [*w]",
        "a: " + "[" * 5000,
        "probes: " + "{a: " * 200 + "}" * 200,
        "name: !!python/object/apply:os.system ['touch sprung']",
        "name: x\nname: y",
        "probes: {NOPE-01: {a: 1}}",
        "waivers: [{check: NOPE-01}]",
        "waivers: 7",
        "thresholds: {category: .nan}",
        "thresholds: {category: -.inf}",
        "thresholds: {coverage: 0}",
        "thresholds: {category: 0}",
        "\0",
    ],
)  # fmt: skip
def test_policies_that_mean_harm(text: str, subject: Path) -> None:
    (subject / policy.NAME).write_text(text)
    begun = time.monotonic()
    with pytest.raises(ConfigError):
        policy.load(None, subject)
    assert time.monotonic() - begun < 20  # no bomb; the machine may be busy
    assert not (subject / "sprung").exists()


def test_a_data_declaration_that_is_a_bomb(subject: Path, verified: Verified) -> None:
    rows = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    rows += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)]
    (subject / "datasets.yaml").write_text("\n".join(rows))
    (subject / "a.csv").write_text("a\n1\n")
    for check in ("TRN-02", "TRN-03", "QUA-07"):
        with pytest.raises(ConfigError):
            verified(check)


def test_a_tool_that_prints_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "MOST_OUTPUT_BYTES", 1_000_000)
    begun = time.monotonic()
    with pytest.raises(NotMeasured, match="printed more than"):
        tool.run(["yes"], cwd=tmp_path, home=tmp_path, timeout_s=60, version_argv=())
    assert time.monotonic() - begun < 30


def _ruled(out: Path, subject: Path, now: float = START + 60) -> str:
    try:
        return gate(Asked(out, [KEY.public_key()], subject, None, None, now)).decision
    except RoadworthyError as problem:
        return problem.code


@pytest.mark.parametrize("name", ["report.json", "readiness.intoto.jsonl", "history/head.json"])
def test_pipes_in_the_place_of_what_a_gate_reads(name: str, subject: Path, tmp_path: Path, inspected: Run) -> None:
    (subject / "app.py").write_text("x = 1\n")
    out = tmp_path / "out"
    written(inspected(subject, out), out, KEY)
    assert _ruled(out, subject) == "GO"
    _pipe(out / name)
    assert _ruled(out, subject) == "integrity_mismatch"


def test_a_name_twice_in_a_report(subject: Path, tmp_path: Path, inspected: Run) -> None:
    """The first says NO-GO to one reader, the second GO to another; who signed it does not matter."""
    (subject / "app.py").write_text("x = 1\n")
    out = tmp_path / "out"
    report = inspected(subject, out)
    written(report, out, None)
    content = (out / "report.json").read_bytes()
    twice = b'{"number": 1,' + content[1:]
    assert twice != content
    shutil.rmtree(out / "history")
    (out / "report.json").write_bytes(twice)
    from roadworthy.verify.report.files import sign

    sign(report, history.append(out, twice, 1), out, KEY)
    assert _ruled(out, subject) == "integrity_mismatch"


def test_evidence_swapped(subject: Path, tmp_path: Path, inspected: Run) -> None:
    (subject / "app.py").write_text("x = 1\n")
    out = tmp_path / "out"
    report = inspected(subject, out)
    written(report, out, KEY)
    one, two = (out / "evidence" / each.record for each in report.checks[:2])
    first, second = one.read_bytes(), two.read_bytes()
    for path, content in ((one, second), (two, first)):
        path.chmod(0o644)
        path.write_bytes(content)
    assert _ruled(out, subject) == "integrity_mismatch"
    one.unlink()
    one.symlink_to(two)
    assert _ruled(out, subject) == "integrity_mismatch"
    moved = tmp_path / "elsewhere"
    for path, content in ((one, first), (two, second)):
        path.unlink()
        path.write_bytes(content)
    (out / "evidence").rename(moved)
    (out / "evidence").symlink_to(moved)  # other places of the same bytes change nothing
    assert _ruled(out, subject) == "GO"


def test_evidence_that_was_there_before_is_not_taken_for_ours(tmp_path: Path, guard_ports: Ports) -> None:
    store = EvidenceStore(tmp_path / "evidence", guard_ports.masker)
    digest, _ = store.put(b"what we saw")
    place = tmp_path / "evidence" / digest
    for planted in (lambda: place.write_bytes(b"WHAT WE SAW"), lambda: os.mkfifo(place), lambda: place.symlink_to("x")):
        place.unlink()
        planted()
        store.put(b"what we saw")
        assert place.read_bytes() == b"what we saw"
        assert stat.S_ISREG(place.lstat().st_mode)


@pytest.mark.parametrize(
    "change",
    [
        lambda report: {},
        lambda report: {**report, "checks": "all passed"},
        lambda report: {**report, "score": None},
        lambda report: {**report, "finished": "yesterday"},
        lambda report: {**report, "number": "one"},
        lambda report: [],
    ],
)
def test_a_planted_history(change: Callable[[object], object], subject: Path, tmp_path: Path, inspected: Run) -> None:
    """The output lies in the subject by default: its owner can put an earlier run there."""
    (subject / "app.py").write_text("x = 1\n")
    out = tmp_path / "out"
    written(inspected(subject, out), out, None)
    content = json.dumps(change(json.loads((out / "report.json").read_bytes()))).encode()
    history.append(out, content, 1)
    with pytest.raises(RoadworthyError) as caught:
        inspected(subject, out, at=START + 60)
    assert caught.value.code == "integrity_mismatch"


def test_a_clock_that_was_set_back(subject: Path, tmp_path: Path, inspected: Run) -> None:
    """A waiver that ended, or an old database, would hold again."""
    (subject / "app.py").write_text("x = 1\n")
    out = tmp_path / "out"
    written(inspected(subject, out), out, KEY)
    with pytest.raises(RoadworthyError, match="chain of earlier runs is broken") as caught:
        inspected(subject, out, at=START - 86_400)
    assert "clock was set back" in str(caught.value)
    inspected(subject, out, at=START - 60)  # clocks of two machines differ
    shutil.copytree(out, tmp_path / "copy")
    forward = inspected(subject, tmp_path / "copy", at=START + 60)
    written(forward, tmp_path / "copy", KEY)
    assert _ruled(tmp_path / "copy", subject, START + 120) == "GO"


def test_a_smaller_suite_is_found_the_second_time_too(
    subject: Path, tmp_path: Path, inspected: Run, verified: Verified
) -> None:
    out = tmp_path / "out"
    (subject / "test_a.py").write_text("def test_a():\n    assert True\n")
    (subject / "test-baseline.json").write_text(BASELINE)
    all_of = Coverage(examined=1, existing=1, how_counted="by hand")
    nine, one = ([Measure(name="collected", value=number, unit="tests")] for number in (9, 1))
    written(inspected(subject, out, {"QUA-01": good(measured=nine)}), out, None)
    bad = judged("Fewer.", coverage=all_of, measured=one, passed=False)
    written(inspected(subject, out, {"QUA-01": bad}, at=START + 60), out, None)
    outcome = verified("QUA-01", coverage=False)
    assert outcome.status is Status.FAIL
    assert "run 1 of the chain has 9" in outcome.findings[0].message
    written(inspected(subject, out, {"QUA-01": good(measured=one)}, at=START + 120), out, None)  # waived, say
    assert verified("QUA-01", coverage=False).status is Status.PASS


def test_no_more_is_read_than_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert regular.read(tmp_path / "a", 10) == b"x" * 11
    with pytest.raises(OSError, match="no plain file"):
        regular.read(Path("/dev/zero"), 10)


def test_what_is_tucked_away_is_told(subject: Path, tmp_path: Path, inspected: Run) -> None:
    """Folders with names of tools are no part of the subject: then a reader must see that something lies there."""
    (subject / "app.py").write_text("x = 1\n")
    for name in ("shop/venv/evil.pkl", ".tox/deep/a", ".tox/b", "build/c"):
        (subject / name).parent.mkdir(parents=True, exist_ok=True)
        (subject / name).write_text("x")
    out = tmp_path / "out"
    report = inspected(subject, out, content=b"subject: {left_out: [build]}")
    assert [(each.name, each.files) for each in report.apart] == [(".tox", 2), ("build", 1), ("shop/venv", 1)]
    for text in (terminal.text(report), page.page(report, out / "evidence"), markdown.text(report)):
        assert "shop/venv" in text
    written(report, out, KEY)
    ruling = gate(Asked(out, [KEY.public_key()], subject, None, None, START + 60))
    assert (ruling.decision, ruling.apart) == ("GO", report.apart)


@pytest.fixture
def odd(subject: Path) -> Path:
    """A folder with everything that is no plain file, or has an odd name, or is built to be read for ever."""
    (subject / "loop").symlink_to("loop")
    (subject / "self").symlink_to(".")
    (subject / "up").symlink_to("..")
    (subject / "passwd").symlink_to("/etc/passwd")
    (subject / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "pipe.py", "test_pipe.py", "pipe.pkl", "pipe.md", "pipe.csv", "pipe.ipynb", "requirements.txt",
                 "roadworthy.yaml", "datasets.yaml", "latency.json", "models.manifest.json", "models.pub",
                 "advisories.json", "test-baseline.json", ".github/workflows/ci.yml", "model.yaml", "Dockerfile",
                 "readiness.pub", ".gitlab-ci.yml", "models/a.safetensors"):  # fmt: skip
        _pipe(subject / name)
    for name in ("new\nline.py", "\x1b[2J.py", os.fsdecode(b"\xff\xfe.py"), "a b.md", "-rf", "c" * 250 + ".py"):
        (subject / name).write_text("x = 1\n")
    (subject / "deep.json").write_text("[" * 100_000)
    (subject / "deep.ipynb").write_text('{"cells": ' + "[" * 100_000)
    (subject / "deep.py").write_text("(" * 5000 + ")" * 5000)
    (subject / "nul.py").write_bytes(b"x = 1\0")
    (subject / "deep").mkdir()
    place = subject / "deep"
    for _ in range(60):
        place = place / "d"
        place.mkdir()
    return subject


QUIET = [
    id for id, each in checks().items()
    if each.module is not None and each.definition.automation in "AP" and not id.startswith("PII")
]  # fmt: skip
"""PII-01 and PII-03 look at our own corpus."""


@pytest.mark.parametrize("check", QUIET)
def test_odd_files_do_not_block(check: str, odd: Path, verified: Verified) -> None:
    """Every check that needs no service comes to an end, and none of them to a crash that nobody foresaw."""

    def late(number: int, frame: object) -> None:
        raise AssertionError(f"{check} still reads long after its time")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    try:
        outcome = verified(check, timeout_s=8.0)  # ruff waits for a pipe that is called like a module
    except RoadworthyError:
        return  # said what is wrong
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    shown = [outcome.reason, *(each.message for each in outcome.findings)]
    shown += [each.location.path for each in outcome.findings if each.location]
    assert all(text.isprintable() for text in shown), shown
