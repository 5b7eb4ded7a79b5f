"""Runs probes, each in a process of its own with a time limit; what is killed, crashes or says nothing is `error`."""

from __future__ import annotations

import hashlib
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import floor
from pathlib import Path
from threading import Lock

import msgspec

from roadworthy.core.ports import Masker
from roadworthy.verify import plain
from roadworthy.verify.child import Job, Line
from roadworthy.verify.definition import Definition, settled
from roadworthy.verify.evidence import Item
from roadworthy.verify.outcome import Finding, Outcome, Severity, Status, error, finding, not_measured, uncovered
from roadworthy.verify.registry import Check
from roadworthy.verify.tree import shown

MOST_RESULT_BYTES = 64 * 1024 * 1024
BETWEEN = ("shared", "suite")
"""Folders of the output that are of use while a run lasts."""
MOST_PRINTED_BYTES = 64 * 1024 * 1024
_LOOK_S = 0.5
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check.

    Attributes:
        definition: Of the check.
        outcome: Settled: a pass without coverage or evidence is not one.
        evidence: What was kept.
        started: Seconds since the Unix epoch.
        ended: The same.
    """

    definition: Definition
    outcome: Outcome
    evidence: tuple[Item, ...]
    started: float
    ended: float


Told = Callable[[str, str], None]
"""Called with the id of a check and what it is at; from several threads, one at a time."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is verified, and with what.

    Attributes:
        root: Folder, resolved.
        out: Folder of our output; not part of the subject.
        evidence: Folder of the evidence store.
        ports: `MODULE:FUNCTION` that makes `child.Ports`.
        service: URL of the running service; None when there is none.
        left_out: Names of folders that are not the subject's.
        sections: The policy's section per check.
        timeouts: Seconds per check, where the policy says other than the probe.
        masker: Masks the last words of a process that died; they are not shown when None.
        policy: Its bytes, for probes that judge it.
        run_key: Random; with it the processes of this run know what one of them has written for the others.
    """

    root: Path
    out: Path
    evidence: Path
    ports: str
    service: str | None = None
    left_out: tuple[str, ...] = ()
    sections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    timeouts: Mapping[str, float] = field(default_factory=dict)
    masker: Masker | None = None
    policy: bytes = b""
    run_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


def run(
    checks: Sequence[Check], subject: Subject, *, processes: int | None = None, told: Told | None = None
) -> list[Result]:
    """Run the probes of the checks; those without one are not measured.

    Args:
        checks: In the order of the results.
        subject: What they look at.
        processes: How many at the same time; one per core when None.
        told: Hears what is going on.

    Raises:
        ConfigError: `config_invalid`: the policy's section for a check is wrong; nothing was run.
    """
    jobs = [settled(each.definition, subject.sections.get(each.definition.id, {})) for each in checks]
    lock = Lock()
    running: set[int] = set()

    def tell(check: str, text: str) -> None:
        if told is not None:
            with lock:
                told(check, text)

    def one(check: Check, settings: dict[str, object]) -> Result:
        started = time.time()
        outcome, items = _run(check, settings, subject, tell, running)
        outcome = settle(outcome, items, check.definition.id)
        if check.module is not None:
            tell(check.definition.id, f"{outcome.status} in {time.time() - started:.1f} s")
        return Result(check.definition, outcome, items, started, time.time())

    for folder in BETWEEN:
        shutil.rmtree(subject.out / folder, ignore_errors=True)
    with ThreadPoolExecutor(processes or len(os.sched_getaffinity(0))) as pool:
        try:
            return list(pool.map(one, checks, jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for group in list(running):
                _kill(group)
            raise
        finally:
            for folder in BETWEEN:
                shutil.rmtree(subject.out / folder, ignore_errors=True)


def settle(outcome: Outcome, items: Sequence[Item], check: str) -> Outcome:
    """The outcome as it counts.

    A pass needs complete coverage, evidence, and no finding worse than a note; not applicable needs the predicate that
    said so, with evidence; `waived` is not a probe's to say; a failure without findings gets one that can be named.
    """
    outcome = msgspec.structs.replace(outcome, findings=told_apart(outcome.findings))
    why = ""
    if outcome.status is Status.PASS:
        why = _not_a_pass(outcome, items)
    elif outcome.status is Status.NOT_APPLICABLE and (outcome.applicability is None or outcome.applicability.result):
        why = "It says that it does not apply, without a predicate that ran and is false."
    elif outcome.status is Status.NOT_APPLICABLE and not items:
        why = "It says that it does not apply, and kept no evidence."
    elif outcome.status is Status.WAIVED:
        return error("A probe may not waive.")
    elif outcome.status is Status.FAIL and not any(each.severity is not Severity.NOTE for each in outcome.findings):
        found = finding(check, "rule", outcome.reason, key=())
        return msgspec.structs.replace(outcome, findings=(*outcome.findings, found))
    if not why and outcome.share is not None:
        return msgspec.structs.replace(outcome, share=floor(min(1.0, max(0.0, outcome.share)) * 1e6) / 1e6)
    if not why:
        return outcome
    return msgspec.structs.replace(outcome, status=Status.NOT_MEASURED, reason=f"{why} {outcome.reason}", share=None)


def told_apart(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The same findings, no two of them with one fingerprint: a waiver is for one."""
    seen: Counter[str] = Counter()
    made = []
    for each in findings:
        seen[each.fingerprint] += 1
        again = f"{each.fingerprint} {seen[each.fingerprint]}".encode()
        fingerprint = each.fingerprint if seen[each.fingerprint] == 1 else hashlib.sha256(again).hexdigest()[:32]
        made.append(msgspec.structs.replace(each, fingerprint=fingerprint))
    return tuple(made)


