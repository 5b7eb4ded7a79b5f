"""A subject in a folder, and the context that a probe is given, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.serve.wiring_verify import ports
from roadworthy.verify.child import Ports
from roadworthy.verify.definition import settled
from roadworthy.verify.evidence import EvidenceStore
from roadworthy.verify.outcome import NotMeasured, Outcome, not_measured
from roadworthy.verify.probe import Context, EvidenceWriter
from roadworthy.verify.registry import checks
from roadworthy.verify.run import settle

Verified = Callable[..., Outcome]


@pytest.fixture(scope="session")
def guard_ports() -> Ports:
    return ports()


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    """An empty folder to put files into."""
    folder = tmp_path / "subject"
    folder.mkdir()
    return folder


@pytest.fixture
def verified(tmp_path: Path, subject: Path, guard_ports: Ports) -> Verified:
    """Runs one check's probe on the subject and settles the outcome as the runner does."""

    def run(check: str, service: str | None = None, timeout_s: float = 60.0, **settings: Any) -> Outcome:
        found = checks()[check]
        assert found.module is not None
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        writer = EvidenceWriter(EvidenceStore(tmp_path / "evidence", guard_ports.masker))
        context = Context(
            definition=found.definition,
            root=subject.resolve(),
            settings=settled(found.definition, settings),
            service=service,
            scratch=scratch,
            evidence=writer,
            progress=lambda text, done=0, total=0: None,
            deadline=time.monotonic() + timeout_s,
            secrets=guard_ports.secrets,
            out=tmp_path / "out",
        )
        probe = __import__(found.module, fromlist=["probe"]).probe
        try:
            outcome: Outcome = probe(context)
        except NotMeasured as reason:
            outcome = not_measured(str(reason))
        return settle(outcome, writer.items, check)

    return run
