"""JSON and other texts that lie beside weights: configurations of Keras and of Hugging Face, templates, plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from roadworthy.verify.artifact import keras, template
from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Source, chunks

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SHEBANG = re.compile(r"#!\s*/")
_PYTHON = re.compile(
    r"^(?:import \w[\w.]*(?: as \w+)?(?:,|;|\s*$|\s*#)|from \.*\w[\w.]* import |(?:async )?def \w+\(.*|class \w+[:(]|"
    r"exec\(|eval\(|__import__\()",
    re.MULTILINE,
)
_SCRIPT_NAMES = (
    ".py", ".pyw", ".pyi", ".sh", ".bash", ".zsh", ".ps1", ".bat", ".cmd", ".js", ".mjs", ".ts", ".rb", ".pl", ".php",
    ".lua", ".r", ".jl", ".vbs", ".ipynb",
)  # fmt: skip
_YAML_OBJECT = re.compile(r"!!python/|!<tag:yaml\.org,2002:python/|tag:yaml\.org,2002:python/")
_POINTER = "version https://git-lfs.github.com/spec/"
_ENTITY = re.compile(r"<!ENTITY\s", re.IGNORECASE)
_WINDOW = 1 << 20


def is_text(source: Source) -> bool:
    """Whether all of it is UTF-8 (or UTF-16 with its mark) without control characters."""
    head = source.read(0, 4)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    import codecs

    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in chunks(source, size=_WINDOW):
            if _CONTROL.search(decoder.decode(piece)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def judge(source: Source, inspection: Inspection, name: str) -> None:
    """Judge a text.

    Args:
        source: Its bytes, which are text.
        inspection: Gets the findings.
        name: Its name, which can only make the verdict stricter.
    """
    inspection.recognise("text")
    start = source.read(0, 1 << 12).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if start.startswith(_POINTER):
        inspection.find("file.pointer", "It is a pointer of Git LFS, not the file.")
    elif start[:1] in ("{", "["):
        _judge_json(source, inspection, start)
    elif name.lower().endswith(_SCRIPT_NAMES) or _SHEBANG.match(start):
        inspection.recognise("program")
        inspection.find("code.program", "It is program code: what it does is not told by walking its bytes.")
    else:
        _judge_plain(source, inspection, name)


def _judge_plain(source: Source, inspection: Inspection, name: str) -> None:
    before = ""
    jinja = name.lower().endswith((".jinja", ".jinja2", ".j2"))
    if jinja and source.size <= inspection.limits.text_bytes:
        template.judge(source.read(0, source.size).decode("utf-8", "backslashreplace"), inspection, name)
    python = False
    for piece in chunks(source, size=_WINDOW):
        text = before + piece.decode("utf-8", "replace")
        if _YAML_OBJECT.search(text):
            inspection.find("config.object", "It names Python objects, which an unsafe YAML loader makes.")
        if _ENTITY.search(text):
            inspection.find("config.code", "It declares XML entities.")
        python = python or _PYTHON.search(text) is not None
        before = text[-256:]
    if python and not jinja and not name.lower().endswith((".md", ".txt", ".rst", ".html")):
        inspection.recognise("program")
        inspection.find("code.program", "It is program code: what it does is not told by walking its bytes.")


def _judge_json(source: Source, inspection: Inspection, start: str) -> None:
    if source.size > inspection.limits.text_bytes:
        inspection.find("budget.spent", f"A document of {source.size:,} bytes is too large to be parsed.")
        return
    text = source.read(0, source.size)
    try:
        wide = text[:2] in (b"\xff\xfe", b"\xfe\xff")
        value = json.loads(text.decode("utf-16" if wide else "utf-8-sig"), object_pairs_hook=_Once)
    except (ValueError, RecursionError):
        _judge_broken_json(text.decode("utf-8", "replace"), inspection)
        return
    inspection.recognise("json")
    judge_value(value, inspection)


class _Once(dict[str, object]):
    """An object of JSON that knows whether a key stands twice: readers differ on which one counts."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.twice = len(self) < len(pairs)


def _judge_broken_json(text: str, inspection: Inspection) -> None:
    """JSON lines, templates that begin with a brace, or text."""
    lines = text.splitlines()
    try:
        values = [json.loads(line) for line in lines if line.strip()]
    except (ValueError, RecursionError):
        if template.looks_like(text):
            template.judge(text, inspection, "the template")
        else:
            inspection.find("json.broken", "It begins like JSON and is none.")
        return
    inspection.recognise("json-lines")
    for value in values:
        judge_value(value, inspection)


def judge_value(value: object, inspection: Inspection) -> None:
    """Judge a parsed document: what names code, what is a template, what Keras would instantiate."""
    try:
        keras.judge(value, inspection)
        for key, item in _members(value):
            _judge_member(key, item, inspection)
    except RecursionError:
        inspection.find("json.broken", "It is nested too deep.")


def _members(value: object) -> Iterator[tuple[str, object]]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield "", item
            yield from item.items()
            pending += item.values()
        elif isinstance(item, list):
            pending += item


def _judge_member(key: str, item: object, inspection: Inspection) -> None:
    if not key and isinstance(item, _Once) and item.twice:
        inspection.find("json.broken", "A key stands twice, and readers differ on which one counts.")
    elif key in ("auto_map", "custom_pipelines") and item:
        inspection.find("config.code", f"{key} names code that trust_remote_code would run.")
    elif key == "trust_remote_code" and item is True:
        inspection.find("config.code", "It asks for trust_remote_code.")
    elif "chat_template" in key:
        for text in _texts(item):
            template.judge(text, inspection, key)
    elif key == "cells" and isinstance(item, list) and any(isinstance(c, dict) and "cell_type" in c for c in item):
        inspection.find("code.program", "It is a notebook: its cells are program code.")
    elif key == "__loader__" and isinstance(item, str) and item not in _SKOPS_PLAIN:
        inspection.find("config.code", f"It names a skops loader, {shown(item)}, which makes objects.")


_SKOPS_PLAIN = {"JsonNode", "DictNode", "ListNode", "TupleNode", "SetNode", "SliceNode", "NdArrayNode", "DTypeNode"}


def _texts(item: object) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    elif isinstance(item, list | dict):
        for each in item.values() if isinstance(item, dict) else item:
            yield from _texts(each)
