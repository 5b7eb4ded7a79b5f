"""QUA-06: the goal did not move. The policy is compared with that of an earlier run, whose report the chain holds.

Which way a number of a probe's settings is stricter is not known here, so every change of one is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from roadworthy.verify import history
from roadworthy.verify.evidence import evidence_bytes
from roadworthy.verify.laxity import eased
from roadworthy.verify.outcome import Coverage, Finding, NotMeasured, Outcome, finding, judged
from roadworthy.verify.pinned import pinned
from roadworthy.verify.policy import Policy, policy_of
from roadworthy.verify.probe import Context
from roadworthy.verify.registry import checks
from roadworthy.verify.report.statement import signs
from roadworthy.verify.tree import shown

_STRICTER = {"thresholds.category": 1, "thresholds.coverage": 1, "thresholds.max_age_days": -1}


class Change(NamedTuple):
    """A number of the policy, before and now; None where it was not set."""

    name: str
    before: float | None
    now: float | None

    @property
    def suspect(self) -> bool:
        """Whether it may have made the goal easier."""
        direction = _STRICTER.get(self.name)
        if direction is None or self.before is None or self.now is None:
            return self.before != self.now
        return direction * self.now < direction * self.before


class Earlier(NamedTuple):
    """The run that is compared with.

    Attributes:
        number: Its place in the chain.
        sha256: Of its report.
        policy: SHA-256 of its policy.
        unsigned: A later run that the pinned key did not sign; None when there is none.
    """

    number: int
    sha256: str
    policy: str
    unsigned: int | None


def probe(context: Context) -> Outcome:
    """Compare every number of the policy, and all that it accepts, with the last run that may be compared with."""
    earlier = _earlier(context)
    if earlier is None or context.out is None:
        signed = " that the pinned key signed" if context.settings["key_id"] else ""
        raise NotMeasured(f"There is no earlier run{signed} to compare with; the first one never passes by itself.")
    before = policy_of(evidence_bytes(context.out / "evidence", earlier.policy), here=False)
    now = policy_of(context.policy, here=False)
    changes = list(compared(before, now))
    context.evidence.write_json(
        {"report": earlier.sha256, "policy": earlier.policy, "numbers": [each._asdict() for each in changes]},
        f"numbers of the policy, now and in run {earlier.number}",
        covers=[f"sha256:{earlier.sha256}"],
    )
    found = [_finding(context.check, each) for each in changes if each.suspect]
    found += [
        finding(context.check, "eased", f"{each.where} was {shown(each.before)} and is {shown(each.now)}.",
                key=tuple(each))
        for each in eased(before, now, checks())
    ]  # fmt: skip
    if earlier.unsigned is not None and not found:
        raise NotMeasured(
            f"Run {earlier.unsigned} is newer than the one to compare with, and the pinned key did not sign it: "
            "whether the goal moved since then is not known; `roadworthy verify sign --earlier` signs it."
        )
    coverage = Coverage(
        examined=len(changes), existing=len({*numbers(before), *numbers(now)}), how_counted="Numbers in both policies."
    )
    said = f"{len(changes)} numbers compared with run {earlier.number}, {len(found)} moved or eased."
    return judged(said, coverage=coverage, findings=found)


def _earlier(context: Context) -> Earlier | None:
    """The newest run in which the goal had not moved; else the oldest, which set it.

    A run that moved the goal, or did not look whether it had, cannot make the new one good by being run twice. With a
    key that the policy pins, only what that key signed counts.
    """
    if context.out is None:
        return None
    keys = [pinned(context)] if context.settings["key_id"] else []
    oldest: Earlier | None = None
    unsigned: int | None = None
    for at, report in history.back(context.out):
        if keys and not signs(history.envelope(context.out, at.report) or b"", at.report, keys):
            unsigned = unsigned or at.number
        else:
            oldest = Earlier(at.number, at.report, str(report["policy"]["sha256"]), unsigned)
            if history.status(report, context.check) in ("pass", "waived"):
                return oldest
    return oldest


def compared(before: Policy, now: Policy) -> Iterator[Change]:
    """Every number of either policy."""
    old, new = numbers(before), numbers(now)
    for name in sorted({*old, *new}):
        yield Change(name, old.get(name), new.get(name))


def numbers(policy: Policy) -> dict[str, float]:
    """The numbers of a policy by name; time limits of probes decide nothing and are left out."""
    bounds = policy.thresholds
    found: dict[str, float] = {
        "thresholds.category": bounds.category,
        "thresholds.coverage": bounds.coverage,
        "thresholds.max_age_days": bounds.max_age_days,
    }
    found.update(_flat("probes", policy.sections()))
    return found


def _flat(prefix: str, values: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}.{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}.{name}", value


def _finding(check: str, change: Change) -> Finding:
    before = "not set" if change.before is None else f"{change.before:g}"
    now = "not set" if change.now is None else f"{change.now:g}"
    return finding(check, "moved", f"{change.name} was {before} and is {now}.", key=(change.name, before, now))
