"""Where a policy accepts more than the one before: entries of what is excused, flags, folders; not its numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from roadworthy.verify.policy import Policy
from roadworthy.verify.registry import Check


class Eased(NamedTuple):
    """One thing that is easier than before.

    Attributes:
        where: Such as `probes.QUA-01.skips`.
        before: As text.
        now: As text.
    """

    where: str
    before: str
    now: str


def eased(before: Policy, now: Policy, checks: Mapping[str, Check]) -> list[Eased]:
    """Everything that the later policy accepts and the earlier one did not, in order.

    Args:
        before: The earlier policy.
        now: The later one.
        checks: What the settings belong to.
    """
    found = list(_added("subject.left_out", before.subject.left_out, now.subject.left_out))
    found += [Eased("plug_ins", id, "gone") for id in before.plug_ins if id not in now.plug_ins]
    old, new = before.sections(), now.sections()
    for id, check in checks.items():
        for name, setting in check.definition.settings.items():
            values = [each.get(id, {}).get(name, setting.default) for each in (old, new)]
            if values[0] == values[1]:
                continue
            where = f"probes.{id}.{name}"
            if setting.type == "map":
                found += _added(where, values[0] or {}, values[1] or {})
            elif setting.type == "flag" and values[0] and not values[1]:
                found.append(Eased(where, "on", "off"))
    return found


def _added(where: str, before: Collection[object], now: Collection[object]) -> Iterator[Eased]:
    return (Eased(where, "nothing", str(each)[:200]) for each in now if each not in before)
