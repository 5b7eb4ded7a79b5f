"""Broad excepts stand only at the doors where a bug must become an honest answer instead of a dead process.

A handler whose last statement is a bare `raise` is no door: it cleans up (rolls back, closes) and lets the error pass.
"""

from __future__ import annotations

import ast
from pathlib import Path

# door: the functions that may catch everything. At most four doors, see docs/adr/0001-rooms.md. The HTTP handler's has
# two more leaves: what a provider says, and what timers and lost connections tell, arrive after the handler returned.
# The console's pages are its answers; they are drawn, and those of applications loaded, where no HTTP handler stands.
DOORS: dict[str, tuple[str, ...]] = {
    "the HTTP handler": (
        "gateway/edge/server.py:Server.handle",
        "gateway/edge/upstream.py:UpstreamConnection.data_received",
        "gateway/edge/upstream.py:door",
        "console/frame.py:drawn",
        "console/page.py:_loaded",
    ),
    "the command": ("cli/main.py:run",),
    "the probe runner": ("verify/child.py:_outcome",),
    "a background task": (
        "gateway/ledger.py:Ledger._run",
        "gateway/cache/similar.py:SimilarQuestions._run",
        "runtime/jobs/run.py:DbosRun._tried",
        "serve/secret_keeper.py:SecretKeeper.run",
        "serve/application_host.py:_start",
    ),
}
LEAVES = [leaf for leaves in DOORS.values() for leaf in leaves]
BROAD = {"Exception", "BaseException"}


def test_at_most_four_doors() -> None:
    assert len(DOORS) <= 4


def test_broad_excepts_stand_only_at_doors(source_trees: dict[Path, ast.Module], root: Path) -> None:
    elsewhere: list[str] = []
    for path, tree in source_trees.items():
        name = str(path.relative_to(root / "src" / "roadworthy"))
        elsewhere += [
            f"{name}:{line} in {function}" for function, line in _broad(tree) if f"{name}:{function}" not in LEAVES
        ]
    assert not elsewhere, elsewhere


def test_every_door_exists_and_says_why(root: Path) -> None:
    for door in LEAVES:
        name, function = door.split(":")
        text = (root / "src" / "roadworthy" / name).read_text()
        tree = ast.parse(text)
        lines = [line for found, line in _broad(tree) if found == function]
        assert lines, f"{door} catches nothing broad any more: take it off the list"
        docstrings = [
            ast.get_docstring(node) or ""
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function.split(".")[-1]
        ]
        for line in lines:
            around = [part for part in text.splitlines()[line - 3 : line + 1] if "#" in part]
            assert any("door" in said for said in [*around, *docstrings]), f"{name}:{line} does not say it is a door"


def _broad(tree: ast.Module) -> list[tuple[str, int]]:
    """Every broad handler or suppress as (qualified function name, line)."""
    found: list[tuple[str, int]] = []

    def visit(node: ast.AST, where: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            where = f"{where}.{node.name}" if where else node.name
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _passes_on(node):
            found.append((where, node.lineno))
        if (
            isinstance(node, ast.Call)
            and "suppress" in _names(node.func)
            and BROAD & set().union(*(_names(argument) for argument in node.args))
        ):
            found.append((where, node.lineno))
        for child in ast.iter_child_nodes(node):
            visit(child, where)

    visit(tree, "")
    return found


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_names(handler.type) & BROAD)


def _passes_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    leaves = [node for node in ast.walk(handler) if isinstance(node, ast.Return | ast.Continue | ast.Break)]
    return isinstance(last, ast.Raise) and last.exc is None and not leaves


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    if isinstance(node, ast.Tuple):
        return set().union(*(_names(part) for part in node.elts))
    return set()
