"""Something wrong at a place of a file of the subject, as the readers of workflows and lock files tell it."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong.

    Attributes:
        rule: Which rule found it.
        message: One sentence, without the subject's raw text beyond names.
        name: Of the file, relative to the root, as the file system gave it.
        line: From 1; None when it is the whole file.
        key: What makes it this fault and no other, without line numbers.
        grave: Whether it alone lets a stranger run code or write.
    """

    rule: str
    message: str
    name: str
    line: int | None
    key: str
    grave: bool = False
