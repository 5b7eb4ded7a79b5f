"""The process of one probe: `python -m roadworthy.verify.child RESULT_FD`, with its job as JSON on standard input.

Standard input stays open as long as the runner lives; at its end this process and everything it started is killed.
The result goes as lines of JSON to the descriptor, so that whatever a probe prints cannot be taken for it.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import msgspec

from roadworthy.core.errors import RoadworthyError
from roadworthy.core.ports import Masker, SecretFinder
from roadworthy.verify.closed import close_to_others
from roadworthy.verify.definition import Definition
from roadworthy.verify.evidence import EvidenceStore, Item
from roadworthy.verify.outcome import NotMeasured, Outcome, Record, error, not_measured
from roadworthy.verify.probe import Context, EvidenceWriter, Probe
from roadworthy.verify.tree import shown

EVERY_S = 1.0
"""Seconds between two lines of progress with numbers."""


class Ports(NamedTuple):
    """What the roof hands in.

    Attributes:
        masker: Takes secrets and personal data out of evidence.
        secrets: Finds them; None where nobody provides it.
    """

    masker: Masker
    secrets: SecretFinder | None = None


PortsMaker = Callable[[], Ports]


class Job(Record, frozen=True):
    """What a probe's process is told.

    Attributes:
        module: With the function `probe`.
        definition: Of the check.
        settings: The policy's section, with defaults.
        ports: `MODULE:FUNCTION` that makes the ports.
        root: The subject.
        evidence: Folder of the store.
        scratch: An empty folder.
        timeout_s: Seconds until the process is killed.
        service: URL of the running service.
        left_out: Names of folders that are not the subject's.
        apart: Paths that are not the subject's.
        out: Folder of the run's output.
        policy: Bytes of the policy.
        run_key: See `Context`.
    """

    module: str
    definition: Definition
    settings: dict[str, Any]
    ports: str
    root: str
    evidence: str
    scratch: str
    timeout_s: float
    service: str | None = None
    left_out: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    out: str | None = None
    policy: bytes = b""
    run_key: bytes = b""


class Line(Record, frozen=True):
    """What comes back: progress, and at the end the outcome with its evidence.

    Attributes:
        progress: What is being done.
        done: Of `total`; 0 and 0 when there are no numbers.
        total: How many there are.
        outcome: The result.
        evidence: What was kept.
    """

    progress: str = ""
    done: int = 0
    total: int = 0
    outcome: Outcome | None = None
    evidence: tuple[Item, ...] = ()


def made(name: str) -> Any:
    """What `MODULE:NAME` means."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def main() -> None:
    """Do the job on standard input."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold what was not masked
    close_to_others()
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    threading.Thread(target=_until_the_runner_is_gone, name="lifeline", daemon=True).start()
    with os.fdopen(int(sys.argv[1]), "wb", buffering=0) as result:
        result.write(msgspec.json.encode(done(job, result)) + b"\n")


def done(job: Job, result: IO[bytes] | None = None) -> Line:
    """Run the probe of a job here; whatever happens becomes an outcome.

    Args:
        job: What to do.
        result: Where progress goes.
    """
    ports = cast(PortsMaker, made(job.ports))()
    writer = EvidenceWriter(EvidenceStore(Path(job.evidence), ports.masker))

    told = -EVERY_S

    def progress(text: str, done: int = 0, total: int = 0) -> None:
        """One line now and then: a probe tells each of a hundred thousand files."""
        nonlocal told
        now = time.monotonic()
        if result is not None and (not total or now - told >= EVERY_S):
            told = now
            result.write(msgspec.json.encode(Line(progress=ports.masker.mask(text), done=done, total=total)) + b"\n")

    context = Context(
        definition=job.definition,
        root=Path(job.root),
        settings=job.settings,
        service=job.service,
        scratch=Path(job.scratch),
        evidence=writer,
        progress=progress,
        deadline=time.monotonic() + job.timeout_s,
        secrets=ports.secrets,
        left_out=job.left_out,
        apart=tuple(Path(each) for each in job.apart),
        out=Path(job.out) if job.out is not None else None,
        policy=job.policy,
        run_key=job.run_key,
    )
    outcome = _masked(_outcome(job, context), ports.masker)
    return Line(outcome=outcome, evidence=tuple(writer.items))


def _outcome(job: Job, context: Context) -> Outcome:
    """The probe runner's door: what a probe raises becomes a status, never a silence."""
    try:
        probe = cast(Probe, importlib.import_module(job.module).probe)
        outcome: object = probe(context)
        # Through JSON and back: what is not of the declared types shows here, not in somebody's report.
        return msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome)
    except NotMeasured as reason:
        return not_measured(str(reason))
    except RoadworthyError as problem:
        return error(f"{problem} {problem.mend}")
    except MemoryError:
        return error("Memory ran out.")
    except Exception as bug:  # the probe runner's door
        place = bug.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f" in {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else ""
        return error(f"The probe failed{where}: {type(bug).__name__}: {shown(str(bug))[:300]}")


def _masked(outcome: Outcome, masker: Masker) -> Outcome:
    """Every text that will be shown, masked: reasons and messages may quote the subject."""
    return msgspec.convert(_masked_texts(msgspec.to_builtins(outcome), masker), Outcome)


def _masked_texts(value: Any, masker: Masker) -> Any:
    if isinstance(value, str):
        return masker.mask(value)
    if isinstance(value, dict):
        return {name: item if name == "fingerprint" else _masked_texts(item, masker) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_texts(item, masker) for item in value]
    return value


def _until_the_runner_is_gone() -> None:
    while os.read(0, 4096):
        pass
    with suppress(ProcessLookupError):
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
