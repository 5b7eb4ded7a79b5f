"""A document as PDF, its font embedded: Nanum Gothic (SIL Open Font License 1.1), Latin and Korean alike."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.util import find_spec
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

from roadworthy.runtime.document.markdown import Block, Run, blocks

_CARRIER = "koreanize_matplotlib"
"""The package whose folder `fonts` holds the font; it is never imported."""
_PLAIN, _BOLD = "NanumGothic", "NanumGothicBold"
_RED = colors.HexColor("#b00020")


def pdf(title: str, text: str, language: str, mark: str) -> bytes:
    """The whole file.

    Args:
        title: In plain text.
        text: Markdown.
        language: Tag of BCP 47.
        mark: Stands on top of every page; empty for none.

    Raises:
        ModuleNotFoundError: The package with the font is not installed.
    """
    _fonts()
    stream = BytesIO()
    template = SimpleDocTemplate(
        stream, pagesize=A4, leftMargin=22 * mm, rightMargin=22 * mm, topMargin=24 * mm, bottomMargin=20 * mm,
        title=title, author="", lang=language, creator="Roadworthy",
    )  # fmt: skip

    def furniture(canvas: Any, page: Any) -> None:
        canvas.saveState()
        if mark:
            canvas.setFont(_BOLD, 11)
            canvas.setFillColor(_RED)
            canvas.drawCentredString(A4[0] / 2, A4[1] - 14 * mm, mark)
        canvas.setFont(_PLAIN, 8)
        canvas.setFillColor(colors.grey)
        canvas.drawCentredString(A4[0] / 2, 11 * mm, str(page.page))
        canvas.restoreState()

    story: list[Any] = [Paragraph(escape(title), _style(language, size=20, before=0, bold=True))]
    for kind, found in groupby(blocks(text), key=lambda block: block.kind):
        group = list(found)
        story += [_table(group, language)] if kind == "row" else [_paragraph(one, language) for one in group]
    template.build(story, onFirstPage=furniture, onLaterPages=furniture)
    return stream.getvalue()


def _fonts() -> None:
    if _PLAIN in pdfmetrics.getRegisteredFontNames():
        return
    found = find_spec(_CARRIER)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {_CARRIER}", name=_CARRIER)
    folder = Path(found.submodule_search_locations[0]) / "fonts"
    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    # There is no slanted one: what is emphasised is bold.
    pdfmetrics.registerFontFamily(_PLAIN, normal=_PLAIN, bold=_BOLD, italic=_BOLD, boldItalic=_BOLD)


def _style(
    language: str, size: float = 10.5, before: float = 4, indent: float = 0, bold: bool = False
) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}-{indent}-{bold}", fontName=_BOLD if bold else _PLAIN, fontSize=size, leading=size * 1.55,
        spaceBefore=before, spaceAfter=4, leftIndent=indent, bulletFontName=_PLAIN, bulletIndent=max(0, indent - 14),
        wordWrap="CJK" if language == "ko" else None, splitLongWords=1, keepWithNext=int(size > 11),
    )  # fmt: skip


def _paragraph(block: Block, language: str) -> Paragraph:
    if block.kind == "heading":
        size = {1: 18.0, 2: 15.0, 3: 12.5}.get(block.level, 11.5)
        return Paragraph(_markup(block.cells[0]), _style(language, size=size, before=12, bold=True))
    indent = {"item": 14.0 * (min(block.level, 9) + 1), "quote": 18.0, "code": 10.0}.get(block.kind, 0.0)
    return Paragraph(_markup(block.cells[0]), _style(language, indent=indent), bulletText=block.mark or None)


def _table(rows: Sequence[Block], language: str) -> Table:
    most = max(len(row.cells) for row in rows)
    style = _style(language, size=9.5, before=0)
    cells = [[Paragraph(_markup(cell), style) for cell in row.cells] + [""] * (most - len(row.cells)) for row in rows]
    lines = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Table(cells, style=lines, colWidths=[166 * mm / most] * most, spaceBefore=4, spaceAfter=4, splitInRow=1)


def _markup(runs: Sequence[Run]) -> str:
    """Text in the small markup of ReportLab; everything of the text itself is escaped."""
    return "".join(
        f"<b>{escape(run.text)}</b>" if run.bold or run.italic else escape(run.text).replace("\n", "<br/>")
        for run in runs
    )
