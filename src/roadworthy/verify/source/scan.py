"""Finds calls that load models unsafely in Python files and notebooks: through aliases, getattr and partial too."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass

from roadworthy.verify.outcome import Severity
from roadworthy.verify.source.name import Names
from roadworthy.verify.source.rule import (
    ALLOW_PICKLE,
    COMPUTED,
    LOADERS,
    REMOTE_CODE,
    RISKY_MODULES,
    TAKES_LOADER,
    UNSAFE_MODE,
    Keywords,
    LoaderRule,
    yaml_loader,
)

SUFFIXES = (".py", ".pyw", ".pyi", ".ipynb")


@dataclass(frozen=True, slots=True)
class LoaderFinding:
    """One place in the source.

    Args:
        rule: Public name.
        severity: How bad it is.
        what: One sentence.
        mend: How to mend it.
        line: From 1, in the file, or in its cell of a notebook.
        column: From 1.
        cell: Cell of a notebook, from 1; None for a file.
        code: The line itself, without white space around: what a fingerprint is made of, never shown.
    """

    rule: str
    severity: Severity
    what: str
    mend: str
    line: int
    column: int
    cell: int | None
    code: str


class Unreadable(Exception):
    """It is not Python, so nothing can be said of it.

    Args:
        why: One sentence.
    """


def scan_text(text: str, *, notebook: bool = False) -> list[LoaderFinding]:
    """The findings of a file, in the order of the text.

    Args:
        text: Its contents.
        notebook: It is a Jupyter notebook.

    Raises:
        Unreadable: It does not parse.
    """
    if not notebook:
        return _scan_code(text, None)
    found: list[LoaderFinding] = []
    for number, code in enumerate(_cells(text), 1):
        found += _scan_code(code, number)
    return found


def _cells(text: str) -> list[str]:
    try:
        document = json.loads(text)
        cells = document["cells"] if "cells" in document else document["worksheets"][0]["cells"]
        sources = [cell.get("source", cell.get("input", "")) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise Unreadable("It is no notebook.") from None
    return ["".join(source) if isinstance(source, list) else str(source) for source in sources]


def _plain(code: str) -> str:
    """A cell without the lines that are for the notebook and the shell; their places stay."""
    if code.lstrip().startswith("%%"):
        first, _, rest = code.lstrip().partition("\n")
        python = first.split()[0] in ("%%time", "%%timeit", "%%capture", "%%prun", "%%python", "%%python3")
        return f"\n{rest}" if python else ""
    lines = code.splitlines()
    return "\n".join("pass" if line.lstrip()[:1] in ("%", "!", "?") else line for line in lines)


def _scan_code(code: str, cell: int | None) -> list[LoaderFinding]:
    code = code if cell is None else _plain(code)
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        raise Unreadable(f"It does not parse{where}.") from None
    scanner = _Scanner(Names(tree), code.splitlines(), cell)
    try:
        scanner.visit(tree)
    except RecursionError:
        raise Unreadable("It is nested too deep.") from None
    return sorted(set(scanner.found), key=lambda each: (each.cell or 0, each.line, each.column, each.rule))


class _Scanner(ast.NodeVisitor):
    def __init__(self, names: Names, lines: list[str], cell: int | None) -> None:
        self._names = names
        self._lines = lines
        self._cell = cell
        self._called: set[int] = set()
        self.found: list[LoaderFinding] = []

    def visit_Call(self, node: ast.Call) -> None:
        """A call: of a loader, of `partial` over one, or with an option that makes one unsafe."""
        path = self._names.path(node.func)
        self._called.add(id(node.func))
        arguments, keywords = list(node.args), {word.arg or "**": word.value for word in node.keywords}
        if path in ("functools.partial", "functools.partialmethod") and node.args:
            path = self._names.path(node.args[0])
            self._called.add(id(node.args[0]))
            arguments = arguments[1:]
        bound = self._names.bound(node.func)
        if bound is not None:
            path, keywords = bound[0], bound[1] | keywords
        self._judge(node, path, arguments, keywords)
        self.generic_visit(node)

    def _judge(self, node: ast.Call, path: str | None, arguments: list[ast.expr], keywords: Keywords) -> None:
        rule = LOADERS.get(path or "")
        if path in TAKES_LOADER and self._names.safe_loader(yaml_loader(arguments, keywords)):
            return
        if rule is not None and not (rule.unless is not None and rule.unless(arguments, keywords)):
            self._find(node, rule, str(path))
        elif rule is None:
            self._judge_options(node, path, keywords)
        if path == "getattr" and len(arguments) >= 2 and not isinstance(arguments[1], ast.Constant):
            module = self._names.path(arguments[0])
            if module in RISKY_MODULES:
                self._find(node, COMPUTED, f"getattr({module}, …)")

    def _judge_options(self, node: ast.Call, path: str | None, keywords: Keywords) -> None:
        for word, wanted, rule in (
            ("trust_remote_code", True, REMOTE_CODE),
            ("allow_pickle", True, ALLOW_PICKLE),
            ("safe_mode", False, UNSAFE_MODE),
        ):
            value = keywords.get(word)
            if value is None or (isinstance(value, ast.Constant) and value.value is not wanted):
                continue
            if not isinstance(value, ast.Constant) and word != "trust_remote_code":
                continue  # a value that is handed on is judged where it is used by name
            self._find(node, rule, path or "A call")

    def visit_Dict(self, node: ast.Dict) -> None:
        """Options in a dict that is handed on with `**`."""
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                if key.value == "trust_remote_code" and value.value is True:
                    self._find(node, REMOTE_CODE, "A dict of options")
                if key.value == "allow_pickle" and value.value is True:
                    self._find(node, ALLOW_PICKLE, "A dict of options")
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A loader that is handed on without being called."""
        self._judge_reference(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """See `visit_Attribute`."""
        self._judge_reference(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A base class is no call; a restricted unpickler is made in this way."""
        self._called |= {id(base) for base in node.bases}
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Another name for a loader is found where it is used."""
        if self._names.path(node.value) is not None:
            self._called.add(id(node.value))
        self.generic_visit(node)

    def _judge_reference(self, node: ast.Attribute | ast.Name) -> None:
        if id(node) in self._called or not isinstance(node.ctx, ast.Load):
            return
        path = self._names.path(node)
        rule = LOADERS.get(path or "")
        if rule is not None and rule.rule != "hash.weak":
            self._find(node, rule, f"{path}, which is handed on,")

    def _find(self, node: ast.expr, rule: LoaderRule, path: str) -> None:
        code = self._lines[node.lineno - 1].strip() if node.lineno <= len(self._lines) else ""
        what = f"{path} {rule.what}."
        place = (node.lineno, node.col_offset + 1, self._cell)
        self.found.append(LoaderFinding(rule.rule, rule.severity, what, rule.mend, *place, code))
