"""Budgets: a file holds one idea, a function fits on a screen. Complexity is bounded by ruff (C901)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 60
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "engine", "misc", "base"}


def test_files_are_at_most_500_lines(repository_files: list[Path], root: Path) -> None:
    long = {
        str(path.relative_to(root)): lines
        for path in repository_files
        if path.suffix == ".py" and (lines := len(path.read_text().splitlines())) > FILE_LINES
    }
    assert not long, long


def test_functions_are_at_most_60_lines(budgeted_trees: dict[Path, ast.Module], root: Path) -> None:
    long = {
        f"{path.relative_to(root)}:{node.lineno} {node.name}": lines
        for path, tree in budgeted_trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert not long, long


def test_no_module_has_a_name_that_says_nothing(budgeted_trees: dict[Path, ast.Module], root: Path) -> None:
    vague = [
        str(path.relative_to(root))
        for path in budgeted_trees
        if not FORBIDDEN_NAMES.isdisjoint([path.stem, *path.stem.split("_"), path.parent.name])
    ]
    assert not vague, vague


def test_complexity_is_never_waived(budgeted_trees: dict[Path, ast.Module], root: Path) -> None:
    waived = [
        f"{path.relative_to(root)}:{number}"
        for path in budgeted_trees
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"noqa:.*\bC901\b|noqa\s*$", line)
    ]
    assert not waived, waived


def test_nothing_is_left_for_later(repository_files: list[Path], root: Path) -> None:
    later = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
    found = [
        f"{path.relative_to(root)}:{number}"
        for path in repository_files
        if path.suffix in {".py", ".sh", ".md", ".toml"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if later.search(line)
    ]
    assert not found, found
