"""PER-06: this run's load (PER-01) against that of the last signed run on the same class of machine.

A percentile or the throughput is worse when the whole interval of its ratio lies above 1.10, and not worse when the
whole interval lies at or below it; anything between was not measured. All intervals together hold with 95 %
(Bonferroni).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify import history, recompute
from roadworthy.verify.definition import LIFETIME_S, Expiry
from roadworthy.verify.evidence import evidence_bytes
from roadworthy.verify.instant import seconds
from roadworthy.verify.machine import Machine, machine
from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, finding, judged
from roadworthy.verify.pinned import pinned
from roadworthy.verify.probe import Context
from roadworthy.verify.report.statement import signs
from roadworthy.verify.service.load_sample import LABEL, Samples, decoded
from roadworthy.verify.service.ratio import Ratio, Series, percentiles, throughput
from roadworthy.verify.shared import handed_over

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOAD = "PER-01"
MOST = 1.10
ERROR = 0.05
ATS = (0.50, 0.95)
SAID = 3
"""So many runs that were passed over are named in the reason."""
KEPT_UP = 0.98
"""From this share of the rate that was asked on, the rate and not the machine is what bounds the throughput."""
ALIKE = 1.5
"""Loads whose doubles took more than so many times as long as the other's are not comparable."""


class Earlier(NamedTuple):
    """The run that is compared with: place in the chain, digest of its report, when its load ended, its samples."""

    number: int
    sha256: str
    ended: str
    samples: Samples


def probe(context: Context) -> Outcome:
    """Find the run to compare with, wait for this run's load, and compare."""
    context.needs_service()
    if not context.settings["key_id"]:
        raise NotMeasured("The policy pins no key (PER-06.key_id), so no earlier run counts as signed.")
    earlier, passed_over = _earlier(context, pinned(context), machine())
    if earlier is None:
        why = "There is no earlier run to compare with; the first one never passes by itself."
        raise NotMeasured(f"{why} {_briefly(passed_over)}".strip())
    context.progress(f"waiting for the load of {LOAD}")
    try:
        now = decoded(handed_over(context, "load-samples", f"The load ({LOAD})"))
    except ValueError:
        raise NotMeasured(f"What {LOAD} handed over cannot be read.") from None
    _comparable(earlier, now)
    machine_took = statistics.median(now.control_s) / statistics.median(earlier.samples.control_s)
    context.progress("comparing")
    ratios = compared(earlier.samples, now, machine_took)
    context.evidence.write_json(
        {
            "compared_with": {"run": earlier.number, "report": earlier.sha256, "ended": earlier.ended},
            "passed_over": passed_over,
            "machine": now.machine,
            "machine_took_times_as_long": machine_took,
            "ratios": [each._asdict() for each in ratios],
            "most": MOST,
        },
        f"this load and that of run {earlier.number}",
        covers=[f"sha256:{earlier.sha256}"],
    )
    return _judged(context, earlier, ratios, machine_took, passed_over)


def compared(then: Samples, now: Samples, machine_took: float) -> list[Ratio]:
    """Every ratio, for the names that both have.

    Args:
        then: The earlier load.
        now: This one.
        machine_took: How many times as long the machine took now for the same work.
    """
    names = sorted(name for name in then.seconds.keys() & now.seconds.keys() if then.seconds[name])
    error = ERROR / (len(names) * len(ATS) + 1)
    found: list[Ratio] = []
    for name in names:
        if now.seconds[name]:
            before, after = (Series(of.seconds[name], of.provider_s) for of in (then, now))
            found += percentiles(name, before, after, ATS, error, machine_took)
    if then.answered_per_s and now.answered_per_s:
        asked = now.rate_per_s * len(now.seconds)
        kept_up = statistics.mean(now.answered_per_s) >= KEPT_UP * asked
        found.append(throughput(then.answered_per_s, now.answered_per_s, error, 1.0 if kept_up else machine_took))
    return found


def _earlier(context: Context, key: Ed25519PublicKey, here: Machine) -> tuple[Earlier | None, list[str]]:
    """The newest run that this check held good, else the oldest one; and why others were passed over.

    So a run that was slower, or that nobody held against one before it, makes the next one good only when nothing
    better is in force any more.
    """
    chosen: Earlier | None = None
    passed_over: list[str] = []
    if context.out is None:
        return None, passed_over
    try:
        for at, report in history.back(context.out):
            if not signs(history.envelope(context.out, at.report) or b"", at.report, [key]):
                passed_over.append(f"Run {at.number} is not signed by the pinned key and was not used.")
                continue
            found = _of_run(context, at, report, here)
            if isinstance(found, str):
                passed_over.append(found)
                continue
            chosen = found
            if history.status(report, context.check) in ("pass", "waived"):
                break
    except RoadworthyError as problem:
        raise NotMeasured(f"{problem} Nothing is compared with it.") from None
    return chosen, passed_over


