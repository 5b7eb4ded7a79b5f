"""What the contracts look at: the repository's files, as git tracks them or as they lie in an unpacked archive."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {".venv", ".git", "__pycache__", "build", "dist", "node_modules", ".roadworthy"}


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def repository_files() -> list[Path]:
    """Every file that is, or is about to be, part of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
        return [path for path in paths if path.is_file()]
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and LEFT_OUT.isdisjoint(part for part in path.relative_to(ROOT).parts)
        and not any(part.endswith("_cache") for part in path.parts)
    ]


@pytest.fixture(scope="session")
def source_trees(source_files: list[Path]) -> dict[Path, ast.Module]:
    """What each of them says, parsed once for all tests of a process."""
    return {path: ast.parse(path.read_text()) for path in source_files}


@pytest.fixture(scope="session")
def source_files() -> list[Path]:
    """Every Python file of the product."""
    return sorted((ROOT / "src" / "roadworthy").rglob("*.py"))


@pytest.fixture(scope="session")
def budgeted_trees(source_trees: dict[Path, ast.Module]) -> dict[Path, ast.Module]:
    """The same with the applications that live beside the product, which keep its budgets."""
    applications = sorted((ROOT / "apps").glob("*/src/**/*.py"))
    return {**source_trees, **{path: ast.parse(path.read_text()) for path in applications}}
