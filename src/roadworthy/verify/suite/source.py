"""Which files of the subject hold tests: counted from the tree by their text, not from what a runner says."""

from __future__ import annotations

import ast
import fnmatch
import os
from collections.abc import Iterable
from typing import NamedTuple

from roadworthy.verify.tree import Node

PATTERNS = ("test_*.py", "*_test.py")
"""Names of test files, as pytest has them where nobody says otherwise."""
MOST_BYTES = 8 * 1024 * 1024


class TestFile(NamedTuple):
    """A file that holds tests, or may.

    Attributes:
        name: Relative to the root.
        functions: Test functions and methods in it; None when it does not parse.
    """

    name: str
    functions: int | None


def test_files(nodes: Iterable[Node]) -> list[TestFile]:
    """Files whose name says tests and whose text holds a test, does not parse, or is too large to say."""
    found = []
    for node in nodes:
        if node.kind != "file" or not any(fnmatch.fnmatch(os.path.basename(node.name), each) for each in PATTERNS):
            continue
        functions = _functions(node)
        if functions != 0:
            found.append(TestFile(node.name, functions))
    return found


test_files.__test__ = False  # type: ignore[attr-defined]  # no test for pytest


def _functions(node: Node) -> int | None:
    if node.size > MOST_BYTES:
        return None
    try:
        tree = ast.parse(node.path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return sum(
        isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test")
        for each in ast.walk(tree)
    )
