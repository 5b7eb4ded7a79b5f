"""Evidence that persons give: a dated file in the subject, kept as it is; it counts half."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from roadworthy.verify import tree
from roadworthy.verify.evidence import LARGEST_BYTES
from roadworthy.verify.outcome import Coverage, Outcome, judged, not_measured
from roadworthy.verify.policy import Manual
from roadworthy.verify.probe import EvidenceWriter


def outcome(given: Manual, root: Path, today: date, write: EvidenceWriter) -> Outcome:
    """What the evidence is worth.

    Args:
        given: As the policy says it.
        root: The subject; the file lies in it.
        today: The day of UTC.
        write: Keeps the file.
    """
    if not given.by.strip() or len(given.says.strip()) < 10:
        return not_measured("The manual evidence does not say who saw what.")
    if given.on > today:
        return not_measured("The manual evidence is dated in the future.")
    path = tree.inside(root, given.file)
    if path is None:
        return not_measured("The manual evidence lies outside of the subject.")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            content = file.read(LARGEST_BYTES)
    except OSError as error:
        return not_measured(f"The manual evidence cannot be read: {error.strerror or 'input/output error'}.")
    if not content.strip():
        return not_measured("The manual evidence is empty.")
    write.write(content, f"evidence by hand: {tree.shown(given.file)}", media_type="application/octet-stream")
    coverage = Coverage(examined=1, existing=1, how_counted="The file that the policy names.")
    return judged(f"{tree.shown(given.says)} ({tree.shown(given.by)}, {given.on})", coverage=coverage)
