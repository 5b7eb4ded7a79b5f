"""The written pages hold: links lead somewhere, commands exist, configurations load, code compiles."""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from roadworthy.cli.main import COMMANDS
from roadworthy.runtime.config.load import load
from roadworthy.runtime.entry_point import Offer

LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def pages(repository_files: list[Path]) -> list[Path]:
    return [path for path in repository_files if path.suffix == ".md"]


def test_links_lead_somewhere(pages: list[Path], root: Path) -> None:
    broken: list[str] = []
    for page in pages:
        for link in LINK.findall(FENCE.sub("", page.read_text())):
            if "://" in link or link.startswith("mailto:"):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (anchor and anchor not in _anchors(target)):
                broken.append(f"{page.relative_to(root)}: {link}")
    assert not broken, broken


def test_readme_marks_its_two_commands(root: Path) -> None:
    """Readers' tools and .ci/run find the commands by these lines."""
    lines = (root / "README.md").read_text().splitlines()
    for mark in ("<!-- main job -->", "<!-- tests -->"):
        assert lines.count(mark) == 1
        assert lines[lines.index(mark) + 1] == "```sh"
    assert "<!-- tests -->" in (root / ".ci" / "run").read_text()


def test_every_page_is_reached_from_the_index(pages: list[Path], root: Path) -> None:
    docs = root / "docs"
    index = (docs / "index.md").read_text()
    lost = [
        str(page.relative_to(docs))
        for page in pages
        if docs in page.parents and page.name != "index.md" and f"({page.relative_to(docs)})" not in index
    ]
    assert not lost, lost


def test_decision_records_are_short_and_whole(root: Path) -> None:
    records = sorted((root / "docs" / "adr").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        text = record.read_text()
        assert len(text.splitlines()) <= 60, record.name
        assert text.startswith(f"# {record.name[:4]} "), record.name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE)[:2] in (["Context", "Decision"],), record.name
        assert "\n## Rejected\n" in text, record.name
        assert "\n## Price\n" in text, record.name


def test_configurations_in_the_pages_load(
    pages: list[Path], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every whole roadworthy.yaml in the pages is read by the real loader, in every profile."""
    monkeypatch.chdir(tmp_path)
    loaded = 0
    for page in pages:
        for language, block in _blocks(page):
            if language == "yaml" and re.search(r"^version: ", block, re.MULTILINE):
                file = tmp_path / "roadworthy.yaml"
                file.write_text(block)
                for profile in ("development", "production"):
                    assert load(file, environ={"APP_ENV": profile}).config.version == 1, page
                loaded += 1
    assert loaded >= 3


def test_python_in_the_pages_compiles(pages: list[Path]) -> None:
    for page in pages:
        for language, block in _blocks(page):
            if language == "python":
                ast.parse(block, filename=str(page))


def test_commands_in_the_pages_exist(pages: list[Path], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `roadworthy NOUN VERB --flag` in a page names a real command and its real options."""
    from roadworthy.cli.main import cli

    monkeypatch.setattr(cli, "added", lambda: _offers(root))
    for folder in (root / "apps").glob("*/src"):
        monkeypatch.syspath_prepend(folder)
    wrong = [
        f"{page.relative_to(root)}: roadworthy {' '.join(words)}: {fault}"
        for page in pages
        if page.name != "cli.md"
        for words in _command_lines(page.read_text())
        if (fault := _fault(cli, words))
    ]
    assert not wrong, "\n".join(wrong)


def _offers(root: Path) -> dict[str, Offer]:
    """Nouns of the applications beside us, installed or not."""
    nouns: dict[str, str] = {}
    for file in (root / "apps").glob("*/pyproject.toml"):
        nouns |= tomllib.loads(file.read_text())["project"].get("entry-points", {}).get(COMMANDS, {})
    return {noun: Offer(noun, *value.split(":"), folder="") for noun, value in nouns.items()}


def _blocks(page: Path) -> Iterator[tuple[str, str]]:
    for _, language, block in FENCE.findall(page.read_text()):
        yield language, textwrap.dedent(block)


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _command_lines(text: str) -> Iterator[list[str]]:
    """Words after `roadworthy` in code: a line of a shell block, or an inline span."""
    spans = re.findall(r"`roadworthy ([^`\n]+)`", FENCE.sub("", text))
    for _, language, block in FENCE.findall(text):
        if language in {"sh", "ini"}:
            spans += re.findall(r"(?:^|[/\s=])roadworthy (?=[a-z])([^\n|&;#]+)", block, re.MULTILINE)
    for span in spans:
        words = shlex.split(span)
        if words and not re.fullmatch(r"[A-Z…]+", words[0]):
            yield words


def _fault(command: Any, words: list[str]) -> str:
    """What is wrong with a command line, empty when nothing is."""
    context = click.Context(command, info_name="roadworthy")
    words = list(words)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        child = command.get_command(context, words[0])
        if child is None:
            return f"no command {words[0]}"
        command, context = child, click.Context(child, info_name=words.pop(0), parent=context)
    options = {option for param in command.params for option in [*param.opts, *param.secondary_opts]} | {"--help", "-h"}
    unknown = [word for word in words if word.startswith("-") and word.split("=")[0] not in options]
    return f"no option {unknown[0]}" if unknown else ""
