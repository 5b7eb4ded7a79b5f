"""Markdown of models: harmless, and read as blocks."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from roadworthy.runtime.document.export import FORMATS, Sheet, export
from roadworthy.runtime.document.html import html
from roadworthy.runtime.document.markdown import blocks, tame

HOSTILE = st.text(
    st.sampled_from("<>!/[](){}&;:\"'=`*_#|~- \n\tabjsx1가\x00\x1b\u2028\ufffe"), max_size=60
) | st.lists(
    st.sampled_from(["<script>", "](javascript:x)", "![x](http://e/i)", "<a href=x>",
                     "[r]: http://e", "[r]", "<!--", "\n---\n",
                     "# ", "- ", "    ", "```\n", "|a|\n|-|\n", "<http://e>", "&lt;b>", "\\", "1. ", "> "]), max_size=9,
).map("".join)  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in {"href", "src", "style"}], attrs


@given(HOSTILE)
def test_nothing_in_a_tamed_text_acts_in_any_reader(text: str) -> None:
    """Who reads it as CommonMark finds no HTML, link or image; our page has no tag but its own."""
    tamed = tame(text)
    tokens = MarkdownIt("commonmark", {"html": True}).parse(tamed)
    kinds = {child.type for token in tokens for child in [token, *(token.children or [])]}
    assert not kinds & {"html_block", "html_inline", "link_open", "image"}, (tamed, kinds)
    assert not any(token.tag in {"h1", "h2"} and not token.level for token in tokens), tamed
    page = html("t", tamed, "en", "")
    ours = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul",
            "ol", "li", "table", "tr", "td", "pre", "code", "em", "strong", "blockquote"}  # fmt: skip
    assert Tags(page).found <= ours


@given(HOSTILE)
def test_html_is_balanced(text: str) -> None:
    page = html("t", tame(text), "en", "").partition("<main>")[2].partition("</main>")[0]
    stack: list[str] = []
    for close, tag in re.findall(r"<(/?)(\w+)[^>]*>", page):
        if close:
            assert stack.pop() == tag, page
        else:
            stack.append(tag)
    assert not stack


@given(HOSTILE)
def test_a_section_takes_in_nothing_of_the_next(text: str) -> None:
    """Neither on a page of ours nor for another reader of the Markdown: an open block of code ends with its section."""
    tamed = tame(text)
    behind = list(blocks(f"## One\n\n{tamed}\n\n## Two\n\nend\n"))[-2:]
    assert [one.cells[0][0].text for one in behind] == ["Two", "end"]
    assert MarkdownIt("commonmark", {"maxNesting": 200}).parse(f"{tamed}\n\n## Two")[-1].type == "heading_close"


@pytest.mark.parametrize(
    "text",
    [
        "\n".join("  " * depth + "- x" for depth in range(60)),
        "\n".join("\t" * depth + "1. x" for depth in range(60)),
        "- " * 200 + "x",
        "> " * 200 + "x",
        "```\nnever closed",
        "~~~~ text\nnever closed\n~~~",
    ],
    ids=["list", "tabs", "one line", "quotes", "fence", "tildes"],
)
def test_what_is_nested_or_left_open_loses_nothing_behind_it(text: str) -> None:
    page = html("t", f"## One\n\n{tame(text)}\n\nbehind\n\n## Two\n\nend\n", "en", "")
    assert page.count("<h2>") == 2
    assert "<p>behind</p>" in page
    assert "<p>end</p>" in page


def test_a_block_of_code_that_is_closed_stays_as_it_is() -> None:
    for text in ("```\nx\n```", "a\n\n- ```\n  x", "a ``` b", "~~~~\n~~~\n~~~~"):
        assert tame(text) == text


@pytest.mark.parametrize("form", ["docx", "pdf"])
@pytest.mark.parametrize(
    "text",
    [
        "|a" * 60 + "|\n" + "|-" * 60 + "|\n" + "|1" * 60 + "|\n",
        "|a|b|\n|-|-|\n|" + "word " * 3_000 + "|x|\n",
        "|a|b|\n|-|-|\n|" + "w" * 5_000 + "|x|\n",
        "\n".join("  " * depth + "- x" for depth in range(60)),
    ],
    ids=["columns", "tall cell", "long word in a cell", "deep list"],
)
def test_what_has_no_room_on_a_page_is_written(form: str, text: str) -> None:
    assert len(export(form, Sheet("t", f"## One\n\n{tame(text)}\n", "en", ""))) > 1_000


def test_a_wide_table_is_lines_of_text() -> None:
    wide = "|a" * 13 + "|\n" + "|-" * 13 + "|\n" + "|1" * 13 + "|\n"
    page = html("t", wide, "en", "")
    assert "<table>" not in page
    assert f"<p>{' | '.join('1' * 13)}</p>" in page


@pytest.mark.parametrize("form", ["docx", "pdf"])
@pytest.mark.parametrize(
    "text", ["<b>&amp;</b> </para> <font>", "a\x00b\x1b[0m", "|a|b|\n|-|-|\n|1|", "- " * 40 + "x", "가" * 3_000]
)
def test_what_is_hostile_to_a_writer_is_written(form: str, text: str) -> None:
    assert len(export(form, Sheet(text[:50], tame(text), "ko", text[:20]))) > 1_000
    assert form in FORMATS


@pytest.mark.parametrize(
    ("text", "tamed"),
    [
        ("# Title\n\nA text.", "A text."),
        ("**Title:**\nA text.", "A text."),
        ("Title", "Title"),
        ("# Other\nA", "### Other\nA"),
        ("###### Deep", "###### Deep"),
        ("Head\n====\nx", "Head\n\nx"),
        ("1 < 2 and a<b", "1 < 2 and a&lt;b"),
    ],
)
def test_headings_stand_below_the_section_and_its_title_goes(text: str, tamed: str) -> None:
    assert tame(text, "title") == tamed


def test_blocks_of_a_text() -> None:
    text = "A **b** *c* `d`\n\n- one\n  1. two\n\n> said\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n"
    told = [
        (block.kind, block.mark, "".join(run.text for cell in block.cells for run in cell)) for block in blocks(text)
    ]
    assert told == [
        ("paragraph", "", "A b c d"), ("item", "•", "one"), ("item", "1.", "two"), ("quote", "", "said"),
        ("row", "", "xy"), ("row", "", "12"), ("code", "", "code"),
    ]  # fmt: skip
