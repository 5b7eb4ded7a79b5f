"""Every public name says what it guarantees, and says it with its error codes where it raises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from roadworthy.core.errors import CODES

# Called by asyncio, httptools or click under names they fix and document.
CALLBACKS = {
    "connection_made",
    "connection_lost",
    "data_received",
    "eof_received",
    "pause_writing",
    "resume_writing",
    "on_message_begin",
    "on_url",
    "on_status",
    "on_header",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_chunk_header",
    "on_chunk_complete",
    "get_command",
    "list_commands",
    "format_help",
    "resolve_command",
}


def test_every_public_name_has_a_docstring(budgeted_trees: dict[Path, ast.Module], root: Path) -> None:
    gaps: list[str] = []
    for path, tree in budgeted_trees.items():
        if not tree.body and not path.read_text().strip():
            continue  # an empty __init__.py holds no name
        name = str(path.relative_to(root))
        if not ast.get_docstring(tree):
            gaps.append(f"{name}: module")
        gaps += [f"{name}:{line} {what}" for what, line in _undocumented(tree, "")]
    assert not gaps, "\n".join(gaps)


def test_docstrings_end_their_first_sentence(budgeted_trees: dict[Path, ast.Module], root: Path) -> None:
    open_ended = [
        f"{path.relative_to(root)}:{getattr(node, 'lineno', 1)}: {first!r}"
        for path, tree in budgeted_trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (doc := ast.get_docstring(node))
        and not (first := doc.split("\n\n")[0].strip()).endswith((".", ":", "?", "!"))
    ]
    assert not open_ended, "\n".join(open_ended)


def test_codes_named_in_raises_sections_exist(budgeted_trees: dict[Path, ast.Module], root: Path) -> None:
    unknown = [
        f"{path.relative_to(root)}: {code}"
        for path in budgeted_trees
        for section in re.findall(r"Raises:\n((?:[ \t]+\S.*\n)+)", path.read_text())
        for code in re.findall(r"Error: `([a-z_]+)`", section)
        if code not in CODES
    ]
    assert not unknown, unknown


def test_codes_used_in_the_source_exist(budgeted_trees: dict[Path, ast.Module], root: Path) -> None:
    unknown = [
        f"{path.relative_to(root)}:{node.value.lineno}: {node.value.value}"
        for path, tree in budgeted_trees.items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and _called(call).endswith("Error")
        for node in call.keywords
        if node.arg == "code" and isinstance(node.value, ast.Constant) and node.value.value not in CODES
    ]
    assert not unknown, unknown


def _called(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _undocumented(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, int]]:
    for child in node.body:
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if child.name.startswith("_") or child.name in CALLBACKS or _is_overload(child):
            continue
        if not ast.get_docstring(child):
            yield prefix + child.name, child.lineno
        if isinstance(child, ast.ClassDef):
            yield from _undocumented(child, f"{child.name}.")


def _is_overload(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id in {"overload", "override"} for mark in node.decorator_list)
