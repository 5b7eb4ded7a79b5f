"""Applications stand on public modules, keep the budgets of the product, and the page that teaches them is true."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PUBLIC = {
    "roadworthy.core": "records, errors and ports; what an application gives and gets",
    "roadworthy.client": "clients of the gateway's and the admin API",
    "roadworthy.gateway.quality": "rules of text, to judge a whole as the gate judges an answer",
    "roadworthy.guard.text.masker": "takes personal data and secrets out of text that is kept or shown",
    "roadworthy.runtime.atomic_file": "files that are whole or not there",
    "roadworthy.gateway.prompts.fence": "callers' texts as data in a message to a model",
    "roadworthy.runtime.config.load": "the configuration, for a command that reads its application's settings",
    "roadworthy.runtime.config.report": "what is wrong in a file, told as the configuration tells it",
    "roadworthy.runtime.config.yaml_struct": "YAML files with checked shapes and lines in their errors",
    "roadworthy.runtime.document": "Markdown as HTML, DOCX and PDF",
    "roadworthy.runtime.jobs.order": "durable orders: made once, joined, cancelled, retried",
    "roadworthy.runtime.openai_shape": "the shape of OpenAI's chat API around something that is no model",
    "roadworthy.runtime.request_body": "a request's JSON as a checked struct",
    "roadworthy.serve.report": "reports of sections: written as durable jobs, judged, mended, exported, looked at",
    "roadworthy.cli.output": "options and speech of commands",
    "roadworthy.cli.target": "which gateway a command asks, and with which key",
    "roadworthy.cli.report_command": "follow a report, hand it out, run a smoke test",
    "roadworthy.console": "pages of the console",
}
"""What applications may import, a module or a package with all in it, and what for. Everything else may change
without a word in the changelog."""


@pytest.fixture(scope="session")
def application_files(root: Path) -> list[Path]:
    """Every Python file of an application, and of the example."""
    return [*sorted((root / "apps").glob("*/src/**/*.py")), *sorted((root / "examples" / "application").glob("*.py"))]


def test_applications_import_public_modules_only(application_files: list[Path], root: Path) -> None:
    assert application_files
    wrong = [
        f"{path.relative_to(root)}: {name}"
        for path in application_files
        for name in _imported(path)
        if name.split(".")[0] == "roadworthy" and not _is_public(name)
    ]
    assert not wrong, wrong


def _imported(path: Path) -> list[str]:
    """Dotted names of modules and of what is taken from them."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _is_public(name: str) -> bool:
    private = any(part.startswith("_") for part in name.split("."))
    return not private and any(f"{name}.".startswith(f"{public}.") for public in PUBLIC)


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("roadworthy.core.errors.UsageError", True),
        ("roadworthy.core.errors._one", False),
        ("roadworthy.core_more.x", False),
        ("roadworthy.gateway.keys.KeyStore", False),
        ("roadworthy.cli.output.options", True),
        ("roadworthy.cli.main.cli", False),
        ("roadworthy.serve.launch", False),
    ],
)
def test_what_is_public(name: str, public: bool) -> None:
    assert _is_public(name) is public


def test_an_application_stays_small(root: Path) -> None:
    """An application is configuration and a little code: under 1,000 lines of Python each, all in, data apart."""
    counted = {
        app.name: sum(len(path.read_text().splitlines()) for path in app.glob("src/**/*.py"))
        for app in (root / "apps").iterdir()
        if (app / "src").is_dir()
    }
    assert counted
    assert all(0 < lines < 1_000 for lines in counted.values()), counted


def test_applications_catch_nothing_broad(application_files: list[Path], root: Path) -> None:
    """A bug of theirs becomes an honest answer in the platform."""
    broad = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in application_files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert not broad, broad


def test_the_page_shows_the_example_and_all_public_modules(root: Path) -> None:
    page = (root / "docs/how-to/write-an-application.md").read_text()
    for name, language in (("pyproject.toml", "toml"), ("roadworthy_haiku.py", "python")):
        text = (root / "examples" / "application" / name).read_text()
        assert f"```{language}\n{text}```" in page, name
    rows = [f"| `{name}` | {reason} |" for name, reason in PUBLIC.items()]
    assert "\n".join(rows) in page
