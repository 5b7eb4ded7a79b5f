"""The texts of a subject in which credentials may stand, and how many of its files those are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from roadworthy.verify.outcome import Missing
from roadworthy.verify.tree import Node, shown

MOST_TEXT_BYTES = 64 << 20


class Sorted(NamedTuple):
    """The files of a subject.

    Attributes:
        texts: Those to look through.
        missing: Those that are not, some with the reason why they need not be.
        existing: All.
    """

    texts: tuple[Node, ...]
    missing: tuple[Missing, ...]
    existing: int


def sort_out(nodes: Iterable[Node], excused: Mapping[str, str]) -> Sorted:
    """Which files to look through.

    Args:
        nodes: Of the subject.
        excused: Files or folders and the reason why nothing in them counts.
    """
    texts: list[Node] = []
    missing: list[Missing] = []
    existing = 0
    for node in nodes:
        existing += 1
        why = _why_not(node, excused)
        if why is None:
            texts.append(node)
        else:
            missing.append(Missing(name=shown(node.name), reason=why))
    return Sorted(tuple(texts), tuple(missing), existing)


def _why_not(node: Node, excused: Mapping[str, str]) -> str | None:
    """Why a file is left out; empty when there is no good reason, None when it is not."""
    for place, why in excused.items():
        if node.name == place or node.name.startswith(place.rstrip("/") + "/"):
            return str(why)
    if node.kind == "link":
        return "a link; what it leads to is looked at under its own name, or is not the subject's"
    if node.kind != "file":
        return "" if node.kind == "unreadable" else "no file"
    try:
        with os.fdopen(os.open(node.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            head = file.read(8192)
    except OSError:
        return ""
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary"
    return "" if node.size > MOST_TEXT_BYTES else None


def decoded(raw: bytes) -> str:
    """A text in UTF-16 with its mark, else in UTF-8; what is neither becomes marks."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    return raw.decode("utf-8-sig", "replace")
