"""What `roadworthy verify run` does."""

from __future__ import annotations

import time
from pathlib import Path

from roadworthy.cli.output import Settings
from roadworthy.serve.wiring_verify import PORTS, ports
from roadworthy.verify import inspection, policy


def run(subject: Path, folder: Path | None, only: tuple[str, ...], service: str | None, out: Settings) -> None:
    """Run the checks and show how each ended."""
    root = subject.resolve()
    place = (folder or root / ".roadworthy" / "verify").resolve()
    report = inspection.inspect(
        inspection.Asked(
            root=root,
            out=place,
            policy=policy.load(None, root),
            ports=PORTS,
            masker=ports().masker,
            clock=time.time,
            service=service,
            only=only,
            told=lambda check, text: out.say(f"{check}: {text}"),
        )
    )
    rows = [(each.id, each.status, each.reason) for each in report.checks]
    out.emit(report, out.table(["check", "status", "reason"], rows) + "\n" + repr(report.verdict) + repr(report.score))
