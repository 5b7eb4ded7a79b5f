"""Which installed packages have a known vulnerability. Old, absent or partial knowledge is never "none"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from roadworthy.verify.supply.advisory import LEVELS, Advisory, concerns
from roadworthy.verify.supply.advisory_database import MOST_AGE, Database
from roadworthy.verify.supply.installed import Distribution

GRAVE = ("critical", "high", None)
"""A severity that nobody stated counts as grave."""


class Hit(NamedTuple):
    """A package with a vulnerability.

    Attributes:
        package: Name (PEP 503).
        version: Installed.
        ids: All names of the vulnerability, that of the first record first.
        severity: The gravest that a record states; None when none does.
        summary: One line.
        fixed: Versions that are said to mend it.
    """

    package: str
    version: str
    ids: tuple[str, ...]
    severity: str | None
    summary: str
    fixed: tuple[str, ...]

    @property
    def grave(self) -> bool:
        """Whether it is high or critical, or nobody says how grave it is."""
        return self.severity in GRAVE


class Matched(NamedTuple):
    """What a database says to an environment.

    Attributes:
        hits: By package; two records of one vulnerability are one hit.
        examined: How many packages were looked up to the end.
        skipped: Packages that could not be, with the reason.
    """

    hits: tuple[Hit, ...]
    examined: int
    skipped: tuple[tuple[str, str], ...]


def match(distributions: Iterable[Distribution], database: Database) -> Matched:
    """Look up each package.

    Args:
        distributions: Installed ones; each counts, the same name twice counts twice.
        database: What is known.
    """
    known = database.by_package()
    hits: list[Hit] = []
    skipped: list[tuple[str, str]] = []
    examined = 0
    for each in distributions:
        try:
            found = [advisory for advisory in known.get(each.key, ()) if _hit(advisory, each)]
        except ValueError as problem:
            skipped.append((f"{each.key} {each.version}", str(problem)))
            continue
        examined += 1
        hits += [_merged(each, group) for group in _grouped(found)]
    return Matched(tuple(hits), examined, tuple(skipped))


def stale(database: Database, now: datetime, most: timedelta = MOST_AGE) -> str:
    """Why a database cannot be relied on; empty when it can."""
    age = database.age(now)
    if age < timedelta(0):
        return f"Its newest record is of {database.newest}, which lies in the future."
    if age > most:
        return f"Its newest record is of {database.newest}, {age.days} days ago; at most {most.days} are allowed."
    if database.unreadable:
        name, why = database.unreadable[0]
        return f"{len(database.unreadable)} of its records could not be read, the first is {name}: {why}."
    return ""


def _hit(advisory: Advisory, each: Distribution) -> bool:
    affected = [part for part in advisory.affected if part.package == each.key]
    if not any(part.decidable for part in affected):
        raise ValueError(f"{advisory.id} names no versions of it")
    return any(concerns(part, each.version) for part in affected)


def _grouped(found: Sequence[Advisory]) -> list[list[Advisory]]:
    """Records that share a name are one vulnerability."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for advisory in found:
        names = {advisory.id, *advisory.aliases}
        joined = [group for group in groups if group[0] & names]
        merged = (
            names.union(*(group[0] for group in joined)),
            [*(each for group in joined for each in group[1]), advisory],
        )
        groups = [group for group in groups if not group[0] & names] + [merged]
    return [members for _, members in groups]


def _merged(each: Distribution, group: Sequence[Advisory]) -> Hit:
    names = dict.fromkeys(name for advisory in group for name in (advisory.id, *advisory.aliases))
    parts = [part for advisory in group for part in advisory.affected if part.package == each.key]
    levels = [level for level in (*(a.severity for a in group), *(part.severity for part in parts)) if level]
    events = (event for part in parts for events in part.ranges for event in events)
    fixed = dict.fromkeys(event.version for event in events if event.kind == "fixed")
    severity = min(levels, key=LEVELS.index) if levels else None
    return Hit(
        each.key, each.version, tuple(names), severity, next((a.summary for a in group if a.summary), ""), tuple(fixed)
    )


def counted(hits: Iterable[Hit]) -> Mapping[str, int]:
    """How many hits there are of each severity."""
    counts: dict[str, int] = {}
    for hit in hits:
        level = hit.severity or "unstated"
        counts[level] = counts.get(level, 0) + 1
    return counts
