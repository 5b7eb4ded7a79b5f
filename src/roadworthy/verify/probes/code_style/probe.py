"""QUA-05: ruff finds nothing, would format nothing, and looked at every Python file; the type checker agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    finding,
    judged,
    not_applicable,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown

SUFFIXES = (".py", ".pyi")


def probe(context: Context) -> Outcome:
    """Lint, format and types of the subject's Python files."""
    existing = {node.name for node in context.files() if node.kind == "file" and node.name.endswith(SUFFIXES)}
    if not existing:
        context.evidence.write_json({"python_files": 0}, "files of the subject")
        return not_applicable("There is no Python here.", predicate="the subject holds a Python file", detail="0 files")
    examined = _examined(context)
    findings = _findings(context, "check") + _findings(context, "format", "--check") + _types(context)
    coverage = _coverage(context, existing, examined)
    return judged(
        f"{len(findings)} findings in {coverage.examined} Python files.", coverage=coverage, findings=findings
    )


def _examined(context: Context) -> set[str]:
    ran = context.run(["ruff", "check", "--show-files", "--no-cache", "."], label="files that ruff looks at")
    if ran.exit_code != 0:
        raise NotMeasured("ruff could not list its files; its configuration may be wrong.")
    names = (_relative(context.root, line) for line in ran.stdout.decode("utf-8", "surrogateescape").splitlines())
    return {name for name in names if name.endswith(SUFFIXES)}


def _coverage(context: Context, existing: set[str], examined: set[str]) -> Coverage:
    reasons = context.settings["unchecked"]
    missing = [
        Missing(name=shown(name), reason=next((str(why) for place, why in reasons.items() if _below(name, place)), ""))
        for name in sorted(existing - examined)
    ]
    return Coverage(
        examined=len(existing & examined),
        existing=len(existing),
        how_counted="Existing: Python files of a walk of the tree. Examined: `ruff check --show-files`.",
        missing=tuple(missing),
    )


def _findings(context: Context, *command: str) -> list[Finding]:
    ran = context.run(["ruff", *command, "--no-cache", "--output-format", "json", "."], label=f"ruff {command[0]}")
    try:
        rows = msgspec.json.decode(ran.stdout, type=list[dict[str, Any]])
    except msgspec.DecodeError:
        raise NotMeasured(f"ruff {command[0]} did not come to an end; its configuration may be wrong.") from None
    if ran.exit_code not in (0, 1, 2) or bool(rows) != (ran.exit_code != 0):
        raise NotMeasured(f"The exit code of ruff {command[0]} and its list of findings contradict each other.")
    return [_of_row(context, row) for row in rows]


def _of_row(context: Context, row: dict[str, Any]) -> Finding:
    name = _relative(context.root, str(row["filename"]))
    line = (row.get("location") or {}).get("row")
    code = str(row.get("code") or "invalid-syntax")
    message = str(row.get("message", ""))
    return finding(
        context.check, f"ruff.{code}", shown(message)[:300], key=(name, message), severity=Severity.LOW,
        location=Location(path=shown(name), line=line if isinstance(line, int) else None),
    )  # fmt: skip


def _types(context: Context) -> list[Finding]:
    command = [str(word) for word in context.settings["types"]]
    if not command:
        return []
    ran = context.run(command, label="type checker", of_subject=True)
    if ran.exit_code == 0:
        return []
    if ran.exit_code != 1:
        raise NotMeasured(f"The type checker ended with exit code {ran.exit_code}.")
    last = (ran.stdout.decode("utf-8", "replace").strip().splitlines() or ["It failed."])[-1]
    return [finding(context.check, "types", shown(last)[:300], key=(last,), severity=Severity.LOW)]


def _relative(root: Path, name: str) -> str:
    path = Path(name)
    return str(path.relative_to(root)) if path.is_absolute() and path.is_relative_to(root) else name.removeprefix("./")


def _below(name: str, place: str) -> bool:
    return name == place or name.startswith(place.rstrip("/") + "/")
