"""Advisories in the OSV format: one record, and which versions it concerns.

Schema: https://ossf.github.io/osv-schema/ (1.7), its evaluation algorithm, versions ordered as PEP 440 orders them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from roadworthy.verify.supply.installed import normal
from roadworthy.verify.supply.version import InvalidVersion, Version

ECOSYSTEM = "PyPI"
LEVELS = ("critical", "high", "medium", "low")
_WORDS = {"critical": "critical", "high": "high", "moderate": "medium", "medium": "medium", "low": "low"}


class Event(msgspec.Struct, frozen=True, array_like=True):
    """A point of a range: `introduced`, `fixed`, `last_affected` or `limit`, and its version as it was written."""

    kind: str
    version: str


class Affected(msgspec.Struct, frozen=True):
    """Which versions of one package an advisory concerns.

    Attributes:
        package: Name as PEP 503 compares it.
        ranges: Events of each range of versions; ranges of commits are left out.
        versions: Versions that are named one by one.
        severity: Of this package alone; None when only the record says it, or nobody.
    """

    package: str
    ranges: tuple[tuple[Event, ...], ...]
    versions: tuple[str, ...]
    severity: str | None = None

    @property
    def decidable(self) -> bool:
        """Whether it names any version at all."""
        return bool(self.ranges or self.versions)


class Advisory(msgspec.Struct, frozen=True):
    """One record.

    Attributes:
        id: Such as `PYSEC-2024-1` or `GHSA-…`.
        aliases: Other names of the same.
        modified: When it was last changed, as it was written.
        summary: One line.
        severity: `critical`, `high`, `medium` or `low`; None when the record does not say it.
        affected: Packages of our ecosystem.
        withdrawn: When it was taken back; empty when it holds.
    """

    id: str
    aliases: tuple[str, ...]
    modified: str
    summary: str
    severity: str | None
    affected: tuple[Affected, ...]
    withdrawn: str = ""


def advisory_of(values: Any) -> Advisory:
    """An advisory from a record of the OSV schema; packages of other ecosystems are left out.

    Raises:
        ValueError: It is no such record.
    """
    try:
        affected = tuple(_affected(each) for each in values.get("affected") or () if _ours(each))
        return Advisory(
            _text(values["id"]),
            tuple(_text(each) for each in values.get("aliases") or ()),
            _text(values["modified"]),
            _summary(values.get("summary") or values.get("details")),
            _severity(values),
            affected,
            str(values.get("withdrawn") or ""),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as problem:
        raise ValueError(f"it is no OSV record: {type(problem).__name__}") from None


def concerns(affected: Affected, version: str) -> bool:
    """Whether a version is concerned, by the evaluation algorithm of the OSV schema.

    A local version (`2.4.1+cpu`) is taken as the public one that it was built from: the advisory means that one.

    Raises:
        ValueError: The version, or one of the advisory, is none that PEP 440 knows.
    """
    asked = _version(version)
    if any(_equal(each, asked) for each in affected.versions):
        return True
    return any(_inside(events, asked) for events in affected.ranges)


def _inside(events: Iterable[Event], asked: Version) -> bool:
    points = [(_point(event), event.kind) for event in events]
    limits = [point for point, kind in points if kind == "limit"]
    if limits and not any(point is None or asked < point for point in limits):
        return False
    # At one version what is introduced comes first: a range that is fixed where it begins holds nothing.
    order = {"introduced": 0, "fixed": 1, "last_affected": 2}
    hit = False
    for point, kind in sorted(
        ((point, kind) for point, kind in points if kind in order),
        key=lambda each: (each[0] is not None, each[0] or Version("0"), order[each[1]]),
    ):
        reached = point is None or asked >= point
        if kind == "introduced" and reached:
            hit = True
        elif (kind == "fixed" and reached) or (kind == "last_affected" and point is not None and asked > point):
            hit = False
    return hit


def _point(event: Event) -> Version | None:
    """The version of an event; None for `introduced: 0` and `limit: *`, which come before and after everything."""
    return None if event in {Event("introduced", "0"), Event("limit", "*")} else _version(event.version)


def _version(text: str) -> Version:
    try:
        return Version(Version(text).public)
    except InvalidVersion:
        raise ValueError(f"{text[:80]!r} is no version") from None


def _equal(text: str, asked: Version) -> bool:
    try:
        return _version(text) == asked
    except ValueError:
        return False  # old releases were named as anybody liked; ours has a version, so it is not one of these


def _ours(values: Mapping[str, Any]) -> bool:
    return str((values.get("package") or {}).get("ecosystem", "")).split(":")[0] == ECOSYSTEM


def _affected(values: Mapping[str, Any]) -> Affected:
    ranges = []
    for each in values.get("ranges") or ():
        if each["type"] in {"ECOSYSTEM", "SEMVER"}:
            events = tuple(Event(kind, _text(point)) for event in each["events"] for kind, point in event.items())
            ranges.append(events)
    versions = tuple(_text(each) for each in values.get("versions") or ())
    return Affected(normal(_text(values["package"]["name"])), tuple(ranges), versions, _severity(values))


def _severity(values: Mapping[str, Any]) -> str | None:
    """The gravest that the record says: by its vectors of CVSS 3, else in words."""
    specific = [values.get("database_specific") or {}, values.get("ecosystem_specific") or {}]
    words = [_WORDS.get(str(each.get("severity", "")).lower()) for each in specific if isinstance(each, Mapping)]
    scores = [cvss3(str(each.get("score", ""))) for each in values.get("severity") or ()]
    found = [level for level in (*words, *map(_level, scores)) if level]
    return min(found, key=LEVELS.index) if found else None


def _level(score: float | None) -> str | None:
    """The word for a score, by the table of CVSS 3.1, section 5."""
    if score is None:
        return None
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"


_VALUES: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def cvss3(vector: str) -> float | None:
    """The base score of a CVSS 3.0 or 3.1 vector (FIRST, specification 3.1, section 7.1); None for anything else."""
    if not re.match(r"CVSS:3\.[01]/", vector):
        return None
    parts = dict(part.split(":", 1) for part in vector.split("/")[1:] if ":" in part)
    try:
        changed = {"U": False, "C": True}[parts["S"]]
        harm = 1.0
        for name in ("C", "I", "A"):
            harm *= 1 - _VALUES["C"][parts[name]]
        base = 1 - harm
        ease = 8.22 * _PRIVILEGES[parts["S"]][parts["PR"]]
        for name in ("AV", "AC", "UI"):
            ease *= _VALUES[name][parts[name]]
    except KeyError:
        return None
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + ease), 10.0))


def _rounded_up(score: float) -> float:
    """Up to one decimal as appendix A of the specification rounds, without errors of binary fractions."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (math.floor(whole / 10_000) + 1) / 10


def _summary(value: object) -> str:
    return " ".join(value[:2000].split())[:200] if isinstance(value, str) else ""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("text")
    return value
