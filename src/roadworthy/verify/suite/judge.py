"""Judges a run of the tests: what failed, what was left out, what shrank."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Location, Missing, Severity, finding
from roadworthy.verify.suite import record
from roadworthy.verify.suite.record import Suite, Test
from roadworthy.verify.suite.source import TestFile
from roadworthy.verify.tree import shown

CHECK = "QUA-01"
_MESSAGES = {
    record.FAILED: ("failed", "failed"),
    record.ERROR: ("error", "broke before or after its own code"),
    record.NOT_RUN: ("not_run", "was collected and did not run"),
    record.REMOVED: ("removed", "was collected and taken away without a word"),
}
_OPTION = {"keyword": "-k", "markexpr": "-m", "ignore_glob": "--ignore-glob", "collectonly": "--collect-only"}


RUNNER = frozenset(("pytest", "_pytest", "pluggy", "coverage", "sitecustomize", "usercustomize"))
"""Modules that would be taken from the subject's root, because `python -m` looks there first."""


def in_place_of_the_runner(names: Iterable[str]) -> set[str]:
    """Files of the subject that Python would run instead of pytest or coverage.py, or before them.

    Args:
        names: Of all files, relative to the root.
    """
    places = {f"{each}{end}" for each in RUNNER for end in (".py", ".pyc", "/__init__.py", "/__init__.pyc")}
    native = {f"{each}." for each in RUNNER}
    return {
        name for name in names
        if name in places or (name.endswith(".so") and any(name.startswith(each) for each in native))
    }  # fmt: skip


def shadow(name: str) -> Finding:
    """A file in the place of the runner."""
    message = f"{shown(name)} would be run in the place of the runner of the tests, or before it."
    return finding(CHECK, "shadow", message, key=(name,), location=Location(path=shown(name)))


