"""SEC-01: secrets in the tree and in the history are found, never shown; what was not looked at is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.verify.outcome import Outcome

Verified = Callable[..., Outcome]
KEY = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7H8"
LINE = f'TOKEN = "{KEY}"\n'


def _git(folder: Path, *words: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, env=env, check=True, capture_output=True)


def _commit(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    _git(folder, "add", ".")
    _git(folder, "commit", "-m", "change")


@pytest.fixture
def repository(subject: Path) -> Path:
    _git(subject, "init")
    _commit(subject, "a.py", "x = 1\n")
    return subject


def test_clean(repository: Path, verified: Verified) -> None:
    outcome = verified("SEC-01")
    assert outcome.status == "pass", outcome


def test_in_the_tree(repository: Path, verified: Verified) -> None:
    (repository / "notes.txt").write_text("one\n" + LINE)
    outcome = verified("SEC-01")
    assert outcome.status == "fail"
    assert [(each.location.path, each.location.line) for each in outcome.findings if each.location] == [
        ("notes.txt", 2)
    ]
    assert KEY not in str(outcome)


@pytest.mark.parametrize("where", ["earlier", "branch", "stash", "tag"])
def test_in_the_history(where: str, repository: Path, verified: Verified) -> None:
    if where == "earlier":
        _commit(repository, "deep/old.py", LINE)
        _git(repository, "rm", "-r", "deep")
        _git(repository, "commit", "-m", "gone")
    elif where == "stash":
        (repository / "a.py").write_text(LINE)
        _git(repository, "stash")
    else:
        _git(repository, "checkout", "-b", "side")
        _commit(repository, "old.py", LINE)
        if where == "tag":
            _git(repository, "tag", "v1")
        _git(repository, "checkout", "main")
        if where == "tag":
            _git(repository, "branch", "-D", "side")
    outcome = verified("SEC-01")
    assert outcome.status == "fail"
    assert "in the history" in outcome.findings[0].message
    assert KEY not in str(outcome)
    assert verified("SEC-01", history=False).status == "not_measured"


def test_made_up_ones_are_named(repository: Path, verified: Verified) -> None:
    _commit(repository, "tests/data.py", LINE)
    (repository / "tests/data.py").write_text("gone\n")
    assert verified("SEC-01").status == "fail"
    outcome = verified("SEC-01", not_secret={"tests": "values of the fixtures, made up"})
    assert outcome.status == "pass"
    assert "1 values that the policy says are made up" in outcome.reason  # never silently
    assert [(each.rule, each.severity, "Found there: 1 " in each.message) for each in outcome.findings] == [
        ("made-up", "note", True)
    ]
    _commit(repository, "tests_of_mine.py", LINE)
    assert verified("SEC-01", not_secret={"tests": "values of the fixtures, made up"}).status == "fail"


@pytest.mark.parametrize("place", ["", ".", "/", "*", "**", "./", "**/*", ". "])
def test_not_everything_is_made_up(place: str, repository: Path, verified: Verified) -> None:
    with pytest.raises(ConfigError, match="everything"):
        verified("SEC-01", not_secret={place: "all of it is made up, honestly"})
    with pytest.raises(ConfigError, match="no reason"):
        verified("SEC-01", not_secret={"tests": "made up"})


@pytest.mark.parametrize(
    ("name", "line", "status"),
    [
        ("a.py", 'api_key = "q8Zr2LmX0vTb6NcW"', "fail"),
        ("a.py", "def token(api_key: Reference) -> Ed25519PrivateKey:", "pass"),
        ("a.py", "token=secrets.token_urlsafe(32)", "pass"),
        ("a.py", 'reasons = {"invalid_api_key": "not-accepted-here"}', "pass"),
        (".env", "DB_PASSWORD=hunter2-hunter2", "fail"),
        (".env", "DB_PASSWORD=correcthorsebatterystaple", "fail"),
        ("a.py", 'url = "postgres://app:correcthorse@db/x"', "fail"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
         "-----END PRIVATE KEY-----", "fail"),
    ],
)  # fmt: skip
def test_code_is_not_taken_for_secrets(name: str, line: str, status: str, repository: Path, verified: Verified) -> None:
    (repository / name).write_text(line + "\n")
    outcome = verified("SEC-01")
    assert outcome.status == status, outcome.findings
    assert {each.rule for each in outcome.findings} <= {"doubtful"} or status == "fail"


def test_personal_data_are_no_secrets(repository: Path, verified: Verified) -> None:
    (repository / "people.txt").write_text("bob@example.com\n")
    assert verified("SEC-01").status == "pass"


def test_without_git(subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    (subject / "a.py").write_text("x = 1\n")
    assert verified("SEC-01").status == "pass"  # no repository, no history
    _git(subject, "init")
    assert verified("SEC-01").status == "not_measured"  # a repository whose HEAD names nothing
    _commit(subject, "b.py", "y = 1\n")
    monkeypatch.setattr("roadworthy.verify.tool.found", lambda *named: None)
    assert verified("SEC-01").status == "not_measured"


def test_large_objects_are_told(repository: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    _commit(repository, "big.txt", "x" * 5000)
    (repository / "big.txt").write_text("small\n")
    _git(repository, "add", ".")
    assert verified("SEC-01").status == "pass"
    monkeypatch.setattr("roadworthy.verify.credential.history.MOST_BLOB_BYTES", 1000)
    outcome = verified("SEC-01")
    assert outcome.status == "not_measured"
    assert outcome.coverage is not None
    assert "big.txt" in str(outcome.coverage.missing)
