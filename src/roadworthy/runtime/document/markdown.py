"""Markdown that a model wrote, made harmless, and as blocks that every form of a report is written from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 200}).enable("table").disable(
    ["html_block", "html_inline", "image", "link", "autolink", "reference"]
)  # fmt: skip
_PARTS = re.compile(r"^(?=## )", re.MULTILINE)
_MOST_COLUMNS = 12
"""A wider table has no room on a page: its rows are lines of text."""
_MARKER = r"[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])[ \t])"
_NEST = re.compile(rf"^((?:{_MARKER}){{8}})(?:{_MARKER})+", re.MULTILINE)
_INDENT = re.compile(r"[ \t]{16,}")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?=\s|$)", re.MULTILINE)
_RULE = re.compile(r"^ {0,3}(=+|-+) *$", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
_AROUND = "#*_: "

Kind = Literal["heading", "paragraph", "item", "quote", "code", "row"]


class Run(NamedTuple):
    """A piece of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False


class Block(NamedTuple):
    """A heading, paragraph, item of a list, quoted paragraph, block of code, or row of a table.

    Attributes:
        kind: Which of them.
        level: Of a heading (1 is the title) or an item (0 is the outer list).
        mark: Of an item: `•` or its number.
        cells: One, but for a row.
    """

    kind: Kind
    cells: tuple[tuple[Run, ...], ...]
    level: int = 0
    mark: str = ""


def tame(text: str, title: str = "") -> str:
    """The text without what could act: no raw HTML, no link, no image; its headings stand below a section's.

    Args:
        text: As the model wrote it; besides escapes nothing is added.
        title: Of the section; a first line that only repeats it goes.
    """
    text = printable(text).strip()
    first, _, rest = text.partition("\n")
    if title and rest.strip() and _bare(first) == _bare(title):
        text = rest
    text = re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", text)
    text = re.sub(r"\](?=[(:\[])", r"]\\", text)
    text = _RULE.sub("", text)  # one below a line would make it a heading
    text = _HEADING.sub(lambda match: "#" * min(6, max(3, len(match[1]) + 1)), text)
    # Parsers give up what is nested deeper than they go, and with it all that follows.
    return _closed(_NEST.sub(r"\1", _INDENT.sub(" " * 16, text)).strip())


def _closed(text: str) -> str:
    """The text with its last block of code ended, which would take in all that follows."""
    last = _PARSER.parse(f"{text}\n\n## .")[-1]
    return f"{text}\n{last.markup}" if last.type == "fence" else text


def printable(text: str) -> str:
    """The text without control characters and lone surrogates, which no format can hold."""
    return _CONTROL.sub("", text)


def plain_line(text: str) -> str:
    """A line of plain text as Markdown that says just that."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(printable(text).split()))


def _bare(line: str) -> str:
    return " ".join(line.strip(_AROUND).casefold().split())


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a Markdown text, in order; HTML, links and images in it are its characters.

    Each section, a heading of the second level and what follows, is read alone: nothing in one changes another.
    """
    for part in _PARTS.split(text):
        yield from _blocks(SyntaxTreeNode(_PARSER.parse(part)), 0)


def _blocks(node: SyntaxTreeNode, level: int) -> Iterator[Block]:
    for child in node.children:
        if child.type in {"heading", "paragraph"}:
            runs = tuple(_runs(child.children[0]))
            yield Block("heading" if child.type == "heading" else "paragraph", (runs,), int(child.tag[1:] or 0))
        elif child.type in {"bullet_list", "ordered_list"}:
            start = int(child.attrs.get("start", 1))
            for number, item in enumerate(child.children, start):
                yield from _item(item, level, "•" if child.type[0] == "b" else f"{number}.")
        elif child.type == "blockquote":
            for block in _blocks(child, level):
                yield block._replace(kind="quote") if block.kind == "paragraph" else block
        elif child.type in {"code_block", "fence"}:
            yield Block("code", ((Run(child.content.rstrip("\n"), code=True),),))
        elif child.type == "tr":
            cells = tuple(tuple(_runs(cell.children[0])) for cell in child.children)
            yield Block("row", cells) if len(cells) <= _MOST_COLUMNS else Block("paragraph", (_line(cells),))
        else:
            yield from _blocks(child, level)


def _line(cells: tuple[tuple[Run, ...], ...]) -> tuple[Run, ...]:
    return tuple(run for at, cell in enumerate(cells) for run in ((Run(" | "), *cell) if at else cell))


def _item(item: SyntaxTreeNode, level: int, mark: str) -> Iterator[Block]:
    for block in _blocks(item, level + 1):
        if mark and block.kind == "paragraph":
            yield Block("item", block.cells, level, mark)
            mark = ""
        else:
            yield block


def _runs(node: SyntaxTreeNode, bold: bool = False, italic: bool = False) -> Iterator[Run]:
    for child in node.children:
        if child.type in {"strong", "em"}:
            yield from _runs(child, bold or child.type == "strong", italic or child.type == "em")
        else:
            yield Run(child.content or " ", bold, italic, child.type == "code_inline")
