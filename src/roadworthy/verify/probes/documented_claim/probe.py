"""GOV-01: ticks, scores and words like production-ready name evidence, and it says the same."""

from __future__ import annotations

import posixpath

from roadworthy.verify import claim, regular
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    Outcome,
    Severity,
    finding,
    judged,
    not_applicable,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.suite.judge import excuse
from roadworthy.verify.tree import Node, inside, shown

SUFFIXES = (".md", ".rst", ".txt", ".adoc")
NAMES = ("README", "CHANGELOG", "RELEASE")
MOST_BYTES = 4 * 1024 * 1024


def probe(context: Context) -> Outcome:
    """Read every page."""
    pages = [node for node in context.files() if node.kind == "file" and _is_page(node)]
    context.evidence.write_json([shown(node.name) for node in pages], "pages of documentation")
    if not pages:
        return not_applicable("There is no documentation.", predicate=f"a file ends in {SUFFIXES}", detail="0 files")
    findings: list[Finding] = []
    missing: list[Missing] = []
    number = 0
    for page in pages:
        why = excuse(page.name, context.settings["unread"])
        text = None if why else _text(page)
        if text is None:
            missing.append(Missing(name=shown(page.name), reason=why))
            continue
        found = list(claim.claims(text))
        number += len(found)
        findings += _faults(context, page, text, found)
    coverage = Coverage(
        examined=len(pages) - len(missing), existing=len(pages), missing=tuple(missing),
        how_counted=f"Existing: files of a walk of the tree ({', '.join((*SUFFIXES, *NAMES))}). Examined: read.",
    )  # fmt: skip
    return judged(f"{number} claims in {coverage.examined} pages.", coverage=coverage, findings=findings)


def _is_page(node: Node) -> bool:
    name = posixpath.basename(node.name)
    return name.endswith(SUFFIXES) or name.split(".")[0] in NAMES


def _text(page: Node) -> str | None:
    try:
        return page.path.read_bytes().decode("utf-8", "replace") if page.size <= MOST_BYTES else None
    except OSError:
        return None


def _faults(context: Context, page: Node, text: str, claims: list[claim.Claim]) -> list[Finding]:
    def evidence(name: str) -> bytes | None:
        if name.startswith("sha256:"):
            return _kept(context, name.removeprefix("sha256:"))
        path = inside(context.root, posixpath.join(posixpath.dirname(page.name), name))
        if "://" in name or path is None or not path.is_file() or path == page.path:
            return None
        return regular.read(path, MOST_BYTES)[:MOST_BYTES]

    found = []
    for each in claims:
        fault = claim.fault(each, evidence)
        if fault is not None:
            found.append(finding(
                context.check, each.kind, f"{shown(page.name)}: {fault.text}", key=(page.name, each.text),
                severity=Severity.MEDIUM, location=Location(path=shown(page.name), line=each.line),
                contradicts=fault.false,
            ))  # fmt: skip
    boxes = claim.open_boxes(text)
    if boxes:
        text, where = f"{shown(page.name)} says that it is ready, and has {boxes} open boxes.", shown(page.name)
        found.append(finding(
            context.check, "open_boxes", text, key=(page.name,), location=Location(path=where), contradicts=True
        ))  # fmt: skip
    return found


def _kept(context: Context, digest: str) -> bytes | None:
    if context.out is None:
        return None
    folder = context.out / "evidence"
    found = sorted(folder.glob(f"{digest}*"))
    return regular.read(found[0], MOST_BYTES)[:MOST_BYTES] if len(found) == 1 else None
