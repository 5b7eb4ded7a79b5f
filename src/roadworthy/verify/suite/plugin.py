"""A pytest plug-in that writes down what pytest collected and what became of each test.

It is copied into a folder of its own and loaded by `-p` in the subject's interpreter, where nothing of ours is
installed: it needs the standard library and pytest alone. Each process of pytest writes one file of JSON lines.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

FOLDER = "SUITE_RECORDER_FOLDER"
"""Environment variable with the folder for the files."""
NARROWING = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "collectonly", "maxfail")
"""Options of pytest that leave tests out."""


class Recorder:
    """Writes one line for each thing that happens.

    Args:
        config: Of pytest.
    """

    def __init__(self, config: pytest.Config) -> None:
        worker = getattr(config, "workerinput", {}).get("workerid", "main")
        name = os.path.join(os.environ[FOLDER], f"{worker}-{os.getpid()}.jsonl")
        self._file = open(name, "a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115  closed at the end
        self._raised: set[str] = set()
        option = config.option
        self._tell(
            "start",
            worker=worker,
            pytest=pytest.__version__,
            options={each: str(value) for each in NARROWING if (value := getattr(option, each, None))},
            addopts=" ".join(map(str, config.getini("addopts"))),
        )

    def _tell(self, kind: str, **values: Any) -> None:
        self._file.write(json.dumps({"kind": kind, **values}) + "\n")
        self._file.flush()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Before anything is deselected."""
        self._tell("collected", id=item.nodeid)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """By an option or a conftest.py that says so."""
        for item in items:
            self._tell("deselected", id=item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that does not import or parse, or skips itself."""
        if report.outcome != "passed":
            self._tell("collection", id=report.nodeid, outcome=report.outcome, reason=_reason(report))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is left to run."""
        for item in session.items:
            self._tell("chosen", id=item.nodeid)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        """Whether the test's own code raised, whatever a report says of it later."""
        outcome = yield
        excinfo = outcome.excinfo
        if excinfo is not None or item.nodeid in self._raised:  # the second when a plug-in runs it again
            self._raised.add(item.nodeid)
            self._tell("raised", id=item.nodeid, type=excinfo[0].__name__ if excinfo is not None else "")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        self._tell(
            "report",
            id=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            xfail=getattr(report, "wasxfail", None),
            reason=_reason(report) if report.outcome != "passed" else "",
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """The end; a file without it is of a run that broke off."""
        self._tell("end", exit_status=int(exitstatus))
        self._file.flush()


def _reason(report: Any) -> str:
    told = report.longrepr
    if isinstance(told, tuple) and len(told) == 3:
        return str(told[2])
    lines = [line for line in str(told or "").splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith("E ")]
    return (wrong or lines or [""])[-1].removeprefix("E").strip()[:500]


def pytest_configure(config: pytest.Config) -> None:
    """Register the recorder."""
    config.pluginmanager.register(Recorder(config), "roadworthy-recorder")
