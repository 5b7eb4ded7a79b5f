"""What the default suite leaves out is the same in every place that names it, and is said at its end."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

APART = ("slow", "browser", "prometheus", "long", "live")


def test_each_kind_that_is_apart_has_a_target_and_is_explained(root: Path) -> None:
    options = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert [line.split(":")[0] for line in options["markers"]] == list(APART)
    chosen = re.search(r"-m '([^']+)'", options["addopts"])
    assert chosen is not None
    assert chosen[1] == "not long and not slow and not browser and not prometheus"
    accepted = yaml.safe_load((root / "readiness.yaml").read_text())["probes"]["QUA-01"]["selection"]
    assert list(accepted) == [f"-m {chosen[1]}"]
    targets = (root / "Makefile").read_text()
    pages = (root / "README.md").read_text() + (root / "CONTRIBUTING.md").read_text()
    for name in APART:
        recipe = re.search(rf"^{name}:.*\n\t(.*)$", targets, re.MULTILINE)
        assert recipe is not None, name
        assert re.search(rf"-m .*{name}", recipe[1]), name
        assert f"make {name}" in pages, name
    assert "make slow" in (root / ".ci" / "run").read_text()


def test_what_was_left_out_is_counted(root: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", "tests/chaos/test_stop.py"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    written = re.findall(r"^def test_", (root / "tests/chaos/test_stop.py").read_text(), re.MULTILINE)
    assert f"{len(written)} slow tests not selected (`make slow` runs them)." in done.stdout, done.stdout + done.stderr
    assert "0 long tests not selected (`make long` runs them)." in done.stdout
