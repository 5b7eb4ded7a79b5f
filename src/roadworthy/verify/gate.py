"""The gate of a deployment: reads only signed evidence, trusts no number in the report, and decides by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from roadworthy.core.errors import RoadworthyError, UsageError
from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify import history, plain, regular, tree
from roadworthy.verify.evidence import evidence_bytes
from roadworthy.verify.laxity import Choice, choices
from roadworthy.verify.outcome import Record
from roadworthy.verify.policy import Policy, policy_of
from roadworthy.verify.recompute import Json, Sum, differences, kept_records, lines, moment, summed, untrusted
from roadworthy.verify.registry import catalogue
from roadworthy.verify.report.record import FORM, Report
from roadworthy.verify.report.statement import PREDICATE_TYPE, predicate, signs
from roadworthy.verify.signing import STATEMENT_TYPE, opened

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

REPORT = "report.json"
ENVELOPE = "readiness.intoto.jsonl"
EVIDENCE = "evidence"
NOTHING = hashlib.sha256(b"").hexdigest()
"""Digest of a subject without files."""
_MOST_BYTES = 64 * 1024 * 1024
_AS_KEPT = ("measured", "coverage", "findings", "applicability")
"""What a report says of a check as it was kept; its status and its reason may have changed since."""
_ORDER = ("fail", "error", "not_measured", "waived", "not_applicable", "pass")


class Asked(NamedTuple):
    """What a gate is asked.

    Attributes:
        folder: Output of a run: report, envelope, evidence, history.
        keys: Those that are trusted, pinned outside of the folder.
        deployed: The folder that is to be deployed, or `sha256:…`.
        policy: Bytes of the policy that must hold; None takes the one that was signed.
        seen: File in which this gate remembers the last report; None remembers nothing.
        now: Seconds since the Unix epoch.
    """

    folder: Path
    keys: Sequence[Ed25519PublicKey]
    deployed: Path | str
    policy: bytes | None
    seen: Path | None
    now: float


class Ruling(Record, frozen=True):
    """What the gate says.

    Attributes:
        decision: GO, NO-GO or INCOMPLETE.
        reasons: In words.
        score: Recomputed.
        coverage: Recomputed.
        report_sha256: Of the report.
        subject_sha256: Of the subject, which is what is deployed.
        key_id: Of the key that signed.
        number: Place of the report in its chain.
        reported: What the report itself decided.
        choices: What the policy changes of what is examined and accepted by default.
        apart: Folders of what is deployed that were not verified, because they are no part of the subject.
    """

    decision: str
    reasons: tuple[str, ...]
    score: float | None
    coverage: float | None
    report_sha256: str
    subject_sha256: str
    key_id: str
    number: int
    reported: str
    choices: tuple[Choice, ...] = ()
    apart: tuple[tree.Apart, ...] = ()


def gate(asked: Asked) -> Ruling:
    """Judge.

    Raises:
        RoadworthyError: `integrity_mismatch`: signature, digest, subject, chain, clock or recomputation does not fit;
            nothing may be deployed on this report.
    """
    content = _read(asked.folder / REPORT)
    digest = hashlib.sha256(content).hexdigest()
    statement, key = _statement(asked)
    report = _report(content)
    if statement.get("predicate") != predicate(msgspec.convert(report, Report), digest):
        raise untrusted("What was signed is about another report.")
    if statement.get("subject") != report["subject"]:
        raise untrusted("What was signed is about another subject.")
    policy = _policy(asked, report["policy"]["sha256"])
    _complete(report, policy)
    _in_time(report, asked.now)
    subject = _subject(asked, report, policy)
    history_of(asked, digest, report)
    records = kept_records(asked.folder / EVIDENCE, {each["id"]: each["record"] for each in report["checks"]})
    _as_in_catalogue(records, report)
    then = _total(records, policy, moment(report["finished"]))
    wrong, _ = differences(report, then)
    if wrong:
        raise untrusted(" ".join(wrong[:3]))
    now = _total(_measured_here(records, subject), policy, asked.now)
    ruling = _ruling(now, report, policy, asked.now, digest, subject, key)
    if isinstance(asked.deployed, Path):
        apart = tree.not_walked(asked.deployed, policy.left_out, (asked.folder,))
        ruling = msgspec.structs.replace(ruling, apart=tuple(apart))
    if asked.seen is not None:
        _remember(asked.seen, digest, report["number"])
    return ruling


def _read(path: Path) -> bytes:
    try:
        content = regular.read(path, _MOST_BYTES)
    except OSError as error:
        raise untrusted(f"{path.name} cannot be read: {error.strerror or 'input/output error'}.") from None
    if len(content) > _MOST_BYTES:
        raise untrusted(f"{path.name} is larger than any report.")
    return content


def _statement(asked: Asked) -> tuple[Json, str]:
    if not asked.keys:
        raise UsageError("A gate needs a public key.", "", "Give the one that is trusted with --key.")
    payload, key = opened(_read(asked.folder / ENVELOPE), asked.keys)
    try:
        statement = plain.read_object(payload)
    except ValueError:
        raise untrusted("What was signed is no JSON object.") from None
    if statement.get("_type") != STATEMENT_TYPE or statement.get("predicateType") != PREDICATE_TYPE:
        raise untrusted("What was signed is no statement of readiness.")
    return statement, key


def _report(content: bytes) -> Json:
    try:
        report, values = plain.read(content, Report), plain.read_object(content)
    except ValueError as problem:
        raise untrusted(f"The report has another form: {problem}.") from None
    if report.schema != FORM:
        raise untrusted("The report has another version.")
    return values


def _policy(asked: Asked, digest: str) -> Policy:
    if asked.policy is not None and hashlib.sha256(asked.policy).hexdigest() != digest:
        raise untrusted("The run was held to another policy than the one that must hold.")
    try:
        content = evidence_bytes(asked.folder / EVIDENCE, digest)
    except RoadworthyError as problem:
        raise untrusted(f"The policy: {problem}") from None
    return policy_of(content, here=False)


def _complete(report: Json, policy: Policy) -> None:
    """No check is left out, none is there twice, and the thresholds are the policy's."""
    ids = [each["id"] for each in report["checks"]]
    if sorted(ids) != sorted({*catalogue(), *policy.plug_ins}):
        raise untrusted("Its checks are not those of the catalogue and the policy.")
    if report["policy"]["thresholds"] != msgspec.to_builtins(policy.thresholds):
        raise untrusted("Its thresholds are not those of the policy.")
    if tuple(report["left_out"]) != policy.left_out:
        raise untrusted("It left other folders out than the policy says.")


