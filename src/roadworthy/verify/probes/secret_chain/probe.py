"""SEC-03: a secret comes from the source that its reference names; without it nothing starts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Caller
from roadworthy.verify.service.canary import places
from roadworthy.verify.service.configuration import copy_of, of_service
from roadworthy.verify.service.double import Doubles
from roadworthy.verify.service.drill import alive, wrong
from roadworthy.verify.service.second import SecondEdge, free_port

VARIABLE = "VERIFY_DRILL_KEY"
STOP_S = 25.0


class _Case(NamedTuple):
    name: str
    reference: str
    environ: Mapping[str, str]
    file: str | None
    right: bool


@dataclass(frozen=True)
class _Found:
    case: _Case
    started: bool
    exit_code: int | None
    served: bool
    credential_right: bool
    named: bool
    logged: bool


def probe(context: Context) -> Outcome:
    """Start second edges whose first provider's key comes from each source, right and wrong."""
    alive(context)
    value = f"sk-proj-{secrets.token_hex(24)}"
    with Doubles() as doubles, ThreadPoolExecutor(2) as pool:
        cases = _cases(value)
        context.progress("second edges with right and wrong secrets", 0, len(cases))
        found = list(pool.map(lambda pair: _play(context, doubles, pair[1], pair[0], value), enumerate(cases)))
        context.progress("rotation while it runs", len(cases), len(cases) + 1)
        rotated = _rotated(context, doubles, value)
    return _judged(context, found, rotated)


def _rotated(context: Context, doubles: Doubles, value: str) -> bool | None:
    """Whether a new value of the file is used without a restart; None when the whole gateway did not start."""
    with TemporaryDirectory(prefix="rw-") as state:  # a short path: sockets lie below it
        changes = {
            "gateway.require_key": False,
            "gateway.state_dir": state,
            "secrets.refresh_s": 1.0,
            "jobs.enabled": False,
            "control.enabled": False,
        }
        copy = copy_of(of_service(context), doubles.url, context.root, longest_s=5.0, changes=changes)
        line = copy.lines[0]
        copy.data["gateway"]["providers"][line.targets[0].provider]["api_key"] = "file:key.txt"
        edge = SecondEdge(copy, context.scratch / "whole", whole=True)
        file = edge.folder / "key.txt"
        file.write_text(value)
        file.chmod(0o600)
        edge.begin()
        try:
            if not _outcome(edge)[0] or not _asked(edge, doubles, line.name, value)[1]:
                return None
            new = f"sk-proj-{secrets.token_hex(24)}"
            file.write_text(new)
            end = time.monotonic() + 12.0
            while time.monotonic() < end:
                if _asked(edge, doubles, line.name, new)[1]:
                    return True
                time.sleep(0.3)
            return False
        finally:
            edge.kill()


def _cases(value: str) -> list[_Case]:
    nobody = f"http://127.0.0.1:{free_port()}"
    vault = {"VAULT_ADDR": nobody, "VAULT_TOKEN": secrets.token_hex(8)}
    return [
        _Case("env right", f"env:{VARIABLE}", {VARIABLE: value}, None, True),
        _Case("env missing", f"env:{VARIABLE}", {}, None, False),
        _Case("env empty", f"env:{VARIABLE}", {VARIABLE: ""}, None, False),
        _Case("file missing", "file:key.txt", {}, None, False),
        _Case("file empty", "file:key.txt", {}, "", False),
        _Case("chain env right", "secret:verify-drill-key", {VARIABLE: value}, None, True),
        _Case("vault down", "vault:secret/drill#key", vault, None, False),
    ]


def _play(context: Context, doubles: Doubles, case: _Case, number: int, value: str) -> _Found:
    config = of_service(context)
    copy = copy_of(config, doubles.url, context.root, longest_s=2.0, changes={"gateway.require_key": False})
    providers = tuple(copy.data["gateway"]["providers"])
    if not doubles.providers:
        doubles.serving(providers)
    line = copy.lines[0]
    first = line.targets[0].provider
    copy.data["gateway"]["providers"][first]["api_key"] = case.reference
    copy.environ.update(case.environ)
    folder = context.scratch / f"edge-{number}"
    edge = SecondEdge(copy, folder)
    if case.file is not None:
        (folder / "key.txt").write_text(case.file)
        (folder / "key.txt").chmod(0o600)
    edge.begin()
    try:
        started, code = _outcome(edge)
        served, right = _asked(edge, doubles, line.name, value) if started else (False, False)
    finally:
        edge.kill()
    log = edge.log
    return _Found(case, started, code, served, right, _named(case.reference, log), _written(folder, value))


