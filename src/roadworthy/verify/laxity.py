"""What a policy chooses beside the defaults, and where it accepts more than the one before; not its numbers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from roadworthy.verify.outcome import Record
from roadworthy.verify.policy import Policy
from roadworthy.verify.registry import Check
from roadworthy.verify.tree import shown

_LONGEST = 300


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
            elif setting.type in ("list", "text"):  # whether another word is easier, nobody can tell here
                found.append(Eased(where, _short(values[0]), _short(values[1])))
    return found


class Choice(Record, frozen=True):
    """One thing that a policy says and the defaults do not.

    Attributes:
        where: Such as `probes.SEC-01.not_secret`.
        text: What it says.
    """

    where: str
    text: str


def choices(policy: Policy) -> list[Choice]:
    """Everything that a policy changes of what is examined and accepted, in the order of the file.

    A reader of a verdict must see these before he believes it: a policy is written by whoever is judged by it.
    """
    found = [_choice("subject.left_out", each) for each in policy.subject.left_out]
    found += [_choice("plug_ins", each) for each in policy.plug_ins]
    found += [_choice(f"manual.{id}", f"{each.by}: {each.says}") for id, each in policy.manual.items()]
    for id, section in policy.sections().items():
        for name, value in section.items():
            where = f"probes.{id}.{name}"
            if isinstance(value, Mapping):
                found += [_choice(where, _short(f"{key}: {_short(each)}")) for key, each in value.items()]
            elif isinstance(value, list):
                found += [_choice(where, _short(each)) for each in value]
            else:
                found.append(_choice(where, _short(value)))
    return found


def _choice(where: str, text: str) -> Choice:
    return Choice(where=shown(where), text=shown(text))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _added(where: str, before: Collection[object], now: Collection[object]) -> Iterator[Eased]:
    return (Eased(where, "nothing", str(each)[:200]) for each in now if each not in before)
