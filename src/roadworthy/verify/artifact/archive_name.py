"""Names of archive members: where unpacking would put them."""

from __future__ import annotations

import re

from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.record import shown

_DRIVE = re.compile(r"[A-Za-z]:")


def leaves(name: str) -> bool:
    """Whether a path is absolute, or climbs out of the folder that it is relative to, on POSIX or Windows."""
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or _DRIVE.match(name) is not None or ".." in parts


def judge_name(inspection: Inspection, name: str, offset: int) -> None:
    """Note a name that leaves the folder into which the archive is unpacked."""
    if leaves(name):
        inspection.find("archive.path", f"{shown(name)} would be written outside of the folder.", offset)
