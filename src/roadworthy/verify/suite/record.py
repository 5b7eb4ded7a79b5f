"""What became of a test suite: read from what the plug-in wrote, or from a JUnit file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.verify.outcome import Record

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"
XFAILED, XPASSED, NOT_RUN, DESELECTED, REMOVED = "xfailed", "xpassed", "not run", "deselected", "removed"
_SKIPS = {"", "Skipped", "XFailed", "SkipTest", "_ShouldStop", "Exit"}
MOST_BYTES = 512 * 1024 * 1024


class Test(Record, frozen=True):
    """One test.

    Attributes:
        id: As the runner names it.
        state: passed, failed, error, skipped, xfailed, xpassed, not run, deselected, or removed: collected, and then
            neither run nor told to be deselected.
        reason: What was said of it.
        contradicted: The test's code raised, and its report says that it passed.
    """

    __test__ = False  # no test class for pytest
    id: str
    state: str
    reason: str = ""
    contradicted: bool = False

    @property
    def file(self) -> str:
        """Its file."""
        return self.id.split("::")[0]


class Broken(Record, frozen=True):
    """A file that could not be collected, or skipped itself.

    Attributes:
        id: As the runner names it.
        outcome: `failed` or `skipped`.
        reason: What was said.
    """

    id: str
    outcome: str
    reason: str


class Suite(Record, frozen=True):
    """A test run that came to its end.

    Attributes:
        runner: Name and version.
        exit_code: Of its process.
        options: Those that leave tests out, with their values.
        addopts: Options that the project's own configuration adds.
        tests: All that were collected.
        broken: Files with trouble.
        seconds: How long it took.
    """

    runner: str
    exit_code: int
    tests: tuple[Test, ...]
    broken: tuple[Broken, ...] = ()
    options: dict[str, str] = msgspec.field(default_factory=dict)
    addopts: str = ""
    seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """Tests per state."""
        return dict(Counter(each.state for each in self.tests))

    def per_file(self) -> dict[str, int]:
        """Tests collected per file, sorted by name."""
        return dict(sorted(Counter(each.file for each in self.tests).items()))


def read(folder: Path, exit_code: int, seconds: float) -> Suite | None:
    """What the plug-in wrote.

    Args:
        folder: With its files.
        exit_code: Of pytest.
        seconds: How long it took.

    Returns:
        None when the run broke off before its end, or the files hold something else.
    """
    main: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    files = sorted(folder.glob("*.jsonl"))
    if not files or sum(each.stat().st_size for each in files) > MOST_BYTES:
        return None
    try:
        for file in files:
            lines = [msgspec.json.decode(line, type=dict[str, Any]) for line in file.read_bytes().splitlines()]
            (main if file.name.startswith("main-") else others).extend(lines)
    except msgspec.DecodeError:
        return None
    starts = [each for each in main if each["kind"] == "start"]
    if len(starts) != 1 or not any(each["kind"] == "end" for each in main):
        return None
    collection = others or main  # with xdist the workers collect, and the main process gets the reports
    return Suite(
        runner=f"pytest {starts[0]['pytest']}",
        exit_code=exit_code,
        options=starts[0]["options"],
        addopts=starts[0]["addopts"],
        tests=_tests(collection, main),
        broken=tuple(dict.fromkeys(Broken(id=each["id"], outcome=each["outcome"], reason=_plain(each["reason"]))
                     for each in collection if each["kind"] == "collection")),
        seconds=round(seconds, 3),
    )  # fmt: skip


def _tests(collection: Iterable[Mapping[str, Any]], main: Iterable[Mapping[str, Any]]) -> tuple[Test, ...]:
    by_kind: dict[str, dict[str, Mapping[str, Any]]] = {"collected": {}, "deselected": {}, "chosen": {}, "raised": {}}
    for event in (*collection, *main):
        if event["kind"] in by_kind:
            by_kind[event["kind"]][event["id"]] = event
    reports: dict[str, list[Mapping[str, Any]]] = {}
    for event in main:
        if event["kind"] == "report":
            reports.setdefault(event["id"], []).append(event)
    tests = []
    for id in dict.fromkeys((*by_kind["collected"], *by_kind["chosen"], *reports)):
        if id in reports:
            state, reason = _state(reports[id])
            raised = by_kind["raised"].get(id)
            lied = state == PASSED and raised is not None and raised["type"] not in _SKIPS
            tests.append(Test(id=id, state=state, reason=reason, contradicted=lied))
        elif id in by_kind["deselected"]:
            tests.append(Test(id=id, state=DESELECTED))
        else:
            tests.append(Test(id=id, state=NOT_RUN if id in by_kind["chosen"] else REMOVED))
    return tuple(tests)


def _state(reports: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """The worst that its phases say; with reruns the last report of each phase counts."""
    last = {each["when"]: each for each in reports}
    for when in ("setup", "call", "teardown"):
        report = last.get(when)
        if report is None:
            continue
        if report["outcome"] == "failed":
            return (FAILED if when == "call" else ERROR), str(report["reason"])
        if report["outcome"] == "skipped":
            expected = report["xfail"] is not None
            return (XFAILED if expected else SKIPPED), str(report["xfail"]) if expected else _plain(report["reason"])
    call = last.get("call")
    if call is None or call["outcome"] != "passed":
        return NOT_RUN, ""
    return (PASSED, "") if call["xfail"] is None else (XPASSED, str(call["xfail"]))


def _plain(reason: object) -> str:
    return re.sub(r"^Skipped: ", "", str(reason))
