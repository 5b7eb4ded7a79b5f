"""A document as one HTML file: no script, nothing from elsewhere, readable on a phone, in the dark and on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from roadworthy.runtime.document.markdown import Block, Run, blocks

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.6 system-ui,"Apple SD Gothic Neo","Malgun Gothic","Noto Sans KR",sans-serif;
max-width:44rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1{line-height:1.25}h2{margin-top:2rem;border-bottom:1px solid #8886;padding-bottom:.2rem}
table{border-collapse:collapse}td{border:1px solid #8886;padding:.25rem .5rem}
pre{overflow-x:auto;padding:.5rem;background:#8882}
blockquote{margin-left:0;padding-left:1rem;border-left:3px solid #8886}
.mark{position:sticky;top:0;text-align:center;font-weight:700;color:#b00020;
background:Canvas;border:1px solid;padding:.25rem}
@media print{body{margin:0;max-width:none;font-size:11pt}.mark{position:fixed;left:0;right:0}h2{break-after:avoid}
p,li,tr{break-inside:avoid}}
"""


def html(title: str, text: str, language: str, mark: str) -> str:
    """The whole file; everything that stands in it is escaped.

    Args:
        title: In plain text.
        text: Markdown.
        language: Tag of BCP 47.
        mark: Stands on top of every page; empty for none.
    """
    told = f'<p class="mark">{escape(mark)}</p>\n' if mark else ""
    body = fragment(text)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{told}<main>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def fragment(text: str) -> str:
    """The text alone, as part of a page; everything that stands in it is escaped."""
    return "\n".join(_body(list(blocks(text))))


def _body(found: Sequence[Block]) -> Iterator[str]:
    for kind, group in groupby(found, key=lambda block: block.kind):
        if kind == "row":
            yield "<table>"
            yield from ("<tr>" + "".join(f"<td>{_runs(cell)}</td>" for cell in row.cells) + "</tr>" for row in group)
            yield "</table>"
        elif kind == "item":
            yield from _items(list(group))
        else:
            yield from map(_single, group)


def _items(items: Sequence[Block]) -> Iterator[str]:
    """Lists in lists: a number opens `ol`, anything else `ul`."""
    stack: list[str] = []
    for item in items:
        tag = "ul" if item.mark == "•" else "ol"
        while len(stack) > item.level + 1:
            yield f"</li></{stack.pop()}>"
        if len(stack) == item.level + 1:
            yield "</li>"
            if stack[-1] != tag:
                yield f"</{stack.pop()}>"
        while len(stack) < item.level + 1:
            deeper = tag if len(stack) == item.level else "ul"
            stack.append(deeper)
            start = f' start="{int(item.mark[:-1])}"' if tag == "ol" and item.mark != "1." else ""
            yield f"<{deeper}{start}>" if len(stack) == item.level + 1 else f"<{deeper}><li>"
        yield f"<li>{_runs(item.cells[0])}"
    while stack:
        yield f"</li></{stack.pop()}>"


def _single(block: Block) -> str:
    inner = _runs(block.cells[0])
    if block.kind == "heading":
        return f"<h{block.level}>{inner}</h{block.level}>"
    if block.kind == "code":
        return f"<pre>{inner}</pre>"
    return f"<blockquote><p>{inner}</p></blockquote>" if block.kind == "quote" else f"<p>{inner}</p>"


def _runs(runs: Sequence[Run]) -> str:
    return "".join(map(_run, runs))


def _run(run: Run) -> str:
    text = escape(run.text)
    for wanted, tag in ((run.code, "code"), (run.italic, "em"), (run.bold, "strong")):
        text = f"<{tag}>{text}</{tag}>" if wanted else text
    return text
