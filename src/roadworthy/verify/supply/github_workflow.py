"""GitHub workflows and actions: permissions, input of strangers in scripts, checkout of their code, what is not pinned.

After OpenSSF Scorecard (Token-Permissions, Dangerous-Workflow, Pinned-Dependencies) and GitHub's page on script
injections; `env:` that carries a stranger's input into `${{ env.X }}` of a script is followed one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from roadworthy.verify.supply.fault import Fault
from roadworthy.verify.supply.image import unpinned_image
from roadworthy.verify.supply.yaml_node import Text, Tree, line_of, texts

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_EVENT = re.compile(r"\bgithub\s*(?:\.\s*event\b|\[\s*'event'\s*\])([\w.\[\]'* -]*)", re.IGNORECASE)
_BRANCH = re.compile(r"\bgithub\s*(?:\.\s*head_ref\b|\[\s*'head_ref'\s*\])", re.IGNORECASE)
_WHOLE = re.compile(r"\btojson\s*\(\s*github\s*\)", re.IGNORECASE)
_ENV = re.compile(r"\benv\s*\.\s*(\w+)")
_HARMLESS = frozenset((
    "number", "id", "node_id", "sha", "before", "after", "action", "merged", "draft", "created_at", "updated_at",
    "run_id", "run_number", "conclusion", "merge_commit_sha", "fork", "private", "state", "type", "run_attempt",
    "event_name", "author_association", "forced", "deleted", "created",
))  # fmt: skip
"""Last words of paths whose values strangers cannot choose freely."""
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_TRUSTED_BUT_FOREIGN = ("pull_request_target", "workflow_run", "issue_comment")
"""Events that run with the rights of the repository on the occasion of a stranger."""
_THEIR_CODE = re.compile(
    r"github\s*\.\s*event\s*\.\s*(pull_request\s*\.\s*head|workflow_run\s*\.\s*head)|github\s*\.\s*head_ref|refs/pull/",
    re.IGNORECASE,
)
_FETCHES = re.compile(r"\bgh\s+pr\s+checkout\b|\bgit\s+(?:fetch|pull)\b[^\n]*\b(?:refs/)?pull/", re.IGNORECASE)


def is_workflow(name: str) -> bool:
    """Whether a file of this name is a workflow or an action of GitHub."""
    path = PurePosixPath(name)
    below = path.parts[:2] == (".github", "workflows") and len(path.parts) == 3 and path.suffix in {".yml", ".yaml"}
    return below or path.name in {"action.yml", "action.yaml"}


def faults(name: str, document: Any) -> Iterator[Fault]:
    """What is wrong in a workflow or an action.

    Args:
        name: Of the file.
        document: As `yaml_node.parsed` gives it.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(document, Tree):
        raise ValueError("it is no mapping")
    if isinstance(document.get("runs"), Tree):
        yield from _steps(name, document["runs"].get("steps"), "action", _tainted(document, set()), foreign=False)
        return
    jobs = document.get("jobs")
    if not isinstance(jobs, Tree):
        raise ValueError("it has no jobs")
    events = set(_events(document.get("on")))
    yield from _permissions(name, document, jobs)
    tainted = _tainted(document, set())
    for job_name, job in jobs.items():
        if isinstance(job, Tree):
            yield from _job(name, job_name, job, tainted, foreign=bool(events & set(_TRUSTED_BUT_FOREIGN)))


def _events(on: Any) -> Iterable[str]:
    if isinstance(on, Text):
        return [str(on)]
    return [str(each) for each in on] if isinstance(on, list | Tree) else []


def _permissions(name: str, document: Tree, jobs: Tree) -> Iterator[Fault]:
    top = document.get("permissions")
    if top is None:
        without = [
            job_name for job_name, job in jobs.items() if isinstance(job, Tree) and job.get("permissions") is None
        ]
        if without:
            said = f"No permissions are stated for {_word(without[0])}; the default may be to write everything."
            yield Fault("permissions", said, name, line_of(document), "none")
    yield from _wide(name, top, "the workflow", everything=True)
    for job_name, job in jobs.items():
        if isinstance(job, Tree):
            yield from _wide(name, job.get("permissions"), f"job {_word(job_name)}", everything=False)


def _wide(name: str, granted: Any, whose: str, *, everything: bool) -> Iterator[Fault]:
    """`write-all` is too wide anywhere; a single right to write only where all jobs get it."""
    if isinstance(granted, Text) and str(granted) == "write-all":
        yield Fault("permissions", f"{whose} may write everything.", name, line_of(granted), f"{whose} all", grave=True)
    elif isinstance(granted, Tree) and everything:
        for scope, right in granted.items():
            if str(right) == "write":
                said = f"Every job may write {_word(scope)}; grant it to the job that needs it."
                yield Fault("permissions", said, name, line_of(right), f"{whose} {scope}")