def _outcome(edge: SecondEdge) -> tuple[bool, int | None]:
    """Whether it takes requests, and its exit code when it ended instead."""
    assert edge.process is not None
    end = time.monotonic() + STOP_S
    while time.monotonic() < end:
        if (code := edge.process.poll()) is not None:
            return False, code
        caller = Caller(edge.url, timeout_s=1.0)
        reply = caller.send("GET", "/livez")
        caller.close()
        if reply.status is not None:
            return True, None
        time.sleep(0.05)
    return False, None


def _asked(edge: SecondEdge, doubles: Doubles, name: str, value: str) -> tuple[bool, bool]:
    mark = len(doubles.received)
    caller = Caller(edge.url, timeout_s=10.0)
    reply = caller.chat(name, f"With which key? {edge.port}", headers={"cache-control": "no-store"})
    caller.close()
    own = [each for each in doubles.since(mark) if str(edge.port).encode() in each.body]
    return reply.status == 200, any(each.credential == value for each in own)


def _named(reference: str, log: bytes) -> bool:
    """Whether an error tells which secret it is about; of a store that is down, its own words do."""
    return reference.startswith("vault:") or reference.partition(":")[2].encode() in log


def _written(folder: Path, value: str) -> bool:
    return any(value.encode() in content for name, content in places(folder) if name != "key.txt")


def _unused(context: Context) -> list[Missing]:
    """Stores that no drill reaches; they may be left out where the configuration names none."""
    named = {
        ref.text.partition(":")[0] for each in of_service(context).gateway.providers.values() if (ref := each.api_key)
    }
    reason = "The configuration names no secret there."
    return [
        Missing(name=f"a right secret in {store}", reason="" if {store, "secret"} & named else reason)
        for store in ("vault", "aws")
    ]


def _judged(context: Context, found: list[_Found], rotated: bool | None) -> Outcome:
    rows: list[dict[str, Any]] = [
        {
            "case": each.case.name,
            "started": each.started,
            "exit_code": each.exit_code,
            "served": each.served,
            "provider_saw_the_right_key": each.credential_right,
            "error_names_the_reference": each.named,
            "value_was_written": each.logged,
        }
        for each in found
    ]
    rows.append({"case": "rotation while it runs", "new_value_used": rotated})
    context.evidence.write_json(rows, "second edges with right and wrong secrets")
    if not any(each.started for each in found if each.case.right):
        raise NotMeasured("A second edge does not start even with the right secret.")
    findings: list[Finding] = []
    missing = _unused(context)
    if rotated is None:
        missing.append(Missing(name="rotation while it runs"))
    elif not rotated:
        findings.append(wrong(context, "rotation", "A new value was not used within 12 s while it ran."))
    for each in found:
        findings += _faults(context, each)
        if not each.started and each.exit_code is None:
            missing.append(Missing(name=each.case.name))
    examined = sum(each.started or each.exit_code is not None for each in found) + (rotated is not None)
    coverage = Coverage(
        examined=examined,
        existing=len(found) + 3,
        missing=tuple(missing),
        how_counted="Existing: cases of right and wrong secrets, rotation, two stores. Examined: what came to an end.",
    )
    return judged(
        f"{examined} starts with right and wrong secrets: {len(findings)} did not end as they must.",
        coverage=coverage,
        findings=findings,
        measured=[Measure(name="starts", value=examined, unit="starts")],
    )


def _faults(context: Context, found: _Found) -> list[Finding]:
    name, findings = found.case.name, []
    if found.case.right and found.started and not found.credential_right:
        findings.append(
            wrong(context, "source", f"{name}: the provider was not shown the secret of this source.", name)
        )
    if not found.case.right and found.started:
        findings.append(
            wrong(context, "open", f"{name}: it starts without its secret.", name, severity=Severity.CRITICAL)
        )
    if not found.case.right and not found.started and found.exit_code is not None and not found.named:
        findings.append(
            wrong(context, "unnamed", f"{name}: the error does not name the reference.", name, severity=Severity.LOW)
        )
    if found.logged:
        findings.append(
            wrong(context, "written", f"{name}: the secret stands in what it wrote.", name, severity=Severity.CRITICAL)
        )
    return findings