def _of_run(context: Context, at: history.Head, report: dict[str, Any], here: Machine) -> Earlier | str:
    """What a signed run measured, with every hash of its evidence checked; a sentence when it is of no use here.

    Raises:
        NotMeasured: Its evidence is damaged: the run is signed, so somebody changed it afterwards.
    """
    row = next((each for each in report["checks"] if each["id"] == LOAD), None)
    kept = next((each for each in (row or {}).get("evidence", []) if each["label"] == LABEL), None)
    if row is None or kept is None:
        return f"Run {at.number} holds no samples of {LOAD}."
    if seconds(row["ended"]) + (LIFETIME_S[Expiry.LOAD] or 0) < time.time():
        return f"The load of run {at.number} is older than 30 days and expired."
    assert context.out is not None
    folder = context.out / "evidence"
    try:
        record = recompute.kept_records(folder, {LOAD: row["record"]})[LOAD]
        if kept["sha256"] not in [each["sha256"] for each in record["evidence"]]:
            raise ValueError
        samples = decoded(evidence_bytes(folder, kept["sha256"]))
    except (RoadworthyError, ValueError):
        raise NotMeasured(
            f"Run {at.number} is signed, and its evidence of {LOAD} is gone or was changed; it is not used, and no "
            "older one in its place."
        ) from None
    if other := samples.machine.differs_in(here):
        return f"Run {at.number} was on another class of machine: {', '.join(other)}."
    return Earlier(at.number, at.report, row["ended"], samples)


def _comparable(earlier: Earlier, now: Samples) -> None:
    then = earlier.samples
    if then.rate_per_s != now.rate_per_s:
        raise NotMeasured(
            f"Run {earlier.number} asked {then.rate_per_s:g} times a second and this one {now.rate_per_s:g} times."
        )
    low, high = sorted((then.provider_s, now.provider_s))
    if high > low * ALIKE:
        raise NotMeasured(
            f"The providers took {then.provider_s:.3f} s in run {earlier.number} and {now.provider_s:.3f} s in this "
            f"one; set {LOAD}.provider_s so that both are loaded alike."
        )
    if not then.control_s or not now.control_s:
        raise NotMeasured("How fast the machine was is not known for both runs.")


def _judged(
    context: Context, earlier: Earlier, ratios: Sequence[Ratio], machine_took: float, passed_over: Sequence[str]
) -> Outcome:
    then = earlier.samples
    findings: list[Finding] = []
    wanted = {f"p{100 * at:g}:{name}" for name in then.seconds for at in ATS} | {"throughput"}
    missing = [
        Missing(name=f"{name}: no answers in one of the runs") for name in wanted - {each.name for each in ratios}
    ]
    for each in ratios:
        if each.low > MOST:
            said = f"{each.name} is {each.value:.2f} times as bad as in run {earlier.number} (at least {each.low:.2f})."
            findings.append(finding(context.check, "slower", said, key=(each.name,)))
        elif each.high > MOST:
            missing.append(Missing(name=f"{each.name}: {each.low:.2f} to {each.high:.2f} is too wide to say"))
    existing = len(wanted | {each.name for each in ratios})
    coverage = Coverage(
        examined=existing - len(missing), existing=existing, missing=tuple(missing),
        how_counted="Existing: p50 and p95 of each name in the earlier run, and the throughput. Examined: those whose "
        "interval says on which side of 1.10 they are.",
    )  # fmt: skip
    worst = max(ratios, key=lambda each: each.high, default=None)
    said = (
        f"{len(ratios)} figures against run {earlier.number} of {earlier.ended[:10]}; "
        f"for the same work the machine took {machine_took:.2f} times as long"
    )
    if worst is not None:
        said += f"; worst is {worst.name} with {worst.value:.2f} ({worst.low:.2f} to {worst.high:.2f})"
    if undecided := [each.name for each in missing]:
        said += f"; {undecided[0]}"
    return judged(
        f"{said}. {_briefly(passed_over)}".strip(),
        coverage=coverage,
        findings=findings,
        measured=[
            Measure(name=each.name, value=round(each.value, 4), unit="times", ci_low=round(each.low, 4),
                    ci_high=round(each.high, 4))
            for each in ratios
        ],
    )  # fmt: skip


def _briefly(passed_over: Sequence[str]) -> str:
    """The newest few; all of them are in the evidence of a comparison."""
    more = f" {len(passed_over) - SAID} more were passed over." if len(passed_over) > SAID else ""
    return " ".join(passed_over[:SAID]) + more
