"""The files of a subject that build, install and deploy it: read once, with what is wrong in each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from roadworthy.verify.outcome import Finding, Location, Missing, Severity, finding
from roadworthy.verify.supply import github_workflow, gitlab_pipeline, image, lock_file
from roadworthy.verify.supply.fault import Fault
from roadworthy.verify.supply.yaml_node import parsed
from roadworthy.verify.tree import Node, shown

SAFETY = frozenset(("permissions", "untrusted_input", "foreign_checkout"))
"""Rules about what a pipeline may do; the others are about what it takes in."""


class Read(NamedTuple):
    """One file.

    Attributes:
        name: Relative to the root, as the file system gave it.
        kind: `github`, `gitlab`, `image` or `lock`.
        faults: What is wrong in it.
        entries: Of a lock file: how many things it names.
        unread: Why it could not be read; empty when it was.
    """

    name: str
    kind: str
    faults: tuple[Fault, ...] = ()
    entries: int = 0
    unread: str = ""


def kind(name: str) -> str:
    """Which of these files a name stands for; empty when for none."""
    if github_workflow.is_workflow(name):
        return "github"
    if gitlab_pipeline.is_pipeline(name):
        return "gitlab"
    if image.is_dockerfile(name):
        return "image"
    return "lock" if lock_file.kind(name) else ""


def read(nodes: Iterable[Node], kinds: Iterable[str]) -> Iterator[Read]:
    """Read those files of some kinds; what cannot be read is told.

    Args:
        nodes: Of the subject.
        kinds: See `Read`.
    """
    wanted = frozenset(kinds)
    for node in nodes:
        which = kind(node.name)
        if which not in wanted:
            continue
        if node.kind != "file":
            yield Read(node.name, which, unread=f"it is a {node.kind}")
            continue
        try:
            yield _read(node, which)
        except OSError as problem:
            yield Read(node.name, which, unread=problem.strerror or "input/output error")
        except ValueError as problem:
            yield Read(node.name, which, unread=str(problem))


def finding_of(check: str, fault: Fault) -> Finding:
    """A fault as a finding of a check."""
    return finding(
        check, fault.rule, fault.message, key=(fault.name, fault.key),
        severity=Severity.HIGH if fault.grave else Severity.MEDIUM,
        location=Location(path=shown(fault.name), line=fault.line),
    )  # fmt: skip


def missing(reads: Iterable[Read]) -> tuple[Missing, ...]:
    """Those that could not be read."""
    return tuple(Missing(name=f"{shown(each.name)}: {each.unread}") for each in reads if each.unread)


def _read(node: Node, which: str) -> Read:
    with os.fdopen(os.open(node.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        raw = file.read(lock_file.MOST_BYTES + 1)
    if which == "lock":
        found = lock_file.lock(node.name, raw)
        return Read(node.name, which, found.faults, found.entries)
    if which == "image":
        return Read(node.name, which, tuple(image.dockerfile_faults(node.name, raw.decode("utf-8", "replace"))))
    documents = parsed(raw)
    if which == "gitlab":  # the first of two documents may be the inputs of a component
        return Read(node.name, which, tuple(gitlab_pipeline.faults(node.name, documents[-1] if documents else None)))
    return Read(node.name, which, tuple(github_workflow.faults(node.name, documents[0] if documents else None)))
