"""The reference pages say what the code says now, and leave nothing out."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from roadworthy.core.attempts import Reason
from roadworthy.core.errors import CODES, Exit

PAGES = ("errors.md", "configuration.md", "cli.md", "metrics.md", "checks.md")
ROUTES = (
    "POST /v1/chat/completions",
    "POST /v1/embeddings",
    "GET /api",
    "GET /v1/models",
    "GET /v1/models/{id}",
    "GET /livez",
    "GET /readyz",
    "GET /health",
    "GET /health/llm",
    "GET /metrics",
)
HEADER = re.compile(r"x-roadworthy-[a-z-]+|x-request-id|x-should-retry|server-timing|retry-after", re.IGNORECASE)


@pytest.fixture(scope="module")
def generator(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", root / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_generated_page_is_checked(generator: ModuleType) -> None:
    assert set(generator.PAGES) == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_the_code_says(generator: ModuleType, root: Path, name: str) -> None:
    written = (root / "docs" / "reference" / name).read_text()
    assert written == generator.PAGES[name](), f"docs/reference/{name} is out of date: run `make docs`"


def test_every_code_and_exit_is_listed(root: Path) -> None:
    page = (root / "docs/reference/errors.md").read_text()
    assert not [code for code in CODES if f"| `{code}` |" not in page]
    assert not [exit_code for exit_code in Exit if f"| {int(exit_code)} | `{exit_code.name}` |" not in page]


def test_every_check_and_setting_is_described(root: Path) -> None:
    """Reads the YAML files by itself, so that a gap in the generator shows."""
    import yaml

    room = root / "src" / "roadworthy" / "verify"
    page = (root / "docs/reference/checks.md").read_text()
    rows = yaml.safe_load((room / "catalogue.yaml").read_text())
    assert len(rows) == 84
    assert not [row["id"] for row in rows if f"| {row['id']} | " not in page]
    probes = [yaml.safe_load(file.read_text()) for file in (room / "probes").glob("*/probe.yaml")]
    assert probes
    names = [(each["id"], name) for each in probes for name in each.get("settings", {})]
    assert not [(id, name) for id, name in names if f"| `{name}` | " not in page.split(f"**{id}**")[1]]


def test_every_configuration_key_is_described(root: Path) -> None:
    """Walks the JSON schema by itself, so that a gap in the generator shows."""
    from roadworthy.runtime.config.tree import Config

    schema = Config.model_json_schema()
    page = (root / "docs/reference/configuration.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \|.*\| ([^|]*) \|$", page, re.MULTILINE))
    names = {name for node in [schema, *schema["$defs"].values()] for name in node.get("properties", {})}
    assert names
    assert not [name for name in names if not any(key.split(".")[-1] == name for key in rows)]
    assert not [key for key, meaning in rows.items() if not meaning.strip()]


def test_every_route_and_header_is_described(source_files: list[Path], root: Path) -> None:
    page = (root / "docs/reference/http.md").read_text()
    assert not [route for route in ROUTES if f"`{route}`" not in page]
    used = {
        name.lower()
        for path in source_files
        if path.parts[-2] != "providers" and "gateway" in path.parts
        for name in HEADER.findall(path.read_text())
    }
    assert used
    assert not [name for name in used if name not in page]


def test_every_control_route_is_described(root: Path) -> None:
    page = (root / "docs/reference/http.md").read_text()
    text = (root / "src/roadworthy/serve/control_routes.py").read_text()
    routes = re.findall(r'Route\("([^"]+)", [\w.]+, methods=\["(\w+)"\]\)', text)
    assert routes
    assert not [f"{method} {path}" for path, method in routes if f"`{method} {path}`" not in page]


def test_every_attempt_reason_is_described(root: Path) -> None:
    page = (root / "docs/reference/http.md").read_text()
    assert not [reason for reason in Reason if f"| `{reason}` |" not in page]


def test_json_examples_parse(repository_files: list[Path], root: Path) -> None:
    broken: list[str] = []
    for path in repository_files:
        if path.suffix != ".md":
            continue
        for block in re.findall(r"^```json\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
            try:
                json.loads(block)
            except ValueError as error:
                broken.append(f"{path.relative_to(root)}: {error}")
    assert not broken, broken
