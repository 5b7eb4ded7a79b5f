"""SUP-09: a clean release passes; whatever no revision holds fails; a repository that sets traps runs nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.verify.outcome import Outcome

Verified = Callable[..., Outcome]


def _git(folder: Path, *words: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, env=env, check=True, capture_output=True)


@pytest.fixture
def repository(subject: Path) -> Path:
    _git(subject, "init")
    (subject / "a.txt").write_text("one\n")
    (subject / ".gitignore").write_text("ignored\n")
    _git(subject, "add", ".")
    _git(subject, "commit", "-m", "first")
    return subject


def _branch(folder: Path) -> None:
    _git(folder, "checkout", "-b", "topic")
    (folder / "b.txt").write_text("two\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "-m", "second")


def _hide(folder: Path) -> None:
    _git(folder, "update-index", "--assume-unchanged", "a.txt")
    (folder / "a.txt").write_text("changed in secret\n")


def _tuck_away(folder: Path) -> None:
    (folder / "shop/venv").mkdir(parents=True)
    (folder / "shop/venv/model.pkl").write_text("nobody looks here")
    _git(folder, "add", "-f", ".")
    _git(folder, "commit", "-m", "second")


@pytest.mark.parametrize(
    ("act", "status", "rules"),
    [
        (lambda folder: None, "pass", set()),
        (lambda folder: (folder / "ignored").write_text("x"), "pass", set()),
        (lambda folder: (folder / "a.txt").write_text("two\n"), "fail", {"changed"}),
        (lambda folder: (folder / "a.txt").unlink(), "fail", {"changed"}),
        (lambda folder: (folder / "a.txt").chmod(0o755), "fail", {"changed"}),
        (lambda folder: (folder / "new\nname").write_text("x"), "fail", {"untracked"}),
        (lambda folder: (folder / "deep").mkdir() or (folder / "deep/new").write_text("x"), "fail", {"untracked"}),
        (_branch, "fail", {"branch"}),
        (lambda folder: _git(folder, "checkout", "--detach"), "pass", set()),
        (_hide, "fail", {"hidden"}),
        (_tuck_away, "fail", {"unseen"}),
        (lambda folder: (folder / ".git/HEAD").write_text("nonsense"), "not_measured", set()),
    ],
)
def test_states(
    act: Callable[[Path], object], status: str, rules: set[str], repository: Path, verified: Verified
) -> None:
    act(repository)
    outcome = verified("SUP-09")
    assert (outcome.status, {each.rule for each in outcome.findings}) == (status, rules), outcome
    assert all("\n" not in each.location.path for each in outcome.findings if each.location)


def test_other_release_branches(repository: Path, verified: Verified) -> None:
    _branch(repository)
    assert verified("SUP-09", branches=["topic"]).status == "pass"
    assert verified("SUP-09", branches=[]).status == "fail"


def test_a_pipelines_checkout_of_a_remote_branch(repository: Path, verified: Verified) -> None:
    _git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    _git(repository, "checkout", "--detach")
    _git(repository, "branch", "-D", "main")
    assert verified("SUP-09").status == "pass"


def test_a_repository_without_history(subject: Path, verified: Verified) -> None:
    _git(subject, "init")
    outcome = verified("SUP-09")
    assert (outcome.status, [each.rule for each in outcome.findings]) == ("fail", ["no_history"])


def test_no_repository_and_no_git(subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no git repository" in verified("SUP-09").reason
    _git(subject, "init")
    monkeypatch.setattr("roadworthy.verify.tool.found", lambda *named: None)
    outcome = verified("SUP-09")
    assert (outcome.status, outcome.reason) == ("not_measured", "git is not installed.")


def test_traps_of_the_configuration_run_nothing(repository: Path, verified: Verified) -> None:
    """Programs that a repository's own configuration names: git starts them on `status` where nobody forbids it."""
    ran = repository.parent / "ran"
    trap = repository.parent / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    trap.chmod(0o755)
    hook = repository / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(trap.read_text())
    hook.chmod(0o755)
    (repository / ".gitattributes").write_text("*.txt filter=e=vil\n")
    _git(repository, "add", ".")
    _git(repository, "commit", "-m", "attributes")
    (repository / "a.txt").touch()
    os.utime(repository / "a.txt", (1, 1))
    for key in ("core.fsmonitor", "filter.e=vil.clean", "filter.e=vil.process", "core.pager"):
        _git(repository, "config", key, str(trap))
    outside = repository.parent / "outside"
    outside.mkdir()
    _git(repository, "config", "core.worktree", str(outside))
    ran.unlink(missing_ok=True)
    assert verified("SUP-09").status == "pass"
    assert not ran.exists()