def _as_in_catalogue(records: dict[str, Json], report: Json) -> None:
    """No check was weighed otherwise than the catalogue of this gate weighs it."""
    stated = {each["id"]: each for each in report["checks"]}
    for id, record in records.items():
        own, row = record["definition"], catalogue().get(id)
        names = ("category", "weight", "blocker", "automation", "expiry", "waivable")
        if row is not None and any(own[name] != getattr(row, name) for name in names):
            raise untrusted(f"{id} is weighed otherwise than the catalogue says.")
        share = record["outcome"]["share"]
        if share is not None and not 0 <= share <= 1:
            raise untrusted(f"{id} earned a share that is none.")
        if row is not None and any(stated[id][name] != getattr(row, name) for name in ("title", "rule")):
            raise untrusted(f"{id} is told otherwise than the catalogue tells it.")
        if any(stated[id][name] != record["outcome"][name] for name in _AS_KEPT):
            raise untrusted(f"{id} is told otherwise than its evidence tells it.")
        if [each["sha256"] for each in record["evidence"]] != [each["sha256"] for each in stated[id]["evidence"]]:
            raise untrusted(f"{id} shows other evidence than was kept.")


def _in_time(report: Json, now: float) -> None:
    times = [report["started"], report["finished"], *(each["ended"] for each in report["checks"])]
    if any(moment(each) > now + history.SKEW_S for each in times):
        raise untrusted("It is dated in the future.")
    if moment(report["started"]) > moment(report["finished"]):
        raise untrusted("It ended before it began.")


def _subject(asked: Asked, report: Json, policy: Policy) -> str:
    stated = str(report["subject"][0]["digest"].get("sha256", "")) if report["subject"] else ""
    if isinstance(asked.deployed, str):
        found = asked.deployed.removeprefix("sha256:").lower()
    else:
        found, entries, unread = tree.tree_digest(asked.deployed, policy.left_out, (asked.folder,))
        if unread:
            raise untrusted(f"{unread} of {entries} entries of what is deployed cannot be read.")
    if found != stated:
        raise untrusted("What is deployed is not what was verified: the digests differ.")
    return stated


