"""Python that is dangerous by its form: a few rules over the syntax tree, for where no linter is installed.

Loaders of models and pickles have rules of their own (ART-06).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

Match = Callable[[ast.Call, str], bool]


class Danger(NamedTuple):
    """A place that is dangerous.

    Attributes:
        rule: Such as `shell`.
        line: From 1.
        text: One sentence.
    """

    rule: str
    line: int
    text: str


def dangers(source: bytes) -> Iterator[Danger]:
    """The dangerous calls of a module.

    Raises:
        SyntaxError: It does not parse (a ValueError for null bytes).
    """
    tree = ast.parse(source)
    names = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = _dotted(node.func, names)
            for rule, matches, text in _RULES:
                if matches(node, called):
                    yield Danger(rule, node.lineno, text)


def _names(tree: ast.Module) -> dict[str, str]:
    """What a name of the module stands for, through imports."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                found[each.asname or each.name.split(".")[0]] = each.name if each.asname else each.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for each in node.names:
                found[each.asname or each.name] = f"{node.module}.{each.name}"
    return found


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(names.get(node.id, node.id))
    return ".".join(reversed(parts))


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in node.keywords if each.arg == name), None)


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _fixed(node: ast.Call) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Constant)


def _shell(node: ast.Call, called: str) -> bool:
    if called in ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"):
        return not _fixed(node)
    return called.startswith("subprocess.") and _is(_keyword(node, "shell"), True) and not _fixed(node)


def _unchecked(node: ast.Call, called: str) -> bool:
    """A Unix socket (`uds`) has no certificate to check."""
    if called.split(".")[0] not in ("requests", "httpx", "httpx2", "aiohttp") or _keyword(node, "uds") is not None:
        return False
    return _is(_keyword(node, "verify"), False) or _is(_keyword(node, "ssl"), False)


def _weak_hash(node: ast.Call, called: str) -> bool:
    weak = called in ("hashlib.md5", "hashlib.sha1")
    if called == "hashlib.new" and node.args and isinstance(node.args[0], ast.Constant):
        weak = str(node.args[0].value).lower() in ("md5", "sha1")
    return weak and not _is(_keyword(node, "usedforsecurity"), False)


_RULES: tuple[tuple[str, Match, str], ...] = (
    ("shell", _shell, "A shell runs text that is put together at run time."),
    ("eval", lambda node, called: called in ("eval", "exec", "builtins.eval", "builtins.exec") and not _fixed(node),
     "Text that is put together at run time is run as Python."),
    ("certificate", _unchecked,
     "The certificate of the other side is not checked."),
    ("certificate", lambda node, called: called == "ssl._create_unverified_context",
     "The certificate of the other side is not checked."),
    ("weak_hash", _weak_hash, "MD5 or SHA-1 without usedforsecurity=False."),
    ("temporary_name", lambda node, called: called == "tempfile.mktemp", "A temporary name that another can take."),
    ("debug", lambda node, called: called.endswith(".run") and _is(_keyword(node, "debug"), True),
     "A server runs with its debugger on."),
)  # fmt: skip
