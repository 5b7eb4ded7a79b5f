"""The checks about the run itself: evidence in force, waivers valid, sums that add up, the deployed thing is this."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from roadworthy.verify import tree
from roadworthy.verify.evidence import Item
from roadworthy.verify.instant import instant, seconds
from roadworthy.verify.outcome import Coverage, Missing, Outcome, finding, judged, not_measured
from roadworthy.verify.policy import Waiver
from roadworthy.verify.probe import EvidenceWriter
from roadworthy.verify.report.record import Kept

OWN = ("GOV-02", "GOV-03", "GOV-05", "GOV-06", "SUP-07")
"""The checks about the run and its report, made after all others."""


class Made(NamedTuple):
    """What one of these checks found out."""

    outcome: Outcome
    evidence: tuple[Item, ...]


def in_force(kept: Sequence[Kept], now: float, write: EvidenceWriter) -> Made:
    """GOV-02: no evidence is from the future or past its end."""
    findings = []
    measured = [each for each in kept if each.evidence]
    for each in measured:
        id = each.definition.id
        if each.valid_until is not None and seconds(each.valid_until) < now:
            findings.append(finding("GOV-02", "expired", f"{id} ended on {each.valid_until}.", key=(id, "expired")))
        if seconds(each.ended) > now + 1:
            findings.append(finding("GOV-02", "future", f"{id} is dated in the future.", key=(id, "future")))
    rows = {each.definition.id: each.valid_until for each in measured}
    write.write_json({"now": instant(now), "valid_until": rows}, "how long each result holds")
    coverage = Coverage(
        examined=len(rows), existing=len(measured), how_counted="Checks with evidence, and those with a date read."
    )
    said = f"{len(measured)} results with evidence, {len(findings)} not in force."
    return Made(judged(said, coverage=coverage, findings=findings), tuple(write.items))


def waivers_hold(waivers: Sequence[Waiver], problems: Sequence[str], write: EvidenceWriter) -> Made:
    """GOV-03: every waiver is valid and matches a finding."""
    findings = [
        finding(
            "GOV-03", "waiver", f"Waiver {number} ({waiver.check}): {problem}",
            key=(waiver.check, waiver.fingerprint, problem),
        )
        for number, (waiver, problem) in enumerate(zip(waivers, problems, strict=True), 1)
        if problem
    ]  # fmt: skip
    rows = [
        {"check": waiver.check, "fingerprint": waiver.fingerprint, "problem": problem}
        for waiver, problem in zip(waivers, problems, strict=True)
    ]
    write.write_json({"waivers": rows}, "waivers of the policy")
    # The list itself is what exists: an empty one is examined too.
    coverage = Coverage(
        examined=len(rows) + 1, existing=len(waivers) + 1, how_counted="The policy's list of waivers, and each of them."
    )
    said = f"{len(findings)} of {len(waivers)} waivers do not hold." if waivers else "There are no waivers."
    return Made(judged(said, coverage=coverage, findings=findings), tuple(write.items))


def sums_agree(
    differences: Sequence[str], numbers: int, changed: Sequence[str], unread: int, write: EvidenceWriter
) -> Made:  # fmt: skip
    """GOV-06: other code gets the same numbers from the kept evidence, and the subject did not change meanwhile.

    Args:
        differences: Where the recomputation disagrees.
        numbers: How many numbers were compared.
        changed: What became of the subject during the run; empty when it stayed the same.
        unread: Entries of the subject that could not be read, so that its digest says nothing about them.
        write: Keeps what was compared.
    """
    findings = [finding("GOV-06", "sum", each, key=(each,)) for each in differences]
    findings += [finding("GOV-06", "subject", each, key=(each,)) for each in changed]
    write.write_json(
        {"numbers": numbers, "differences": list(differences), "changed": list(changed)}, "recomputation from evidence"
    )
    coverage = Coverage(
        examined=numbers,
        existing=numbers + unread,
        how_counted="Numbers and statuses recomputed from the evidence store, and entries of the subject not read.",
        missing=(Missing(name="entries of the subject that cannot be read", count=unread),) if unread else (),
    )
    said = f"{numbers} numbers and statuses recomputed by other code, {len(findings)} differences."
    if unread:
        said += f" {unread} entries of the subject cannot be read."
    return Made(judged(said, coverage=coverage, findings=findings), tuple(write.items))


def deployed_is_subject(
    deployed: str | Path | None, digest: str, left_out: Sequence[str], write: EvidenceWriter
) -> Made:  # fmt: skip
    """SUP-07: what is deployed has the digest of the subject.

    Args:
        deployed: The folder that is deployed, or `sha256:…`; None when nobody said.
        digest: Of the subject.
        left_out: As for the subject.
        write: Keeps both digests.
    """
    if deployed is None:
        return Made(not_measured("Nobody said what is deployed; name it with --deployed."), ())
    if isinstance(deployed, Path):
        other, entries, unread = tree.tree_digest(deployed.resolve(), left_out)
        if unread:
            return Made(not_measured(f"{unread} of {entries} deployed entries cannot be read."), ())
    else:
        other, entries = deployed.removeprefix("sha256:"), 1
    write.write_json({"subject": digest, "deployed": other}, "digests", covers=(f"sha256:{digest}", f"sha256:{other}"))
    coverage = Coverage(examined=entries, existing=entries, how_counted="Entries of the deployed folder, all hashed.")
    same = other == digest
    said = "What is deployed is the subject." if same else "What is deployed is not the subject."
    return Made(judged(said, coverage=coverage, passed=same), tuple(write.items))
