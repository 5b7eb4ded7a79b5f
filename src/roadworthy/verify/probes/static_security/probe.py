"""SEC-04: bandit, where it is installed, and a few rules of our own, over every Python file."""

from __future__ import annotations

from typing import Any

import msgspec

from roadworthy.verify.danger import dangers
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    Status,
    finding,
    judged,
    not_applicable,
    not_measured,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.suite.judge import excuse
from roadworthy.verify.tree import Node, shown

MOST_BYTES = 8 * 1024 * 1024
_SEVERITY = {"HIGH": Severity.HIGH, "MEDIUM": Severity.NOTE, "LOW": Severity.NOTE}
BATCH = 400
"""Files that one run of bandit is given."""


def probe(context: Context) -> Outcome:
    """Look at the source; nothing of it is run."""
    nodes = [node for node in context.files() if node.kind == "file" and node.name.endswith(".py")]
    if not nodes:
        context.evidence.write_json({"python_files": 0}, "files of the subject")
        return not_applicable("There is no Python here.", predicate="the subject holds a Python file", detail="0 files")
    left = {node.name: excuse(node.name, context.settings["unread"]) for node in nodes}
    wanted = [node for node in nodes if not left[node.name]]
    findings, unread = _own(context, wanted)
    context.evidence.write_json([msgspec.to_builtins(each) for each in findings], "findings of our own rules")
    try:
        others, examined = _bandit(context, wanted)
    except NotMeasured as reason:
        if not findings:
            return not_measured(f"{reason} Our own few rules found nothing.")
        others, examined = [], {node.name for node in wanted} - unread
    done = examined - unread
    missing = [Missing(name=shown(name), reason=why) for name, why in left.items() if name not in done]
    coverage = Coverage(
        examined=len(done), existing=len(nodes), missing=tuple(missing),
        how_counted="Existing: Python files of a walk of the tree. Examined: those that bandit counts lines of.",
    )  # fmt: skip
    found = [*findings, *others]
    grave = sum(each.severity is not Severity.NOTE for each in found)
    outcome = judged(f"{grave} grave and {len(found) - grave} lesser findings in {len(done)} files.",
                     coverage=coverage, findings=found)  # fmt: skip
    assert outcome.status is not Status.PASS or not grave
    return outcome


def _own(context: Context, nodes: list[Node]) -> tuple[list[Finding], set[str]]:
    found: list[Finding] = []
    unread: set[str] = set()
    for node in nodes:
        try:
            if node.size > MOST_BYTES:
                raise ValueError
            lines = list(dangers(node.path.read_bytes()))
        except (OSError, SyntaxError, ValueError, RecursionError):
            unread.add(node.name)
            continue
        found += [
            _one(context, each.rule, node.name, each.line, f"{each.text}", Severity.HIGH, number)
            for number, each in enumerate(lines)
        ]
    return found, unread


def _bandit(context: Context, nodes: list[Node]) -> tuple[list[Finding], set[str]]:
    found: list[Finding] = []
    examined: set[str] = set()
    names = [f"./{node.name}" for node in nodes]
    for start in range(0, len(names), BATCH):
        argv = ["bandit", "-f", "json", "-q", "--ignore-nosec", *names[start : start + BATCH]]
        ran = context.run(argv, label="bandit")
        try:
            told = msgspec.json.decode(ran.stdout, type=dict[str, Any])
            rows, counted = list(told["results"]), set(told["metrics"]) - {"_totals"}
            failed = {str(each["filename"]) for each in told["errors"]}
        except (msgspec.DecodeError, KeyError, TypeError):
            raise NotMeasured(f"bandit ended with exit code {ran.exit_code} and no list of findings.") from None
        if ran.exit_code not in (0, 1) or bool(rows) != (ran.exit_code == 1):
            raise NotMeasured("The exit code of bandit and its list of findings contradict each other.")
        examined |= {name.removeprefix("./") for name in counted - failed}
        found += [_of_row(context, row, number) for number, row in enumerate(rows)]
    return found, examined


def _of_row(context: Context, row: dict[str, Any], number: int) -> Finding:
    name = str(row["filename"]).removeprefix("./")
    severity = _SEVERITY.get(str(row["issue_severity"]), Severity.HIGH)
    return _one(
        context,
        f"bandit.{row['test_id']}",
        name,
        int(row["line_number"]),
        str(row["issue_text"])[:200],
        severity,
        number,
    )


def _one(
    context: Context, rule: str, name: str, line: int, text: str, severity: Severity, number: int
) -> Finding:  # fmt: skip
    return finding(
        context.check, rule, shown(text), key=(name, str(number)), severity=severity,
        location=Location(path=shown(name), line=line),
    )  # fmt: skip
