"""What `roadworthy verify run` does."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.output import Settings
from roadworthy.serve.wiring_verify import PORTS
from roadworthy.verify.registry import checks
from roadworthy.verify.run import Subject
from roadworthy.verify.run import run as run_checks


def run(subject: Path, folder: Path | None, only: tuple[str, ...], service: str | None, out: Settings) -> None:
    """Run the checks and show how each ended."""
    root = subject.resolve()
    place = (folder or root / ".roadworthy" / "verify").resolve()
    place.mkdir(parents=True, exist_ok=True)
    chosen = [each for id, each in checks().items() if not only or id in only]
    about = Subject(root=root, out=place, evidence=place / "evidence", ports=PORTS, service=service)
    results = run_checks(chosen, about, told=lambda check, text: out.say(f"{check}: {text}"))
    rows = [(each.definition.id, each.outcome.status, each.outcome.reason) for each in results]
    out.emit(rows, out.table(["check", "status", "reason"], rows))
