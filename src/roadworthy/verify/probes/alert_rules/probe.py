"""OBS-02: Prometheus loads every alert rule; its tests hold; each alert is shown firing, and quiet on normal series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from roadworthy.verify.alert.exercise import MOST_FILES, Shown, exercise
from roadworthy.verify.alert.promtool import Promtool
from roadworthy.verify.alert.rule_file import Rule
from roadworthy.verify.alert.subject import Found, search
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Measure,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    finding,
    judged,
    not_measured,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.suite.judge import excuse
from roadworthy.verify.tree import Node, shown

SERVICE = "roadworthy.yaml"
"""A subject with this file runs a service."""


def probe(context: Context) -> Outcome:
    """Find the rules, load them, run their tests."""
    nodes = list(context.files())
    found = search(nodes, lambda name: excuse(name, context.settings["unread"]))
    rows = [{"file": shown(each.name), "line": each.line, "rules": len(each.rules)} for each in found.documents]
    tests = [{"file": shown(each.name), "cases": len(each.cases)} for each in found.tests]
    context.evidence.write_json({"files": len(nodes), "rules": rows, "tests": tests}, "rules and their tests")
    if found.empty:
        return _absent(context, nodes)
    findings = [*_unloadable(context, found), *_twins(context, found)]
    try:
        tool = Promtool(context)
    except NotMeasured as reason:
        if not findings:
            raise
        not_run = [Missing(name=f"{shown(each.name)}: promtool is not installed") for each in found.tests]
        return judged(f"{len(findings)} findings in what was read. {reason}", findings=findings,
                      coverage=_coverage(found, 0, [], not_run))  # fmt: skip
    loaded, missing = _load(context, tool, found, findings)
    seen = exercise(tool, found, context.progress)
    findings += [*seen.findings, *_unexercised(context, found, seen)]
    _keep(context, found, seen)
    coverage = _coverage(found, loaded, missing, seen.missing)
    return judged(
        _sentence(found, seen, findings, coverage),
        coverage=coverage,
        findings=findings,
        measured=_measures(found, seen),
    )


def _absent(context: Context, nodes: list[Node]) -> Outcome:
    """Without a service nobody can tell whether one is missing; with one, nobody would hear that it is down."""
    if context.service is None and not any(node.name == SERVICE and node.kind == "file" for node in nodes):
        return not_measured(
            "There is no alert rule here, and nothing that says whether this runs as a service. Rules that are kept "
            "elsewhere can be verified there, or as a copy here."
        )
    text = "This runs as a service, and no alert rule is here: nobody would be told that it is down."
    return judged(
        f"{len(nodes)} files, none of them with alert rules.",
        coverage=Coverage(examined=len(nodes), existing=len(nodes), how_counted="Files of a walk of the tree, read."),
        findings=[finding(context.check, "none", text, key=("none",))],
    )


def _unloadable(context: Context, found: Found) -> Iterator[Finding]:
    """What can be seen without Prometheus."""
    for name, why in found.broken:
        yield _finding(context, "load", f"Prometheus cannot load it: {why}.", name, None, ("broken",))
    for each in found.documents:
        if not each.rules:
            text = "Prometheus cannot load this block: it is no YAML."
            yield _finding(context, "load", text, each.name, each.line, ("block", each.content.decode()))
        for rule in each.rules:
            for key in rule.odd:
                text = (
                    f"{shown(rule.name)[:120]}: `{shown(key)[:60]}` stands at the rule, and Prometheus refuses the file"
                )
                text += "; put it under `labels`." if key in ("severity", "team", "priority", "service") else "."
                yield _finding(context, "rule_key", text, each.name, rule.line, (rule.name, key))


def _twins(context: Context, found: Found) -> Iterator[Finding]:
    """Two alerts of one name and the same labels cannot be told apart, by people and by tests."""
    for file in found.files:
        seen: dict[tuple[str, frozenset[tuple[str, str]]], Rule] = {}
        for rule in file.alerts:
            first = seen.setdefault((rule.name, rule.labels), rule)
            if first is not rule:
                text = f"{shown(rule.name)[:120]} has the name and the labels of the alert on line {first.line}."
                yield _finding(context, "twin", text, file.name, rule.line, (rule.name, rule.expr))


def _load(context: Context, tool: Promtool, found: Found, findings: list[Finding]) -> tuple[int, list[Missing]]:
    """Let Prometheus load everything; returns how many rules it did, and what it was not asked about."""
    total, missing = 0, []
    for number, each in enumerate(found.documents, 1):
        context.progress("alert rules", number, len(found.documents))
        name = f"../pages/{number}.yml" if each.line else each.name
        try:
            tool.put(name, each.content)
            if number > MOST_FILES:
                raise NotMeasured(f"only {MOST_FILES} files of rules are loaded")
            count, why = tool.loaded(name) if each.rules else (0, "")
        except (NotMeasured, OSError) as problem:
            said = problem.strerror if isinstance(problem, OSError) else problem
            missing.append(Missing(name=f"{shown(each.name)}: {said}", count=max(1, len(each.rules))))
            continue
        total += count
        if why:
            text = f"Prometheus cannot load it: {why}"
            findings.append(_finding(context, "load", text, each.name, each.line or None, ("load", str(each.line))))
        elif count < len(each.rules):
            text = (
                f"Prometheus loads {count} of its {len(each.rules)} rules; it reads the first document of a file alone."
            )
            findings.append(_finding(context, "not_loaded", text, each.name, None, ("count",)))
    return total, missing


def _unexercised(context: Context, found: Found, seen: Shown) -> Iterator[Finding]:
    for rule in found.alerts:
        fires, quiet = rule in seen.fires, rule in seen.quiet
        name = shown(rule.name)[:120]
        if rule.name in seen.unknown:
            continue
        if not fires:
            text = f"{name} fires in no test."
            yield _finding(context, "never_fires", text, rule.file, rule.line, (rule.name, rule.expr))
        if not quiet and rule in seen.waiting:
            text = (
                f"{name} is quiet in its tests only because it still waits: add series on which it does not begin to."
            )
            yield _finding(context, "never_quiet", text, rule.file, rule.line, (rule.name, rule.expr))
        elif not quiet:
            text = f"{name} is shown quiet in no test that has series for it."
            yield _finding(context, "never_quiet", text, rule.file, rule.line, (rule.name, rule.expr))


def _coverage(found: Found, loaded: int, not_loaded: list[Missing], not_run: list[Missing]) -> Coverage:
    """Rules as this code counts them, and as promtool does; files of tests as found, and as they came to an end."""
    others = [Missing(name=f"{shown(name)}: {why}") for name, why in (*found.broken, *found.unread)]
    others += [Missing(name=shown(name), reason=why) for name, why in found.excused]
    return Coverage(
        examined=loaded + len(found.tests) - len(not_run),
        existing=sum(len(each.rules) or 1 for each in found.documents) + len(found.tests) + len(others),
        how_counted="Existing: rules as read from the files, and files of tests. Examined: rules that promtool counts "
        "as loaded, and files of tests that it ran to the end.",
        missing=(*not_loaded, *not_run, *others),
    )


def _keep(context: Context, found: Found, seen: Shown) -> None:
    table: dict[str, list[dict[str, object]]] = defaultdict(list)
    for rule in found.alerts:
        table[shown(rule.file)].append({
            "alert": shown(rule.name), "line": rule.line, "expr": shown(rule.expr),
            "labels": {shown(name): shown(text) for name, text in sorted(rule.labels)},
            "fires_in": sorted({shown(each) for each in seen.fires.get(rule, ())}),
            "quiet_in": sorted({shown(each) for each in seen.quiet.get(rule, ())}),
        })  # fmt: skip
    context.evidence.write_json(table, "alerts and the tests that show them")


def _measures(found: Found, seen: Shown) -> tuple[Measure, ...]:
    alerts = found.alerts
    return (
        Measure(name="alerts", value=len(alerts), unit="alerts"),
        Measure(name="shown firing", value=sum(each in seen.fires for each in alerts), unit="alerts", n=len(alerts)),
        Measure(name="shown quiet", value=sum(each in seen.quiet for each in alerts), unit="alerts", n=len(alerts)),
        Measure(name="files of tests that hold", value=seen.held, unit="files", n=len(found.tests)),
    )


def _sentence(found: Found, seen: Shown, findings: list[Finding], coverage: Coverage) -> str:
    alerts = found.alerts
    fires, quiet = sum(each in seen.fires for each in alerts), sum(each in seen.quiet for each in alerts)
    lost = [each.name for each in coverage.missing if not each.reason]
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return (
        f"{len(alerts)} alerts, {fires} shown firing and {quiet} shown quiet by {seen.held} files of tests that hold; "
        f"{len(findings)} findings." + (f" Not examined: {lost[0].rstrip('.')}{more}." if lost else "")
    )


def _finding(context: Context, rule: str, text: str, file: str, line: int | None, key: tuple[str, ...]) -> Finding:
    where = Location(path=shown(file), line=line)
    return finding(context.check, rule, text, key=(file, *key), severity=Severity.HIGH, location=where)
