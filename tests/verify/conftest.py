"""Subjects in folders, probes run in this process, and whole runs whose probes say what a test wants."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rig.verification import START, Run, Verified, good
from roadworthy.serve.wiring_verify import PORTS, ports
from roadworthy.verify import inspection, policy
from roadworthy.verify.child import Ports
from roadworthy.verify.definition import settled
from roadworthy.verify.evidence import EvidenceStore
from roadworthy.verify.outcome import NotMeasured, Outcome, not_measured
from roadworthy.verify.probe import Context, EvidenceWriter
from roadworthy.verify.registry import Check, checks
from roadworthy.verify.report.record import Report
from roadworthy.verify.run import Result, settle

OWN_WORDS = ("ART-01", "ART-04", "PER-01", "QUA-01", "SEC-01", "TRN-08")
"""Checks whose evidence is their own; the others share a piece, because files cost time."""


@pytest.fixture(scope="session")
def guard_ports() -> Ports:
    return ports()


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole runs write hundreds of small files; no test here pulls the plug."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    """An empty folder to put files into."""
    folder = tmp_path / "subject"
    folder.mkdir()
    return folder


@pytest.fixture
def verified(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, subject: Path, guard_ports: Ports) -> Verified:
    """Runs one check's probe on the subject and settles the outcome as the runner does."""
    scratch = tmp_path_factory.mktemp("s")  # a short path, as a run gives: sockets of services lie in it

    def run(
        check: str, service: str | None = None, timeout_s: float = 60.0, policy: bytes = b"", **settings: Any
    ) -> Outcome:
        found = checks()[check]
        assert found.module is not None
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
            policy=policy,
        )
        probe = __import__(found.module, fromlist=["probe"]).probe
        try:
            outcome: Outcome = probe(context)
        except NotMeasured as reason:
            outcome = not_measured(str(reason))
        return settle(outcome, writer.items, check)

    return run


@pytest.fixture
def inspected(monkeypatch: pytest.MonkeyPatch, guard_ports: Ports) -> Run:
    """A whole run in which every probe passes but those that the test says otherwise of; so does the technical file."""

    def inspect(
        root: Path, out: Path, said: Mapping[str, Outcome] | None = None, content: bytes = b"",
        at: float = START, no_evidence: Sequence[str] = (), technical: bool = False,
        kept: Mapping[str, Mapping[str, bytes]] | None = None, **options: Any,
    ) -> Report:  # fmt: skip
        store = EvidenceStore(out / "evidence", guard_ports.masker)

        def run(wanted: Sequence[Check], about: object, **how: object) -> list[Result]:
            results = []
            for check in wanted:
                writer = EvidenceWriter(store, lambda: at)
                if check.definition.id not in no_evidence:
                    said_by = check.definition.id if check.definition.id in OWN_WORDS else "the others"
                    writer.write(f"what was printed by {said_by}".encode(), "output", argv=["tool", "x"])
                for label, content in (kept or {}).get(check.definition.id, {}).items():
                    writer.write(content, label, media_type="application/json")
                outcome = (said or {}).get(check.definition.id, good())
                outcome = settle(outcome, writer.items, check.definition.id)
                results.append(Result(check.definition, outcome, tuple(writer.items), at, at))
            return results

        def built(written: object, kept: object, place: object, today: object, write: EvidenceWriter) -> Outcome:
            write.write(b"what was printed by the others", "output")
            return (said or {}).get("GOV-05", good())

        monkeypatch.setattr(inspection, "run", run)
        if not technical:
            monkeypatch.setattr(inspection.file, "built", built)
        loaded = policy.Loaded(policy=policy.policy_of(content) if content else policy.Policy(), content=content)
        asked = inspection.Asked(
            root=root.resolve(), out=out, policy=loaded, ports=PORTS, masker=guard_ports.masker, clock=lambda: at,
            **{"deployed": root.resolve(), **options},
        )  # fmt: skip
        return inspection.inspect(asked)

    return inspect
