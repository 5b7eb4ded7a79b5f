"""QUA-01: the subject's tests are run here, read by our plug-in, and compared with what there was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from roadworthy.verify import history
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Measure,
    NotMeasured,
    Outcome,
    Status,
    error,
    judged,
    not_measured,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.suite import baseline, handover, judge, record
from roadworthy.verify.suite.run import Measured, SuiteBroke, other_runner, other_suite, pytest_suite
from roadworthy.verify.suite.source import TestFile, test_files


def probe(context: Context) -> Outcome:
    """Run the tests once."""
    nodes = list(context.files())
    files = test_files(nodes)
    command = [str(word) for word in context.settings["command"]]
    if not command and (stands := judge.in_place_of_the_runner(node.name for node in nodes)):
        context.evidence.write_json({"instead_of_the_runner": sorted(stands)}, "files of the subject's root")
        findings = [judge.shadow(name) for name in sorted(stands)]
        counted = Coverage(examined=len(nodes), existing=len(nodes), how_counted="Names of all files of the subject.")
        return judged(
            "The tests were not run: another runner stands in its place.", coverage=counted, findings=findings
        )
    if not files and not command:
        other = other_runner(nodes)
        why = f"Only pytest is run by itself; for `{other}` name a command with a JUnit file." if other else ""
        raise NotMeasured(f"No Python file here holds tests. {why}".strip())
    try:
        with handover.giving(context) as folder:
            measured = Measured(other_suite(context, command), None, "Only pytest's runs are measured.") if command \
                else pytest_suite(context)  # fmt: skip
            (folder / "why").write_text(measured.why_no_coverage)
            if measured.coverage is not None:
                (folder / "coverage.json").write_bytes(measured.coverage)
    except SuiteBroke as problem:
        return error(str(problem))
    return _judged(context, measured.suite, [] if command else files)


def _judged(context: Context, suite: record.Suite, files: list[TestFile]) -> Outcome:
    context.evidence.write_json(msgspec.to_builtins(suite), "tests as the plug-in saw them")
    context.evidence.write_json(suite.per_file(), baseline.LABEL)
    found = judge.findings(suite, files, context.settings)
    found += _than_last_report(context, suite)
    why = ""
    try:
        before = baseline.committed(context, str(context.settings["baseline"]))
        found += judge.shrunk(suite, before.collected, before.files, "the baseline")
    except NotMeasured as reason:
        why = str(reason)
    sentence = judge.said(suite)
    if not suite.tests and not found:
        return not_measured(f"{sentence} A run of nothing says nothing.")
    if suite.exit_code not in (0, 1, 2) or (suite.exit_code == 0) == bool(_bad(suite)):
        return error(f"{sentence} The exit code {suite.exit_code} of the runner contradicts that.")
    coverage = judge.coverage(suite, files, context.settings) if files else _of_junit(suite)
    outcome = judged(sentence, coverage=coverage, findings=found, measured=_measures(suite))
    if why and outcome.status is Status.PASS:
        return not_measured(f"{sentence} {why}", coverage=coverage, measured=outcome.measured)
    return outcome


def _bad(suite: record.Suite) -> int:
    broken = sum(each.outcome == "failed" for each in suite.broken)
    return broken + judge.states(suite.tests, record.FAILED, record.ERROR)


def _of_junit(suite: record.Suite) -> Coverage:
    return Coverage(
        examined=len(suite.tests), existing=len(suite.tests),
        how_counted="Cases of the JUnit file, and the number that its suites name.",
    )  # fmt: skip


def _measures(suite: record.Suite) -> list[Measure]:
    counts = suite.counts()
    states = (record.PASSED, record.FAILED, record.ERROR, record.SKIPPED, record.XFAILED, record.DESELECTED)
    return [
        Measure(name="collected", value=len(suite.tests), unit="tests"),
        *(Measure(name=each, value=counts.get(each, 0), unit="tests", n=len(suite.tests)) for each in states),
        Measure(name="duration", value=suite.seconds, unit="s"),
    ]


def _than_last_report(context: Context, suite: record.Suite) -> list[Finding]:
    """Fewer tests than in the newest run whose tests were good; else than in the one with the most.

    Running twice does not make a smaller number the one that is compared with.
    """
    most, where = 0, 0
    for at, report in history.back(context.out) if context.out is not None else ():
        collected = _collected(report, context.check)
        good = history.status(report, context.check) in ("pass", "waived")
        if collected is not None and (good or collected > most):
            most, where = collected, at.number
        if good:
            break
    return judge.shrunk(suite, most, {}, f"run {where} of the chain") if where else []


def _collected(report: Mapping[str, Any], check: str) -> int | None:
    measured: list[dict[str, Any]] = next((each["measured"] for each in report["checks"] if each["id"] == check), [])
    number = next((each["value"] for each in measured if each["name"] == "collected"), None)
    return int(number) if isinstance(number, int | float) else None
