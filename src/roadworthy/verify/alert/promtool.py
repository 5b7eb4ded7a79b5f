"""Prometheus's own tool on a copy of the rules and tests, in which no link and no `..` leads anywhere."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from roadworthy.verify import tool
from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import shown

TOOL = "promtool"
MISSING = (
    "promtool, which loads and tests alert rules, is not installed: it comes with Prometheus "
    "(Debian and Ubuntu: apt install prometheus; else prometheus.io/download), and must be on PATH."
)
CALL_S = 60.0
"""Seconds that one call may take: a test of a hundred days in steps of a millisecond does not end."""
_LEFT_S = 5.0
_LOADED = re.compile(rb"^\s*SUCCESS: (\d+) rules? found\s*$", re.M)
_NOISE = ("FAILED:", "Checking", "Unit Testing", "WARNING")


class Promtool:
    """Runs it; what it prints is kept as evidence.

    Args:
        context: Of the probe; the copy lies in its scratch.

    Raises:
        NotMeasured: It is not installed.
    """

    def __init__(self, context: Context) -> None:
        if tool.found(TOOL, context.root) is None:
            raise NotMeasured(MISSING)
        self._context = context
        self._root = Path(tempfile.mkdtemp(prefix="rules-", dir=context.scratch)) / "subject"
        self._root.mkdir()
        self._asked = False

    def put(self, name: str, content: bytes) -> None:
        """Copy a file in.

        Args:
            name: Relative to the subject's root; what is not the subject's begins with `../`.
            content: Of the file.

        Raises:
            OSError: The disk refuses, or the name is too long for where the copy lies.
        """
        path = Path(os.path.join(self._root, name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def loaded(self, name: str) -> tuple[int, str]:
        """How many rules Prometheus loads from a file, and why it does not; 0 and a reason when it refuses.

        Raises:
            NotMeasured: It did not come to an end.
        """
        ran = self._run("check", name, "rules as Prometheus loads them")
        if ran.exit_code not in (0, 1, 3):
            raise NotMeasured(f"promtool ended with exit code {ran.exit_code}.")
        counted = _LOADED.search(ran.stdout)
        if ran.exit_code == 0 and counted is not None:
            return int(counted[1]), ""
        return 0, _said(ran)

    def holds(self, name: str, label: str) -> str:
        """Why a file of tests fails; empty when all of them hold.

        Raises:
            NotMeasured: It did not come to an end.
        """
        ran = self._run("test", name, label)
        if ran.exit_code not in (0, 1):
            raise NotMeasured(f"promtool ended with exit code {ran.exit_code}.")
        return "" if ran.exit_code == 0 else _said(ran)

    def _run(self, what: str, name: str, label: str) -> tool.Ran:
        seconds = min(CALL_S, self._context.remaining_s() - _LEFT_S)
        if seconds <= 0:
            raise NotMeasured("there was no time left for it")
        asked: dict[str, Any] = {"version_argv": ()} if self._asked else {}
        self._asked = True
        command = [TOOL, what, "rules", f"./{name}"]
        return self._context.run(command, label=f"{label}: {shown(name)}", cwd=self._root, timeout_s=seconds, **asked)


def _said(ran: tool.Ran) -> str:
    """The first lines of what is wrong, in one."""
    text = (ran.stderr + b"\n" + ran.stdout).decode("utf-8", "replace")
    lines = [shown(line.strip()) for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith(_NOISE) and line != "SUCCESS"]
    return " ".join(told[:6])[:400] or f"promtool ended with exit code {ran.exit_code}"
