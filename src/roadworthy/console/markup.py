"""Small pieces of HTML in the console's own look. What comes in as text leaves escaped; `Markup` passes as it is."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Literal

Tone = Literal["good", "warn", "bad", "info", "mute"]

UNKNOWN = "unknown"


class Markup(str):
    """HTML that was made here."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as HTML: text escaped, None as the word unknown in grey, `Markup` as it is."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup(f'<span class="rw-unknown">{UNKNOWN}</span>')
    return Markup(html.escape(str(value)))


def prose(value: str) -> Markup:
    """Text in which `names between backticks` are set as names."""
    parts = html.escape(value).split("`")
    if len(parts) % 2 == 0:
        return Markup("`".join(parts))
    return Markup("".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)))


def paragraph(value: object) -> Markup:
    """A line of text."""
    return Markup(f'<p class="rw-p">{text(value)}</p>')


def join(pieces: Iterable[object], between: str = "") -> Markup:
    """Pieces one after another."""
    return Markup(between.join(text(piece) for piece in pieces))


def badge(word: object, tone: Tone) -> Markup:
    """A short word with a mark of its tone; the word alone says it too, for whoever sees no colours."""
    return Markup(f'<span class="rw-badge rw-{tone}">{text(word)}</span>')


def soft(value: object) -> Markup:
    """Less important text."""
    return Markup(f'<span class="rw-soft">{text(value)}</span>')


def code(value: object) -> Markup:
    """A name or a command."""
    return Markup(f"<code>{text(value)}</code>")


def tile(label: str, value: object, note: object = "", tone: Tone | None = None) -> Markup:
    """One number with its name above and what belongs to it below."""
    mark = f" rw-edge-{tone}" if tone else ""
    below = f'<div class="rw-note">{text(note)}</div>' if note != "" else ""
    return Markup(
        f'<div class="rw-tile{mark}"><div class="rw-label">{text(label)}</div>'
        f'<div class="rw-value">{text(value)}</div>{below}</div>'
    )


def tiles(items: Iterable[Markup]) -> Markup:
    """Tiles side by side, as many as fit."""
    return Markup(f'<div class="rw-tiles">{join(items)}</div>')


def heading(title: str, note: object = "", level: int = 2) -> Markup:
    """A heading, with a remark on the same line."""
    beside = f'<span class="rw-beside">{text(note)}</span>' if note != "" else ""
    return Markup(f'<div class="rw-head"><h{level}>{text(title)}</h{level}>{beside}</div>')


def note(value: object, tone: Tone = "mute", title: object = "") -> Markup:
    """A remark in a box; `title` stands before it in bold."""
    first = f"<strong>{text(title)}</strong> " if title != "" else ""
    role = ' role="alert"' if tone == "bad" else ""
    said = value if isinstance(value, Markup) or value is None else prose(str(value))
    return Markup(f'<div class="rw-box rw-box-{tone}"{role}>{first}{text(said)}</div>')


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = (), empty: str = ""
) -> Markup:
    """A table; on a phone each row becomes a card whose lines carry the heads.

    Args:
        heads: Names of the columns.
        rows: Cells, text or `Markup`.
        numbers: Columns that are set to the right.
        empty: Said instead of a table without rows.
    """
    found = list(rows)
    if not found:
        return Markup(f'<p class="rw-empty">{text(empty)}</p>')
    head = "".join(f'<th scope="col"{_right(at, numbers)}>{text(name)}</th>' for at, name in enumerate(heads))
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{text(heads[at])}"{_right(at, numbers)}>{text(cell)}</td>' for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in found
    )
    return Markup(
        f'<div class="rw-scroll"><table class="rw-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def pairs(items: Iterable[tuple[str, object]]) -> Markup:
    """Names and values, one pair a line."""
    lines = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in items)
    return Markup(f'<dl class="rw-pairs">{lines}</dl>')


def details(title: object, body: object, opened: bool = False) -> Markup:
    """What is shown on demand."""
    return Markup(
        f'<details class="rw-details"{" open" if opened else ""}><summary>{text(title)}</summary>'
        f"<div>{text(body)}</div></details>"
    )


def stale(content: Markup, is_stale: bool) -> Markup:
    """Content in grey when it is not of now."""
    return Markup(f'<div class="rw-stale">{content}</div>') if is_stale else content


def _right(column: int, numbers: Sequence[int]) -> str:
    return ' class="rw-number"' if column in numbers else ""
