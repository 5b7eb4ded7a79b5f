"""Chat templates: Jinja code that a runtime executes. What reaches out of a template is unsafe."""

from __future__ import annotations

import re

from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.record import shown

_BLOCK = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_UNSAFE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"__"), "reaches names with two underscores"),
    (re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{2,3}|N\{)"), "writes letters as escapes"),
    (re.compile(r"""(['"])_+\1"""), "puts underscores together"),
    (re.compile(r"\|\s*attr\b|\battr\s*\("), "reads attributes by computed names"),
    (re.compile(r"\|\s*map\s*\(\s*(?:attribute\s*=\s*)?['\"][^'\"]*_[^a-z]"), "reads attributes by computed names"),
    (re.compile(r"\{%[-+]?\s*(?:import|from|include|extends)\b"), "loads other templates"),
    (
        re.compile(r"\.\s*(?:mro|format_map|f_globals|gi_frame|gi_code|cr_frame|ag_frame|func_globals)\b"),
        "reaches frames",
    ),
    (
        re.compile(
            r"\b(?:lipsum|cycler|joiner|url_for|get_flashed_messages|request|popen|subprocess|os\.|sys\.|builtins|"
            r"subclasses|globals|eval|exec|getattr|setattr|open)\b(?=\s*[\.\(\[]|\w)"
        ),
        "uses objects that lead out of a template",
    ),
    (re.compile(r"\bself\s*[\.\[|]"), "uses the template's own internals"),
    (re.compile(r"\|\s*format\s*\(|%c"), "puts names together from characters"),
)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def looks_like(text: str) -> bool:
    """Whether the text holds Jinja code."""
    return _BLOCK.search(text) is not None


def judge(text: str, inspection: Inspection, where: str, offset: int | None = None) -> None:
    """Judge a template.

    Args:
        text: The template.
        inspection: Gets the findings.
        where: What it is called in messages.
        offset: Where it stands.
    """
    inspection.recognise("jinja")
    code = _COMMENT.sub("", text)
    found = {why for block in _BLOCK.findall(code) for pattern, why in _UNSAFE if pattern.search(block)}
    for why in sorted(found):
        inspection.find("template.code", f"{shown(where)} {why}.", offset)
    rest = _BLOCK.sub("", code)
    if "{%" in rest or "{{" in rest:
        inspection.find("template.broken", f"{shown(where)} has a block without an end.", offset)