def _not_a_pass(outcome: Outcome, items: Sequence[Item]) -> str:
    if outcome.coverage is None:
        return "It passed without saying what was examined."
    if not outcome.coverage.complete:
        return uncovered(outcome.coverage)
    if not items:
        return "It passed without keeping evidence."
    if any(each.severity is not Severity.NOTE for each in outcome.findings):
        return "It passed with findings."
    return ""


def _run(
    check: Check, settings: dict[str, object], subject: Subject, tell: Told, running: set[int]
) -> tuple[Outcome, tuple[Item, ...]]:
    definition = check.definition
    if check.module is None:
        more = "; a person may give evidence" if definition.automation == "H" else ""
        return not_measured(f"No probe yet: {definition.lacks}{more}."), ()
    timeout_s = subject.timeouts.get(definition.id, definition.timeout_s)
    with _scratch() as scratch:
        job = Job(
            module=check.module,
            definition=definition,
            settings=settings,
            ports=subject.ports,
            root=str(subject.root),
            evidence=str(subject.evidence),
            scratch=str(scratch / "work"),
            timeout_s=timeout_s,
            service=subject.service,
            left_out=subject.left_out,
            apart=(str(subject.out),),
            out=str(subject.out),
            policy=subject.policy,
            run_key=subject.run_key,
        )
        tell(definition.id, "started")
        return _supervised(job, scratch, tell, subject.masker, running)


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-probe-"))
    try:
        (folder / "work").mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _supervised(
    job: Job, scratch: Path, tell: Told, masker: Masker | None, running: set[int]
) -> tuple[Outcome, tuple[Item, ...]]:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as result, (scratch / "printed").open("w+b") as printed:
        command = [sys.executable, "-P", "-m", "roadworthy.verify.child", str(writer)]
        try:
            child = subprocess.Popen(  # noqa: S603  our own module
                command, cwd=scratch / "work", stdin=subprocess.PIPE, stdout=printed, stderr=printed,
                pass_fds=(writer,), start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(writer)
        running.add(child.pid)
        lifeline = child.stdin
        assert lifeline is not None
        try:
            with suppress(BrokenPipeError):
                lifeline.write(msgspec.json.encode(job) + b"\n")
                lifeline.flush()
            last, why = _listen(result.fileno(), printed.fileno(), job, tell)
            exit_code = _ended(child, why)
        finally:
            _kill(child.pid)
            running.discard(child.pid)
            child.wait()
            with suppress(BrokenPipeError):
                lifeline.close()
        if why:
            return error(why), ()
        if exit_code != 0:
            return error(_death(exit_code, Path(printed.name), masker)), ()
        if last is None or last.outcome is None:
            return error("The probe's process ended without a result."), ()
        return last.outcome, last.evidence


def _ended(child: subprocess.Popen[bytes], why: str) -> int:
    """The exit code; a process that told its result and does not end is ended."""
    if why:
        return -signal.SIGKILL
    try:
        return child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        return 0


def _listen(descriptor: int, printed: int, job: Job, tell: Told) -> tuple[Line | None, str]:
    """Read lines until the end; returns the last one with an outcome, and what went wrong.

    What the process prints beside goes to a file, whose size is looked at, so that it does not fill the disk.
    """
    deadline = time.monotonic() + job.timeout_s
    buffer, total, last = b"", 0, None
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return None, f"It did not end within {job.timeout_s:.0f} s and was killed."
        if os.fstat(printed).st_size > MOST_PRINTED_BYTES:
            return None, f"It printed more than {MOST_PRINTED_BYTES} bytes and was killed."
        if not select.select([descriptor], [], [], min(left, _LOOK_S))[0]:
            continue
        piece = os.read(descriptor, 1 << 16)
        if not piece:
            return last, ""
        total += len(piece)
        if total > MOST_RESULT_BYTES:
            return None, f"Its result has more than {MOST_RESULT_BYTES} bytes."
        *lines, buffer = (buffer + piece).split(b"\n")
        for text in lines:
            try:
                line = plain.read(text, Line)
            except ValueError:
                return None, "The probe's process said something that is no result."
            if line.outcome is not None:
                last = line
            else:
                counted = f" ({line.done} of {line.total})" if line.total else ""
                tell(job.definition.id, line.progress + counted)


def _death(exit_code: int, printed: Path, masker: Masker | None) -> str:
    if exit_code < 0:
        name = signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else str(-exit_code)
        return f"The probe's process was killed by {name}; memory may have run out."
    if masker is None:
        return f"The probe's process ended with exit code {exit_code}."
    said = printed.read_bytes()[-2000:].decode("utf-8", "replace").strip().split("\n")[-1]
    return f"The probe's process ended with exit code {exit_code}: {shown(masker.mask(said))[:300]}"