def _job(name: str, job_name: str, job: Tree, above: set[str], *, foreign: bool) -> Iterator[Fault]:
    where = f"job {_word(job_name)}"
    tainted = _tainted(job, above)
    uses = job.get("uses")
    if isinstance(uses, Text):
        yield from _pinned(name, uses, where)
    containers = [job.get("container"), *(_values(job.get("services")))]
    for container in containers:
        image = container.get("image") if isinstance(container, Tree) else container
        if isinstance(image, Text) and (why := unpinned_image(image)):
            yield Fault("image", f"{where}: {why}", name, line_of(image), f"{where} {image}")
    yield from _steps(name, job.get("steps"), where, tainted, foreign=foreign)


def _values(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Tree) else []


def _steps(name: str, steps: Any, where: str, above: set[str], *, foreign: bool) -> Iterator[Fault]:
    for step in steps if isinstance(steps, list) else []:
        if not isinstance(step, Tree):
            continue
        tainted = _tainted(step, above)
        uses, given = step.get("uses"), step.get("with")
        if isinstance(uses, Text):
            yield from _pinned(name, uses, where)
        scripts = [step.get("run")]
        if isinstance(uses, Text) and uses.startswith("actions/github-script") and isinstance(given, Tree):
            scripts.append(given.get("script"))
        for script in scripts:
            if isinstance(script, Text):
                yield from _script(name, script, where, tainted, foreign=foreign)
        checkout = foreign and isinstance(uses, Text) and uses.startswith("actions/checkout")
        if checkout and any(_THEIR_CODE.search(text) for text in texts(given)):
            said = f"{where} checks out a stranger's code with the rights of the repository."
            yield Fault("foreign_checkout", said, name, line_of(uses), where, grave=True)


def _script(name: str, script: Text, where: str, tainted: set[str], *, foreign: bool) -> Iterator[Fault]:
    for match in _EXPRESSION.finditer(script):
        source = _untrusted(match[1], tainted)
        if source:
            line = (line_of(script) or 1) + script.count("\n", 0, match.start())
            said = f"{where}: {source} goes into a script as it is; hand it over in `env` and quote the variable."
            yield Fault("untrusted_input", said, name, line, f"{where} {source}", grave=True)
    if foreign and (found := _FETCHES.search(script)):
        line = (line_of(script) or 1) + script.count("\n", 0, found.start())
        said = f"{where} fetches a stranger's code with the rights of the repository."
        yield Fault("foreign_checkout", said, name, line, where, grave=True)


def _untrusted(expression: str, tainted: set[str]) -> str:
    """The name of what a stranger can choose in an expression; empty when there is nothing."""
    if _BRANCH.search(expression):
        return "github.head_ref"
    if _WHOLE.search(expression):
        return "toJSON(github)"
    for match in _EVENT.finditer(expression):
        words = re.findall(r"\w+", match[1])
        if not words or words[-1].lower() not in _HARMLESS:
            return ".".join(("github.event", *words))[:80]
    for match in _ENV.finditer(expression):
        if match[1] in tainted:
            return f"env.{match[1]}"
    return ""


def _tainted(holder: Tree, above: set[str]) -> set[str]:
    """Names of variables that carry what a stranger chose, here and above."""
    env = holder.get("env")
    found = set(above)
    for key, value in env.items() if isinstance(env, Tree) else []:
        inside = [match[1] for match in _EXPRESSION.finditer(value)] if isinstance(value, Text) else []
        found.discard(key)
        if any(_untrusted(expression, above) for expression in inside):
            found.add(key)
    return found


def _pinned(name: str, uses: Text, where: str) -> Iterator[Fault]:
    said = str(uses)
    if said.startswith(("./", "../")):
        return
    if said.startswith("docker://"):
        why = unpinned_image(said.removeprefix("docker://"))
        if why:
            yield Fault("image", f"{where}: {why}", name, line_of(uses), f"{where} {said}")
    elif not _COMMIT.search(said.rpartition("@")[2] if "@" in said else ""):
        message = f"{where}: the action {_word(said)} is not pinned by the hash of a commit."
        yield Fault("action", message, name, line_of(uses), f"{where} {said}")


def _word(text: str) -> str:
    """A name for a message: short, and of one line."""
    return re.sub(r"[^\w./@:-]", "?", str(text))[:80]