def history_of(asked: Asked, digest: str, report: Json) -> None:
    """Walk the chain of runs to its beginning. A trusted key signed every one of them, and no other run lies there.

    Args:
        asked: Its folder, the keys, and the file of the last report that a gate judged, which must be in the chain.
        digest: SHA-256 of the report.
        report: Which must be the newest.

    Raises:
        RoadworthyError: `integrity_mismatch`: a run is gone, was changed, is not signed, or is newer than this one.
    """
    folder = asked.folder
    head = history.head(folder)
    if head is None or head.report != digest or head.number != report["number"]:
        raise untrusted("It is not the newest run of its chain.")
    wanted = _remembered(asked.seen)
    met, number, before, later = {digest}, report["number"], report["previous"], report
    while before is not None and number > 1:
        number -= 1
        sha256 = before["report_sha256"]
        earlier = history.report(folder, sha256)
        if before["number"] != number or earlier.get("number") != number:
            raise untrusted("A run is missing in its chain.")
        if not signs(history.envelope(folder, sha256) or b"", sha256, asked.keys):
            raise untrusted(
                f"No trusted key signed run {number} of its chain; `roadworthy verify sign --earlier` does."
            )
        met.add(sha256)
        history.not_later(str(earlier.get("finished")), moment(str(later.get("started"))))
        later = earlier
        before = earlier.get("previous")
    if before is not None or number != 1:
        raise untrusted("Its chain of runs does not reach its beginning.")
    if wanted is not None and wanted not in met:
        raise untrusted("The last report that this gate saw is not in its chain: a run was dropped.")
    others = history.beside(folder, met)
    if others:
        raise untrusted(f"{len(others)} files of runs outside of its chain lie beside it, such as {others[0][:12]}.")


def _remembered(seen: Path | None) -> str | None:
    if seen is None or not seen.exists():
        return None
    try:
        return plain.read(regular.read(seen, _MOST_BYTES), history.Head).report
    except (OSError, ValueError):
        raise untrusted(f"{seen.name}, which remembers the last report, is damaged.") from None


def _remember(seen: Path, digest: str, number: int) -> None:
    try:
        with replacing(seen, mode=0o644) as file:
            file.write(msgspec.json.encode(history.Head(report=digest, number=number)))
    except OSError as error:
        raise UsageError(f"{seen.name} cannot be written.", f"{error.strerror or 'Input/output error'}.") from None


def _total(records: dict[str, Json], policy: Policy, at: float) -> Sum:
    waivers = [msgspec.to_builtins(each) for each in policy.waivers]
    bounds = policy.thresholds
    return summed(lines(records, waivers, at), bounds.category, bounds.coverage)


def _measured_here(records: dict[str, Json], subject: str) -> dict[str, Json]:
    """SUP-07, that the deployed thing is the verified one, is measured by the gate itself when the run could not.

    Nothing is known about a subject without files.
    """
    own = records["SUP-07"]
    if own["outcome"]["status"] != "not_measured" or subject == NOTHING:
        return records
    coverage = {"examined": 1, "existing": 1, "missing": [], "how_counted": "the digest"}
    passed = {**own["outcome"], "status": "pass", "coverage": coverage, "findings": [], "share": None}
    return {**records, "SUP-07": {**own, "outcome": passed, "evidence": [{"sha256": "", "bytes": 0}]}}


def _ruling(
    now: Sum, report: Json, policy: Policy, at: float, digest: str, subject: str, key: str
) -> Ruling:  # fmt: skip
    decision, reasons = now.decision, _reasons(now, policy)
    age_days = (at - moment(report["finished"])) / 86_400
    if age_days > policy.thresholds.max_age_days:
        reasons.append(f"The report is {age_days:.0f} days old; at most {policy.thresholds.max_age_days} are allowed.")
        decision = "INCOMPLETE" if decision == "GO" else decision
    return Ruling(
        decision=decision,
        reasons=tuple(reasons),
        score=None if now.overall is None else float(now.overall),
        coverage=None if now.coverage is None else float(now.coverage),
        report_sha256=digest,
        subject_sha256=subject,
        key_id=key,
        number=report["number"],
        reported=report["verdict"]["decision"],
        choices=tuple(choices(policy)),
    )


def _reasons(now: Sum, policy: Policy) -> list[str]:
    short: dict[str, list[str]] = {}
    for each in sorted(now.lines, key=lambda line: _ORDER.index(line.status)):
        if each.id in now.blockers:
            short.setdefault(each.status, []).append(each.id)
    reasons = [f"Blockers {status.replace('_', ' ')}: {', '.join(ids)}." for status, ids in short.items()]
    low = [name.replace("_", " ") for name, value in now.categories.items() if value < policy.thresholds.category]
    if low:
        reasons.append(f"Categories below {policy.thresholds.category:g}: {', '.join(low)}.")
    if now.coverage is None or float(now.coverage) < policy.thresholds.coverage:
        share = 0.0 if now.coverage is None else float(now.coverage)
        reasons.append(f"{100 * share:.0f} % was measured; {100 * policy.thresholds.coverage:g} % is needed.")
    return reasons or ["Signature, subject, chain and recomputation agree, and every rule of the policy holds."]
