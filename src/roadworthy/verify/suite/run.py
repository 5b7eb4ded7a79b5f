"""Runs the subject's tests: pytest with our plug-in and, where it is installed, coverage.py; or another runner."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from roadworthy.verify import tool
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context
from roadworthy.verify.suite import junit, leftover, plugin, record
from roadworthy.verify.tree import Node, shown

PLUGIN = "_roadworthy_recorder"
OTHERS = {"package.json": "npm test", "go.mod": "go test", "Cargo.toml": "cargo test", "pom.xml": "mvn test"}
"""Files that say that a project has tests of another language, and what would run them."""


class Measured(NamedTuple):
    """What a run left behind.

    Attributes:
        suite: What became of the tests.
        coverage: What `coverage json` said; None when it did not run.
        why_no_coverage: Why not; empty when it ran.
    """

    suite: record.Suite
    coverage: bytes | None
    why_no_coverage: str


class SuiteBroke(Exception):
    """The suite did not come to its end: killed, crashed, or stopped before it said so.

    Args:
        why: One sentence.
    """


def interpreter(context: Context) -> str:
    """The Python that runs the subject's tests: the policy's, the subject's own environment, or ours."""
    named = context.settings["python"]
    if named:
        return str(context.root / str(named)) if "/" in str(named) else str(named)
    for folder in (".venv", "venv"):
        own = context.root / folder / "bin" / "python"
        if own.exists():
            return str(own)
    return sys.executable


def pytest_suite(context: Context) -> Measured:
    """Run pytest once over the subject.

    Raises:
        NotMeasured: pytest is not installed there.
        SuiteBroke: It was killed, crashed, or broke off.
    """
    python = interpreter(context)
    work = Path(tempfile.mkdtemp(dir=context.scratch, prefix="suite-"))
    events = work / "events"
    events.mkdir()
    shutil.copy(Path(plugin.__file__), work / f"{PLUGIN}.py")
    why = _why_no_coverage(context, python)
    env = {plugin.FOLDER: str(events), "PYTHONPATH": str(work), "PYTHONHASHSEED": "0",
           "COVERAGE_FILE": str(work / "coverage.db")}  # fmt: skip
    arguments = ["-p", PLUGIN, "-o", f"cache_dir={work / 'cache'}", "--continue-on-collection-errors", "-rN"]
    arguments += [str(each) for each in context.settings["arguments"]]
    before = [] if why else ["-m", "coverage", "run", "--branch", *_sources(context)]
    try:
        ran = _ran(context, [python, *before, "-m", "pytest", *arguments], env)
    finally:
        leftover.end(plugin.FOLDER, str(events))
    found = record.read(events, ran.exit_code, ran.ended - ran.started)
    if found is None:
        _tell_missing_pytest(ran)
        raise SuiteBroke(_broken(ran))
    if why:
        return Measured(found, None, why)
    json = work / "coverage.json"
    context.run([python, "-m", "coverage", "json", "-q", "-o", str(json)], label="coverage json", env=env,
                cwd=context.root, version_argv=(), of_subject=True)  # fmt: skip
    return Measured(found, json.read_bytes(), "") if json.is_file() else Measured(found, None, "coverage.py said none.")


def other_suite(context: Context, command: Sequence[str]) -> record.Suite:
    """Run another runner that the policy names, and read the JUnit file that it writes.

    Args:
        context: Of the probe.
        command: With `{junit}` where the name of the file goes.

    Raises:
        NotMeasured: It is not installed, or wrote no JUnit file that adds up.
        SuiteBroke: It was killed.
    """
    file = context.scratch / "junit.xml"
    if not any("{junit}" in word for word in command):
        raise NotMeasured("The policy's command does not say where the JUnit file goes: {junit} is missing in it.")
    ran = _ran(context, [word.replace("{junit}", str(file)) for word in command], {})
    if ran.exit_code < 0:
        raise SuiteBroke(_broken(ran))
    return junit.suite(file, Path(command[0]).name, ran.exit_code, ran.ended - ran.started)


def other_runner(nodes: Sequence[Node]) -> str:
    """What would run tests of another language here; empty when there is no sign of any."""
    return next((OTHERS[each.name] for each in nodes if each.name in OTHERS), "")


def _ran(context: Context, argv: Sequence[str], env: Mapping[str, str]) -> tool.Ran:
    limit = max(1.0, context.remaining_s() - 10.0)
    context.progress(f"tests run, at most {limit:.0f} s")
    started = time.monotonic()
    try:
        return context.run(
            argv, label="output of the tests", env=env, timeout_s=limit, version_argv=(), of_subject=True
        )
    except NotMeasured:
        if time.monotonic() - started < limit:
            raise
        raise SuiteBroke(f"The tests were killed after {limit:.0f} s.") from None


def _broken(ran: tool.Ran) -> str:
    if ran.exit_code < 0:
        return f"The tests' process was killed by signal {-ran.exit_code}."
    last = shown((ran.output.decode("utf-8", "replace").strip().splitlines() or [""])[-1])[:300]
    return f"The tests broke off with exit code {ran.exit_code}: {last}"


def _tell_missing_pytest(ran: tool.Ran) -> None:
    if b"No module named pytest" in ran.stderr or b"No module named 'pytest'" in ran.output:
        raise NotMeasured("pytest is not installed in the Python that runs the tests; name another by `python`.")


def _why_no_coverage(context: Context, python: str) -> str:
    if not context.settings["coverage"]:
        return "The policy turned it off."
    try:
        asked = subprocess.run(  # noqa: S603  the interpreter of the policy or the subject
            [python, "-c", "import coverage"], capture_output=True, timeout=30, check=False, cwd=context.scratch,
            env=tool.environ(context.scratch),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "The Python that runs the tests cannot be started."
    return "" if asked.returncode == 0 else "coverage.py is not installed in the Python that runs the tests."


def _sources(context: Context) -> list[str]:
    named = [str(each) for each in context.settings["sources"]]
    if not named:
        named = ["src"] if (context.root / "src").is_dir() else ["."]
    return [f"--source={','.join(named)}"]
