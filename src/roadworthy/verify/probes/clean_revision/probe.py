"""SUP-09: what is verified exists as a commit of a release branch, and nothing else lies about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roadworthy.verify.outcome import Coverage, Finding, Location, NotMeasured, Outcome, finding, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.revision import Revision, revision
from roadworthy.verify.tree import LEFT_OUT, shown

_SHOWN = 200
_SAID = {
    "hidden": "Git was told not to see its changes.",
    "unseen": "It is committed in a folder with the name of one of a tool's, which no check looks into.",
}


def probe(context: Context) -> Outcome:
    """Ask git about the work tree."""
    if not (context.root / ".git").exists():
        raise NotMeasured("The subject is no git repository, so nobody can say which revision it is.")
    branches = [str(name) for name in context.settings["branches"]]

    def git(words: Sequence[str], env: Mapping[str, str]) -> tuple[int, bytes]:
        ran = context.run(["git", *words], label=f"git {words[-1]}", env=env)
        return ran.exit_code, ran.stdout

    try:
        found = revision(context.root, branches, git)
    except ValueError as problem:
        raise NotMeasured(f"The repository cannot be read: {problem}.") from None
    findings = _findings(context, found, branches)
    context.evidence.write_json(
        {"commit": found.commit, "branch": found.branch, "released": found.released, "tracked": found.tracked,
         "changes": len(found.changes), "hidden": len(found.hidden)},
        "state of the work tree",
        covers=[found.commit or ""],
    )  # fmt: skip
    at = f"HEAD is {found.commit[:12]}" if found.commit else "There is no commit"
    return judged(
        f"{at}; {len(findings)} findings, {found.tracked} files tracked.",
        coverage=Coverage(examined=3, existing=3, how_counted="Asked of git: work tree, hidden changes, branch."),
        findings=findings,
    )


def _findings(context: Context, found: Revision, branches: Sequence[str]) -> list[Finding]:
    own = [path.relative_to(context.root).as_posix() for path in context.apart if path.is_relative_to(context.root)]
    changes = [(kind, name) for kind, name in found.changes if not _below(name, (*own, ".roadworthy"))]
    findings = []
    if found.commit is None:
        findings.append(finding(context.check, "no_history", "Nothing was ever committed.", key=("history",)))
    elif found.released is None:
        said = f"HEAD is not in the history of {' or '.join(branches) or 'any branch: none is named'}."
        findings.append(finding(context.check, "branch", shown(said), key=(found.commit,)))
    unseen = [name for name in found.names if set(name.split("/")[:-1]) & set(LEFT_OUT)]
    rows = [*changes, *(("hidden", name) for name in found.hidden), *(("unseen", name) for name in unseen)]
    for kind, name in rows[:_SHOWN]:
        said = _SAID.get(kind, f"It is {kind}: no revision holds it so.")
        findings.append(finding(context.check, kind, said, key=(name,), location=Location(path=shown(name))))
    if len(rows) > _SHOWN:
        findings.append(finding(context.check, "more", f"{len(rows) - _SHOWN} more files.", key=("more",)))
    return findings


def _below(name: str, places: Sequence[str]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)
