"""The alert rules of a subject and their tests, read from the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from roadworthy.verify import regular
from roadworthy.verify.alert.rule_file import (
    SUFFIXES,
    Rule,
    RuleFile,
    Unreadable,
    blocks,
    documents,
    may_be_test,
    may_hold_rules,
    rule_file,
)
from roadworthy.verify.alert.rule_test import RuleTest, rule_test
from roadworthy.verify.supply.yaml_node import MOST_BYTES
from roadworthy.verify.tree import Node

PAGES = (".md", ".markdown")
_HEAD = 4096


@dataclass
class Found:
    """What was found.

    Attributes:
        files: Of rules.
        pages: Blocks of rules in pages.
        tests: Of rules.
        broken: Names of files that should be rules or tests and are no YAML, with where.
        unread: Names of files that may be either and could not be read, with why.
        excused: Names of files that the policy leaves out, with its reason.
    """

    files: list[RuleFile] = field(default_factory=list)
    pages: list[RuleFile] = field(default_factory=list)
    tests: list[RuleTest] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    excused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def documents(self) -> list[RuleFile]:
        """Everything that Prometheus is to load, pages included."""
        return [*self.files, *self.pages]

    @property
    def alerts(self) -> list[Rule]:
        """The alerts that must be shown firing and quiet: those of a page only where no file has one of that name."""
        own = [rule for file in self.files for rule in file.alerts]
        names = {rule.name for rule in own}
        return own + [rule for page in self.pages for rule in page.alerts if rule.name not in names]

    @property
    def empty(self) -> bool:
        """Whether there is nothing that has to do with alerts; recorded series alone alert nobody."""
        return not (self.alerts or self.broken or self.unread or self.excused)


def search(nodes: Iterable[Node], excuse: Callable[[str], str]) -> Found:
    """Read every file of the tree that may hold rules or their tests, whatever it is called.

    Args:
        nodes: Of the subject.
        excuse: The policy's reason for leaving a file out; empty when there is none.
    """
    found = Found()
    for node in nodes:
        if node.kind != "file" or (node.size > MOST_BYTES and not node.name.endswith(SUFFIXES)):
            continue
        try:
            raw = regular.read(node.path, MOST_BYTES)
        except OSError as problem:
            if node.name.endswith(SUFFIXES):
                found.unread.append((node.name, problem.strerror or "input/output error"))
            continue
        if b"\0" not in raw[:_HEAD]:
            _sort(found, node.name, raw, excuse)
    return found


def _sort(found: Found, name: str, raw: bytes, excuse: Callable[[str], str]) -> None:
    if name.endswith(PAGES):
        pages = list(blocks(name, raw.decode("utf-8", "replace")))
        why = excuse(name) if pages else ""
        if why:
            found.excused.append((name, why))
        else:
            found.pages += pages
        return
    test = may_be_test(raw)
    if not test and not may_hold_rules(raw):
        return
    try:
        values = documents(name, raw)
        made = rule_test(name, raw, values) if test else rule_file(name, raw, values)
    except Unreadable as problem:
        if not name.endswith(SUFFIXES):  # a program with such a text in it, for example
            return
        why = excuse(name)
        place = found.excused if why else found.broken if problem.broken else found.unread
        place.append((name, why or str(problem)))
        return
    if made is None:
        return
    why = excuse(name)
    if why:
        found.excused.append((name, why))
    elif isinstance(made, RuleTest):
        found.tests.append(made)
    else:
        found.files.append(made)
