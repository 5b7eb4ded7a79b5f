"""A document as DOCX (ECMA-376), with headings that a reader can walk through."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from roadworthy.runtime.document.markdown import Block, blocks

_FONT = {"ko": "Malgun Gothic"}
_RED = RGBColor(0xB0, 0x00, 0x20)


def docx(title: str, text: str, language: str, mark: str) -> bytes:
    """The whole file.

    Args:
        title: In plain text.
        text: Markdown.
        language: Tag of BCP 47.
        mark: Stands in the header of every page; empty for none.
    """
    file = Document()
    properties = file.core_properties
    properties.title, properties.language, properties.author = title[:255], language, ""
    properties.created = properties.modified = datetime.now(UTC).replace(tzinfo=None)
    properties.comments = ""
    if (font := _FONT.get(language)) is not None:
        for style in file.styles:
            if style.element.rPr is not None:
                style.element.rPr.get_or_add_rFonts().set(qn("w:eastAsia"), font)
    if mark:
        line = file.sections[0].header.paragraphs[0]
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = line.add_run(mark)
        run.bold, run.font.color.rgb = True, _RED
    file.add_heading(title, 0)
    table: Any = None
    for block in blocks(text):
        table = _row(file, table, block) if block.kind == "row" else None
        if block.kind != "row":
            _write(_paragraph(file, block), block, 0)
    stream = BytesIO()
    file.save(stream)
    return stream.getvalue()


def _paragraph(file: Any, block: Block) -> Any:
    if block.kind == "heading":
        return file.add_heading(level=min(9, block.level - 1) or 1)
    if block.kind == "item":
        line = file.add_paragraph()
        line.paragraph_format.left_indent = Cm(0.7 * (min(block.level, 9) + 1))
        line.paragraph_format.first_line_indent = Cm(-0.5)
        line.paragraph_format.space_after = Pt(3)
        line.add_run(f"{block.mark} ")
        return line
    return file.add_paragraph(style="Quote" if block.kind == "quote" else None)


def _row(file: Any, table: Any, block: Block) -> Any:
    if table is None or len(table.columns) != len(block.cells):
        table = file.add_table(0, len(block.cells), style="Table Grid")
    cells = table.add_row().cells
    for at, cell in enumerate(cells):
        _write(cell.paragraphs[0], block, at)
    return table


def _write(line: Any, block: Block, at: int) -> None:
    for piece in block.cells[at]:
        run = line.add_run(piece.text)
        run.bold, run.italic = piece.bold or None, piece.italic or None
        if piece.code:
            run.font.name = "Consolas"
