"""The import law: rooms in one order, siblings apart, core on the standard library, the data plane light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

# The edge serves requests with these out of memory: each costs 60 ms to 300 ms of start or megabytes of RSS.
KEPT_OUT_OF_EDGE = ("pydantic", "click", "starlette", "uvicorn", "httpx2", "rich", "yaml", "openai")
EDGE = "roadworthy.serve.edge_process"


def test_import_linter_contracts_hold(root: Path) -> None:
    """The layers and the forbidden libraries are written down in pyproject.toml."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_core_imports_the_standard_library_only(root: Path) -> None:
    allowed = sys.stdlib_module_names | {"roadworthy"}
    foreign: list[str] = []
    for path in sorted((root / "src/roadworthy/core").rglob("*.py")):
        for name in _imported(path):
            top = name.split(".")[0]
            if top not in allowed or (top == "roadworthy" and not name.startswith("roadworthy.core")):
                foreign.append(f"{path.name}: {name}")
    assert not foreign, foreign


def test_edge_process_starts_without_slow_libraries() -> None:
    loaded = _modules_after(f"import {EDGE}")
    assert EDGE in loaded
    assert not [name for name in KEPT_OUT_OF_EDGE if name in loaded]


def test_help_loads_no_heavy_module(root: Path) -> None:
    code = (
        "import sys\n"
        "from roadworthy.cli.main import main\n"
        "sys.argv = ['roadworthy', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
    )
    loaded = _modules_after(code)
    heavy = ("pydantic", "starlette", "uvicorn", "uvloop", "httpx2", "rich", "yaml", "xllamacpp", "sqlite3", "asyncio")
    assert not [name for name in heavy if name in loaded]


@pytest.mark.parametrize("module", ["roadworthy", "roadworthy.core.errors"])
def test_front_doors_import_alone(module: str) -> None:
    assert module in _modules_after(f"import {module}")


def _imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
    return names


def _modules_after(code: str) -> set[str]:
    """Names in sys.modules after `code` ran in a fresh interpreter."""
    report = f"{code}\nimport sys, json\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))
