"""Where a policy asks for less than the one before: thresholds that were moved to where the project stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from roadworthy.verify.definition import settled
from roadworthy.verify.policy import Policy
from roadworthy.verify.registry import Check

_LEAST = ("least", "min")
_MOST = ("most", "max")


class Lowered(NamedTuple):
    """One thing that is asked for less.

    Attributes:
        where: Such as `thresholds.category` or `probes.QUA-02.least`.
        before: As text.
        after: As text.
    """

    where: str
    before: str
    after: str


def lowered(before: Policy, after: Policy, checks: Mapping[str, Check]) -> list[Lowered]:
    """Everything that the later policy asks for less, in order.

    A setting `least…` that fell, one `most…` that rose, a flag that was turned off, an entry that was added to a list
    of what is accepted: each makes a check easier to pass.

    Args:
        before: The earlier policy.
        after: The later one.
        checks: What its settings belong to.
    """
    found = list(_thresholds(before, after))
    found += _added("subject.left_out", before.subject.left_out, after.subject.left_out)
    found += [Lowered("plug_ins", id, "gone") for id in before.plug_ins if id not in after.plug_ins]
    for id, check in checks.items():
        old = settled(check.definition, _known(check, before.sections().get(id, {})))
        new = settled(check.definition, after.sections().get(id, {}))
        for name, value in new.items():
            found += _setting(f"probes.{id}.{name}", name, old[name], value)
    return found


def _known(check: Check, section: Mapping[str, object]) -> dict[str, object]:
    """What this version still knows of an earlier policy."""
    return {name: value for name, value in section.items() if name in check.definition.settings}


def _thresholds(before: Policy, after: Policy) -> Iterator[Lowered]:
    old, new = before.thresholds, after.thresholds
    if new.category < old.category:
        yield Lowered("thresholds.category", f"{old.category:g}", f"{new.category:g}")
    if new.coverage < old.coverage:
        yield Lowered("thresholds.coverage", f"{old.coverage:g}", f"{new.coverage:g}")
    if new.max_age_days > old.max_age_days:
        yield Lowered("thresholds.max_age_days", str(old.max_age_days), str(new.max_age_days))


def _setting(where: str, name: str, old: Any, new: Any) -> Iterator[Lowered]:
    if old == new:
        return
    if isinstance(new, dict):
        yield from _added(where, old or {}, new)
    elif isinstance(old, bool):
        if old and not new:
            yield Lowered(where, "on", "off")
    elif isinstance(old, int | float) and (new is None or _less(name, old, new)):
        yield Lowered(where, f"{old:g}", "not set" if new is None else f"{new:g}")


def _less(name: str, old: float, new: float) -> bool:
    return (name.startswith(_LEAST) and new < old) or (name.startswith(_MOST) and new > old)


def _added(where: str, old: Any, new: Any) -> Iterator[Lowered]:
    for each in new:
        if each not in old:
            yield Lowered(where, "nothing", str(each)[:200])
