"""Types and style are part of the suite: mypy --strict on what runs, ruff and its format on everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_ruff_is_clean(root: Path) -> None:
    _run([sys.executable, "-m", "ruff", "check", "--quiet", "--output-format", "concise", "."], root)


def test_ruff_would_format_nothing(root: Path) -> None:
    _run([sys.executable, "-m", "ruff", "format", "--quiet", "--check", "."], root)


@pytest.mark.slow
def test_mypy_strict_is_clean(root: Path) -> None:
    applications = [str(folder) for folder in sorted((root / "apps").glob("*/src"))]
    _run([sys.executable, "-m", "mypy", "--no-error-summary", "src", "examples/application", *applications], root)


def _run(command: list[str], root: Path) -> None:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
