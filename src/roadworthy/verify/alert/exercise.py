"""Runs the tests of rules, and says of each alert where it fired and where it stayed quiet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from roadworthy.verify.alert.promtool import Promtool
from roadworthy.verify.alert.rule_file import Rule, RuleFile
from roadworthy.verify.alert.rule_test import Case, RuleTest, feeds, inactive, matching, meant, place
from roadworthy.verify.alert.subject import Found
from roadworthy.verify.outcome import Finding, Location, Missing, NotMeasured, Severity, finding
from roadworthy.verify.probe import Progress
from roadworthy.verify.tree import shown

CHECK = "OBS-02"
MOST_FILES = 300
"""Files of tests that are run; each takes promtool a moment."""


@dataclass
class Shown:
    """What the tests show.

    Attributes:
        fires: Alerts that fire in a test that holds, with the names of the files.
        quiet: Alerts that are not even pending while their series are there.
        waiting: Alerts that are quiet in a test because they have not waited long enough.
        held: Files of tests that hold.
        findings: What is wrong with the tests.
        missing: Files of tests that were not run to the end.
        unknown: Names of the alerts that they are about: nobody knows what they would have shown.
    """

    fires: defaultdict[Rule, list[str]] = field(default_factory=lambda: defaultdict(list))
    quiet: defaultdict[Rule, list[str]] = field(default_factory=lambda: defaultdict(list))
    waiting: set[Rule] = field(default_factory=set)
    held: int = 0
    findings: list[Finding] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


def exercise(tool: Promtool, found: Found, progress: Progress) -> Shown:
    """Run every file of tests.

    Args:
        tool: Has a copy of the rules.
        found: Rules and tests.
        progress: Told of each file.
    """
    seen = Shown()
    for number, test in enumerate(found.tests[:MOST_FILES], 1):
        progress("tests of alert rules", number, len(found.tests))
        try:
            _one(tool, test, found.files, seen, number)
        except (NotMeasured, OSError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else problem
            _lost(seen, test, str(why))
    for test in found.tests[MOST_FILES:]:
        _lost(seen, test, f"only {MOST_FILES} files of tests are run")
    return seen


def _lost(seen: Shown, test: RuleTest, why: str) -> None:
    seen.missing.append(Missing(name=f"{shown(test.name)}: {why}"))
    seen.unknown.update(case.alert for case in test.cases)


def _one(tool: Promtool, test: RuleTest, files: Sequence[RuleFile], seen: Shown, number: int) -> None:
    loads = _loads(test, files, seen)
    if loads is None:
        return
    tool.put(test.name, test.content)
    why = tool.holds(test.name, "tests of rules")
    if why:
        seen.findings.append(_of(test, "test", f"The tests do not hold: {why}", ("test",)))
        return
    seen.held += 1
    quiet: list[tuple[Case, Rule]] = []
    for case in test.cases:
        named = [rule for file in loads for rule in file.alerts if rule.name == case.alert]
        if not named:
            text = f"It tests {shown(case.alert)[:120]}, which no rule of its files is called: that always holds."
            seen.findings.append(_of(test, "no_such_alert", text, (case.alert,), case.line))
        expected = meant(case, named)
        for rule in named:
            if any(rule in each for each in expected):
                seen.fires[rule].append(test.name)
            elif feeds(test.fed(case.group), rule, loads):
                quiet.append((case, rule))
    _apart(tool, test, loads, quiet, seen, number)


def _loads(test: RuleTest, files: Sequence[RuleFile], seen: Shown) -> list[RuleFile] | None:
    """The files that a test loads; None when it would load what is not the subject's."""
    by_name = {each.name: each for each in files}
    names: dict[str, None] = {}
    for pattern in test.patterns:
        where = place(test, pattern)
        if where is None:
            text = f"rule_files names {shown(pattern)[:200]}, which is not in the subject; it was not opened."
            seen.findings.append(_of(test, "escape", text, (pattern,)))
            return None
        matched = matching(where, by_name)
        if not matched:
            text = (
                f"rule_files names {shown(pattern)[:200]}, and no file of rules that could be read is there; links are "
                "not followed."
            )
            seen.findings.append(_of(test, "no_such_file", text, (pattern,)))
        names.update(dict.fromkeys(matched))
    return [by_name[name] for name in names]


def _apart(
    tool: Promtool, test: RuleTest, loads: Sequence[RuleFile], quiet: Sequence[tuple[Case, Rule]], seen: Shown,
    number: int,
) -> None:  # fmt: skip
    """Tell what is quiet from what only waits: at once, and one by one where that does not hold."""
    names = [f"../subject/{each.name}" for each in loads]

    def asleep(chosen: Sequence[tuple[Case, Rule]], part: str) -> bool:
        name = f"../quiet/{number}-{part}.yml"
        tool.put(name, inactive(test, names, chosen))
        return not tool.holds(name, f"not even pending in {shown(test.name)}")

    if not quiet:
        return
    everything = asleep(quiet, "all")
    for rule in dict.fromkeys(rule for _, rule in quiet):
        own = [pair for pair in quiet if pair[1] == rule]
        if everything or any(asleep([pair], f"{id(rule)}-{index}") for index, pair in enumerate(own)):
            seen.quiet[rule].append(test.name)
        else:
            seen.waiting.add(rule)


def _of(test: RuleTest, rule: str, text: str, key: Sequence[str], line: int | None = None) -> Finding:
    where = Location(path=shown(test.name), line=line)
    return finding(
        CHECK, rule, text, key=(test.name, *key), severity=Severity.MEDIUM, location=where
    )  # fmt: skip
