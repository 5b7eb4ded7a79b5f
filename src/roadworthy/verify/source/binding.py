"""What each name of a module is bound to, everywhere in it; for values that must be safe wherever they come from."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Binding = str | ast.expr | ast.ClassDef | None
"""A dotted path that is imported, an expression that is assigned, a class; None for what the text does not tell."""


def bindings(tree: ast.Module) -> dict[str, list[Binding]]:
    """Every binding of every name; scopes are not told apart."""
    found: dict[str, list[Binding]] = {}
    plain: set[int] = set()
    for node in ast.walk(tree):
        for target, value in _assigned(node):
            plain.add(id(target))
            found.setdefault(target.id, []).append(value)
        for name, bound in _named(node):
            found.setdefault(name, []).append(bound)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in plain:
            found.setdefault(node.id, []).append(None)
    return found


def _assigned(node: ast.AST) -> list[tuple[ast.Name, Binding]]:
    """Names that are given one expression. A walk meets the statement before its targets."""
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        # Without a value it is a declaration, and binds nothing.
        return [(node.target, node.value)] if node.value is not None else []
    if isinstance(node, ast.NamedExpr):
        return [(node.target, node.value)]
    return []


def _named(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
    elif isinstance(node, ast.ImportFrom):
        known = node.module if not node.level else None
        for alias in node.names:
            yield alias.asname or alias.name, f"{known}.{alias.name}" if known else None
    elif isinstance(node, ast.ClassDef):
        yield node.name, node
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name, None
    elif isinstance(node, ast.arg):
        yield node.arg, None
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name, None
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest, None
