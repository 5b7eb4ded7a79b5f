"""What names in a module stand for: imports, aliases, getattr, import_module, by the text alone."""

from __future__ import annotations

import ast

from roadworthy.verify.source.binding import Binding, bindings
from roadworthy.verify.source.rule import LOADERS, SAFE_YAML, Keywords

_TOPS = {path.split(".")[0] for path in LOADERS}
_SAFE_NAMES = {path.rpartition(".")[2] for path in SAFE_YAML}


class Names:
    """The names of one module. Scopes are not told apart: what a name stands for anywhere, it stands for everywhere.

    Args:
        tree: The module.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._table: dict[str, str] = {}
        self._bound: dict[str, tuple[str, Keywords]] = {}
        self._bindings = bindings(tree)
        assigned: list[tuple[str, ast.expr]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node)
            else:
                assigned += _assigned(node)
        for _ in range(3):  # an alias of an alias of an alias
            for name, value in assigned:
                self._assign(name, value)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self._table[alias.asname] = alias.name
            else:
                top = alias.name.split(".")[0]
                self._table[top] = top

    def _import_from(self, node: ast.ImportFrom) -> None:
        if node.level or not node.module:
            return
        for alias in node.names:
            if alias.name == "*":
                for path in LOADERS:
                    module, _, name = path.rpartition(".")
                    if module == node.module:
                        self._table.setdefault(name, path)
            else:
                self._table[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def _assign(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and self.path(value.func) == "functools.partial" and value.args:
            path = self.path(value.args[0])
            if path is not None:
                self._bound[name] = (path, {word.arg or "**": word.value for word in value.keywords})
            return
        path = self.path(value)
        if path is not None and (path in LOADERS or path.split(".")[0] in _TOPS):
            self._table.setdefault(name, path)

    def bound(self, node: ast.expr) -> tuple[str, Keywords] | None:
        """What a name made by `functools.partial` calls, and with which keywords; None for another name."""
        return self._bound.get(node.id) if isinstance(node, ast.Name) else None

    def path(self, node: ast.expr) -> str | None:
        """The dotted path that an expression stands for; None when it is not known."""
        if isinstance(node, ast.Name):
            return self._table.get(node.id) or (node.id if node.id in ("getattr", "vars", "__import__") else None)
        if isinstance(node, ast.Attribute):
            if node.attr == "__dict__":
                return self.path(node.value)
            before = self.path(node.value)
            return f"{before}.{node.attr}" if before else None
        if isinstance(node, ast.Subscript):
            before = self.path(node.value)
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return f"{before}.{key}" if before and isinstance(key, str) else None
        if isinstance(node, ast.NamedExpr):
            return self.path(node.value)
        return self._call(node) if isinstance(node, ast.Call) else None

    def safe_loader(self, node: ast.expr | None) -> bool:
        """Whether an expression can be nothing but a safe loader of PyYAML, as far as this module tells.

        A name is one when everything that it is bound to anywhere in the module is one; a class, when its bases are.

        Args:
            node: The expression; None is none.
        """
        return node is not None and self._safe(node, frozenset())

    def _safe(self, value: Binding, through: frozenset[str]) -> bool:
        if value is None or isinstance(value, str):
            return value in SAFE_YAML
        if isinstance(value, ast.ClassDef):
            return bool(value.bases) and all(self._safe(base, through) for base in value.bases)
        if isinstance(value, ast.Name):
            bound = self._bindings.get(value.id)
            if bound is None:  # from `import *`, or of another module's making
                return value.id in _SAFE_NAMES
            return value.id not in through and all(self._safe(each, through | {value.id}) for each in bound)
        if isinstance(value, ast.Attribute):
            path = self.path(value)
            return value.attr in _SAFE_NAMES if path is None else path in SAFE_YAML
        if isinstance(value, ast.IfExp):
            return self._safe(value.body, through) and self._safe(value.orelse, through)
        if isinstance(value, ast.BoolOp):
            return all(self._safe(each, through) for each in value.values)
        if isinstance(value, ast.Call) and self.path(value.func) == "getattr":
            return self.path(value) in SAFE_YAML and all(self._safe(each, through) for each in value.args[2:3])
        return False

    def _call(self, node: ast.Call) -> str | None:
        """`getattr(x, "load")`, `importlib.import_module("pickle")`, `__import__("pickle")`, `vars(x)`."""
        function = self.path(node.func)
        words = [
            arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None for arg in node.args
        ]
        if function in ("importlib.import_module", "__import__", "importlib.__import__") and words and words[0]:
            return words[0] if function == "importlib.import_module" or len(words) > 3 else words[0].split(".")[0]
        if function == "getattr" and len(words) >= 2 and words[1]:
            before = self.path(node.args[0])
            return f"{before}.{words[1]}" if before else None
        return self.path(node.args[0]) if function == "vars" and node.args else None


def _assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        return [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        return [(node.target.id, node.value)]
    if isinstance(node, ast.NamedExpr):
        return [(node.target.id, node.value)]
    return []