def findings(suite: Suite, files: Sequence[TestFile], settings: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with a run, but for the comparison with earlier ones.

    Args:
        suite: The run.
        files: Test files as counted from the tree.
        settings: Of the check: what is accepted, with reasons.
    """
    found: list[Finding] = []
    for test in suite.tests:
        found += _of_test(test, settings)
    found += _of_collection(suite, settings)
    found += _of_selection(suite, settings)
    found += _of_files(suite, files, settings["uncollected"])
    return found


def _of_test(test: Test, settings: Mapping[str, Any]) -> list[Finding]:
    if test.state in _MESSAGES:
        rule, said = _MESSAGES[test.state]
        return [_one(rule, f"{_name(test)} {said}. {shown(test.reason)[:200]}".strip(), test)]
    if test.contradicted:
        return [_one("contradicted", f"{_name(test)} raised, and its report says that it passed.", test)]
    if test.state == record.SKIPPED and not accepted(test.reason, settings["skips"]):
        why = shown(test.reason)[:200] or "no reason"
        return [_one("skip", f"{_name(test)} was skipped ({why}), which the policy does not accept.", test)]
    if test.state == record.XFAILED and not accepted(test.id, settings["xfails"]):
        return [_one("xfail", f"{_name(test)} failed as expected, which the policy does not accept.", test)]
    if test.state == record.XPASSED:
        return [_one("xpass", f"{_name(test)} is expected to fail and passes.", test, Severity.NOTE)]
    return []


def _of_collection(suite: Suite, settings: Mapping[str, Any]) -> list[Finding]:
    found = []
    for each in suite.broken:
        if each.outcome == "skipped" and accepted(each.reason, settings["skips"]):
            continue
        rule, said = ("skip", "skips itself") if each.outcome == "skipped" else ("collection", "could not be collected")
        message = f"{shown(each.id) or 'The run'} {said}: {shown(each.reason)[:200]}"
        found.append(finding(CHECK, rule, message, key=(each.id,), location=Location(path=shown(each.id) or ".")))
    return found


def _of_selection(suite: Suite, settings: Mapping[str, Any]) -> list[Finding]:
    left_out = sum(each.state == record.DESELECTED for each in suite.tests)
    words = selection(suite)
    found = []
    for word in words:
        if not accepted(word, settings["selection"]):
            message = f"`{shown(word)[:200]}` leaves tests out ({left_out} were), which the policy does not accept."
            found.append(finding(CHECK, "selection", message, key=(word,)))
    if left_out and not words:
        found.append(finding(CHECK, "deselected", f"{left_out} tests were deselected by code.", key=("deselected",)))
    return found


def selection(suite: Suite) -> list[str]:
    """The options that leave tests out, as they are written, such as `-m not long`."""
    return [f"{_OPTION.get(name, '--' + name.replace('_', '-'))} {value}" for name, value in suite.options.items()]


def _of_files(suite: Suite, files: Sequence[TestFile], accepted_files: Mapping[str, Any]) -> list[Finding]:
    touched = _collected_files(suite)
    found = []
    for file in files:
        if file.name in touched or excuse(file.name, accepted_files):
            continue
        rule = "unparsed" if file.functions is None else "uncollected"
        said = "does not parse" if file.functions is None else f"holds {file.functions} tests"
        message = f"{shown(file.name)} {said}, and none of its tests was collected."
        found.append(finding(CHECK, rule, message, key=(file.name,), location=Location(path=shown(file.name))))
    return found


def coverage(suite: Suite, files: Sequence[TestFile], settings: Mapping[str, Any]) -> Coverage:
    """How many of the test files that lie in the tree were run."""
    ran = {each.file for each in suite.tests if each.state not in (record.DESELECTED, record.REMOVED, record.NOT_RUN)}
    whole = {each.file for each in suite.tests if each.state == record.DESELECTED} - ran
    skipped = {each.id.split("::")[0] for each in suite.broken if each.outcome == "skipped"} - ran
    missing = []
    for file in files:
        if file.name in ran:
            continue
        why = excuse(file.name, settings["uncollected"])
        if not why and file.name in whole:
            why = "; ".join(filter(None, (excuse_of(word, settings["selection"]) for word in selection(suite))))
        if not why and file.name in skipped:
            told = next(each.reason for each in suite.broken if each.id.split("::")[0] == file.name)
            why = excuse_of(told, settings["skips"])
        missing.append(Missing(name=shown(file.name), reason=why))
    named = {each.name for each in files}
    return Coverage(
        examined=len(named & ran),
        existing=len(files),
        how_counted="Existing: files named like tests whose text holds some. Examined: files of which a test ran.",
        missing=tuple(missing),
    )


def shrunk(suite: Suite, before: int, files: Mapping[str, int], where: str) -> list[Finding]:
    """What is fewer than before.

    Args:
        suite: The run.
        before: Tests of the earlier state.
        files: The same per file; may be empty.
        where: What it is compared with, such as `the baseline`.
    """
    now = len(suite.tests)
    found = []
    if now < before:
        message = f"{now} tests were collected; {where} has {before}."
        found.append(finding(CHECK, "shrunk", message, key=(where,)))
    counts = suite.per_file()
    for name, number in files.items():
        if counts.get(name, 0) < number:
            message = f"{shown(name)} has {counts.get(name, 0)} tests, {where} {number}."
            found.append(finding(CHECK, "fewer", message, key=(where, name), severity=Severity.NOTE))
    return found


def accepted(text: str, listed: Mapping[str, Any]) -> bool:
    """Whether a text matches a pattern of the list that has a reason."""
    return bool(excuse_of(text, listed))


def excuse_of(text: str, listed: Mapping[str, Any]) -> str:
    """The reason beside the first pattern (`*`, `?`) that matches; empty when there is none."""
    fitting = (why for each, why in listed.items() if text == each or fnmatch.fnmatchcase(text, each))
    return next((str(why).strip() for why in fitting), "")


def excuse(name: str, listed: Mapping[str, Any]) -> str:
    """The reason beside a file or a folder that it lies in; empty when there is none."""
    fitting = (why for each, why in listed.items() if name == each or name.startswith(each.rstrip("/") + "/"))
    return next((str(why).strip() for why in fitting), "")


def said(suite: Suite) -> str:
    """A run in one sentence."""
    order = sorted(Counter(each.state for each in suite.tests).items())
    return f"{len(suite.tests)} tests collected: {', '.join(f'{number} {state}' for state, number in order) or 'none'}."


def _collected_files(suite: Suite) -> set[str]:
    return {each.file for each in suite.tests} | {each.id.split("::")[0] for each in suite.broken}


def _name(test: Test) -> str:
    return shown(test.id)[:300]


def _one(rule: str, message: str, test: Test, severity: Severity = Severity.HIGH) -> Finding:
    return finding(CHECK, rule, message, key=(test.id,), severity=severity, location=Location(path=shown(test.file)))


def states(tests: Iterable[Test], *names: str) -> int:
    """How many tests are in one of the states."""
    return sum(each.state in names for each in tests)
