"""A Markdown text as a file: Markdown, HTML, DOCX or PDF. What a model wrote stays text in each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from roadworthy.core.errors import ConfigError

FORMATS = {
    "md": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "pdf": "application/pdf",
}  # fmt: skip
"""Content type of each format."""


class Sheet(NamedTuple):
    """What is written.

    Attributes:
        title: In plain text.
        text: Markdown that went through `markdown.tame`, and headings of one's own.
        language: Tag of BCP 47, such as `en` or `ko`.
        mark: Stands on every page; empty for none.
    """

    title: str
    text: str
    language: str = "en"
    mark: str = ""


def export(form: str, sheet: Sheet) -> bytes:
    """The file.

    Args:
        form: A key of `FORMATS`.
        sheet: What is written.

    Raises:
        ConfigError: `extra_missing`: a library, or the font for Korean, is not installed.
    """
    try:
        from roadworthy.runtime.document.markdown import printable

        title, text, language, mark = sheet
        return _WRITERS[form](Sheet(printable(title), printable(text), language, printable(mark)))
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"No {form.upper()} can be written.",
            f"The package {error.name} is not installed.",
            "Install roadworthy[documents], and koreanize-matplotlib without its dependencies: it carries the font.",
            code="extra_missing",
        ) from error


def _markdown(sheet: Sheet) -> bytes:
    from roadworthy.runtime.document.markdown import plain_line

    mark = f"**{sheet.mark}**\n\n" if sheet.mark else ""
    # A Markdown file has no pages: the mark stands above every section.
    text = sheet.text.replace("\n## ", f"\n{mark}## ") if mark else sheet.text
    return f"# {plain_line(sheet.title)}\n\n{mark}{text}".encode()


def _html(sheet: Sheet) -> bytes:
    from roadworthy.runtime.document.html import html

    return html(sheet.title, sheet.text, sheet.language, sheet.mark).encode()


def _docx(sheet: Sheet) -> bytes:
    from roadworthy.runtime.document.docx import docx

    return docx(sheet.title, sheet.text, sheet.language, sheet.mark)


def _pdf(sheet: Sheet) -> bytes:
    from roadworthy.runtime.document.pdf import pdf

    return pdf(sheet.title, sheet.text, sheet.language, sheet.mark)


_WRITERS: dict[str, Callable[[Sheet], bytes]] = {"md": _markdown, "html": _html, "docx": _docx, "pdf": _pdf}
